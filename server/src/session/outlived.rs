//! Jobs that began before a resume and finish after it. Topics that such a job has started to show
//! were authorized for the identity before the resume. They are authorized again for the current
//! one.

use std::collections::HashSet;
use std::time::Duration;

use tokio::time::{Instant, sleep};
use vivaz_components::{ActionError, Identity, TopicRef, UnmountReason};
use vivaz_protocol::{ComponentId, TopicName};

use super::Session;
use super::done::Done;
use super::resume::authorize_all;
use super::task::{Origin, Task};

/// The delay before a topic that did not answer is asked again.
const PAUSE: Duration = Duration::from_secs(2);

impl Session {
    /// Applies a completion. If its job began before the last resume, the topics that it shows are
    /// authorized first.
    pub(crate) fn done(&mut self, mut done: Done) {
        let topics = self.unasked(&mut done);
        if topics.is_empty() {
            return self.take_in(done);
        }
        let limits = &self.supervisor.core().limits;
        let until = Instant::now() + limits.restore_time;
        let refused = ask(topics, self.identity.clone(), limits.action_time, until);
        let (done, resumes) = (Box::new(done), self.resumes);
        self.start(Box::pin(async move { Done::Asked { done, resumes, refused: refused.await } }));
    }

    /// Applies a completion whose topics were authorized. A component that shows a refused topic is
    /// unmounted, like at a resume. A mount is refused.
    pub(super) fn asked(&mut self, mut done: Done, resumes: u32, refused: &HashSet<TopicName>) {
        if resumes != self.resumes {
            // The session was resumed again meanwhile.
            return self.done(done);
        }
        if refused.is_empty() {
            return self.take_in(done);
        }
        if let Done::Mounted { made, .. } = &mut done {
            *made = Err(ActionError::forbidden("this user may not see a topic of this component"));
            // The store has the component, and therefore the session.
            self.entered = true;
            self.stale = self.supervisor.core().keeper.is_some();
            return self.take_in(done);
        }
        let id = component_of(&done).cloned();
        if let Some(id) = &id {
            self.withdraw(id);
        }
        self.take_in(done);
        if let Some(id) = &id {
            self.enqueue(id, Task::Unmount { origin: Origin::End { reason: UnmountReason::Revoked } });
        }
    }

    /// Returns the topics that a job from before the last resume has started to show, except those
    /// authorized at the resume.
    fn unasked(&self, done: &mut Done) -> Vec<TopicRef> {
        let component = component_of(done).and_then(|id| self.components.get(id));
        if self.over || component.is_none_or(|one| one.resumes == self.resumes || one.withdrawn) {
            return Vec::new();
        }
        let shown = topics_of(done).into_iter().map(|(_, topic)| topic);
        shown.filter(|topic| !self.topics.contains_key(topic.name())).collect()
    }
}

/// Returns the component whose topics a completion may change.
fn component_of(done: &Done) -> Option<&ComponentId> {
    match done {
        Done::Flushed { away, .. } => Some(away.component()),
        Done::Job { id, .. } | Done::Mounted { id, .. } => Some(id),
        Done::Allowed { .. }
        | Done::Asked { .. }
        | Done::Ended { .. }
        | Done::Removed { .. }
        | Done::Entered { .. }
        | Done::Sent { .. }
        | Done::Waited { .. }
        | Done::Spawned { .. }
        | Done::Loaded { .. } => None,
    }
}

/// Returns the topics that a completion shows, if they have changed.
fn topics_of(done: &mut Done) -> Vec<(&'static str, TopicRef)> {
    match done {
        Done::Flushed { flushed, .. } => flushed.topics.clone().unwrap_or_default(),
        Done::Job { finished, .. } => finished.topics.clone().unwrap_or_default(),
        Done::Mounted { made: Ok(instance), .. } => instance.topics(),
        Done::Mounted { made: Err(_), .. }
        | Done::Allowed { .. }
        | Done::Asked { .. }
        | Done::Ended { .. }
        | Done::Removed { .. }
        | Done::Entered { .. }
        | Done::Sent { .. }
        | Done::Waited { .. }
        | Done::Spawned { .. }
        | Done::Loaded { .. } => Vec::new(),
    }
}

/// Asks topics until each has answered. Returns those that refuse, and those that have not answered
/// by `until`.
async fn ask(
    mut topics: Vec<TopicRef>,
    identity: Identity,
    limit: Duration,
    until: Instant,
) -> HashSet<TopicName> {
    let mut all = HashSet::new();
    loop {
        let answers = authorize_all(topics.clone(), &identity, limit).await;
        all.extend(answers.refused);
        topics.retain(|topic| answers.unknown.contains(topic.name()));
        if topics.is_empty() || Instant::now() >= until {
            all.extend(topics.into_iter().map(|topic| topic.name().clone()));
            return all;
        }
        sleep(PAUSE).await;
    }
}
