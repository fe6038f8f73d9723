//! The counters of the runtime, which the application reads as plain numbers.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use vivaz_protocol::CloseCode;

/// The upper bounds of the classes of action times, in microseconds. One more class has no bound.
const CLASSES: [u64; 11] = [50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 50_000, 250_000, 1_000_000];

/// The counters, shared by all parts of the runtime.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) connections: AtomicU64,
    pub(crate) connections_total: AtomicU64,
    pub(crate) http_connections: AtomicU64,
    pub(crate) stalled: AtomicU64,
    pub(crate) crowded_out: AtomicU64,
    pub(crate) sessions: AtomicU64,
    pub(crate) suspended: AtomicU64,
    pub(crate) resumed: AtomicU64,
    pub(crate) take_overs: AtomicU64,
    pub(crate) dropped: AtomicU64,
    pub(crate) unsent_bytes: AtomicU64,
    pub(crate) messages: AtomicU64,
    pub(crate) rate_limited: AtomicU64,
    pub(crate) refused: RefusalCounters,
    pub(crate) too_slow: AtomicU64,
    pub(crate) panics: AtomicU64,
    pub(crate) timeouts: AtomicU64,
    pub(crate) events_lost: AtomicU64,
    pub(crate) parents_parsed: AtomicU64,
    pub(crate) actions: Histogram,
}

impl Counters {
    pub(crate) fn add(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn sub(counter: &AtomicU64) {
        counter.fetch_sub(1, Ordering::Relaxed);
    }

    /// Reads all counters.
    pub(crate) fn read(&self) -> Stats {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Stats {
            connections: get(&self.connections),
            connections_total: get(&self.connections_total),
            http_connections: get(&self.http_connections),
            stalled: get(&self.stalled),
            crowded_out: get(&self.crowded_out),
            sessions: get(&self.sessions),
            suspended: get(&self.suspended),
            resumed: get(&self.resumed),
            take_overs: get(&self.take_overs),
            dropped: get(&self.dropped),
            unsent_bytes: get(&self.unsent_bytes),
            messages: get(&self.messages),
            rate_limited: get(&self.rate_limited),
            refused: self.refused.read(),
            too_slow: get(&self.too_slow),
            panics: get(&self.panics),
            timeouts: get(&self.timeouts),
            events_lost: get(&self.events_lost),
            parents_parsed: get(&self.parents_parsed),
            action_time: self.actions.read(),
        }
    }
}

/// The counters of a runtime: totals since its start, and current numbers.
///
/// ```
/// # fn page(runtime: &vivaz::Runtime) -> String {
/// let stats = runtime.stats();
/// format!("{} connections, {} sessions resumed", stats.connections, stats.resumed)
/// # }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Stats {
    /// Open WebSocket connections.
    pub connections: u64,
    /// WebSocket connections since the start.
    pub connections_total: u64,
    /// Connections of plain HTTP that [`serve`](crate::serve) has open, without WebSockets.
    pub http_connections: u64,
    /// Connections of plain HTTP closed because their clients sent or read too slowly
    /// ([`Limits::progress_time`](crate::Limits::progress_time)).
    pub stalled: u64,
    /// Connections of plain HTTP closed or refused because there were too many
    /// ([`Limits::sockets`](crate::Limits::sockets)).
    pub crowded_out: u64,
    /// Current sessions, connected and suspended.
    pub sessions: u64,
    /// Suspended sessions as of the last sweep: those without a connection that can be resumed.
    pub suspended: u64,
    /// Sessions resumed by a new connection.
    pub resumed: u64,
    /// Sessions resumed while another connection of theirs was still open, which was then closed.
    pub take_overs: u64,
    /// Connections that ended without a close frame.
    pub dropped: u64,
    /// Bytes queued for clients that have not read them, as of the last sweep.
    pub unsent_bytes: u64,
    /// Messages received from clients.
    pub messages: u64,
    /// Messages refused because the client exceeded its rate.
    pub rate_limited: u64,
    /// Connections refused, by reason.
    pub refused: RefusedConnections,
    /// Connections closed because their clients read too slowly (4413).
    pub too_slow: u64,
    /// Handlers that panicked.
    pub panics: u64,
    /// Handlers that exceeded their time limit.
    pub timeouts: u64,
    /// Events dropped because a session's mailbox was full.
    pub events_lost: u64,
    /// How often the state of a component was parsed to compute the props of its children. All
    /// children share the result for one state.
    pub parents_parsed: u64,
    /// The time from the arrival of a message to its reply.
    pub action_time: Latency,
}

/// Declares the reasons for which a connection is refused, with a counter for each.
macro_rules! refusals {
    ($($(#[$doc:meta])* $name:ident: $variant:ident,)*) => {
        /// The number of refused connections by reason. Each refusal is also logged, within the
        /// rate of [`Limits::client_events_per_second`](crate::Limits::client_events_per_second).
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct RefusedConnections {
            $($(#[$doc])* pub $name: u64,)*
        }

        /// The reason for which a connection is refused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum RefusalReason {
            $($(#[$doc])* $variant,)*
        }

        /// The counters for all reasons.
        #[derive(Debug, Default)]
        pub(crate) struct RefusalCounters {
            $($name: AtomicU64,)*
        }

        impl RefusalCounters {
            pub(crate) fn count(&self, reason: RefusalReason) {
                Counters::add(match reason {
                    $(RefusalReason::$variant => &self.$name,)*
                });
            }

            fn read(&self) -> RefusedConnections {
                RefusedConnections { $($name: self.$name.load(Ordering::Relaxed),)* }
            }
        }
    };
}

refusals! {
    /// The request is not an upgrade to a WebSocket (426).
    no_upgrade: NoUpgrade,
    /// The request's method is not `GET` (405).
    method: Method,
    /// The handshake does not follow RFC 6455 (400).
    handshake: Handshake,
    /// The client offers only unsupported subprotocols (400).
    subprotocol: Subprotocol,
    /// The request comes from a page of another origin, or names another host (403).
    origin: Origin,
    /// An unsafe request comes from a page of another origin (403): see
    /// [`CrossOriginProtection`](crate::CrossOriginProtection).
    cross_origin: CrossOrigin,
    /// The client's address has too many connections, or opens them too fast (429).
    address: Address,
    /// The server is shutting down (503, or close code 1001).
    going_away: GoingAway,
    /// The identity hook refused the client (4401).
    unauthenticated: Unauthenticated,
    /// The server or the user has the maximum number of connections or sessions, or the identity
    /// hook failed (4503).
    full: Full,
    /// The client sent no `HELLO` in time, or access was revoked while the identity hook ran
    /// (4408).
    timed_out: TimedOut,
    /// The first message is invalid: not a `HELLO` (4400), too large (1009), not UTF-8 (1007) or
    /// not in frames of RFC 6455 (1002).
    hello: Hello,
    /// The client uses another version of the protocol (4426).
    version: Version,
}

impl RefusalReason {
    /// Returns the reason for the close code of a connection that was closed before its session
    /// began.
    pub(crate) fn of_close(code: u16) -> Self {
        match CloseCode::from_u16(code) {
            Some(CloseCode::GoingAway) => Self::GoingAway,
            Some(CloseCode::Unauthenticated) => Self::Unauthenticated,
            Some(CloseCode::TimedOut) => Self::TimedOut,
            Some(CloseCode::UnsupportedVersion) => Self::Version,
            Some(CloseCode::Full) => Self::Full,
            Some(
                CloseCode::MessageTooBig
                | CloseCode::ProtocolViolation
                | CloseCode::TakenOver
                | CloseCode::SessionEnded
                | CloseCode::SlowConsumer
                | CloseCode::RateLimited,
            )
            | None => Self::Hello,
        }
    }
}

/// A histogram of times.
#[derive(Debug, Default)]
pub(crate) struct Histogram {
    classes: [AtomicU64; CLASSES.len() + 1],
    sum: AtomicU64,
}

impl Histogram {
    pub(crate) fn record(&self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let class = CLASSES.iter().position(|bound| micros <= *bound).unwrap_or(CLASSES.len());
        if let Some(count) = self.classes.get(class) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.sum.fetch_add(micros, Ordering::Relaxed);
    }

    fn read(&self) -> Latency {
        let counts: Vec<u64> = self.classes.iter().map(|count| count.load(Ordering::Relaxed)).collect();
        let bounds = CLASSES.iter().map(|bound| Some(Duration::from_micros(*bound))).chain([None]);
        Latency {
            count: counts.iter().sum(),
            sum: Duration::from_micros(self.sum.load(Ordering::Relaxed)),
            classes: bounds.zip(counts).collect(),
        }
    }
}

/// A distribution of times.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Latency {
    /// The number of recorded times.
    pub count: u64,
    /// The sum of all times.
    pub sum: Duration,
    /// The number of times in each class. A class contains the times up to its bound and above the
    /// bound of the class before; the last class has no bound.
    pub classes: Vec<(Option<Duration>, u64)>,
}

impl Latency {
    /// Returns the bound of the class that contains a quantile, for example `quantile(0.99)`.
    /// Returns `None` if no times were recorded, or if the quantile is in the last class.
    #[must_use]
    pub fn quantile(&self, share: f64) -> Option<Duration> {
        let wanted = (self.count as f64 * share).ceil();
        let mut seen = 0.0;
        self.classes.iter().find_map(|(bound, count)| {
            seen += *count as f64;
            (*count > 0 && seen >= wanted).then_some(*bound)
        })?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_counted_in_classes() {
        let times = Histogram::default();
        for micros in [10, 60, 60, 900, 10_000_000] {
            times.record(Duration::from_micros(micros));
        }
        let latency = times.read();
        assert_eq!(latency.count, 5);
        assert_eq!(latency.quantile(0.5), Some(Duration::from_micros(100)));
        assert_eq!(latency.quantile(0.8), Some(Duration::from_micros(1_000)));
        assert_eq!(latency.quantile(1.0), None);
    }
}
