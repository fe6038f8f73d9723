//! The application's middleware: layers that run, in order, before each message that reaches a
//! component. Each layer may refuse the message.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use vivaz_components::instance::{BoxFuture, guard};
use vivaz_components::{Identity, Key, Result};
use vivaz_protocol::SessionId;

/// A client message that is about to reach a component.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Call {
    /// The component's registered name.
    pub component: &'static str,
    /// The request in the message.
    pub request: CallRequest,
    /// The identity of the session.
    pub identity: Identity,
    /// The id of the session.
    pub session: SessionId,
}

/// A request of a page to a component. An unmount is not among the variants: a page may always
/// unmount a component.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallRequest {
    /// `COMPONENT_MOUNT`
    Mount,
    /// `COMPONENT_ACTION`
    Action {
        /// The action's name. The session checks later whether the component has such an action.
        name: Box<str>,
        /// The fields that the page edits in the same message.
        edits: Vec<Box<str>>,
    },
    /// `PROPERTY_UPDATE`
    Edit {
        /// The name of the component's field. The session checks later whether the page may write
        /// it.
        field: Box<str>,
        /// The path from the field to a property inside of it: names and keys of items, as the page
        /// sent them. The session checks later whether the path exists.
        steps: Box<[Key]>,
    },
    /// `PROPS_UPDATE`
    Props,
}

impl CallRequest {
    /// Returns the name of the action; `None` for other requests.
    #[must_use]
    pub fn action(&self) -> Option<&str> {
        match self {
            Self::Action { name, .. } => Some(name),
            Self::Mount | Self::Edit { .. } | Self::Props => None,
        }
    }
}

type Layer = Arc<dyn Fn(Call) -> BoxFuture<Result> + Send + Sync>;

/// The layers, in the order in which they run.
#[derive(Clone, Default)]
pub(crate) struct Middleware {
    layers: Arc<Vec<Layer>>,
}

impl Middleware {
    pub(crate) fn push<F, R>(&mut self, layer: F)
    where
        F: Fn(Call) -> R + Send + Sync + 'static,
        R: Future<Output = Result> + Send + 'static,
    {
        let layer: Layer = Arc::new(move |call| Box::pin(layer(call)));
        Arc::make_mut(&mut self.layers).push(layer);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.layers.is_empty()
    }

    /// Runs the layers one after the other until one refuses. All layers together have `limit`.
    ///
    /// # Errors
    /// Returns the error of the first layer that refuses, panics or exceeds `limit`.
    pub(crate) fn allow(&self, call: Call, limit: Duration) -> BoxFuture<Result> {
        let layers = Arc::clone(&self.layers);
        let run = async move {
            for layer in layers.iter() {
                layer(call.clone()).await?;
            }
            Ok(())
        };
        Box::pin(guard("middleware", Some(limit), run))
    }
}

impl fmt::Debug for Middleware {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Middleware({})", self.layers.len())
    }
}
