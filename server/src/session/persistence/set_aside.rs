//! Components that are set aside: stored, and not run.

use std::collections::HashSet;
use std::sync::Arc;

use vivaz_components::{Account, Budget};
use vivaz_protocol::{ComponentId, TopicName};

use crate::persist::store::StoredComponent;
use crate::session::Session;
use crate::session::component::{InstanceSlot, SessionComponent};
use crate::session::persistence::save::save_instance;

/// Stored components that are not run: this program has no such component, cannot decode its state,
/// or could not authorize one of its topics for too long. They count against the session's budget.
#[derive(Default)]
pub(in crate::session) struct SetAsideComponents {
    rows: Vec<StoredComponent>,
    account: Option<Account>,
}

impl SetAsideComponents {
    /// Returns the stored components.
    pub(in crate::session) fn rows(&self) -> &[StoredComponent] {
        &self.rows
    }

    /// Adds stored components.
    pub(in crate::session) fn add(
        &mut self,
        rows: impl IntoIterator<Item = StoredComponent>,
        budget: &Arc<Budget>,
    ) {
        self.rows.extend(rows);
        self.update_account(budget);
    }

    /// Drops the rows of a removed component.
    pub(in crate::session) fn remove(&mut self, id: &ComponentId, name: &str, budget: &Arc<Budget>) {
        self.rows.retain(|row| row.id != id.as_str() || row.name != name);
        self.update_account(budget);
    }

    /// Drops all rows of an id. Returns whether there were any.
    fn remove_all(&mut self, id: &ComponentId, budget: &Arc<Budget>) -> bool {
        let before = self.rows.len();
        self.rows.retain(|row| row.id != id.as_str());
        self.update_account(budget);
        self.rows.len() < before
    }

    /// Updates the bytes that count against the budget.
    fn update_account(&mut self, budget: &Arc<Budget>) {
        let bytes = self.rows.iter().map(|row| row.state.len()).sum();
        self.account = (bytes > 0).then(|| budget.known(bytes));
    }
}

impl Session {
    /// Drops all rows of an id that the page unmounts, if no component is mounted with it.
    pub(in crate::session) fn remove_set_aside(&mut self, id: &ComponentId) {
        let is_there = self.components.contains_key(id) || self.waiting_mount(id).is_some();
        if !is_there && self.set_aside.remove_all(id, &self.budget) {
            // The store has the rows until the session is written whole.
            self.persistence.require_whole();
            self.mark_changed();
        }
    }

    /// Sets the components aside that show one of these topics, and their children. Their hooks are
    /// not called. Returns `false` without a change if one of them runs a handler or cannot be
    /// saved.
    pub(crate) fn set_aside_components(&mut self, topics: &HashSet<TopicName>) -> bool {
        let shows = |one: &SessionComponent| one.topics.iter().any(|(_, name)| topics.contains(name));
        let mut ids: HashSet<ComponentId> =
            self.components.iter().filter(|(_, one)| shows(one)).map(|(id, _)| id.clone()).collect();
        loop {
            let is_child =
                |one: &SessionComponent| one.mounted_by.link().is_some_and(|link| ids.contains(&link.parent));
            let children = self.components.iter().filter(|(id, one)| !ids.contains(*id) && is_child(one));
            let children: Vec<ComponentId> = children.map(|(id, _)| id.clone()).collect();
            if children.is_empty() {
                break;
            }
            ids.extend(children);
        }
        let supervisor = Arc::clone(&self.supervisor);
        let mut rows = Vec::new();
        for id in &ids {
            let Some(component) = self.components.get_mut(id) else { continue };
            let InstanceSlot::Idle(instance) = &mut component.slot else { return false };
            let Some((state, shown)) = save_instance(id, instance.as_mut()) else { return false };
            rows.push(supervisor.core().stored_component(id, component, state, shown));
        }
        self.set_aside.add(rows, &self.budget);
        for id in &ids {
            tracing::error!(component = %id, session = %self.id(), "cannot authorize a topic for too long; the component is set aside");
            let Some(component) = self.detach_component(id) else { continue };
            for task in component.queue {
                self.refuse_unmounted(id, &task);
            }
        }
        self.persistence.require_whole();
        self.mark_changed();
        true
    }
}
