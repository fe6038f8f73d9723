//! The counters of the runtime, which the application reads as plain numbers.

use std::time::Duration;

use vivaz_protocol::ErrorCode;

use super::counters::Counters;
use super::disconnect::DisconnectReason;
use super::instrument::Distribution;
use super::refusal::RefusedConnections;

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
    /// Lifecycle events that slow subscribers have missed: see
    /// [`Runtime::lifecycle`](crate::Runtime::lifecycle).
    pub lifecycle_missed: u64,
    /// How often the state of a component was parsed to compute the props of its children. All
    /// children share the result for one state.
    pub parents_parsed: u64,
    /// The time from the arrival of a request to its reply.
    pub action_time: Latency,
}

impl Counters {
    /// Reads the numbers that an application sees without an exporter.
    pub(crate) fn read(&self) -> Stats {
        Stats {
            connections: self.connections.get(),
            connections_total: self.connections_total.get(),
            http_connections: self.http_connections.get(),
            stalled: self.stalled.get(),
            crowded_out: self.crowded_out.get(),
            sessions: self.sessions.get(),
            suspended: self.suspended.get(),
            resumed: self.resumed.get(),
            take_overs: self.disconnected.of(DisconnectReason::TakenOver).get(),
            dropped: self.disconnected.of(DisconnectReason::Lost).get(),
            unsent_bytes: self.unsent_bytes.get(),
            messages: self.messages.get(),
            rate_limited: self.rate_limited.get(),
            refused: RefusedConnections::read(&self.refused),
            too_slow: self.disconnected.of(DisconnectReason::SlowConsumer).get(),
            panics: self.failed.of(ErrorCode::Panicked).get(),
            timeouts: self.failed.of(ErrorCode::Timeout).get(),
            events_lost: self.events_lost.get(),
            lifecycle_missed: self.lifecycle_missed.get(),
            parents_parsed: self.parents_parsed.get(),
            action_time: Latency::read(&self.message_time),
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
    fn read(times: &Distribution) -> Self {
        let read = times.read();
        let classes = read.recorded().map(|(bound, count)| (bound.map(Duration::from_nanos), count));
        Self { count: read.count(), sum: Duration::from_nanos(read.sum), classes: classes.collect() }
    }

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
        let counters = Counters::new(&[]);
        for micros in [10, 60, 60, 900, 10_000_000] {
            counters.message_time.record_time(Duration::from_micros(micros));
        }
        let latency = counters.read().action_time;
        assert_eq!((latency.count, latency.sum), (5, Duration::from_micros(10_001_030)));
        assert_eq!(latency.quantile(0.2), Some(Duration::from_micros(10)));
        assert_eq!(latency.quantile(0.5), Some(Duration::from_micros(100)));
        assert_eq!(latency.quantile(0.8), Some(Duration::from_micros(1_000)));
        assert_eq!(latency.quantile(1.0), None);
    }
}
