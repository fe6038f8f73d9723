//! Forms that work without JavaScript: a `live:submit` with `method="post"`. The browser sends the
//! form to the address of its page. The runtime runs the action, and the page is rendered again
//! with the component's new state.

mod answer;
mod body;
mod effects;
mod record;
pub(crate) mod restore;
mod run;
mod target;

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::MethodRouter;
use serde_json::{Value, json};
use tokio::sync::{Mutex, OnceCell};
use tower_service::Service;
use vivaz_components::Identity;

use self::answer::{FormAnswer, RefusedForm};
use self::body::FormBodyError;
use self::record::{FormRecord, Recorded};
use self::run::NotPrepared;
pub(crate) use self::target::{
    FormChain, FormRoots, PaintedForm, RestoreTarget, SubmittedPage, hidden_control,
};
use crate::admission::address::client_address;
use crate::admission::browser::BrowserId;
use crate::admission::form::outcome::{FormOutcome, NotRun};
use crate::admission::form::seal::{FIELD, FormSeal};
use crate::admission::form::used::{Beginning, RunningForm};
use crate::admission::seal::now;
use crate::runtime::Runtime;
use crate::session::sessions::supervisor::Supervisor;
use crate::telemetry::log::{Escaped, client_event};

/// Lets the handler of a page also receive the page's forms, so that they work without JavaScript:
/// those with `live:submit` and `method="post"`. [`Routes::route`](crate::Routes::route) does this
/// for every page.
///
/// The handler has to take a [`Live`](crate::Live). A form is sent with the method `POST`. The
/// runtime runs its action when it extracts the `Live`, and then the handler renders the page, as
/// for `GET`: the form's component has its new state. If the action navigates, the browser is sent
/// there, and the handler does not run. A handler of `handler` for `POST` takes precedence.
///
/// ```
/// use axum::Router;
/// use axum::response::Response;
/// use axum::routing::get;
/// use vivaz::prelude::*;
///
/// # #[derive(LiveComponent, Clone)]
/// # #[live(name = "signup-with-forms", inline = "<p></p>")]
/// # struct Signup {}
/// async fn page(live: Live) -> Result<Response, RenderError> {
///     let signup = live.render::<Signup>(SignupProps {}).await?;
///     Ok(live.page(format!("<!doctype html><title>Sign up</title>{}{signup}", live.head())))
/// }
///
/// let router: Router<Runtime> = Router::new().route("/signup", vivaz::with_forms(get(page)));
/// ```
pub fn with_forms<S: Clone + Send + Sync + 'static>(handler: MethodRouter<S>) -> MethodRouter<S> {
    let page = handler.layer(Extension(AcceptsForms));
    let receiver = page.clone();
    page.fallback(move |State(state): State<S>, request: Request| receive(receiver, state, request))
}

/// Marks the requests whose pages may contain forms that work without JavaScript.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AcceptsForms;

/// A form that a browser has sent. Kept in the request for the page's handler.
#[derive(Clone, Debug)]
pub(crate) struct FormRequest(Arc<SentForm>);

#[derive(Debug)]
struct SentForm {
    content_type: Option<HeaderValue>,
    body: Mutex<Option<Body>>,
    answer: OnceCell<FormAnswer>,
}

/// Runs the handler of a page for a form that was sent to it.
async fn receive<S: Clone + Send + Sync + 'static>(
    page: MethodRouter<S>,
    state: S,
    request: Request,
) -> Response {
    if request.method() != Method::POST {
        let mut response = respond(page.with_state(state), request).await;
        if response.status() == StatusCode::METHOD_NOT_ALLOWED {
            let allowed = response.headers().get(header::ALLOW).and_then(|allowed| allowed.to_str().ok());
            let allowed = allowed.map_or_else(|| "POST".to_owned(), |allowed| format!("{allowed},POST"));
            if let Ok(allowed) = HeaderValue::from_str(&allowed) {
                response.headers_mut().insert(header::ALLOW, allowed);
            }
        }
        return response;
    }
    let (mut parts, body) = request.into_parts();
    let content_type = parts.headers.remove(header::CONTENT_TYPE);
    let form = SentForm { content_type, body: Mutex::new(Some(body)), answer: OnceCell::new() };
    let form = FormRequest(Arc::new(form));
    parts.method = Method::GET;
    for name in [header::CONTENT_LENGTH, header::TRANSFER_ENCODING] {
        parts.headers.remove(name);
    }
    parts.extensions.insert(form.clone());
    let request = Request::from_parts(parts, Body::empty());
    let response = respond(page.with_state(state), request).await;
    match form.0.answer.get() {
        Some(answer) => answer.respond(response),
        // The handler takes no `Live`: it shows a page that has no forms.
        None if response.status().is_success() => not_allowed(),
        None => response,
    }
}

async fn respond(mut page: MethodRouter, request: Request) -> Response {
    // A router of methods is always ready, and its errors are responses.
    match page.call(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

fn not_allowed() -> Response {
    let allow = [(header::ALLOW, "GET,HEAD")];
    (StatusCode::METHOD_NOT_ALLOWED, allow, "This address accepts no forms.\n").into_response()
}

impl FormRequest {
    /// Runs the form. Returns `None` if the page is not rendered, because the form was refused or
    /// its action leads to another page.
    pub(crate) async fn submit(
        &self,
        runtime: &Runtime,
        identity: &Identity,
        parts: &Parts,
    ) -> Option<Arc<SubmittedPage>> {
        let submitted = async { self.run(runtime, identity, parts).await };
        self.0.answer.get_or_init(|| submitted).await.page()
    }

    async fn run(&self, runtime: &Runtime, identity: &Identity, parts: &Parts) -> FormAnswer {
        match self.run_once(runtime, identity, parts).await {
            Ok(answer) => answer,
            Err(refused) => {
                client_event!(runtime.core().log, INFO, ?refused, "a form was refused");
                FormAnswer::Refused(refused)
            }
        }
    }

    async fn run_once(
        &self,
        runtime: &Runtime,
        identity: &Identity,
        parts: &Parts,
    ) -> Result<FormAnswer, RefusedForm> {
        let core = runtime.core();
        // Checked here, too, because an application may not use the layer.
        if !core.origins.allow_method(&Method::POST, &parts.uri, &parts.headers) {
            return Err(RefusedForm::CrossOrigin);
        }
        let address = client_address(parts, &core.proxies);
        core.addresses
            .admit_form(address, core.started.elapsed())
            .map_err(|retry| RefusedForm::TooMany(retry.0))?;
        let body = self.0.body.lock().await.take().unwrap_or_default();
        let mut fields = body::read(self.0.content_type.as_ref(), body, core.limits.form_bytes).await?;
        let at = fields.iter().position(|(name, _)| name == FIELD).ok_or(RefusedForm::NoSeal)?;
        let (_, token) = fields.swap_remove(at);
        fields.retain(|(name, _)| name != FIELD);
        let browsers = BrowserId::of_connection(&parts.headers, &core.secret);
        let form = FormSeal::open(&token, &core.sealer, identity, &browsers).ok_or(RefusedForm::BadSeal)?;
        runtime.on_executor();
        let outcome = outcome_of(runtime, identity, form.clone(), fields).await?;
        FormAnswer::of(core, identity, parts, form, outcome)
    }
}

/// Returns a hash of the values that a form was sent with. A repetition has the same.
fn values_hash(fields: &[(String, String)]) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    for text in fields.iter().flat_map(|(name, value)| [name, value]) {
        hasher.update(&text.len().to_le_bytes()).update(text.as_bytes());
    }
    hasher.finalize()
}

/// Runs a form, unless it was run before, and returns its outcome.
async fn outcome_of(
    runtime: &Runtime,
    identity: &Identity,
    form: FormSeal,
    fields: Vec<(String, String)>,
) -> Result<Arc<FormOutcome>, RefusedForm> {
    let supervisor = runtime.supervisor();
    let core = supervisor.core();
    // Without a store, another process knows whether the form was run.
    let is_elsewhere = core.keeper.is_none() && form.process.as_deref() != Some(&*core.process);
    let values = values_hash(&fields);
    let beginning =
        if is_elsewhere { Beginning::Forgotten } else { core.used_forms.begin(&form, values, now()) };
    let mut outcome = match beginning {
        Beginning::Forgotten => {
            let unknown = run::not_run(NotRun::Interrupted, supervisor, identity, &form, &fields).await;
            return Ok(Arc::new(unknown));
        }
        Beginning::Changed => {
            let changed = run::not_run(NotRun::Changed, supervisor, identity, &form, &fields).await;
            return Ok(Arc::new(changed));
        }
        Beginning::Again(outcome) => outcome,
        Beginning::First(running) => {
            if supervisor.shutdown.is_cancelled() {
                running.finish_and_forget(None);
                return Err(RefusedForm::Unavailable);
            }
            let outcome = running.subscribe();
            // A task of its own, because the browser may close its connection before the end.
            let run = run_recorded(Arc::clone(supervisor), identity.clone(), form, fields, values, running);
            supervisor.tasks.spawn(tracing::Instrument::in_current_span(run));
            outcome
        }
    };
    let known = outcome.wait_for(Option::is_some).await;
    match known {
        Ok(outcome) => outcome.clone().ok_or(RefusedForm::Unavailable),
        // The task has ended without an outcome.
        Err(_) => Err(RefusedForm::Unavailable),
    }
}

/// Runs a form and records that it was run, in the store if there is one.
async fn run_recorded(
    supervisor: Arc<Supervisor>,
    identity: Identity,
    form: FormSeal,
    fields: Vec<(String, String)>,
    values: blake3::Hash,
    running: RunningForm,
) {
    let core = supervisor.core();
    let spec = form.chain.last().and_then(|link| core.registry.get(&link.component)).map(|one| one.spec);
    let (Some(keeper), Some(spec)) = (&core.keeper, spec) else {
        return match run::run(Arc::clone(&supervisor), identity, &form, &fields, None).await {
            Ok(outcome) => running.finish(Arc::new(outcome)),
            Err(NotPrepared) => running.finish_and_forget(None),
        };
    };
    let patience = core.limits.action_time;
    let recorded = match FormRecord::begin(keeper, &form, values, spec, &identity, now(), patience).await {
        Ok(recorded) => recorded,
        Err(error) => {
            tracing::error!(error = %Escaped(&error), "cannot record a form; it was not run");
            return running.finish_and_forget(None);
        }
    };
    let outcome = match recorded {
        Recorded::New(record) => {
            let run = run::run(Arc::clone(&supervisor), identity, &form, &fields, Some(&record));
            let Ok(outcome) = run.await else {
                record.withdraw().await;
                return running.finish_and_forget(None);
            };
            record.finish(&outcome).await;
            outcome
        }
        Recorded::Done(outcome) => *outcome,
        Recorded::Interrupted | Recorded::Ended => {
            run::not_run(NotRun::Interrupted, &supervisor, &identity, &form, &fields).await
        }
        Recorded::Changed => run::not_run(NotRun::Changed, &supervisor, &identity, &form, &fields).await,
    };
    running.finish_and_forget(Some(Arc::new(outcome)));
}

impl From<FormBodyError> for RefusedForm {
    fn from(error: FormBodyError) -> Self {
        match error {
            FormBodyError::ContentType => Self::ContentType,
            FormBodyError::TooLarge => Self::TooLarge,
            FormBodyError::File => Self::File,
            FormBodyError::Malformed => Self::Malformed,
        }
    }
}

/// Returns the value of `$user` in templates.
pub(crate) fn user(identity: &Identity) -> Option<Value> {
    let user = identity.user().ok()?;
    Some(json!({ "id": user.id, "name": user.name }))
}
