//! Jobs whose outcome is committed before anybody is told.

use super::{Host, Outbox};
use crate::event::Effect;
use crate::instance::{Finished, Instance, Job, Progress, Started};
use crate::journal::{Change, Journal};
use crate::{Context, Result};

impl Host {
    /// Does a job and commits what came of it. If that fails, the job has failed, and the component is as it was.
    pub(super) fn run_durably(
        mut self: Box<Self>,
        journal: Box<dyn Journal>,
        cx: Context,
        job: Job,
    ) -> Started {
        let before = match self.save() {
            Ok(before) => before,
            Err(error) => return self.refuse(cx, error),
        };
        let (component, tracker) = (self.component.duplicate(), self.tracker.clone());
        self.run_later(Outbox::default(), |host| async move {
            let mut finished = match host.run_job(cx, job) {
                Started::Now(finished) => finished,
                // Components that are durable do not flush.
                Started::Running { future, .. } => Progress::end(future, drop).await,
            };
            let committed = match change(&mut finished, &before) {
                Ok(None) => return finished,
                Ok(Some(change)) => journal.commit(change).await,
                Err(error) => Err(error),
            };
            match committed {
                Ok(()) => {
                    finished.committed = true;
                    finished
                }
                Err(error) => Finished {
                    instance: Box::new(Self { component, tracker }),
                    effects: Vec::new(),
                    patch: None,
                    topics: None,
                    result: Err(error),
                    committed: false,
                },
            }
        })
    }
}

/// What there is to commit of a job; `None` if it did nothing that anybody could tell from its not having run.
fn change(finished: &mut Finished, before: &[u8]) -> Result<Option<Change>> {
    let state = finished.instance.save()?;
    let moved = finished.patch.is_some() || finished.topics.is_some();
    if !moved && finished.effects.is_empty() && state == before {
        return Ok(None);
    }
    let mut work = Vec::new();
    for effect in std::mem::take(&mut finished.effects) {
        match effect {
            Effect::Commit(one) => work.push(one),
            Effect::Update(_)
            | Effect::Emit { .. }
            | Effect::Join(_)
            | Effect::Leave(_)
            | Effect::Spawn(_)
            | Effect::Load(_)
            | Effect::Close => finished.effects.push(effect),
        }
    }
    let done = finished.result.as_ref().ok().cloned();
    Ok(Some(Change { state, moved, work, done }))
}
