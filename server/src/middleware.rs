//! What stands before every action: ordered, and each may refuse.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use vivaz_components::instance::{BoxFuture, guard};
use vivaz_components::{Identity, Result};
use vivaz_protocol::SessionId;

/// An action that somebody is about to call.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Call {
    /// The component's registered name.
    pub component: &'static str,
    /// The action's name. Whether the component has it is found out later.
    pub action: Box<str>,
    /// Who calls it.
    pub identity: Identity,
    /// In which session.
    pub session: SessionId,
}

impl Call {
    pub(crate) fn new(component: &'static str, action: &str, identity: Identity, session: SessionId) -> Self {
        Self { component, action: action.into(), identity, session }
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
