//! Decides about one stored component: it is restored, set aside or dropped.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::value::RawValue;
use vivaz_components::instance::Instance;
use vivaz_components::{ActionError, Decoded, MountContext, Registration, RestoreFailure};
use vivaz_protocol::ComponentId;

use crate::persist::store::StoredComponent;
use crate::session::child::MountedBy;
use crate::session::supervisor::Supervisor;
use crate::telemetry::log::{Escaped, Quoted};

/// The stored rows of one id.
pub(super) struct Rows {
    /// The component that runs.
    live: Option<StoredComponent>,
    /// The components that are set aside.
    aside: Vec<StoredComponent>,
}

/// The outcome for one id.
pub(super) struct Revived {
    pub(super) id: String,
    /// The restored component, if there is one.
    pub(super) back: Option<Box<Back>>,
    /// The components that are set aside from now on.
    pub(super) aside: Vec<StoredComponent>,
    /// Whether the outcome differs from the store.
    pub(super) is_moved: bool,
}

/// A restored component.
pub(super) struct Back {
    pub(super) id: ComponentId,
    pub(super) mounted_by: MountedBy,
    pub(super) stored: StoredComponent,
    pub(super) registration: Registration,
    pub(super) instance: Box<dyn Instance>,
    pub(super) how: How,
}

/// How a component was restored.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum How {
    /// With its stored state.
    Whole,
    /// With a state that the page needs anew: migrated from another schema, or swapped in from
    /// aside.
    Changed,
    /// Mounted anew with its stored props.
    Anew,
}

/// The parameters of a restore.
pub(super) struct Revival<'a> {
    pub(super) supervisor: &'a Arc<Supervisor>,
    pub(super) cx: MountContext,
    /// Whether the session could not be restored for so long that failing components are set aside,
    /// to restore the others.
    pub(super) is_overdue: bool,
}

/// Groups rows by their ids.
pub(super) fn by_id(components: Vec<StoredComponent>, aside: Vec<StoredComponent>) -> BTreeMap<String, Rows> {
    let mut rows: BTreeMap<String, Rows> = BTreeMap::new();
    for row in aside {
        let id = row.id.clone();
        rows.entry(id).or_insert_with(|| Rows { live: None, aside: Vec::new() }).aside.push(row);
    }
    for row in components {
        let id = row.id.clone();
        rows.entry(id).or_insert_with(|| Rows { live: None, aside: Vec::new() }).live = Some(row);
    }
    rows
}

/// The outcome for one row.
enum Outcome {
    Back(Box<Back>),
    /// The user may not see the component.
    Refused,
    /// This program cannot use the row.
    Unusable(ActionError),
    /// The restore failed, and may succeed later.
    Failed(ActionError),
}

impl Revival<'_> {
    /// Restores the component of one id. `page` tells whether the page has a component with this
    /// id.
    ///
    /// A row is left out of the result only if the user may not see the component. Every other row
    /// is restored or set aside.
    ///
    /// # Errors
    /// Returns an error if the restore failed and may succeed later.
    pub(super) async fn revive(
        &self,
        id: String,
        rows: Rows,
        is_shown: bool,
    ) -> Result<Revived, ActionError> {
        let Rows { live, mut aside } = rows;
        let kept = |aside, is_moved| Revived { id: id.clone(), back: None, aside, is_moved };
        let may_swap = live.as_ref().map_or(is_shown, |live| live.anew);
        if may_swap && let Some(at) = aside.iter().rposition(|row| !row.anew && self.is_of_this_schema(row)) {
            // The original replaces the component that was mounted anew. The last one is the
            // newest.
            let original = aside.remove(at);
            match self.restore(&original).await {
                Outcome::Back(back) => return Ok(self.swap(back, live, aside)),
                Outcome::Refused => return Ok(kept(without(aside, &original.name), true)),
                Outcome::Failed(error) if !self.is_overdue => return Err(error),
                Outcome::Failed(_) | Outcome::Unusable(_) => aside.insert(at, original),
            }
        }
        let Some(live) = live else { return Ok(kept(aside, false)) };
        match self.restore(&live).await {
            Outcome::Back(back) => Ok(Revived { id, back: Some(back), aside, is_moved: false }),
            Outcome::Refused => Ok(kept(without(aside, &live.name), true)),
            Outcome::Failed(error) if !self.is_overdue => Err(error),
            Outcome::Failed(error) => {
                let (name, error) = (Quoted(&live.name), Escaped(&error));
                tracing::error!(%name, %error, "cannot restore a component for too long; it is set aside");
                aside.push(live);
                Ok(kept(aside, true))
            }
            Outcome::Unusable(error) => {
                let (name, error) = (Quoted(&live.name), Escaped(&error));
                tracing::warn!(%name, %error, "this program cannot use a stored component; it is set aside");
                self.replace(id, live, aside).await
            }
        }
    }

    /// Replaces a row that this program cannot use: by one that it had mounted anew before, or by
    /// mounting anew.
    async fn replace(
        &self,
        id: String,
        live: StoredComponent,
        mut aside: Vec<StoredComponent>,
    ) -> Result<Revived, ActionError> {
        if let Some(at) = aside.iter().position(|row| row.anew && self.is_of_this_schema(row)) {
            // A row that this program mounted anew before.
            let former = aside.remove(at);
            match self.restore(&former).await {
                Outcome::Back(back) => return Ok(self.swap(back, Some(live), aside)),
                Outcome::Failed(error) if !self.is_overdue => return Err(error),
                Outcome::Failed(_) | Outcome::Unusable(_) | Outcome::Refused => aside.insert(at, former),
            }
        }
        let back = match self.mount_anew(&live).await {
            Some(Ok(back)) => Some(back),
            Some(Err(RestoreFailure::Temporary(error))) if !self.is_overdue => return Err(error),
            Some(Err(failure)) => {
                let (name, failure) = (Quoted(&live.name), Escaped(&failure));
                tracing::warn!(%name, %failure, "cannot mount a stored component anew");
                None
            }
            None => None,
        };
        keep_aside(&mut aside, live);
        Ok(Revived { id, back, aside, is_moved: true })
    }

    /// Creates a component from a row.
    async fn restore(&self, row: &StoredComponent) -> Outcome {
        let Some(registration) = self.supervisor.core().registry.get(&row.name).copied() else {
            return Outcome::Unusable(ActionError::internal("this program has no component of this name"));
        };
        let (id, mounted_by) = match address(row) {
            Ok(address) => address,
            Err(error) => return Outcome::Unusable(error),
        };
        match registration.restore(&row.state, row.schema, self.cx.clone()).await {
            Ok(decoded) => {
                let how = match decoded {
                    Decoded::AsSaved(_) => How::Whole,
                    Decoded::Migrated(_) => How::Changed,
                };
                let instance = decoded.into_instance();
                let stored = row.clone();
                Outcome::Back(Box::new(Back { id, mounted_by, stored, registration, instance, how }))
            }
            Err(RestoreFailure::Refused(error)) => {
                let (name, error) = (Quoted(&row.name), Escaped(&error));
                tracing::debug!(%name, %error, "the user may not see a stored component any more");
                Outcome::Refused
            }
            Err(RestoreFailure::Undecodable(error)) => Outcome::Unusable(error),
            Err(RestoreFailure::Temporary(error)) => Outcome::Failed(error),
        }
    }

    /// Mounts a component anew with the props of a row. Returns `None` if this program has no such
    /// component.
    async fn mount_anew(&self, row: &StoredComponent) -> Option<Result<Box<Back>, RestoreFailure>> {
        let registration = *self.supervisor.core().registry.get(&row.name)?;
        let (id, mounted_by) = address(row).ok()?;
        let props = serde_json::from_str::<&RawValue>(&row.props);
        let props = match props {
            Ok(props) => props,
            Err(error) => return Some(Err(RestoreFailure::Undecodable(error.into()))),
        };
        Some(match registration.mount(props, self.cx.clone()).await {
            Ok(mut instance) => {
                instance.recall_presences(&row.state);
                let stored = StoredComponent { anew: true, ..row.clone() };
                let how = How::Anew;
                Ok(Box::new(Back { id, mounted_by, stored, registration, instance, how }))
            }
            Err(error) => Err(RestoreFailure::of_decoded(error)),
        })
    }

    /// Restores a row that was set aside, and sets the one that ran aside in its place.
    fn swap(
        &self,
        mut back: Box<Back>,
        live: Option<StoredComponent>,
        mut aside: Vec<StoredComponent>,
    ) -> Revived {
        let row = &mut back.stored;
        tracing::warn!(id = row.id, name = %Quoted(&row.name), "a component that was set aside is restored");
        if let Some(live) = live {
            row.version = row.version.max(live.version);
            row.settled = row.settled.max(live.settled);
            keep_aside(&mut aside, live);
        }
        back.how = How::Changed;
        Revived { id: row.id.clone(), back: Some(back), aside, is_moved: true }
    }

    /// Checks whether this program has the component with the schema of the row.
    fn is_of_this_schema(&self, row: &StoredComponent) -> bool {
        let registration = self.supervisor.core().registry.get(&row.name);
        registration.is_some_and(|registration| registration.spec.schema() == row.schema)
    }
}

/// Sets a row aside. Of rows that were mounted anew, only the last one of each name and schema is
/// kept.
fn keep_aside(aside: &mut Vec<StoredComponent>, row: StoredComponent) {
    let is_older =
        |one: &StoredComponent| one.anew && row.anew && one.name == row.name && one.schema == row.schema;
    aside.retain(|one| !is_older(one));
    aside.push(row);
}

/// Drops the rows of a component name.
fn without(mut aside: Vec<StoredComponent>, name: &str) -> Vec<StoredComponent> {
    aside.retain(|row| row.name != name);
    aside
}

/// Returns the id of a row's component, and how it was mounted.
///
/// # Errors
/// Returns an error if an id is not valid.
fn address(row: &StoredComponent) -> Result<(ComponentId, MountedBy), ActionError> {
    Ok((ComponentId::new(&row.id)?, MountedBy::restore(&row.origin, &row.props)?))
}

/// Sets components aside whose parents are set aside.
pub(super) fn follow_parents(revived: &mut [Revived]) {
    loop {
        let is_aside = |id: &ComponentId, all: &[Revived]| {
            all.iter().any(|one| one.id == id.as_str() && one.back.is_none() && !one.aside.is_empty())
        };
        let next = revived.iter().position(|one| {
            let link = one.back.as_ref().and_then(|back| back.mounted_by.link());
            link.is_some_and(|link| is_aside(&link.parent, revived))
        });
        let Some(one) = next.and_then(|at| revived.get_mut(at)) else { return };
        if let Some(back) = one.back.take().filter(|back| back.how != How::Anew) {
            keep_aside(&mut one.aside, back.stored);
        }
        one.is_moved = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::persist::store::StoredOrigin;

    fn row(name: &str, schema: u64, anew: bool, version: u64) -> StoredComponent {
        StoredComponent {
            id: "c".into(),
            name: name.into(),
            schema,
            template: String::new(),
            origin: StoredOrigin::Open,
            props: "{}".into(),
            state: Vec::new(),
            epoch: "e".into(),
            rev: 0,
            version,
            settled: 0,
            durable: false,
            anew,
            rooms: Vec::new(),
            connected: true,
            shown: None,
        }
    }

    fn versions(rows: &[StoredComponent]) -> Vec<u64> {
        rows.iter().map(|row| row.version).collect()
    }

    #[test]
    fn of_what_was_mounted_anew_the_last_one_of_each_component_and_schema_is_kept() {
        let mut aside =
            vec![row("a", 1, false, 1), row("a", 1, true, 2), row("a", 2, true, 3), row("b", 1, true, 4)];
        keep_aside(&mut aside, row("a", 1, false, 5));
        assert_eq!(versions(&aside), [1, 2, 3, 4, 5]);
        keep_aside(&mut aside, row("a", 1, true, 6));
        assert_eq!(versions(&aside), [1, 3, 4, 5, 6]);
    }

    #[test]
    fn what_the_user_may_not_see_is_dropped_with_what_is_kept_of_it_alone() {
        let aside = vec![row("a", 1, false, 1), row("b", 1, false, 2), row("a", 2, true, 3)];
        assert_eq!(versions(&without(aside, "a")), [2]);
    }
}
