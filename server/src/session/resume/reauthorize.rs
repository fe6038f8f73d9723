//! Jobs that began before a resume and finish after it. Topics that such a job has started to show
//! were authorized for the identity before the resume. They are authorized again for the current
//! one.

use std::collections::HashSet;
use std::time::Duration;

use tokio::time::{Instant, sleep};
use vivaz_components::{ActionError, Identity, TopicRef, UnmountReason};
use vivaz_protocol::{ComponentId, TopicName};

use crate::session::Session;
use crate::session::completion::Completion;
use crate::session::resume::authorize;
use crate::session::task::{Task, TaskOrigin};

/// The delay before a topic that did not answer is asked again.
const RETRY_DELAY: Duration = Duration::from_secs(2);

impl Session {
    /// Applies a completion. If its job began before the last resume, the topics that it shows are
    /// authorized first.
    pub(crate) fn complete(&mut self, mut completion: Completion) {
        let topics = self.unauthorized_topics(&mut completion);
        if topics.is_empty() {
            return self.apply(completion);
        }
        let limits = &self.supervisor.core().limits;
        let until = Instant::now() + limits.restore_time;
        let refused = authorize_until(topics, self.identity.clone(), limits.action_time, until);
        let (completion, resumes) = (Box::new(completion), self.resumes);
        self.await_future(Box::pin(async move {
            Completion::Reauthorized { completion, resumes, refused: refused.await }
        }));
    }

    /// Applies a completion whose topics were authorized. A component that shows a refused topic is
    /// unmounted, like at a resume. A mount is refused.
    pub(in crate::session) fn apply_reauthorized(
        &mut self,
        mut completion: Completion,
        resumes: u32,
        refused: &HashSet<TopicName>,
    ) {
        if resumes != self.resumes {
            // The session was resumed again meanwhile.
            return self.complete(completion);
        }
        if refused.is_empty() {
            return self.apply(completion);
        }
        if let Completion::MountFinished { mounted, .. } = &mut completion {
            *mounted = Err(ActionError::forbidden("this user may not see a topic of this component"));
            // The store has the component, and therefore the session.
            self.set_stored();
            self.persistence.require_whole();
            return self.apply(completion);
        }
        let id = component_of(&completion).cloned();
        if let Some(id) = &id {
            self.hide_revoked(id);
        }
        self.apply(completion);
        if let Some(id) = &id {
            self.enqueue(
                id,
                Task::Unmount { origin: TaskOrigin::Unmount { reason: UnmountReason::Revoked } },
            );
        }
    }

    /// Returns the topics that a job from before the last resume has started to show, except those
    /// authorized at the resume.
    fn unauthorized_topics(&self, completion: &mut Completion) -> Vec<TopicRef> {
        let component = component_of(completion).and_then(|id| self.components.get(id));
        if self.persistence.is_ending()
            || component.is_none_or(|one| one.resumes == self.resumes || one.is_withdrawn)
        {
            return Vec::new();
        }
        let shown = shown_topics(completion).into_iter().map(|(_, topic)| topic);
        shown.filter(|topic| !self.topics.contains_key(topic.name())).collect()
    }
}

/// Returns the component whose topics a completion may change.
fn component_of(completion: &Completion) -> Option<&ComponentId> {
    match completion {
        Completion::Flushed { job, .. } => Some(job.component()),
        Completion::JobFinished { id, .. } | Completion::MountFinished { id, .. } => Some(id),
        Completion::MiddlewareDecided { .. }
        | Completion::Reauthorized { .. }
        | Completion::UnmountFinished { .. }
        | Completion::ComponentRemoved { .. }
        | Completion::WholeWritten { .. }
        | Completion::TopicsSent { .. }
        | Completion::PropsRetryDue { .. }
        | Completion::TaskFinished { .. }
        | Completion::FieldLoaded { .. } => None,
    }
}

/// Returns the topics that a completion shows, if they have changed.
fn shown_topics(completion: &mut Completion) -> Vec<(&'static str, TopicRef)> {
    match completion {
        Completion::Flushed { flushed, .. } => flushed.topics.clone().unwrap_or_default(),
        Completion::JobFinished { finished, .. } => finished.topics.clone().unwrap_or_default(),
        Completion::MountFinished { mounted: Ok(instance), .. } => instance.topics(),
        Completion::MountFinished { mounted: Err(_), .. }
        | Completion::MiddlewareDecided { .. }
        | Completion::Reauthorized { .. }
        | Completion::UnmountFinished { .. }
        | Completion::ComponentRemoved { .. }
        | Completion::WholeWritten { .. }
        | Completion::TopicsSent { .. }
        | Completion::PropsRetryDue { .. }
        | Completion::TaskFinished { .. }
        | Completion::FieldLoaded { .. } => Vec::new(),
    }
}

/// Asks topics until each has answered. Returns those that refuse, and those that have not answered
/// by `until`.
async fn authorize_until(
    mut topics: Vec<TopicRef>,
    identity: Identity,
    limit: Duration,
    until: Instant,
) -> HashSet<TopicName> {
    let mut all = HashSet::new();
    loop {
        let answers = authorize(topics.clone(), &identity, limit).await;
        all.extend(answers.refused);
        topics.retain(|topic| answers.unknown.contains(topic.name()));
        if topics.is_empty() || Instant::now() >= until {
            all.extend(topics.into_iter().map(|topic| topic.name().clone()));
            return all;
        }
        sleep(RETRY_DELAY).await;
    }
}
