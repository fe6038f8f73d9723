//! Children: mounts them at places of their parents, and computes their props.
//!
//! A message never sets a child's props, except those that the component declares as given by the
//! page.

pub(super) mod props;
pub(super) mod visibility;

use std::collections::VecDeque;

use serde_json::Value;
use serde_json::json;
use serde_json::value::to_raw_value;
use tokio::time::Instant;
use vivaz_components::spec::Spec;
use vivaz_components::{ActionError, Result, UnmountReason};
use vivaz_protocol::{ComponentId, ErrorCode, MountChild, Ref};
use vivaz_template::{NoChild, child_at};

use super::Session;
use super::child::{Children, FoundChild, MountedBy, ParentLink, ParentView, Props, Visibility};
use super::component::InstanceSlot;
use super::task::{ChildMount, ID_IN_USE, PlaceWait, Task, TaskOrigin};

/// The maximum depth of nested components. A deeper tree is a component that contains itself.
pub(crate) const MAX_NESTING: u8 = 32;

impl Session {
    /// Handles the mount of a child.
    pub(super) fn mount_child(
        &mut self,
        reference: Ref,
        id: &ComponentId,
        mount: MountChild<'_>,
        received_at: Instant,
    ) {
        let MountChild { parent, place, seal, painted, page } = mount;
        // The decoder has checked that it is an array of scalars.
        let place = serde_json::from_str(place.get()).unwrap_or_default();
        let page = page.into_iter().map(|(name, value)| (name.into_owned(), value.to_raw_value())).collect();
        let seal = seal.map(|seal| seal.expose().to_owned());
        let queued_tasks = VecDeque::new();
        let mount = ChildMount {
            reference,
            received_at,
            id: id.clone(),
            parent,
            place,
            seal,
            painted,
            page,
            queued_tasks,
        };
        if self.waiting_mounts.contains_key(id) {
            return self.refuse_mount(reference, id, ErrorCode::DuplicateComponent, ID_IN_USE);
        }
        self.mount_or_wait(mount, PlaceWait::ForParent);
    }

    /// Mounts a child if its parent's state shows it. Otherwise the mount waits in the parent's
    /// queue, if `wait` allows it.
    pub(super) fn mount_or_wait(&mut self, mut mount: ChildMount, wait: PlaceWait) {
        self.waiting_mounts.remove(&mount.id);
        let found = self.update_visibility(&mount.parent).and_then(|visibility| match visibility {
            Visibility::Shown => self.find_child(&mount.parent, &mount.place),
            Visibility::Hidden => Ok(Err(NoChild::NotShown)),
        });
        // The parent may itself be a child whose mount waits.
        let has_parent =
            self.components.contains_key(&mount.parent) || self.waiting_mounts.contains_key(&mount.parent);
        let behind = std::mem::take(&mut mount.queued_tasks);
        match found {
            Ok(Ok(found)) => self.mount_found_child(&mount, &found),
            Ok(Err(_)) if wait == PlaceWait::ForParent && has_parent => {
                let parent = mount.parent.clone();
                self.waiting_mounts.insert(mount.id.clone(), parent.clone());
                return self.enqueue(&parent, Task::MountChild(Box::new(mount)));
            }
            Ok(Err(why)) => self.refuse_not_shown(&mount, &why_not_shown(&why)),
            Err(error) => self.reply_refused(&mount.id, mount.reference, &error, Vec::new()),
        }
        for task in behind {
            self.enqueue(&mount.id, task);
        }
    }

    /// Returns the waiting mount of a child.
    pub(super) fn waiting_mount(&mut self, id: &ComponentId) -> Option<&mut ChildMount> {
        let parent = self.waiting_mounts.get(id)?.clone();
        let queue = if self.components.contains_key(&parent) {
            &mut self.components.get_mut(&parent)?.queue
        } else {
            &mut self.waiting_mount(&parent)?.queued_tasks
        };
        queue.iter_mut().find_map(|task| match task {
            Task::MountChild(mount) if mount.id == *id => Some(&mut **mount),
            Task::MountChild(_)
            | Task::Job { .. }
            | Task::Props { .. }
            | Task::CompareProps
            | Task::Unmount { .. } => None,
        })
    }

    /// Refuses the waiting mount of a child whose parent is gone, and the tasks queued behind it.
    pub(super) fn refuse_waiting(&mut self, mount: &ChildMount) {
        self.waiting_mounts.remove(&mount.id);
        self.refuse_not_shown(mount, "the parent is not mounted");
        for task in &mount.queued_tasks {
            self.refuse_unmounted(&mount.id, task);
        }
    }

    /// Refuses the mount of a child that its parent does not show.
    pub(super) fn refuse_not_shown(&mut self, mount: &ChildMount, message: &str) {
        let error = ActionError::new(ErrorCode::NotMounted, message);
        self.reply_refused(&mount.id, mount.reference, &error, Vec::new());
    }

    /// Finds the child at a place of a parent's state, or returns why there is none.
    ///
    /// # Errors
    /// Returns an error if the state of the parent, or of a topic that it shows, cannot be read.
    pub(super) fn find_child(
        &mut self,
        parent: &ComponentId,
        place: &[Value],
    ) -> Result<Result<FoundChild, NoChild>> {
        let none = Ok(Err(NoChild::NotShown));
        let core = self.supervisor.core();
        let Some(parent) = self.components.get_mut(parent) else { return none };
        let Some(template) = core.templates.of(parent.spec.name) else { return none };
        let user = template.compiled.reads_user().then(|| self.identity.user().ok()).flatten();
        let user = user.map(|user| json!({ "id": user.id, "name": user.name }));
        let children = parent.children.get_or_insert_default();
        let view = match children.view.take().filter(ParentView::is_current) {
            Some(view) => children.view.insert(view),
            None => match &mut parent.slot {
                InstanceSlot::Idle(instance) | InstanceSlot::Busy(instance) => {
                    core.counters.parents_parsed.add();
                    children.view.insert(ParentView::parse(instance.as_mut())?)
                }
                InstanceSlot::Mounting => return none,
            },
        };
        let found = child_at(&template.compiled, &view.state, user.as_ref(), place, &mut view.rows);
        if let Err(error) = view.check() {
            children.view = None;
            return Err(error);
        }
        let found = match found {
            Ok(found) => found,
            Err(why) => return Ok(Err(why)),
        };
        let Some(registration) = core.registry.get(found.component) else { return none };
        let mut props = Props::new();
        for (name, value) in found.props {
            props.insert(name.text.to_string(), to_raw_value(&value)?);
        }
        Ok(Ok(FoundChild { registration: *registration, key: found.key, props }))
    }

    /// Creates the link of a child that is about to be mounted.
    ///
    /// # Errors
    /// Returns an error if the page gives a prop that it may not give, or components are nested too
    /// deeply.
    pub(super) fn create_link(
        &self,
        mount: &ChildMount,
        found: &FoundChild,
        given: Props,
    ) -> Result<MountedBy> {
        check_page_props(found.registration.spec, &mount.page)?;
        let parent = self.components.get(&mount.parent);
        let depth = parent.and_then(|parent| parent.mounted_by.link()).map_or(0, |link| link.depth) + 1;
        if depth > MAX_NESTING {
            let message = "components are nested too deeply";
            return Err(ActionError::new(ErrorCode::TooManyComponents, message));
        }
        let template = parent.map_or("", |parent| self.supervisor.core().templates.hash_of(parent.spec.name));
        Ok(MountedBy::Parent(Box::new(ParentLink {
            parent: mount.parent.clone(),
            place: mount.place.clone(),
            template: template.into(),
            key: found.key.clone(),
            page: mount.page.clone(),
            given,
            before: None,
            retries: 0,
            is_retry_scheduled: false,
            is_check_queued: false,
            is_hidden: false,
            depth,
        })))
    }

    /// Adds a child to its parent's children.
    pub(super) fn link_to_parent(&mut self, id: &ComponentId) {
        let link = self.components.get(id).and_then(|child| child.mounted_by.link());
        if let Some(parent) = link.map(|link| link.parent.clone())
            && let Some(parent) = self.components.get_mut(&parent)
        {
            parent.children.get_or_insert_default().ids.insert(id.clone());
        }
    }

    /// Removes a child from its parent's children.
    pub(super) fn unlink_from_parent(&mut self, id: &ComponentId, mounted_by: &MountedBy) {
        if let Some(link) = mounted_by.link()
            && let Some(parent) = self.components.get_mut(&link.parent)
            && let Some(children) = &mut parent.children
        {
            children.ids.remove(id);
            if let Some(view) = &mut children.view {
                view.places.remove(id);
            }
        }
    }

    /// Unmounts the children of a component that is gone.
    pub(super) fn unmount_children(&mut self, children: Option<Box<Children>>, reason: UnmountReason) {
        if !self.persistence.is_ending() {
            for child in children.map(|children| children.ids).into_iter().flatten() {
                self.enqueue(&child, Task::Unmount { origin: TaskOrigin::Unmount { reason } });
            }
        }
    }

    /// Links all restored children to their parents. Unmounts those without a parent.
    pub(super) fn link_all_to_parents(&mut self) {
        let ids: Vec<ComponentId> = self.components.keys().cloned().collect();
        for id in &ids {
            self.link_to_parent(id);
        }
        for id in &ids {
            let depth = self.nesting_depth(id);
            let link = self.components.get_mut(id).and_then(|child| child.mounted_by.link_mut());
            match (link, depth) {
                (Some(link), Some(depth)) => link.depth = depth,
                (None, _) => {}
                (Some(_), None) => {
                    let origin = TaskOrigin::Unmount { reason: UnmountReason::Removed };
                    self.enqueue(id, Task::Unmount { origin });
                }
            }
        }
    }

    /// Returns the number of parents around a component. `None` if one of them is missing.
    fn nesting_depth(&self, id: &ComponentId) -> Option<u8> {
        let (mut id, mut depth) = (id, 0);
        while let Some(link) = self.components.get(id)?.mounted_by.link() {
            if depth == MAX_NESTING {
                return None;
            }
            depth += 1;
            id = &link.parent;
        }
        Some(depth)
    }

    /// Drops the parsed states of all parents.
    pub(super) fn drop_views(&mut self) {
        for component in self.components.values_mut() {
            component.drop_view();
        }
    }
}

/// Returns the reason for the page.
fn why_not_shown(why: &NoChild) -> String {
    match why {
        NoChild::NotShown => "the parent shows no component at this place".to_owned(),
        NoChild::DuplicateKey { list, key } => format!(
            "several rows of `{list}` have the live:key `{key}`, so none of them shows its components"
        ),
    }
}

/// Checks that the page gives only props that it may give.
pub(super) fn check_page_props(spec: &Spec, page: &Props) -> Result {
    match page.keys().find(|name| !spec.is_page_prop(name)) {
        Some(name) => {
            let message = format!("`{name}` is not a prop that a page may give to `{}`", spec.name);
            Err(ActionError::new(ErrorCode::BadProps, message))
        }
        None => Ok(()),
    }
}
