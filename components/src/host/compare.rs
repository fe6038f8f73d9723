//! Comparing the state that a handler leaves with the state that the page has, counting its size,
//! and in debug builds reading it back.

use serde_json::Value;

use super::{Host, input_messages, topics};
use crate::budget::Account;
use crate::component::AnyComponent;
use crate::error::NotRestored;
use crate::fault::guard_now;
use crate::saved::Saved;
use crate::tracking::{ADVICE, Changes, Resent, StateWriter, Tracker, not_reported};
use crate::{ActionError, ErrorCode, Result};

impl Host {
    /// Compares the component with the state that the page has, and counts its size. The result is
    /// what the page has from now on.
    ///
    /// # Errors
    /// Returns an error if the state cannot be written or, in debug builds, not be restored, or if
    /// a computed field panics, and `too_large` if the component would exceed its budget. The
    /// tracker is unchanged then.
    pub(super) fn compare(&mut self) -> Result<Changes> {
        compare(&mut self.tracker, &self.account, self.component.as_mut())
    }

    /// Reverts a comparison.
    pub(super) fn revert(&mut self, changes: Changes) {
        revert(&mut self.tracker, &self.account, changes);
    }
}

/// Compares a component with a tracker, and counts its size. The tracker has the new state from now
/// on.
///
/// # Errors
/// Returns the errors of [`Host::compare`].
pub(super) fn compare(
    tracker: &mut Tracker,
    account: &Account,
    component: &mut dyn AnyComponent,
) -> Result<Changes> {
    let compared = guard_now("comparing a component", || {
        input_messages::withdraw_outdated(component)?;
        Ok(tracker.changes(component)?)
    });
    let changes = compared.inspect_err(|error| {
        if error.code() == ErrorCode::Panicked {
            // A panic leaves it unknown how far the comparison came.
            tracker.forget();
        }
    })?;
    match read_back(component).and_then(|()| account.set(tracker.bytes())) {
        Ok(()) => {
            let component = component.spec().name;
            for Resent { field, bytes } in not_reported(component, &changes.resent) {
                tracing::warn!(component, field, bytes, "{ADVICE}");
            }
            Ok(changes)
        }
        Err(error) => {
            tracker.revert(changes);
            Err(error)
        }
    }
}

/// Reverts a comparison.
pub(super) fn revert(tracker: &mut Tracker, account: &Account, changes: Changes) {
    tracker.revert(changes);
    account.restore(tracker.bytes());
}

/// In debug builds: saves the component, reads every field back, and saves it again. A type whose
/// serde does not round-trip would lose its state with the next restart; so the handler that stores
/// such a value fails.
pub(super) fn read_back(component: &mut dyn AnyComponent) -> Result {
    if !cfg!(debug_assertions) {
        return Ok(());
    }
    guard_now("reading back what is saved", || {
        let json = topics::save(component)?;
        let saved = Saved::read(json.as_bytes())?;
        for field in component.spec().fields.iter().filter(|field| field.kind.is_saved()) {
            let Some(raw) = saved.get(field.name) else { continue };
            let mut again = StateWriter::default();
            component.reread(field.name, raw, &mut again).map_err(|source| {
                ActionError::from(NotRestored::Unreadable {
                    field: field.name,
                    saved: shortened(raw.get()),
                    source,
                })
            })?;
            let again = again.finish();
            let again = Saved::read(again.as_bytes())?;
            let Some(back) = again.get(field.name) else { continue };
            if back.get() != raw.get()
                && !is_same(&serde_json::from_str(raw.get())?, &serde_json::from_str(back.get())?)
            {
                let (saved, back) = (shortened(raw.get()), shortened(back.get()));
                return Err(NotRestored::Different { field: field.name, saved, back }.into());
            }
        }
        Ok(())
    })
}

/// Returns whether two values have the same content. Hash maps and sets are written in an arbitrary
/// order, and a set is an array in JSON, so the order of arrays is ignored.
fn is_same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(name, value)| other.get(name).is_some_and(|same| is_same(value, same)))
        }
        (Value::Array(one), Value::Array(other)) => {
            if one.len() != other.len() {
                return false;
            }
            let in_order = one.iter().zip(other).all(|(a, b)| is_same(a, b));
            in_order || {
                let mut left: Vec<&Value> = other.iter().collect();
                one.iter().all(|value| {
                    let found = left.iter().position(|same| is_same(value, same));
                    found.map(|at| left.swap_remove(at)).is_some()
                })
            }
        }
        (one, other) => one == other,
    }
}

/// Returns the beginning of a text, for the log.
fn shortened(json: &str) -> String {
    const MOST: usize = 64;
    match json.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", json.get(..end).unwrap_or_default()),
        None => json.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn order_counts_neither_in_objects_nor_in_arrays() {
        assert!(is_same(
            &json!({"a": [1, {"x": [2, 3]}], "b": 1}),
            &json!({"b": 1, "a": [{"x": [3, 2]}, 1]})
        ));
        for (one, other) in [
            (json!([1, 1, 2]), json!([1, 2, 2])),
            (json!([1]), json!([1, 1])),
            (json!({"a": 1}), json!({"a": 1, "b": 2})),
            (json!({"a": 1}), json!({"b": 1})),
            (json!({"a": null}), json!({"b": null})),
            (json!(1), json!("1")),
            (json!(1), json!(1.5)),
        ] {
            assert!(!is_same(&one, &other) && !is_same(&other, &one), "{one} {other}");
        }
    }
}
