//! Shared fields without the type of their topic.

use super::cause::Cause;
use crate::env::Env;
use crate::error::Result;
use crate::future::BoxFuture;
use crate::topic::{StagedUpdate, TopicRef};

/// A field that shows a topic, the type of its state forgotten.
pub trait AnyShared {
    /// Which one it shows.
    fn topic(&self) -> Option<&TopicRef>;
    /// How to come by another one.
    fn opener(&self) -> fn(String, Env) -> BoxFuture<Result<TopicRef>>;
    /// Shows that topic from now on.
    ///
    /// # Errors
    /// When the topic's state is of another type.
    fn bind(&mut self, topic: &TopicRef) -> Result;
    /// A handler begins: takes the snapshot that it works with.
    fn begin(&mut self, cause: Option<&Cause>);
    /// A handler has succeeded: what it staged, in order.
    fn take_staged(&mut self) -> Vec<StagedUpdate>;
    /// Whether the component is present at whatever topic it shows.
    fn is_present(&self) -> bool;
    /// The component was present when it was saved.
    fn recall_presence(&mut self);
}
