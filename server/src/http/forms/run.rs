//! Runs a submitted form: the edits of its controls, then the calls of its `live:submit`, as a
//! session runs the messages of a page.

use std::sync::Arc;

use axum::http::StatusCode;
use serde_json::Value;
use serde_json::value::RawValue;
use vivaz_components::instance::{Instance, Job, JobProgress, Started};
use vivaz_components::spec::FieldKind;
use vivaz_components::{
    ActionError, Admission, Budget, Context, ErrorCode, Identity, Journal, MountContext, Registration, Result,
};
use vivaz_protocol::{ComponentId, Key, PropertyPath, SessionId};
use vivaz_template::{FormEdit, FormField, SubmittedCall, SubmittedForm, submit_form};

use super::effects::{self, PendingEffects};
use super::record::{FormRecord, session_of};
use super::restore;
use crate::admission::form::outcome::{FormOutcome, NotRun, SavedState};
use crate::admission::form::seal::FormSeal;
use crate::admission::middleware::{Call, CallRequest};
use crate::admission::seal::now;
use crate::session::sessions::supervisor::Supervisor;
use crate::telemetry::log::{Escaped, client_event};

/// How often loads may start further loads.
const LOAD_ROUNDS: usize = 8;

/// A form that is being run.
struct FormRun {
    supervisor: Arc<Supervisor>,
    identity: Identity,
    session: SessionId,
    component: ComponentId,
    registration: Registration,
    journal: Option<Arc<dyn Journal>>,
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

/// Runs a form whose seal was opened, and returns its outcome.
pub(super) async fn run(
    supervisor: Arc<Supervisor>,
    identity: Identity,
    form: &FormSeal,
    fields: &[FormField],
    record: Option<&FormRecord>,
) -> FormOutcome {
    let prepared = match prepare(&supervisor, &identity, form, fields).await {
        Ok(prepared) => prepared,
        Err(outcome) => return *outcome,
    };
    let PreparedForm { registration, instance, form: submitted } = prepared;
    if now() >= form.expires {
        return FormOutcome::not_run(NotRun::Expired, Some(submitted.shown));
    }
    let ids = session_of(form).and_then(|session| Ok((session, ComponentId::new("form")?)));
    let typed = submitted.shown.clone();
    let has_errors = registration.spec.fields.iter().any(|field| field.kind == FieldKind::Errors);
    let (session, component) = match ids {
        Ok(ids) => ids,
        Err(error) => return FormOutcome::refused(&error, has_errors, typed),
    };
    let core = supervisor.core();
    let journal = core.commit_keeper(registration.spec).and(record).map(FormRecord::journal);
    if registration.spec.durable && journal.is_none() {
        let name = registration.spec.name;
        client_event!(core.log, ERROR, name, "cannot run a durable component without a session store");
        let error = ActionError::new(ErrorCode::ActionFailed, "a durable component needs a session store");
        return FormOutcome::refused(&error, has_errors, typed);
    }
    let mut run = FormRun {
        supervisor: Arc::clone(&supervisor),
        identity,
        session,
        component,
        registration,
        journal,
        instance: Some(instance),
        outcome: FormOutcome::with_status(StatusCode::OK),
        pending: PendingEffects::default(),
    };
    let result = run.submit(submitted).await;
    run.settle_loads().await;
    let state = run.instance.as_mut().map(|instance| instance.save());
    let saved = state.and_then(|saved| String::from_utf8(saved.ok()?).ok());
    let state = saved.map(|json| SavedState { schema: registration.spec.schema(), json });
    let mut outcome = match result {
        Ok(()) => run.outcome,
        Err(refusal) => {
            let (FormRefusal::Edits(error) | FormRefusal::Call(error)) = &refusal;
            let is_internal = matches!(error.code(), ErrorCode::ActionFailed | ErrorCode::Panicked);
            if is_internal {
                let name = registration.spec.name;
                tracing::error!(component = name, error = %Escaped(error), "the action of a form failed");
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
        return FormOutcome::not_run(NotRun::Interrupted, outcome.typed.take());
    }
    outcome.state = state;
    outcome
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
) -> std::result::Result<PreparedForm, Box<FormOutcome>> {
    let core = supervisor.core();
    let not_run = |why| Box::new(FormOutcome::not_run(why, None));
    let sealed = form.chain.last().ok_or_else(|| not_run(NotRun::Expired))?;
    let registration = *core.registry.get(&sealed.component).ok_or_else(|| not_run(NotRun::Expired))?;
    let template = core.templates.of(&sealed.component).filter(|one| *one.hash == *sealed.template);
    let template = template.ok_or_else(|| not_run(NotRun::Expired))?;
    let budget = Arc::new(Budget::new("form", core.limits.session_state_bytes));
    let cx = MountContext::new(core.env(identity.clone()))
        .with_time_limit(core.limits.action_time)
        .with_budget(budget, Admission::Bounded);
    let refused = |error: ActionError| {
        if error.code() == ErrorCode::BadSeal {
            return not_run(NotRun::Expired);
        }
        Box::new(FormOutcome::refused(&error, false, Value::Null))
    };
    let mut instance = restore::from_seal(sealed, &registration, cx).await.map_err(refused)?;
    let state =
        instance.state().and_then(|own| restore::complete_state(&own, instance.as_mut())).map_err(refused)?;
    let user = super::user(identity);
    let submitted = submit_form(&template.compiled, &state, user.as_ref(), &form.place, fields);
    let form = submitted.ok_or_else(|| not_run(NotRun::Gone))?;
    Ok(PreparedForm { registration, instance, form })
}

impl FormRun {
    /// Runs the edits and the calls until one is refused.
    async fn submit(&mut self, form: SubmittedForm) -> std::result::Result<(), FormRefusal> {
        self.ask(CallRequest::Mount).await.map_err(FormRefusal::Call)?;
        let (mut set, mut refused) = (Vec::new(), None);
        for FormEdit { path, value } in form.edits {
            match path.as_slice() {
                [Value::String(field)] => set.push((field.clone(), value)),
                // As a page sends them: one by one, before the action.
                _ => refused = self.edit(&path, &value).await.err().or(refused),
            }
        }
        if let Some(error) = refused {
            self.edit_each(set).await;
            return Err(FormRefusal::Edits(error));
        }
        for call in form.calls {
            match call {
                SubmittedCall::Action(action, args) => {
                    let edits = std::mem::take(&mut set);
                    let (name, fields) =
                        (action.clone(), edits.iter().map(|(field, _)| field.as_str().into()));
                    self.ask(CallRequest::Action { name, edits: fields.collect() })
                        .await
                        .map_err(FormRefusal::Call)?;
                    let raw = edits.iter().map(|(field, value)| Ok((field.clone(), raw(value)?)));
                    let set = raw.collect::<Result<Vec<_>>>().map_err(FormRefusal::Call)?;
                    let payload = Some(raw_list(&args).map_err(FormRefusal::Call)?);
                    let had_edits = !set.is_empty();
                    let result = self.job(Job::Action { action: action.into(), payload, set }).await;
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
                    self.edit(&path, &value).await.map_err(FormRefusal::Call)?;
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
            let refused = self.edit(&[Value::String(field)], &value).await.err();
            first = first.or(refused);
        }
        first
    }

    async fn edit(&mut self, path: &[Value], value: &Value) -> Result {
        let Some((Value::String(field), steps)) = path.split_first() else { return Ok(()) };
        let steps: Vec<Key> = steps.iter().filter_map(key).collect();
        let asked = steps.iter().map(vivaz_components::Key::from).collect();
        self.ask(CallRequest::Edit { field: field.as_str().into(), steps: asked }).await?;
        let property = PropertyPath { field: field.clone().into(), steps };
        self.job(Job::Property { property, value: raw(value)? }).await
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
    async fn job(&mut self, job: Job) -> Result {
        let core = self.supervisor.core();
        let env = core.env(self.identity.clone());
        let mut cx = Context::new(env, self.session.clone(), self.component.clone())
            .with_time_limit(core.limits.action_time);
        if let Some(journal) = &self.journal {
            cx = cx.with_journal(Arc::clone(journal));
        }
        let Some(instance) = self.instance.take() else {
            return Err(ActionError::internal("the form's component is running"));
        };
        let span = tracing::info_span!("form", name = self.registration.spec.name);
        let started = span.in_scope(|| instance.run(cx, job));
        let finished = match started {
            Started::Now(finished) => finished,
            Started::Running { future, .. } => {
                let (supervisor, identity, session) = (&self.supervisor, &self.identity, &self.session);
                let (outcome, pending) = (&mut self.outcome, &mut self.pending);
                let flushed = |flushed: vivaz_components::instance::Flushed| {
                    effects::perform(supervisor, identity, session, flushed.effects, outcome, pending);
                };
                tracing::Instrument::instrument(JobProgress::end(future, flushed), span).await
            }
        };
        self.instance = Some(finished.instance);
        let (supervisor, identity, session) = (&self.supervisor, &self.identity, &self.session);
        let (outcome, pending) = (&mut self.outcome, &mut self.pending);
        effects::perform(supervisor, identity, session, finished.effects, outcome, pending);
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
            for load in loads {
                // A load that takes longer shows its placeholder.
                if let Ok(Some(loaded)) = tokio::time::timeout(limit, load).await
                    && let Err(error) = self.job(Job::Loaded { loaded }).await
                {
                    tracing::error!(error = %Escaped(&error), "cannot keep the result of a load");
                }
            }
        }
    }
}

fn raw(value: &Value) -> Result<Box<RawValue>> {
    Ok(serde_json::value::to_raw_value(value)?)
}

fn raw_list(values: &[Value]) -> Result<Box<RawValue>> {
    Ok(serde_json::value::to_raw_value(values)?)
}

/// Returns the key of an item or the name of a field.
fn key(step: &Value) -> Option<Key> {
    match step {
        Value::String(text) => Some(Key::Text(text.as_str().into())),
        Value::Number(number) => number.as_i64().map(Key::Int),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}
