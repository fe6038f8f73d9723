//! What stands before every message that reaches a component: ordered, and each layer may refuse.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use vivaz_components::instance::{BoxFuture, guard};
use vivaz_components::{Identity, Key, Result};
use vivaz_protocol::SessionId;

/// A message of a page that is about to reach a component.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Call {
    /// The component's registered name.
    pub component: &'static str,
    /// What the page asks.
    pub request: CallRequest,
    /// The identity that the session has.
    pub identity: Identity,
    /// The session.
    pub session: SessionId,
}

/// What a page asks of a component. A page may always unmount one, so that is not among them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallRequest {
    /// `COMPONENT_MOUNT`
    Mount,
    /// `COMPONENT_ACTION`
    Action {
        /// The action's name. Whether the component has it is checked later.
        name: Box<str>,
        /// The fields that the page edits together with it.
        edits: Vec<Box<str>>,
    },
    /// `PROPERTY_UPDATE`
    Edit {
        /// The name of the component's field. Whether the page may write it is checked later.
        field: Box<str>,
        /// The path from there, for a property inside of the field: names and keys of items, as the page sent them.
        /// Whether it leads anywhere is checked later.
        steps: Box<[Key]>,
    },
    /// `PROPS_UPDATE`
    Props,
}

impl CallRequest {
    /// Returns the name of the action, if it is one.
    #[must_use]
    pub fn action(&self) -> Option<&str> {
        match self {
            Self::Action { name, .. } => Some(name),
            Self::Mount | Self::Edit { .. } | Self::Props => None,
        }
    }
}

type Layer = Arc<dyn Fn(Call) -> BoxFuture<Result> + Send + Sync>;

/// The layers, in the order in which they are asked.
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

    /// Asks one after the other; the first that refuses is the last that is asked.
    /// One that panics or takes longer than an action may has refused.
    pub(crate) fn allow(&self, call: Call, limit: Duration) -> BoxFuture<Result> {
        let layers = Arc::clone(&self.layers);
        let asked = async move {
            for layer in layers.iter() {
                layer(call.clone()).await?;
            }
            Ok(())
        };
        Box::pin(guard("middleware", Some(limit), asked))
    }
}

impl fmt::Debug for Middleware {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Middleware({})", self.layers.len())
    }
}
