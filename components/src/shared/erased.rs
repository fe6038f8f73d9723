//! Shared fields without the type of their topic.

use super::cause::Cause;
use crate::env::Env;
use crate::error::Result;
use crate::future::BoxFuture;
use crate::topic::{StagedUpdate, TopicRef};

/// A shared field without the type of its topic.
pub trait AnyShared {
    /// Returns its topic.
    fn topic(&self) -> Option<&TopicRef>;
    /// Returns a function that opens another topic of the same type, after the check whether the
    /// user may see it.
    fn opener(&self) -> fn(String, Env) -> BoxFuture<Result<TopicRef>>;
    /// Binds the field to a topic.
    ///
    /// # Errors
    /// Returns an error if the topic's state is of another type.
    fn bind(&mut self, topic: &TopicRef) -> Result;
    /// Takes the snapshot that a handler works with.
    fn begin(&mut self, cause: Option<&Cause>);
    /// Takes the newest snapshot of a topic that nodes share, inside of a transaction that has
    /// locked the topic.
    fn refresh(&mut self);
    /// Takes the updates of a handler that has succeeded, in order.
    fn take_staged(&mut self) -> Vec<StagedUpdate>;
    /// Returns whether the component is present at the topic of this field.
    fn is_present(&self) -> bool;
    /// Marks the component as present, as it was when it was saved.
    fn recall_presence(&mut self);
}
