//! The metrics of a runtime. This file and `detail.rs` are the only places that declare metrics:
//! [`Stats`](super::stats::Stats), the exported metrics and the table in `docs/observability.md`
//! have the same numbers.
#![cfg_attr(not(feature = "prometheus"), allow(dead_code, reason = "only the Prometheus text reads it"))]

use vivaz_components::spec::Spec;
use vivaz_protocol::ErrorCode;

use super::declare::declare_metrics;
#[cfg(feature = "metrics")]
use super::detail::Detail;
use super::disconnect::DisconnectReason;
use super::instrument::{Count, Distribution, Level};
use super::labels::Labelled;
use super::refusal::RefusalReason;

declare_metrics! {
    /// The metrics that every build has.
    Basic {
        /// Open WebSocket connections.
        connections: Level = "vivaz.connection.active", "{connection}";
        /// WebSocket connections opened.
        connections_total: Count = "vivaz.connection.opened", "{connection}";
        /// WebSocket connections with a session that have ended, by reason.
        disconnected: Labelled<DisconnectReason, Count> = "vivaz.connection.closed", "{connection}";
        /// Connections refused, by reason.
        refused: Labelled<RefusalReason, Count> = "vivaz.connection.refused", "{connection}";
        /// Open connections of plain HTTP, without WebSockets, under `vivaz::serve`.
        http_connections: Level = "vivaz.http.connection.active", "{connection}";
        /// Connections of plain HTTP closed because their clients sent or read too slowly.
        stalled: Count = "vivaz.http.connection.stalled", "{connection}";
        /// Connections of plain HTTP closed or refused because there were too many.
        crowded_out: Count = "vivaz.http.connection.crowded_out", "{connection}";
        /// Sessions in memory, connected and suspended.
        sessions: Level = "vivaz.session.active", "{session}";
        /// Suspended sessions in memory, as of the last sweep.
        suspended: Level = "vivaz.session.suspended", "{session}";
        /// Sessions resumed by a new connection.
        resumed: Count = "vivaz.session.resumed", "{session}";
        /// Messages received from clients.
        messages: Count = "vivaz.message.received", "{message}";
        /// Messages refused because the client exceeded its rate.
        rate_limited: Count = "vivaz.message.rate_limited", "{message}";
        /// Requests of components answered with an error, by its code.
        failed: Labelled<ErrorCode, Count> = "vivaz.message.failed", "{message}";
        /// The time from the arrival of a request to its reply.
        message_time: Distribution = "vivaz.message.duration", "s";
        /// Bytes queued for clients that have not read them, as of the last sweep.
        unsent_bytes: Level = "vivaz.outbox.size", "By";
        /// Events dropped because a session's mailbox was full.
        events_lost: Count = "vivaz.event.lost", "{event}";
        /// Lifecycle events that slow subscribers have missed.
        lifecycle_missed: Count = "vivaz.lifecycle.missed", "{event}";
        /// States of components parsed to compute the props of their children.
        parents_parsed: Count = "vivaz.parent.parsed", "{component}";
    }
}

/// The metrics of a runtime, shared by all of its parts.
#[derive(Debug)]
pub(crate) struct Counters {
    pub(crate) basic: Basic,
    /// The metrics that only an exporter reads.
    #[cfg(feature = "metrics")]
    pub(super) detail: Detail,
}

impl Counters {
    /// Creates the metrics of an application with these components, and registers them with the
    /// recorder of the facade `metrics`, if one is installed.
    pub(crate) fn new(components: &[&'static Spec]) -> Self {
        Self {
            basic: Basic::declared(components),
            #[cfg(feature = "metrics")]
            detail: Detail::new(components),
        }
    }

    /// Reads all metrics.
    #[cfg(feature = "prometheus")]
    pub(crate) fn families(&self) -> Vec<super::declare::MetricFamily> {
        let mut families = self.basic.families();
        families.extend(self.detail.families());
        families
    }
}

impl std::ops::Deref for Counters {
    type Target = Basic;

    fn deref(&self) -> &Basic {
        &self.basic
    }
}

#[cfg(all(test, feature = "prometheus"))]
mod tests;
