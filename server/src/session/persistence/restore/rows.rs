//! Decides about one stored component: it is restored, set aside or dropped.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::value::RawValue;
use vivaz_components::instance::Instance;
use vivaz_components::{ActionError, Decoded, MountContext, Registration, RestoreFailure};
use vivaz_protocol::ComponentId;

use crate::persist::store::StoredComponent;
use crate::session::child::MountedBy;
use crate::session::sessions::supervisor::Supervisor;
use crate::telemetry::log::{Escaped, Quoted};

/// The stored rows of one id.
pub(super) struct StoredRows {
    /// The component that runs.
    live: Option<StoredComponent>,
    /// The components that are set aside.
    aside: Vec<StoredComponent>,
}

/// The outcome for one id.
pub(super) struct RowsOutcome {
    pub(super) id: String,
    /// The restored component, if there is one.
    pub(super) restored: Option<Box<RestoredComponent>>,
    /// The components that are set aside from now on.
    pub(super) aside: Vec<StoredComponent>,
    /// Whether the outcome differs from the store.
    pub(super) differs: bool,
}

/// A restored component.
pub(super) struct RestoredComponent {
    pub(super) id: ComponentId,
    pub(super) mounted_by: MountedBy,
    pub(super) stored: StoredComponent,
    pub(super) registration: Registration,
    pub(super) instance: Box<dyn Instance>,
    pub(super) how: RestoredAs,
}

/// Whether the page has a component with an id.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum PageCopy {
    /// The page has one.
    Present,
    /// The page has none.
    Absent,
}

/// How a component was restored.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum RestoredAs {
    /// With its stored state.
    Unchanged,
    /// With a state that the page needs anew: migrated from another schema, or swapped in from
    /// aside.
    Changed,
    /// Mounted anew with its stored props.
    Remounted,
}

/// The parameters of a restore.
pub(super) struct Restorer<'a> {
    pub(super) supervisor: &'a Arc<Supervisor>,
    pub(super) cx: MountContext,
    /// Whether the session could not be restored for so long that failing components are set aside,
    /// to restore the others.
    pub(super) is_overdue: bool,
}

/// Groups rows by their ids.
pub(super) fn group_by_id(
    components: Vec<StoredComponent>,
    aside: Vec<StoredComponent>,
) -> BTreeMap<String, StoredRows> {
    let mut rows: BTreeMap<String, StoredRows> = BTreeMap::new();
    for row in aside {
        let id = row.id.clone();
        rows.entry(id).or_insert_with(|| StoredRows { live: None, aside: Vec::new() }).aside.push(row);
    }
    for row in components {
        let id = row.id.clone();
        rows.entry(id).or_insert_with(|| StoredRows { live: None, aside: Vec::new() }).live = Some(row);
    }
    rows
}

/// The outcome for one row.
enum RowOutcome {
    Restored(Box<RestoredComponent>),
    /// The user may not see the component.
    Refused,
    /// This program cannot use the row.
    Unusable(ActionError),
    /// The restore failed, and may succeed later.
    Failed(ActionError),
}

impl Restorer<'_> {
    /// Restores the component of one id. `copy` is whether the page has a component with this
    /// id.
    ///
    /// A row is left out of the result only if the user may not see the component. Every other row
    /// is restored or set aside.
    ///
    /// # Errors
    /// Returns an error if the restore failed and may succeed later.
    pub(super) async fn restore_rows(
        &self,
        id: String,
        rows: StoredRows,
        copy: PageCopy,
    ) -> Result<RowsOutcome, ActionError> {
        let StoredRows { live, mut aside } = rows;
        let without_component =
            |aside, differs| RowsOutcome { id: id.clone(), restored: None, aside, differs };
        let may_swap = live.as_ref().map_or(copy == PageCopy::Present, |live| live.anew);
        if may_swap && let Some(at) = aside.iter().rposition(|row| !row.anew && self.has_current_schema(row))
        {
            // The original replaces the component that was mounted anew. The last one is the
            // newest.
            let original = aside.remove(at);
            match self.restore_row(&original).await {
                RowOutcome::Restored(restored) => return Ok(self.swap_in(restored, live, aside)),
                RowOutcome::Refused => return Ok(without_component(drop_named(aside, &original.name), true)),
                RowOutcome::Failed(error) if !self.is_overdue => return Err(error),
                RowOutcome::Failed(_) | RowOutcome::Unusable(_) => aside.insert(at, original),
            }
        }
        let Some(live) = live else { return Ok(without_component(aside, false)) };
        match self.restore_row(&live).await {
            RowOutcome::Restored(restored) => {
                Ok(RowsOutcome { id, restored: Some(restored), aside, differs: false })
            }
            RowOutcome::Refused => Ok(without_component(drop_named(aside, &live.name), true)),
            RowOutcome::Failed(error) if !self.is_overdue => Err(error),
            RowOutcome::Failed(error) => {
                let (name, error) = (Quoted(&live.name), Escaped(&error));
                tracing::error!(%name, %error, "cannot restore a component for too long; it is set aside");
                aside.push(live);
                Ok(without_component(aside, true))
            }
            RowOutcome::Unusable(error) => {
                let (name, error) = (Quoted(&live.name), Escaped(&error));
                tracing::warn!(%name, %error, "this program cannot use a stored component; it is set aside");
                self.replace_row(id, live, aside).await
            }
        }
    }

    /// Replaces a row that this program cannot use: by one that it had mounted anew before, or by
    /// mounting anew.
    async fn replace_row(
        &self,
        id: String,
        live: StoredComponent,
        mut aside: Vec<StoredComponent>,
    ) -> Result<RowsOutcome, ActionError> {
        if let Some(at) = aside.iter().position(|row| row.anew && self.has_current_schema(row)) {
            // A row that this program mounted anew before.
            let former = aside.remove(at);
            match self.restore_row(&former).await {
                RowOutcome::Restored(restored) => return Ok(self.swap_in(restored, Some(live), aside)),
                RowOutcome::Failed(error) if !self.is_overdue => return Err(error),
                RowOutcome::Failed(_) | RowOutcome::Unusable(_) | RowOutcome::Refused => {
                    aside.insert(at, former);
                }
            }
        }
        let restored = match self.mount_anew(&live).await {
            Some(Ok(restored)) => Some(restored),
            Some(Err(RestoreFailure::Temporary(error))) if !self.is_overdue => return Err(error),
            Some(Err(failure)) => {
                let (name, failure) = (Quoted(&live.name), Escaped(&failure));
                tracing::warn!(%name, %failure, "cannot mount a stored component anew");
                None
            }
            None => None,
        };
        set_row_aside(&mut aside, live);
        Ok(RowsOutcome { id, restored, aside, differs: true })
    }

    /// Creates a component from a row.
    async fn restore_row(&self, row: &StoredComponent) -> RowOutcome {
        let Some(registration) = self.supervisor.core().registry.get(&row.name).copied() else {
            return RowOutcome::Unusable(ActionError::internal("this program has no component of this name"));
        };
        let (id, mounted_by) = match identity_of(row) {
            Ok(identity) => identity,
            Err(error) => return RowOutcome::Unusable(error),
        };
        match registration.restore(&row.state, row.schema, self.cx.clone()).await {
            Ok(decoded) => {
                let how = match decoded {
                    Decoded::AsSaved(_) => RestoredAs::Unchanged,
                    Decoded::Migrated(_) => RestoredAs::Changed,
                };
                let instance = decoded.into_instance();
                let stored = row.clone();
                RowOutcome::Restored(Box::new(RestoredComponent {
                    id,
                    mounted_by,
                    stored,
                    registration,
                    instance,
                    how,
                }))
            }
            Err(RestoreFailure::Refused(error)) => {
                let (name, error) = (Quoted(&row.name), Escaped(&error));
                tracing::debug!(%name, %error, "the user may not see a stored component any more");
                RowOutcome::Refused
            }
            Err(RestoreFailure::Undecodable(error)) => RowOutcome::Unusable(error),
            Err(RestoreFailure::Temporary(error)) => RowOutcome::Failed(error),
        }
    }

    /// Mounts a component anew with the props of a row. Returns `None` if this program has no such
    /// component.
    async fn mount_anew(
        &self,
        row: &StoredComponent,
    ) -> Option<Result<Box<RestoredComponent>, RestoreFailure>> {
        let registration = *self.supervisor.core().registry.get(&row.name)?;
        let (id, mounted_by) = identity_of(row).ok()?;
        let props = serde_json::from_str::<&RawValue>(&row.props);
        let props = match props {
            Ok(props) => props,
            Err(error) => return Some(Err(RestoreFailure::Undecodable(error.into()))),
        };
        Some(match registration.mount(props, self.cx.clone()).await {
            Ok(mut instance) => {
                instance.recall_presences(&row.state);
                let stored = StoredComponent { anew: true, ..row.clone() };
                let how = RestoredAs::Remounted;
                Ok(Box::new(RestoredComponent { id, mounted_by, stored, registration, instance, how }))
            }
            Err(error) => Err(RestoreFailure::of_decoded(error)),
        })
    }

    /// Restores a row that was set aside, and sets the one that ran aside in its place.
    fn swap_in(
        &self,
        mut restored: Box<RestoredComponent>,
        live: Option<StoredComponent>,
        mut aside: Vec<StoredComponent>,
    ) -> RowsOutcome {
        let row = &mut restored.stored;
        tracing::warn!(id = row.id, name = %Quoted(&row.name), "a component that was set aside is restored");
        if let Some(live) = live {
            row.version = row.version.max(live.version);
            row.settled = row.settled.max(live.settled);
            set_row_aside(&mut aside, live);
        }
        restored.how = RestoredAs::Changed;
        RowsOutcome { id: row.id.clone(), restored: Some(restored), aside, differs: true }
    }

    /// Checks whether this program has the component with the schema of the row.
    fn has_current_schema(&self, row: &StoredComponent) -> bool {
        let registration = self.supervisor.core().registry.get(&row.name);
        registration.is_some_and(|registration| registration.spec.schema() == row.schema)
    }
}

/// Sets a row aside. Of the rows that were mounted anew, only the newest one of each name and
/// schema is kept.
fn set_row_aside(aside: &mut Vec<StoredComponent>, row: StoredComponent) {
    let is_older =
        |one: &StoredComponent| one.anew && row.anew && one.name == row.name && one.schema == row.schema;
    aside.retain(|one| !is_older(one));
    aside.push(row);
}

/// Drops the rows of a component name.
fn drop_named(mut aside: Vec<StoredComponent>, name: &str) -> Vec<StoredComponent> {
    aside.retain(|row| row.name != name);
    aside
}

/// Returns the id of a row's component, and how it was mounted.
///
/// # Errors
/// Returns an error if an id is not valid.
fn identity_of(row: &StoredComponent) -> Result<(ComponentId, MountedBy), ActionError> {
    Ok((ComponentId::new(&row.id)?, MountedBy::from_stored(&row.origin, &row.props)?))
}

/// Sets components aside whose parents are set aside.
pub(super) fn set_aside_with_parents(outcomes: &mut [RowsOutcome]) {
    loop {
        let is_aside = |id: &ComponentId, all: &[RowsOutcome]| {
            all.iter().any(|one| one.id == id.as_str() && one.restored.is_none() && !one.aside.is_empty())
        };
        let next = outcomes.iter().position(|one| {
            let link = one.restored.as_ref().and_then(|restored| restored.mounted_by.link());
            link.is_some_and(|link| is_aside(&link.parent, outcomes))
        });
        let Some(one) = next.and_then(|at| outcomes.get_mut(at)) else { return };
        if let Some(restored) = one.restored.take().filter(|restored| restored.how != RestoredAs::Remounted) {
            set_row_aside(&mut one.aside, restored.stored);
        }
        one.differs = true;
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
    fn the_last_remounted_row_of_each_component_and_schema_is_kept() {
        let mut aside =
            vec![row("a", 1, false, 1), row("a", 1, true, 2), row("a", 2, true, 3), row("b", 1, true, 4)];
        set_row_aside(&mut aside, row("a", 1, false, 5));
        assert_eq!(versions(&aside), [1, 2, 3, 4, 5]);
        set_row_aside(&mut aside, row("a", 1, true, 6));
        assert_eq!(versions(&aside), [1, 3, 4, 5, 6]);
    }

    #[test]
    fn rows_of_a_forbidden_component_are_dropped() {
        let aside = vec![row("a", 1, false, 1), row("b", 1, false, 2), row("a", 2, true, 3)];
        assert_eq!(versions(&drop_named(aside, "a")), [2]);
    }
}
