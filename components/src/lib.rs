//! The component model of Vivaz.
//!
//! The session in `vivaz` (the server crate) drives a component through the object-safe trait
//! [`Instance`]. All typed work is done in this crate.
//!
//! A job: the session calls [`Instance::run`] → `host` copies the component and calls its method →
//! the method changes fields, [`List`]s and [`Shared`] state, and stages requests in its
//! [`Context`] → `tracking` compares the fields with the state that the page has → the session gets
//! the patch and the effects.
//!
//! [`Instance`]: instance::Instance
//! [`Instance::run`]: instance::Instance::run

// Derived code refers to this crate by its name, in this crate too.
extern crate self as vivaz_components;

mod apply_patch;
mod args;
mod broadcast;
mod budget;
mod check;
pub mod cluster;
mod component;
mod context;
mod edit;
mod effect;
mod env;
mod error;
mod event;
mod fault;
mod follow;
mod form;
mod future;
mod host;
mod identity;
pub mod instance;
mod journal;
mod list;
mod loading;
pub mod page;
mod page_effect;
mod registry;
pub mod route;
mod saved;
mod schema;
pub mod shape;
mod shared;
mod shown;
pub mod spec;
mod states;
mod storable;
mod stream;
mod topic;
mod tracked;
mod tracking;
pub mod url;

pub use broadcast::Broadcast;
pub use budget::{Account, Admission, Budget};
pub use component::LiveComponent;
pub use context::{Context, Emit, FirstLoads, HandlerScope, MountContext, PresenceAt};
pub use cookie::Cookie;
pub use edit::{FieldPath, FieldStep};
pub use effect::Effect;
pub use env::Env;
pub use error::{ActionError, Errors, Result, show};
pub use event::{ServerEvent, Target, TaskOutcome, UnmountReason, warn_unhandled};
pub use identity::{Identity, User};
pub use journal::{
    ComponentChange, Journal, Membership, MessageId, OperationId, Transaction, TransactionBody, Work,
};
pub use list::{DuplicateKey, Iter as ListIter, Key, Keyed, List};
pub use loading::{Async, LoadContext};
pub use page::LivePage;
pub use page_effect::{CookieError, Flash, PageEffect, PagePath, RedirectUrl, UrlError};
pub use registry::{
    Decoded, DuplicateName, Factory, MountFuture, Registration, Registry, RestoreFailure, RestoreFuture,
    TemplateFields, mount,
};
pub use route::LiveRoute;
pub use saved::Saved;
pub use shared::Shared;
pub use shown::ShownValue;
pub use states::States;
pub use stream::{Stream, StreamPatch};
pub use topic::{
    CatchUp, FanOut, FanOutObserver, HasPresence, Hub, Presence, PresenceChange, PresenceClaim,
    ReservedUpdates, Rooms, StagedUpdate, Subscriber, Subscription, Topic, TopicContext, TopicHandle,
    TopicPatch, TopicRef, TopicSnapshot, TopicState, Unsent,
};
pub use tracked::Tracked;
pub use tracking::Loaded;
pub use url::UrlParams;
pub use vivaz_components_derive::{LiveComponent, LivePage, LiveRoute, LiveState, actions};
pub use vivaz_databases::Tx;
pub use vivaz_protocol::{Author, ComponentId, ErrorCode};

/// Items for generated code. Not part of the public API: anything in it may change with any
/// version.
#[doc(hidden)]
pub mod __private;
