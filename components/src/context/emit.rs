//! Sending events from a handler.

use std::sync::Arc;

use serde::Serialize;
use vivaz_protocol::SessionId;

use super::Context;
use super::effects::Effects;
use crate::effect::Effect;
use crate::error::Result;
use crate::event::{ServerEvent, Target};
use crate::shared::Shared;
use crate::topic::Topic;

impl Context {
    /// Sends an event to the component's own page, where the page's code listens for it. No
    /// component receives it: [`send`](Self::send) reaches the session's other components.
    ///
    /// # Errors
    /// Returns an error if `data` has no JSON form.
    pub fn emit(&mut self, name: &str, data: impl Serialize) -> Result {
        self.to(Target::Own).emit(name, data)
    }

    /// Sends an event to the other components of the session: to each that has an `#[event]` method
    /// of that name. No page receives it: [`emit`](Self::emit) reaches the component's own page.
    ///
    /// ```
    /// # use vivaz_components::{Context, Result};
    /// fn add(cx: &mut Context, article: u64) -> Result {
    ///     // For `#[event("cart.changed")] fn …(&mut self, article: u64)`.
    ///     cx.send("cart.changed", article)
    /// }
    /// ```
    ///
    /// # Errors
    /// Returns an error if `data` has no JSON form.
    pub fn send(&mut self, name: &str, data: impl Serialize) -> Result {
        self.to(Target::Components).emit(name, data)
    }

    /// Addresses an event to all sessions of a user of the same tenant in this process: to the
    /// `#[event]` methods of their components, and to their pages.
    pub fn to_user(&mut self, user: impl Into<Arc<str>>) -> Emit<'_> {
        self.to(Target::User(user.into()))
    }

    /// Addresses an event to a session of the same tenant in this process, as
    /// [`session_id`](crate::context::HandlerScope::session_id) names it: to the `#[event]` methods
    /// of its components, and to its page.
    pub fn to_session(&mut self, session: &SessionId) -> Emit<'_> {
        self.to(Target::Session(session.clone()))
    }

    /// Addresses an event: to a room, to everyone.
    ///
    /// ```
    /// # use vivaz_components::{Context, Result, Target};
    /// fn ring(cx: &mut Context) -> Result {
    ///     cx.to(Target::room("kitchen")).except_self().emit("bell", "dinner")
    /// }
    /// ```
    pub fn to(&mut self, target: Target) -> Emit<'_> {
        Emit { effects: &mut self.effects, target, except_self: false }
    }

    /// Addresses an event to all sessions that subscribe to a topic.
    ///
    /// # Panics
    /// Panics if the field is not bound to its topic yet: it is a new [`Shared`] value, which is
    /// bound after the handler has returned.
    #[track_caller]
    pub fn to_topic<T: Topic>(&mut self, shared: &Shared<T>) -> Emit<'_> {
        let name = shared.bound_name().as_str().into();
        self.to(Target::Topic(name))
    }
}

impl Target {
    /// Addresses all components that joined the room.
    pub fn room(name: impl Into<Arc<str>>) -> Self {
        Self::Room(name.into())
    }
}

/// An event with an address, not sent yet.
#[derive(Debug)]
#[must_use = "nothing is sent before `emit`"]
pub struct Emit<'a> {
    effects: &'a mut Effects,
    target: Target,
    except_self: bool,
}

impl Emit<'_> {
    /// Excludes the handler's own session. It has no effect on an event for [`Target::Own`] or
    /// [`Target::Components`], which only the own session receives; this is logged at debug level.
    pub fn except_self(mut self) -> Self {
        self.except_self = true;
        self
    }

    /// Sends the event when the handler succeeds.
    ///
    /// # Errors
    /// Returns an error if `data` has no JSON form.
    pub fn emit(self, name: &str, data: impl Serialize) -> Result {
        let event = ServerEvent::new(name, &data)?;
        if self.except_self && matches!(self.target, Target::Own | Target::Components) {
            tracing::debug!(event = name, target = ?self.target, "`except_self` has no effect on this target");
        }
        self.effects.stage(Effect::Emit { to: self.target, event, except_self: self.except_self });
        Ok(())
    }
}
