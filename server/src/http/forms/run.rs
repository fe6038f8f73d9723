//! Runs a submitted form: the edits of its controls, then the calls of its `live:submit`, as a
//! session runs the messages of a page.

use std::sync::Arc;

use axum::http::StatusCode;
use serde_json::Value;
use tracing::Instrument;
use vivaz_components::instance::{Instance, Job};
use vivaz_components::spec::FieldKind;
use vivaz_components::{
    ActionError, Admission, Budget, Context, ErrorCode, Identity, MountContext, Registration, Result,
};
use vivaz_protocol::json::to_raw_json;
use vivaz_protocol::{ComponentId, Key, PropertyPath, SessionId};
use vivaz_template::{FormEdit, FormField, SubmittedCall, SubmittedForm, submit_form};

use super::effects::{self, PendingEffects};
use super::record::{FormRecord, JobOrder, record_component, session_of};
use super::restore::{self, FormRestoreError};
use crate::admission::form::outcome::{FormOutcome, NotRun, SavedState};
use crate::admission::form::seal::FormSeal;
use crate::admission::middleware::{Call, CallRequest};
use crate::admission::seal::now;
use crate::session::sessions::supervisor::Supervisor;
use crate::telemetry::handler_run::{HandlerOrigin, HandlerRun};
use crate::telemetry::log::{Escaped, client_event};

/// How often loads may start further loads.
const LOAD_ROUNDS: usize = 8;

/// A form that is being run.
struct FormRun<'a> {
    supervisor: Arc<Supervisor>,
    identity: Identity,
    session: SessionId,
    component: ComponentId,
    registration: Registration,
    /// The record with which the component's changes are committed, if it is durable.
    record: Option<&'a FormRecord>,
    /// `None` only while a job runs.
    instance: Option<Box<dyn Instance>>,
    outcome: FormOutcome,
    pending: PendingEffects,
}

/// A part of a form that was refused: the edits, or a call.
enum FormRefusal {
    Edits(ActionError),
    Call(ActionError),
}

/// The error of a form whose component cannot be created now. The form was not run, and a later
/// attempt may succeed.
#[derive(Clone, Copy, Debug)]
pub(super) struct NotPrepared;

/// Runs a form whose seal was opened, and returns its outcome.
///
/// # Errors
/// Returns an error if the form's component cannot be created now.
pub(super) async fn run(
    supervisor: Arc<Supervisor>,
    identity: Identity,
    form: &FormSeal,
    fields: &[FormField],
    record: Option<&FormRecord>,
) -> std::result::Result<FormOutcome, NotPrepared> {
    let prepared = match prepare(&supervisor, &identity, form, fields).await {
        Ok(prepared) => prepared,
        Err(Unprepared::Known(outcome)) => return Ok(*outcome),
        Err(Unprepared::Temporary) => return Err(NotPrepared),
    };
    let PreparedForm { registration, instance, form: submitted } = prepared;
    if now() >= form.expires {
        return Ok(FormOutcome::not_run(NotRun::Expired, Some(submitted.shown)));
    }
    let ids = session_of(form).and_then(|session| Ok((session, record_component()?)));
    let typed = submitted.shown.clone();
    let has_errors = registration.spec.fields.iter().any(|field| field.kind == FieldKind::Errors);
    let (session, component) = match ids {
        Ok(ids) => ids,
        Err(error) => return Ok(FormOutcome::refused(&error, has_errors, typed)),
    };
    let core = supervisor.core();
    let committed = core.commit_keeper(registration.spec).and(record);
    if registration.spec.durable && committed.is_none() {
        let name = registration.spec.name;
        client_event!(core.log, ERROR, name, "cannot run a durable component without a session store");
        let error = ActionError::new(ErrorCode::ActionFailed, "a durable component needs a session store");
        return Ok(FormOutcome::refused(&error, has_errors, typed));
    }
    let mut run = FormRun {
        supervisor: Arc::clone(&supervisor),
        identity,
        session,
        component,
        registration,
        record: committed,
        instance: Some(instance),
        outcome: FormOutcome::with_status(StatusCode::OK),
        pending: PendingEffects::default(),
    };
    let result = run.submit(submitted).await;
    run.settle_loads().await;
    let state = run.saved();
    let mut outcome = match result {
        Ok(()) => run.outcome,
        Err(refusal) => {
            let (FormRefusal::Edits(error) | FormRefusal::Call(error)) = &refusal;
            // A refusal with a message for the visitor has no source.
            if error.source().is_some() || error.code() == ErrorCode::Panicked {
                let (log, component) = (&supervisor.core().log, registration.spec.name);
                client_event!(log, ERROR, component, error = %Escaped(error), "the action of a form failed");
            }
            let replaces_models = matches!(refusal, FormRefusal::Edits(_));
            let FormOutcome { cookies, flashes, .. } = run.outcome;
            FormOutcome {
                replaces_models,
                cookies,
                flashes,
                ..FormOutcome::refused(error, has_errors, typed)
            }
        }
    };
    if record.is_some_and(FormRecord::is_unknown) {
        return Ok(FormOutcome::not_run(NotRun::Interrupted, outcome.typed.take()));
    }
    outcome.state = state;
    Ok(outcome)
}

/// Returns the outcome of a form that is not run. It has the typed values, if the form can still be
/// evaluated.
pub(super) async fn not_run(
    why: NotRun,
    supervisor: &Supervisor,
    identity: &Identity,
    form: &FormSeal,
    fields: &[FormField],
) -> FormOutcome {
    let prepared = prepare(supervisor, identity, form, fields).await;
    FormOutcome::not_run(why, prepared.ok().map(|prepared| prepared.form.shown))
}

/// Why a form has no component to run.
enum Unprepared {
    /// The form's outcome, which does not change.
    Known(Box<FormOutcome>),
    /// The component cannot be created now.
    Temporary,
}

/// A form with its component.
struct PreparedForm {
    registration: Registration,
    instance: Box<dyn Instance>,
    form: SubmittedForm,
}

/// Creates the form's component and evaluates the form.
async fn prepare(
    supervisor: &Supervisor,
    identity: &Identity,
    form: &FormSeal,
    fields: &[FormField],
) -> std::result::Result<PreparedForm, Unprepared> {
    let core = supervisor.core();
    let not_run = |why| Unprepared::Known(Box::new(FormOutcome::not_run(why, None)));
    let sealed = form.chain.last().ok_or_else(|| not_run(NotRun::Expired))?;
    let registration = *core.registry.get(&sealed.component).ok_or_else(|| not_run(NotRun::Expired))?;
    let template = core.templates.of(&sealed.component).filter(|one| *one.hash == *sealed.template);
    let template = template.ok_or_else(|| not_run(NotRun::Expired))?;
    let budget = Arc::new(Budget::new("form", core.limits.session_state_bytes));
    let cx = MountContext::new(core.env(identity.clone()))
        .with_time_limit(core.limits.action_time)
        .with_budget(budget, Admission::Bounded);
    let refused = |error: FormRestoreError| match error {
        FormRestoreError::Undecodable => not_run(NotRun::Expired),
        FormRestoreError::Refused(error) => {
            Unprepared::Known(Box::new(FormOutcome::refused(&error, false, Value::Null)))
        }
        FormRestoreError::Temporary(error) => {
            let component = registration.spec.name;
            client_event!(core.log, ERROR, component, error = %Escaped(&error), "cannot create a form's component");
            Unprepared::Temporary
        }
    };
    let mut instance = restore::from_seal(sealed, &registration, cx).await.map_err(refused)?;
    let state = instance.state().and_then(|own| restore::complete_state(&own, instance.as_mut()));
    let state = state.map_err(|error| refused(FormRestoreError::Temporary(error)))?;
    let user = super::user(identity);
    let submitted = submit_form(&template.compiled, &state, user.as_ref(), &form.place, fields);
    let form = submitted.ok_or_else(|| not_run(NotRun::Gone))?;
    Ok(PreparedForm { registration, instance, form })
}

impl FormRun<'_> {
    /// Returns the component's state; none if it cannot be saved.
    fn saved(&mut self) -> Option<SavedState> {
        let instance = self.instance.as_mut()?;
        let saved = instance.save().and_then(|saved| Ok(String::from_utf8(saved)?));
        let (log, component) = (&self.supervisor.core().log, self.registration.spec.name);
        match saved {
            Ok(json) => Some(SavedState { schema: self.registration.spec.schema(), json }),
            Err(error) => {
                client_event!(log, ERROR, component, error = %Escaped(&error), "cannot save a form's component");
                None
            }
        }
    }

    /// Runs the edits and the calls until one is refused.
    async fn submit(&mut self, form: SubmittedForm) -> std::result::Result<(), FormRefusal> {
        self.ask(CallRequest::Mount).await.map_err(FormRefusal::Call)?;
        let (mut set, mut refused) = (Vec::new(), None);
        for FormEdit { path, value } in form.edits {
            match path.as_slice() {
                [Value::String(field)] => set.push((field.clone(), value)),
                // As a page sends them: one by one, before the action.
                _ => refused = self.edit(&path, &value, JobOrder::Earlier).await.err().or(refused),
            }
        }
        if let Some(error) = refused {
            self.edit_each(set).await;
            return Err(FormRefusal::Edits(error));
        }
        let last = form.calls.len().saturating_sub(1);
        for (at, call) in form.calls.into_iter().enumerate() {
            let order = if at == last { JobOrder::Last } else { JobOrder::Earlier };
            match call {
                SubmittedCall::Action(action, args) => {
                    let edits = std::mem::take(&mut set);
                    let (name, fields) =
                        (action.clone(), edits.iter().map(|(field, _)| field.as_str().into()));
                    self.ask(CallRequest::Action { name, edits: fields.collect() })
                        .await
                        .map_err(FormRefusal::Call)?;
                    let raw = edits.iter().map(|(field, value)| Ok((field.clone(), to_raw_json(value)?)));
                    let set = raw.collect::<Result<Vec<_>>>().map_err(FormRefusal::Call)?;
                    let payload = Some(to_raw_json(&args).map_err(|error| FormRefusal::Call(error.into()))?);
                    let had_edits = !set.is_empty();
                    let result = self.job(Job::Action { action: action.into(), payload, set }, order).await;
                    if let Err(error) = result {
                        if !had_edits || error.code() != ErrorCode::BadValue {
                            return Err(FormRefusal::Call(error));
                        }
                        // One by one, so that every field shows its error and the others are kept.
                        self.edit_each(edits).await;
                        return Err(FormRefusal::Edits(error));
                    }
                }
                SubmittedCall::Edit(field, value) => {
                    self.edit_each(std::mem::take(&mut set)).await;
                    let path = [Value::String(field.into())];
                    self.edit(&path, &value, order).await.map_err(FormRefusal::Call)?;
                }
            }
        }
        match self.edit_each(set).await {
            Some(error) => Err(FormRefusal::Edits(error)),
            None => Ok(()),
        }
    }

    /// Makes edits one by one. Returns the first error.
    async fn edit_each(&mut self, edits: Vec<(String, Value)>) -> Option<ActionError> {
        let mut first = None;
        for (field, value) in edits {
            let refused = self.edit(&[Value::String(field)], &value, JobOrder::Earlier).await.err();
            first = first.or(refused);
        }
        first
    }

    async fn edit(&mut self, path: &[Value], value: &Value, order: JobOrder) -> Result {
        let bad_path =
            || ActionError::new(ErrorCode::BadValue, "the edited item has no key; reload the page");
        let Some((Value::String(field), steps)) = path.split_first() else { return Err(bad_path()) };
        let steps: Vec<Key> = steps.iter().map(key).collect::<Option<_>>().ok_or_else(bad_path)?;
        let asked = steps.iter().map(vivaz_components::Key::from).collect();
        self.ask(CallRequest::Edit { field: field.as_str().into(), steps: asked }).await?;
        let property = PropertyPath { field: field.clone().into(), steps };
        self.job(Job::Property { property, value: to_raw_json(value)? }, order).await
    }

    /// Asks middleware about a request.
    async fn ask(&mut self, request: CallRequest) -> Result {
        let core = self.supervisor.core();
        if core.middleware.is_empty() {
            return Ok(());
        }
        let (identity, session) = (self.identity.clone(), self.session.clone());
        let call = Call { component: self.registration.spec.name, request, identity, session };
        core.middleware.allow(call, core.limits.action_time).await
    }

    /// Runs one job to its end, and performs its effects.
    async fn job(&mut self, job: Job, order: JobOrder) -> Result {
        let core = self.supervisor.core();
        let env = core.env(self.identity.clone());
        let mut cx = Context::new(env, self.session.clone(), self.component.clone())
            .with_time_limit(core.limits.action_time);
        if let Some(record) = self.record {
            cx = cx.with_journal(record.journal(order, &self.outcome)?);
        }
        let Some(instance) = self.instance.take() else {
            return Err(ActionError::internal("the form's component is running"));
        };
        let handler = HandlerOrigin {
            session: &self.session,
            id: &self.component,
            component: self.registration.spec,
            reference: None,
            parent: tracing::Span::current().id(),
        };
        let run = HandlerRun::start(handler, &job);
        let started = run.span().in_scope(|| instance.run(cx, job));
        let (supervisor, identity, session) = (&self.supervisor, &self.identity, &self.session);
        let (outcome, pending) = (&mut self.outcome, &mut self.pending);
        let mut perform =
            |effects| effects::perform(supervisor, identity, session, effects, outcome, pending);
        let finished = started.end(|flushed| perform(flushed.effects)).instrument(run.span().clone()).await;
        run.finish(&core.counters, &finished.result);
        perform(finished.effects);
        self.instance = Some(finished.instance);
        finished.result.map(drop)
    }

    /// Waits for the loads that the handlers have started, so that the page shows their results.
    async fn settle_loads(&mut self) {
        let limit = self.supervisor.core().limits.action_time;
        for _ in 0..LOAD_ROUNDS {
            let loads = std::mem::take(&mut self.pending.loads);
            if loads.is_empty() {
                return;
            }
            let loads = loads.into_iter().map(|load| tokio::time::timeout(limit, load));
            for loaded in futures_util::future::join_all(loads).await {
                // A load that takes longer shows its placeholder.
                if let Ok(Some(loaded)) = loaded
                    && let Err(error) = self.job(Job::Loaded { loaded }, JobOrder::Earlier).await
                {
                    tracing::error!(error = %Escaped(&error), "cannot keep the result of a load");
                }
            }
        }
    }
}

/// Returns the key of an item or the name of a field.
fn key(step: &Value) -> Option<Key> {
    match step {
        Value::String(text) => Some(Key::Text(text.as_str().into())),
        Value::Number(number) => number.as_i64().map(Key::Int),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}
