//! The props of children: computes them from their parents' states, and handles `PROPS_UPDATE`.

use std::time::Duration;

use serde_json::value::{RawValue, to_raw_value};
use vivaz_components::instance::Job;
use vivaz_components::{ActionError, Result};
use vivaz_protocol::{ComponentId, ErrorCode};

use crate::session::Session;
use crate::session::child::{MountedBy, Placement, Props, props_json};
use crate::session::children::check_page_props;
use crate::session::completion::Completion;
use crate::session::task::{PropsRequest, Task, TaskOrigin};
use crate::telemetry::log::{Escaped, client_event};

/// How many times a child that fails to take its props is tried again. After that, only a change of
/// the parent's state triggers a new attempt.
const MAX_PROPS_RETRIES: u8 = 5;
/// The delay before each retry.
const PROPS_RETRY_DELAY: Duration = Duration::from_secs(1);

impl Session {
    /// Updates the visibility and the props of all children of a component whose state has changed.
    pub(in crate::session) fn refresh_children(&mut self, parent: &ComponentId) {
        let Some(children) = self.components.get(parent).and_then(|parent| parent.children.as_ref()) else {
            return;
        };
        let ids: Vec<ComponentId> = children.ids.iter().cloned().collect();
        for id in ids {
            self.refresh_visibility(&id);
            if let Some(link) = self.components.get_mut(&id).and_then(|child| child.mounted_by.link_mut()) {
                link.retries = 0;
            }
            self.queue_props_check(&id);
        }
    }

    /// Queues a comparison of a child's props.
    pub(in crate::session) fn queue_props_check(&mut self, id: &ComponentId) {
        let Some(component) = self.components.get_mut(id) else { return };
        if let Some(link) = component.mounted_by.link_mut()
            && !std::mem::replace(&mut link.is_check_queued, true)
        {
            self.enqueue(id, Task::CompareProps);
        }
    }

    /// Compares a child's props with those that its parent's state gives it, and updates them.
    pub(in crate::session) fn compare_props(&mut self, id: &ComponentId) {
        let Some(component) = self.components.get_mut(id) else { return };
        if let Some(link) = component.mounted_by.link_mut() {
            link.is_check_queued = false;
        }
        match self.changed_props(id, Vec::new()) {
            Ok(Some(job)) => self.run_job(id, job, TaskOrigin::Server),
            Ok(None) => {}
            Err(error) => {
                let error = Escaped(&error);
                client_event!(self.supervisor.core().log, ERROR, session = %self.port.session(), component = %id, %error, "cannot compute the props of a child; it keeps its current ones");
            }
        }
    }

    /// Handles a `PROPS_UPDATE`, according to how the component was mounted.
    pub(in crate::session) fn handle_props_update(
        &mut self,
        id: &ComponentId,
        given: PropsRequest,
        origin: TaskOrigin,
    ) {
        let Some(component) = self.components.get_mut(id) else { return };
        let job = match &mut component.mounted_by {
            MountedBy::Name { before } => match given.props {
                Some(props) => {
                    // Without a store the component's props are not recorded.
                    if let Some(merged) = merge_props(&component.props, &props) {
                        *before = Some(std::mem::replace(&mut component.props, merged.into()));
                    }
                    Ok(Some(Job::Props { props, page: Vec::new() }))
                }
                None => Err(ActionError::new(ErrorCode::BadProps, "missing field `props`")),
            },
            MountedBy::Seal => {
                Err(ActionError::forbidden("only the server sets the props of this component"))
            }
            MountedBy::Parent(link) => match check_page_props(component.spec, &given.page) {
                Ok(()) => {
                    link.before = Some(Box::new((link.page.clone(), link.given.clone())));
                    let names = given.page.keys().cloned().collect();
                    link.page.extend(given.page);
                    self.changed_props(id, names)
                }
                Err(error) => Err(error),
            },
        };
        match (job, origin) {
            (Ok(Some(job)), _) => self.run_job(id, job, origin),
            (Ok(None), TaskOrigin::Page { reference, .. }) => {
                self.confirm_props(id);
                self.reply_ack(id, reference, None);
            }
            (Ok(None), TaskOrigin::Unanswered { .. } | TaskOrigin::Server | TaskOrigin::Unmount { .. }) => {
                self.confirm_props(id);
            }
            (Err(error), _) => {
                self.revert_props(id, origin, &error);
                self.refuse_task(id, origin, &error);
            }
        }
    }

    /// Records that a component has accepted its props.
    pub(in crate::session) fn confirm_props(&mut self, id: &ComponentId) {
        match self.components.get_mut(id).map(|one| &mut one.mounted_by) {
            Some(MountedBy::Parent(link)) => {
                link.before = None;
                link.retries = 0;
            }
            Some(MountedBy::Name { before }) => *before = None,
            Some(MountedBy::Seal) | None => {}
        }
    }

    /// Records that a component has refused its props. Those of a `PROPS_UPDATE` are reverted and
    /// compared again. Those that its parent gives are tried again later if the error may be
    /// temporary; until then the child shows other props than its parent gives.
    pub(in crate::session) fn revert_props(
        &mut self,
        id: &ComponentId,
        origin: TaskOrigin,
        error: &ActionError,
    ) {
        let Some(component) = self.components.get_mut(id) else { return };
        if let MountedBy::Name { before } = &mut component.mounted_by
            && let Some(before) = before.take()
        {
            component.props = before;
            return;
        }
        let Some(link) = component.mounted_by.link_mut() else { return };
        let Some(before) = link.before.take() else { return };
        if matches!(origin, TaskOrigin::Page { .. }) {
            (link.page, link.given) = *before;
            return self.queue_props_check(id);
        }
        let for_good = [
            ErrorCode::Forbidden,
            ErrorCode::NotFound,
            ErrorCode::Unauthenticated,
            ErrorCode::BadProps,
            ErrorCode::Invalid,
        ];
        if for_good.contains(&error.code()) {
            return;
        }
        (link.page, link.given) = *before;
        if link.retries < MAX_PROPS_RETRIES && !std::mem::replace(&mut link.is_retry_scheduled, true) {
            link.retries += 1;
            let pause = component.tasks.run_until_dropped(tokio::time::sleep(PROPS_RETRY_DELAY));
            let id = id.clone();
            self.spawn_detached(async move { pause.await.map(|()| Completion::PropsRetryDue { id }) });
        }
    }

    /// Retries a child that could not take its props.
    pub(in crate::session) fn retry_props(&mut self, id: &ComponentId) {
        if let Some(link) = self.components.get_mut(id).and_then(|one| one.mounted_by.link_mut())
            && std::mem::take(&mut link.is_retry_scheduled)
        {
            self.queue_props_check(id);
        }
    }

    /// Returns a job that gives a child its changed props. `edited` names those that the page has
    /// just given.
    ///
    /// # Errors
    /// Returns an error if the state of the parent, or of a topic that it shows, cannot be read.
    fn changed_props(&mut self, id: &ComponentId, edited: Vec<String>) -> Result<Option<Job>> {
        let Some(component) = self.components.get(id) else { return Ok(None) };
        let Some(link) = component.mounted_by.link() else { return Ok(None) };
        let (parent, place) = (link.parent.clone(), link.place.clone());
        // A place that is gone, or shows another component, gives no props.
        let found = match self.placement(id)? {
            Placement::AtPlace => self.find_child(&parent, &place)?.ok(),
            Placement::Gone => None,
        };
        let component = self.components.get_mut(id);
        let Some(link) = component.and_then(|component| component.mounted_by.link_mut()) else {
            return Ok(None);
        };
        let mut wanted = found.map(|found| found.props).unwrap_or_default();
        wanted.extend(link.page.iter().map(|(name, value)| (name.clone(), value.clone())));
        wanted.retain(|name, value| link.given.get(name).is_none_or(|given| given.get() != value.get()));
        if wanted.is_empty() {
            return Ok(None);
        }
        let page = edited.into_iter().filter(|name| wanted.contains_key(name)).collect();
        let props = to_raw_value(&wanted)?;
        if link.before.is_none() {
            link.before = Some(Box::new((link.page.clone(), link.given.clone())));
        }
        link.given.extend(wanted);
        Ok(Some(Job::Props { props, page }))
    }
}

/// Merges changed props into an object of props. Returns `None` if one of the two is not an object.
fn merge_props(props: &str, changed: &RawValue) -> Option<String> {
    let mut all: Props = serde_json::from_str(props).ok()?;
    all.extend(serde_json::from_str::<Props>(changed.get()).ok()?);
    Some(props_json(&all))
}
