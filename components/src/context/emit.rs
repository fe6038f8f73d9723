//! Addressing an event.

use std::sync::Arc;

use serde::Serialize;

use crate::Result;
use crate::event::{Effect, ServerEvent, Target};

impl Target {
    /// Everybody in that room.
    pub fn room(name: impl Into<Arc<str>>) -> Self {
        Self::Room(name.into())
    }
}

/// An event that is being addressed.
#[derive(Debug)]
#[must_use = "nothing is sent before `emit`"]
pub struct Emit<'a> {
    pub(super) effects: &'a mut Vec<Effect>,
    pub(super) target: Target,
    pub(super) except_self: bool,
}

impl Emit<'_> {
    /// Leaves out the own session.
    pub fn except_self(mut self) -> Self {
        self.except_self = true;
        self
    }

    /// Sends it when the handler succeeds.
    ///
    /// # Errors
    /// When `data` cannot be written as JSON.
    pub fn emit(self, name: &str, data: impl Serialize) -> Result {
        let event = ServerEvent::new(name, &data)?;
        self.effects.push(Effect::Emit { to: self.target, event, except_self: self.except_self });
        Ok(())
    }
}
