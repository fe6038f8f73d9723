//! Creates components from the seals in a form.

use serde_json::value::RawValue;
use serde_json::{Map, Value};
use vivaz_components::instance::{Instance, Job};
use vivaz_components::{
    ActionError, Context, Decoded, Env, ErrorCode, MountContext, Registration, RestoreFailure, UrlParams,
};
use vivaz_protocol::{ComponentId, SessionId};

use crate::admission::form::outcome::SavedState;
use crate::admission::seal::SealContent;

/// Why a component of a form cannot be created.
#[derive(Debug)]
pub(crate) enum FormRestoreError {
    /// The program cannot decode its state or props.
    Undecodable,
    /// `mount` or a topic has refused.
    Refused(ActionError),
    /// Something has failed, and a later attempt may succeed.
    Temporary(ActionError),
}

impl From<FormRestoreError> for ActionError {
    fn from(error: FormRestoreError) -> Self {
        match error {
            FormRestoreError::Undecodable => {
                Self::new(ErrorCode::BadSeal, "the seal is not valid; reload the page")
            }
            FormRestoreError::Refused(error) | FormRestoreError::Temporary(error) => error,
        }
    }
}

impl FormRestoreError {
    /// Classifies the error of `mount`. An error with a source is a failure, and no refusal.
    fn of_mount(error: ActionError) -> Self {
        let has_failed = error.source().is_some()
            || matches!(error.code(), ErrorCode::Panicked | ErrorCode::Timeout | ErrorCode::Overloaded);
        if has_failed { Self::Temporary(error) } else { Self::Refused(error) }
    }
}

/// Creates the component of a seal: from its state, or else by its props.
///
/// # Errors
/// Returns the error of `mount` or of a topic that the component shows, and
/// [`FormRestoreError::Undecodable`] for state that the program cannot decode.
pub(crate) async fn from_seal(
    sealed: &SealContent,
    registration: &Registration,
    cx: MountContext,
) -> Result<Box<dyn Instance>, FormRestoreError> {
    if let Some(state) = &sealed.state {
        return from_state(state, sealed.schema, registration, cx).await;
    }
    let props = serde_json::from_str(&sealed.props).map_err(|error| undecodable(&error.into()))?;
    let query = sealed.query.as_deref().unwrap_or_default();
    registration
        .mount(props, cx.with_params(UrlParams::parse(query)))
        .await
        .map_err(FormRestoreError::of_mount)
}

/// Creates a component from the state that a form's handler has left.
///
/// # Errors
/// Returns the error of a topic that the component shows, and [`FormRestoreError::Undecodable`] for
/// state that the program cannot decode.
pub(crate) async fn from_saved(
    saved: &SavedState,
    registration: &Registration,
    cx: MountContext,
) -> Result<Box<dyn Instance>, FormRestoreError> {
    from_state(&saved.json, saved.schema, registration, cx).await
}

async fn from_state(
    state: &str,
    schema: u64,
    registration: &Registration,
    cx: MountContext,
) -> Result<Box<dyn Instance>, FormRestoreError> {
    let restored = registration.restore(state.as_bytes(), schema, cx).await;
    restored.map(Decoded::into_instance).map_err(|failure| match failure {
        RestoreFailure::Undecodable(error) => undecodable(&error),
        RestoreFailure::Refused(error) => FormRestoreError::Refused(error),
        RestoreFailure::Temporary(error) => FormRestoreError::Temporary(error),
    })
}

fn undecodable(error: &ActionError) -> FormRestoreError {
    tracing::info!(error = %crate::telemetry::log::Escaped(error), "cannot decode the contents of a form");
    FormRestoreError::Undecodable
}

/// Returns the public state of a component, and the state of its topics under the names of the
/// shared fields.
///
/// # Errors
/// Returns an error if a field or a topic has no JSON form.
pub(crate) fn complete_state(own: &str, instance: &mut dyn Instance) -> Result<Value, ActionError> {
    let mut fields: Map<String, Value> = serde_json::from_str(own)?;
    for (field, topic) in instance.topics() {
        fields.insert(field.to_owned(), serde_json::from_str(topic.snapshot()?.json())?);
    }
    Ok(Value::Object(fields))
}

/// Gives a component the props with which its parent shows it now, if they differ from `before`.
///
/// # Errors
/// Returns an error if the component refuses them.
pub(crate) async fn with_props(
    instance: Box<dyn Instance>,
    props: &RawValue,
    before: &str,
    env: Env,
) -> Result<Box<dyn Instance>, ActionError> {
    if props.get() == before {
        return Ok(instance);
    }
    let cx = Context::new(env, SessionId::new("form")?, ComponentId::new("form")?);
    let job = Job::Props { props: props.to_owned(), page: Vec::new() };
    let finished = instance.run(cx, job).end(drop).await;
    finished.result.map(|_| finished.instance)
}
