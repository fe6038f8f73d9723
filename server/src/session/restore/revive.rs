//! What becomes of one stored component: it comes back, is kept aside, or goes.

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

/// What is stored under one id.
pub(super) struct Rows {
    /// The component that runs.
    live: Option<StoredComponent>,
    /// What is kept aside.
    aside: Vec<StoredComponent>,
}

/// What became of it.
pub(super) struct Revived {
    pub(super) id: String,
    /// The component, if it comes back.
    pub(super) back: Option<Box<Back>>,
    /// What is kept aside from now on.
    pub(super) aside: Vec<StoredComponent>,
    /// Whether that is something else than is stored.
    pub(super) is_moved: bool,
}

/// A component as it comes back.
pub(super) struct Back {
    pub(super) id: ComponentId,
    pub(super) mounted_by: MountedBy,
    pub(super) stored: StoredComponent,
    pub(super) registration: Registration,
    pub(super) instance: Box<dyn Instance>,
    pub(super) how: How,
}

/// How it came back.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum How {
    /// As it was.
    Whole,
    /// As something that the page has to be told: of another schema, or mounted anew.
    Changed,
    /// Mounted anew.
    Anew,
}

/// What a component is restored with.
pub(super) struct Revival<'a> {
    pub(super) supervisor: &'a Arc<Supervisor>,
    pub(super) cx: MountContext,
    /// Whether the session could not be restored for so long that components which fail are kept
    /// aside, so that the others come back.
    pub(super) is_overdue: bool,
}

/// Puts together what has the same id.
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

/// What a row came to.
enum Outcome {
    Back(Box<Back>),
    /// The user may not see it.
    Refused,
    /// It is of no use to this program.
    Unusable(ActionError),
    /// It failed, and may succeed the next time.
    Failed(ActionError),
}

impl Revival<'_> {
    /// Restores a component. `is_shown` tells whether the page has one of that id.
    ///
    /// Nothing is lost by what this decides: a row is left out of the result only when the user may
    /// not see the component.
    ///
    /// # Errors
    /// When it failed and may succeed the next time.
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
            // The original comes back in place of what was mounted anew. The last one is the newest.
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
                tracing::error!(%name, %error, "a stored component could not be restored for too long: kept aside");
                aside.push(live);
                Ok(kept(aside, true))
            }
            Outcome::Unusable(error) => {
                let (name, error) = (Quoted(&live.name), Escaped(&error));
                tracing::warn!(%name, %error, "a stored component cannot be used by this program: kept aside");
                self.replace(id, live, aside).await
            }
        }
    }

    /// Finds something in place of a row that this program cannot use.
    async fn replace(
        &self,
        id: String,
        live: StoredComponent,
        mut aside: Vec<StoredComponent>,
    ) -> Result<Revived, ActionError> {
        if let Some(at) = aside.iter().position(|row| row.anew && self.is_of_this_schema(row)) {
            // What this program had mounted anew before.
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
                tracing::warn!(%name, %failure, "a stored component does not come back");
                None
            }
            None => None,
        };
        keep_aside(&mut aside, live);
        Ok(Revived { id, back, aside, is_moved: true })
    }

    /// Makes a component of a row.
    async fn restore(&self, row: &StoredComponent) -> Outcome {
        let Some(registration) = self.supervisor.core().registry.get(&row.name).copied() else {
            return Outcome::Unusable(ActionError::internal("this program has no such component"));
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
                tracing::debug!(%name, %error, "a stored component may not be shown any more");
                Outcome::Refused
            }
            Err(RestoreFailure::Undecodable(error)) => Outcome::Unusable(error),
            Err(RestoreFailure::Temporary(error)) => Outcome::Failed(error),
        }
    }

    /// Mounts a component anew with the props of a row. `None` if this program has no such component.
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

    /// A row that was kept aside comes back, and the one that ran is kept in its place.
    fn swap(
        &self,
        mut back: Box<Back>,
        live: Option<StoredComponent>,
        mut aside: Vec<StoredComponent>,
    ) -> Revived {
        let row = &mut back.stored;
        tracing::warn!(id = row.id, name = %Quoted(&row.name), "a component that was kept aside is restored");
        if let Some(live) = live {
            row.version = row.version.max(live.version);
            row.settled = row.settled.max(live.settled);
            keep_aside(&mut aside, live);
        }
        back.how = How::Changed;
        Revived { id: row.id.clone(), back: Some(back), aside, is_moved: true }
    }

    fn is_of_this_schema(&self, row: &StoredComponent) -> bool {
        let registration = self.supervisor.core().registry.get(&row.name);
        registration.is_some_and(|registration| registration.spec.schema() == row.schema)
    }
}

/// Keeps a row aside. Of those that were mounted anew, the last one of each schema is kept.
fn keep_aside(aside: &mut Vec<StoredComponent>, row: StoredComponent) {
    let is_older =
        |one: &StoredComponent| one.anew && row.anew && one.name == row.name && one.schema == row.schema;
    aside.retain(|one| !is_older(one));
    aside.push(row);
}

/// Drops what is kept of the component of that name.
fn without(mut aside: Vec<StoredComponent>, name: &str) -> Vec<StoredComponent> {
    aside.retain(|row| row.name != name);
    aside
}

/// Which component a row is of, and how it was mounted.
fn address(row: &StoredComponent) -> Result<(ComponentId, MountedBy), ActionError> {
    Ok((ComponentId::new(&row.id)?, MountedBy::restore(&row.origin, &row.props)?))
}

/// Keeps components aside whose parents are.
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
