//! Performs the effects of a form's handlers. No page is connected to the component: it joins no
//! rooms, and nothing is sent to it.

use std::sync::Arc;

use vivaz_components::instance::BoxFuture;
use vivaz_components::{Effect, Identity, Loaded};
use vivaz_protocol::SessionId;

use crate::admission::form::outcome::FormOutcome;
use crate::session::sessions::supervisor::Supervisor;
use crate::telemetry::log::{Escaped, client_event};

/// The effects of a form's handlers that are not performed at once.
#[derive(Default)]
pub(super) struct PendingEffects {
    /// The loads of fields.
    pub(super) loads: Vec<BoxFuture<Option<Loaded>>>,
    /// The number of tasks that were started.
    tasks: usize,
}

/// Performs effects in order.
pub(super) fn perform(
    supervisor: &Arc<Supervisor>,
    identity: &Identity,
    session: &SessionId,
    mut effects: Vec<Effect>,
    outcome: &mut FormOutcome,
    pending: &mut PendingEffects,
) {
    outcome.add(Effect::take_page_effects(&mut effects));
    let core = supervisor.core();
    for effect in effects {
        match effect {
            Effect::Emit { to, event, except_self } => {
                supervisor.emit(identity, to, event, except_self.then_some(session));
            }
            Effect::Spawn { event, work } => {
                pending.tasks += 1;
                if pending.tasks > core.limits.spawned_tasks {
                    client_event!(core.log, WARN, event, "a form starts too many tasks; not started");
                    continue;
                }
                // As with a page that has gone, the outcome is dropped.
                let supervisor = Arc::clone(supervisor);
                let work = async move {
                    if let Some(error) = work.await.error {
                        let log = &supervisor.core().log;
                        client_event!(log, WARN, event, error = %Escaped(&error), "task failed");
                    }
                };
                tokio::spawn(work);
            }
            Effect::Load(load) => pending.loads.push(load),
            Effect::Join(_) | Effect::Leave(_) | Effect::Close => {}
            Effect::Update(_) | Effect::Commit(_) | Effect::Page(_) => {
                tracing::error!(?effect, "effect was not performed by the component's host");
            }
        }
    }
}
