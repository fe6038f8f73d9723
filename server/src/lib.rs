//! Live pages in Rust: components on the server, a page that shows them and stays in step, one WebSocket between them.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod assets;
mod connection;
mod gate;
mod identify;
mod limits;
mod middleware;
mod origin;
mod outbox;
mod port;
mod rate;
mod render;
mod runtime;
mod seal;
mod secret;
mod session;
mod sessions;
mod shutdown;
mod stats;
mod templates;
mod transport;
mod upgrade;

pub use identify::Refused;
pub use limits::Limits;
pub use middleware::Call;
pub use render::{Live, Markup, RenderError};
pub use runtime::{BuildError, Builder, Runtime};
pub use secret::{Secret, SecretError};
pub use shutdown::{serve, serve_until};
pub use stats::{Latency, Stats};
pub use templates::TemplateError;
pub use vivaz_components::*;

/// What an application's components and pages usually need.
pub mod prelude {
    pub use crate::{Live, Markup, RenderError, Runtime};
    pub use vivaz_components::{
        ActionError, Context, Errors, Identity, List, LiveComponent, LiveState, MountContext, Result, Shared,
        Target, Topic, TopicContext, actions,
    };
}

/// The first example of the README, so that it keeps compiling.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
