//! Fields that come from outside: what a page edits, what a parent gives.

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use vivaz_protocol::ErrorCode;

use super::Host;
use crate::args::without_place;
use crate::component::Component;
use crate::fault::guard_now;
use crate::spec::Spec;
use crate::{ActionError, Result};

/// Fields with their new values.
pub(super) type Edits = Vec<(String, Box<RawValue>)>;

/// Returns the names of the fields.
pub(super) fn names(edits: Edits) -> Vec<String> {
    edits.into_iter().map(|(name, _)| name).collect()
}

impl Host {
    /// Writes edits of the page, all or none.
    pub(super) fn write(&mut self, edits: &Edits) -> Result {
        let mut draft = self.component.copy()?;
        for (name, value) in edits {
            may_edit(self.component.spec(), name)?;
            guard_now("decoding a field", || {
                draft.assign(name, value).map_err(|error| {
                    ActionError::new(ErrorCode::BadValue, format!("`{name}`: {}", without_place(&error)))
                })
            })?;
        }
        self.unedited = Some(std::mem::replace(&mut self.component, draft));
        Ok(())
    }

    /// The component with props of the parent, all or none. Those that are not given stay.
    pub(super) fn with_props(&self, props: &RawValue) -> Result<Box<dyn Component>> {
        let bad = |message: String| ActionError::new(ErrorCode::BadProps, message);
        let given: BTreeMap<String, Box<RawValue>> =
            serde_json::from_str(props.get()).map_err(|error| bad(without_place(&error)))?;
        let mut draft = self.component.draft()?;
        for (name, value) in &given {
            if !self.component.spec().field(name).is_some_and(|field| field.prop) {
                return Err(bad(format!("there is no prop `{name}`")));
            }
            guard_now("decoding a prop", || {
                draft.assign(name, value).map_err(|error| bad(format!("`{name}`: {}", without_place(&error))))
            })?;
        }
        Ok(draft)
    }
}

/// A private field is as unknown to a page as one that does not exist.
fn may_edit(spec: &Spec, name: &str) -> Result {
    match spec.field(name) {
        Some(field) if field.model => Ok(()),
        Some(field) if field.kind.is_readable() => Err(read_only(name)),
        None if spec.computed.contains(&name) => Err(read_only(name)),
        Some(_) | None => Err(ActionError::new(
            ErrorCode::UnknownProperty,
            format!("`{}` has no field `{name}`", spec.name),
        )),
    }
}

fn read_only(name: &str) -> ActionError {
    ActionError::new(ErrorCode::ReadOnlyProperty, format!("`{name}` is not the page's to write"))
}
