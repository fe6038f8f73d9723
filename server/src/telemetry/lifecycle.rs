//! What happens to sessions and components, as a stream for the application.

use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use vivaz_protocol::{ComponentId, ConnectionId, ErrorCode, SessionId};

use super::counters::Counters;

/// The number of events that are kept for a subscriber that does not read.
const KEPT: usize = 1_024;

/// Something that happened to a session or a component. The words in `reason` are those of the
/// metrics.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LifecycleEvent {
    /// A connection was refused.
    Refused {
        /// Why.
        reason: &'static str,
        /// The client's address, if it is known.
        address: Option<IpAddr>,
    },
    /// A new page has connected and has a session.
    Opened {
        /// The session.
        session: SessionId,
        /// Its connection.
        connection: ConnectionId,
    },
    /// A session that another process had was restored from the store. A resume follows.
    Restored {
        /// The session.
        session: SessionId,
    },
    /// A page has connected again and has its session.
    Resumed {
        /// The session.
        session: SessionId,
        /// Its new connection.
        connection: ConnectionId,
    },
    /// A connection of a session has ended.
    Disconnected {
        /// The session.
        session: SessionId,
        /// The connection.
        connection: ConnectionId,
        /// Why: `lost` if it dropped.
        reason: &'static str,
    },
    /// A session without a connection has no work left and waits for its page.
    Suspended {
        /// The session.
        session: SessionId,
    },
    /// A session has ended, or another process has it.
    Ended {
        /// The session.
        session: SessionId,
        /// Why.
        reason: &'static str,
    },
    /// A page has mounted a component.
    Mounted {
        /// The session.
        session: SessionId,
        /// The component.
        id: ComponentId,
        /// The name of its type.
        component: &'static str,
    },
    /// A component was unmounted.
    Unmounted {
        /// The session.
        session: SessionId,
        /// The component.
        id: ComponentId,
        /// The name of its type.
        component: &'static str,
    },
    /// A handler of a component, or its mount, has failed.
    Failed {
        /// The session.
        session: SessionId,
        /// The component.
        id: ComponentId,
        /// The name of its type.
        component: &'static str,
        /// The code of the error.
        code: ErrorCode,
    },
    /// The subscriber was too slow, and the events that follow are not the next ones.
    Missed {
        /// The number of lost events.
        count: u64,
    },
}

/// The sender of lifecycle events. It costs nothing before the first subscription.
#[derive(Debug, Default)]
pub(crate) struct Lifecycle {
    sender: OnceLock<broadcast::Sender<LifecycleEvent>>,
}

impl Lifecycle {
    /// Sends an event to all subscribers. Never waits.
    pub(crate) fn emit(&self, event: impl FnOnce() -> LifecycleEvent) {
        if let Some(sender) = self.sender.get() {
            // Without a subscriber there is no one to send to.
            let _ = sender.send(event());
        }
    }

    /// Subscribes to all events from now on.
    pub(crate) fn subscribe(&self, counters: Arc<Counters>) -> LifecycleEvents {
        let sender = self.sender.get_or_init(|| broadcast::Sender::new(KEPT));
        LifecycleEvents { receiver: sender.subscribe(), counters }
    }
}

/// The lifecycle events of a runtime, for one subscriber.
///
/// ```
/// # async fn example(runtime: vivaz::Runtime) {
/// use vivaz::LifecycleEvent;
///
/// let mut events = runtime.lifecycle();
/// while let Some(event) = events.next().await {
///     if let LifecycleEvent::Ended { session, reason } = event {
///         println!("{session} has ended: {reason}");
///     }
/// }
/// # }
/// ```
#[derive(Debug)]
pub struct LifecycleEvents {
    receiver: broadcast::Receiver<LifecycleEvent>,
    counters: Arc<Counters>,
}

impl LifecycleEvents {
    /// Waits for the next event. The runtime never waits for a subscriber: one that is more than
    /// 1,024 events behind loses the oldest, and receives a [`Missed`](LifecycleEvent::Missed).
    /// Returns `None` when the runtime has been dropped.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn next(&mut self) -> Option<LifecycleEvent> {
        match self.receiver.recv().await {
            Ok(event) => Some(event),
            Err(RecvError::Lagged(count)) => {
                self.counters.lifecycle_missed.add_many(count);
                Some(LifecycleEvent::Missed { count })
            }
            Err(RecvError::Closed) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn suspended(number: usize) -> LifecycleEvent {
        LifecycleEvent::Suspended { session: SessionId::new(&format!("s{number}")).unwrap() }
    }

    #[tokio::test]
    async fn a_slow_subscriber_loses_the_oldest_events_and_learns_how_many() {
        let (lifecycle, counters) = (Lifecycle::default(), Arc::new(Counters::new(&[])));
        lifecycle.emit(|| unreachable!("there is no subscriber"));
        let mut events = lifecycle.subscribe(Arc::clone(&counters));
        for number in 0..KEPT + 5 {
            lifecycle.emit(|| suspended(number));
        }
        assert_eq!(events.next().await, Some(LifecycleEvent::Missed { count: 5 }));
        assert_eq!(counters.read().lifecycle_missed, 5);
        for number in 5..KEPT + 5 {
            assert_eq!(events.next().await, Some(suspended(number)));
        }
        drop(lifecycle);
        assert_eq!(events.next().await, None);
    }
}
