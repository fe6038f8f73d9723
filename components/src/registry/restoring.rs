//! Components made of their saved state, and the reasons why that fails.

use std::fmt;

use vivaz_protocol::ErrorCode;
use vivaz_protocol::log::Escaped;

use crate::component::LiveComponent;
use crate::fault;
use crate::future::BoxFuture;
use crate::host::{Host, recall_presences, refused};
use crate::instance::Instance;
use crate::saved::Saved;
use crate::{ActionError, MountContext, Result};

/// A future that becomes a component that was saved.
pub type RestoreFuture = BoxFuture<std::result::Result<Decoded, RestoreFailure>>;

/// A component made of its saved state.
pub enum Decoded {
    /// The component is what was saved.
    AsSaved(Box<dyn Instance>),
    /// The state is of another schema, or `migrate` made it: a page that has the saved state does not have this one.
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

/// Why a component could not be made of its saved state. Only one of the reasons means that the
/// state cannot be used; none of them means that there is no state.
#[derive(Debug)]
pub enum RestoreFailure {
    /// The user may not see the component: one of its topics returned `forbidden` or
    /// `unauthenticated`.
    Refused(ActionError),
    /// The state was decoded, and something that the component needs failed, panicked or took too
    /// long. It may succeed the next time; until then the state is to be kept as it is.
    Temporary(ActionError),
    /// This program cannot decode the state, and `migrate` was asked, or the state names a topic
    /// that does not exist. Another version of the program may be able to use it.
    Undecodable(ActionError),
}

impl RestoreFailure {
    /// Sorts the error of what comes after the state was decoded: showing topics, computing fields.
    #[must_use]
    pub fn of_decoded(error: ActionError) -> Self {
        if matches!(error.code(), ErrorCode::Forbidden | ErrorCode::Unauthenticated) {
            Self::Refused(error)
        } else if matches!(error.code(), ErrorCode::BadProps | ErrorCode::NotFound) {
            // The state names a topic that has no such key in this program, or that does not exist.
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

/// Decodes a state. `migrate` is asked when the schema is another one, and also when it is the same and the state does not
/// decode: types that do not say what they read have changed then.
fn decode<C: LiveComponent>(saved: &[u8], schema: u64) -> Result<(C, Wrap)> {
    let guarded = |run: fn(&Saved<'_>) -> Result<C>| {
        fault::guard_now("restoring a component", || {
            let saved = Saved::read(saved)?;
            let mut component = run(&saved)?;
            refused::recall(&mut component, &saved)?;
            recall_presences(&mut component, &saved);
            Ok(component)
        })
    };
    if schema == C::SPEC.schema() {
        match guarded(C::restore) {
            Ok(component) => return Ok((component, Decoded::AsSaved)),
            Err(error) => {
                let (name, error) = (C::SPEC.name, Escaped(&error));
                tracing::warn!(component = name, %error, "a saved state does not decode: `migrate` is asked");
            }
        }
    }
    let mut component = guarded(C::migrate)?;
    refused::withdraw_all(&mut component);
    Ok((component, Decoded::Migrated))
}
