//! One run of a component's handler: its span, and the metrics of an action.

use tracing::field::{Empty, display};
use tracing::{Span, span};
use vivaz_components::ActionError;
use vivaz_components::instance::Job;
use vivaz_components::spec::Spec;
use vivaz_protocol::{ComponentId, Ref, SessionId};

use super::counters::Counters;
use super::instrument::Stopwatch;

/// Whose handler runs, and why.
pub(crate) struct HandlerOrigin<'a> {
    pub(crate) session: &'a SessionId,
    pub(crate) id: &'a ComponentId,
    pub(crate) component: &'static Spec,
    /// The `ref` of the page's message, if there is one.
    pub(crate) reference: Option<Ref>,
    /// The span of the HTTP request that runs the handler. A handler that a message of a socket
    /// runs has no parent: the request that opened the socket has ended.
    pub(crate) parent: Option<span::Id>,
}

/// A run of a handler. Its span ends when it is dropped, after at most
/// [`Limits::action_time`](crate::Limits::action_time).
pub(crate) struct HandlerRun {
    span: Span,
    component: &'static Spec,
    /// The action, if the component has it. The name of an unknown action is data of a client.
    action: Option<&'static str>,
    time: Stopwatch,
}

impl HandlerRun {
    /// Starts the span of a job.
    pub(crate) fn start(origin: HandlerOrigin<'_>, job: &Job) -> Self {
        let HandlerOrigin { session, id, component, reference, parent } = origin;
        let kind = kind_of(job);
        let (action, span) = match job {
            Job::Action { action, .. } => {
                let action = component.actions.iter().map(|one| one.name).find(|name| name == action);
                let name = action.unwrap_or("unknown");
                let span = tracing::info_span!(
                    parent: parent,
                    "action",
                    otel.name = %format_args!("{}/{name}", component.name),
                    otel.kind = "server",
                    otel.status_code = Empty,
                    "error.type" = Empty,
                    session.id = %session,
                    vivaz.component.name = component.name,
                    vivaz.component.id = %id,
                    vivaz.action.name = name,
                    "vivaz.message.ref" = reference.map(Ref::get),
                );
                (action, span)
            }
            Job::Property { .. }
            | Job::Props { .. }
            | Job::Event { .. }
            | Job::Loaded { .. }
            | Job::Connected
            | Job::Disconnected
            | Job::Resumed
            | Job::Unmount { .. } => {
                let span = tracing::info_span!(
                    parent: parent,
                    "handler",
                    otel.name = %format_args!("{} {kind}", component.name),
                    otel.kind = "internal",
                    otel.status_code = Empty,
                    "error.type" = Empty,
                    session.id = %session,
                    vivaz.component.name = component.name,
                    vivaz.component.id = %id,
                    vivaz.handler.kind = kind,
                    "vivaz.message.ref" = reference.map(Ref::get),
                );
                (None, span)
            }
        };
        Self { span, component, action, time: Stopwatch::start() }
    }

    /// Returns the span, for the handler's own code.
    pub(crate) fn span(&self) -> &Span {
        &self.span
    }

    /// Records the outcome.
    pub(crate) fn finish<T>(&self, counters: &Counters, result: &Result<T, ActionError>) {
        if let Err(error) = result {
            self.span.record("error.type", display(error.code()));
            self.span.record("otel.status_code", "ERROR");
        }
        if let Some(action) = self.action {
            counters.action_finished(self.component, action, self.time, result.is_err());
        }
    }
}

/// Returns the word for a kind of job.
fn kind_of(job: &Job) -> &'static str {
    match job {
        Job::Action { .. } => "action",
        Job::Property { .. } => "edit",
        Job::Props { .. } => "props",
        Job::Event { .. } => "event",
        Job::Loaded { .. } => "loaded",
        Job::Connected => "connected",
        Job::Disconnected => "disconnected",
        Job::Resumed => "resumed",
        Job::Unmount { .. } => "unmount",
    }
}
