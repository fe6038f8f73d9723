//! The faults of one call of a node.

use std::sync::Arc;
use std::time::Duration;

use super::node::MemoryNode;
use crate::cluster::TopicId;
use crate::testing::faults::Draw;

/// The longest delay of a call by a fault, in milliseconds.
const MAX_DELAY: u64 = 4_000;

/// What happens to one call.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct CallPlan {
    /// The time on the way to the engine.
    pub(super) before: Duration,
    /// The time of the answer.
    pub(super) after: Duration,
    pub(super) loss: Option<Loss>,
    /// Whether earlier calls that this call settles take effect.
    pub(super) settles: bool,
}

/// What is lost of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Loss {
    /// The engine refuses the call.
    Refused,
    /// The call has no effect, which the caller does not know.
    Call,
    /// The call takes effect, which the caller does not know.
    Answer,
    /// The call may take effect later, until the next one settles it.
    Late,
}

/// A fault that is not of one call.
#[derive(Clone, Copy, Debug)]
enum NodeFault {
    Stopped(Duration),
    Cut(Duration),
    Paused(Duration),
    LeaseEnded,
    TailLost(usize),
}

impl MemoryNode {
    /// Draws the faults of a call.
    pub(super) fn plan(&self, call: &'static str, topic: &TopicId) -> CallPlan {
        let (draw, faults, loses_tails) = {
            let tables = self.cluster.lock();
            (tables.draw(), tables.faults.clone(), tables.loses_tails)
        };
        let (Some(draw), Some(faults)) = (draw, faults) else { return CallPlan::default() };
        let milliseconds = |index, limit| Duration::from_millis(draw.below(index, limit));
        let settles = draw.below(1, 2) == 0;
        let (before, after) = (milliseconds(2, 3), milliseconds(3, 3));
        let plan = CallPlan { before, after, loss: None, settles };
        if !draw.has_fault {
            return plan;
        }
        let late = milliseconds(2, MAX_DELAY);
        let plan = match draw.below(4, 24) {
            0..5 => CallPlan { loss: Some(Loss::Refused), ..plan },
            5..9 => CallPlan { loss: Some(Loss::Call), ..plan },
            9..13 => CallPlan { loss: Some(Loss::Answer), before: late, ..plan },
            13..16 => CallPlan { loss: Some(Loss::Late), before: late, ..plan },
            16..18 => CallPlan { before: late, ..plan },
            18..20 => CallPlan { after: late, ..plan },
            kind => {
                let fault = node_fault(kind, draw, loses_tails);
                faults.record(draw.number, call, format!("{fault:?} on {}", self.id));
                self.cause(fault, topic);
                return plan;
            }
        };
        faults.record(draw.number, call, format!("{plan:?} on {}", self.id));
        plan
    }

    fn cause(&self, fault: NodeFault, topic: &TopicId) {
        let (cluster, id) = (Arc::clone(&self.cluster), self.id.clone());
        match fault {
            NodeFault::Stopped(time) => {
                self.during(time, move |is_on| cluster.set_stopped(|stopped| stopped.count(is_on)));
            }
            NodeFault::Cut(time) => {
                self.during(time, move |is_on| cluster.set_cut(&id, |cut| cut.count(is_on)));
            }
            NodeFault::Paused(time) => {
                self.during(time, move |is_on| cluster.set_paused(&id, |paused| paused.count(is_on)));
            }
            NodeFault::LeaseEnded => cluster.end_lease(&id),
            NodeFault::TailLost(entries) => {
                cluster.lose_tail(topic, entries);
            }
        }
    }

    /// Causes an interruption for a time.
    fn during(&self, time: Duration, set: impl Fn(bool) + Send + 'static) {
        set(true);
        drop(self.handle.spawn(async move {
            tokio::time::sleep(time).await;
            set(false);
        }));
    }
}

fn node_fault(kind: u64, draw: Draw, loses_tails: bool) -> NodeFault {
    let time = Duration::from_millis(100 + draw.below(5, 12_000));
    match kind {
        20 => NodeFault::Stopped(time / 2),
        21 => NodeFault::Cut(time),
        22 => NodeFault::Paused(time),
        _ if loses_tails => NodeFault::TailLost(1 + usize::try_from(draw.below(6, 3)).unwrap_or_default()),
        _ => NodeFault::LeaseEnded,
    }
}
