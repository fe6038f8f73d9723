//! The type of the futures that cross the boundary between components and the server.

use std::future::Future;
use std::pin::Pin;

/// A boxed future that can be sent to another thread.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send + 'static>>;
