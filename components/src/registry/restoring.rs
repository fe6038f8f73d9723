//! Restoring components from their saved state.

use std::fmt;

use vivaz_protocol::ErrorCode;
use vivaz_protocol::log::Escaped;

use crate::component::LiveComponent;
use crate::fault;
use crate::future::BoxFuture;
use crate::host::{Host, input_messages, recall_presences};
use crate::instance::Instance;
use crate::saved::Saved;
use crate::{ActionError, MountContext, Result};

/// A future that returns a restored component.
pub type RestoreFuture = BoxFuture<std::result::Result<Decoded, RestoreFailure>>;

/// A component restored from its saved state.
pub enum Decoded {
    /// The component equals the saved one.
    AsSaved(Box<dyn Instance>),
    /// The state is of another schema, or `migrate` created the component: a page that has the
    /// saved state does not have this one.
    Migrated(Box<dyn Instance>),
}

impl Decoded {
    /// Returns the component.
    #[must_use]
    pub fn into_instance(self) -> Box<dyn Instance> {
        match self {
            Self::AsSaved(instance) | Self::Migrated(instance) => instance,
        }
    }
}

impl fmt::Debug for Decoded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AsSaved(_) => "AsSaved",
            Self::Migrated(_) => "Migrated",
        })
    }
}

/// The reason why a component could not be restored. Only one of the reasons means that the state
/// cannot be used; none of them means that there is no state.
#[derive(Debug)]
pub enum RestoreFailure {
    /// The user may not see the component: one of its topics returned `forbidden` or
    /// `unauthenticated`.
    Refused(ActionError),
    /// The state was decoded, and something that the component needs failed, panicked or timed out.
    /// A later attempt may succeed; until then the state is kept unchanged.
    Temporary(ActionError),
    /// This program cannot decode the state, and `migrate` failed, or the state names a topic that
    /// does not exist. Another version of the program may be able to decode it.
    Undecodable(ActionError),
}

impl RestoreFailure {
    /// Classifies an error after the state was decoded: from opening topics, or from computed
    /// fields.
    #[must_use]
    pub fn of_decoded(error: ActionError) -> Self {
        if matches!(error.code(), ErrorCode::Forbidden | ErrorCode::Unauthenticated) {
            Self::Refused(error)
        } else if matches!(error.code(), ErrorCode::BadProps | ErrorCode::NotFound) {
            // The state names a topic whose key is invalid in this program, or that does not exist.
            Self::Undecodable(error)
        } else {
            Self::Temporary(error)
        }
    }

    /// Returns the error behind it.
    #[must_use]
    pub fn into_error(self) -> ActionError {
        match self {
            Self::Refused(error) | Self::Temporary(error) | Self::Undecodable(error) => error,
        }
    }
}

impl fmt::Display for RestoreFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(error) => write!(f, "refused: {error}"),
            Self::Temporary(error) => write!(f, "not now: {error}"),
            Self::Undecodable(error) => write!(f, "the state cannot be decoded: {error}"),
        }
    }
}

pub(super) fn restore_untyped<C: LiveComponent>(
    saved: &[u8],
    schema: u64,
    cx: MountContext,
) -> RestoreFuture {
    match decode::<C>(saved, schema) {
        Ok((component, wrap)) => Box::pin(async move {
            Host::bound(Box::new(component), &cx).await.map(wrap).map_err(RestoreFailure::of_decoded)
        }),
        Err(error) => Box::pin(std::future::ready(Err(RestoreFailure::Undecodable(error)))),
    }
}

type Wrap = fn(Box<dyn Instance>) -> Decoded;

/// Decodes a state. Calls `migrate` if the schema differs, or if it is the same and the state does
/// not decode: a type whose `Deserialize` does not reveal its format has changed then.
fn decode<C: LiveComponent>(saved: &[u8], schema: u64) -> Result<(C, Wrap)> {
    let guarded = |run: fn(&Saved<'_>) -> Result<C>| {
        fault::guard_now("restoring a component", || {
            let saved = Saved::read(saved)?;
            let mut component = run(&saved)?;
            input_messages::recall(&mut component, &saved)?;
            recall_presences(&mut component, &saved);
            Ok(component)
        })
    };
    if schema == C::SPEC.schema() {
        match guarded(C::restore) {
            Ok(component) => return Ok((component, Decoded::AsSaved)),
            Err(error) => {
                let (name, error) = (C::SPEC.name, Escaped(&error));
                tracing::warn!(component = name, %error, "a saved state does not decode; calling `migrate`");
            }
        }
    }
    let mut component = guarded(C::migrate)?;
    input_messages::withdraw_all(&mut component);
    Ok((component, Decoded::Migrated))
}
