//! Values that the host of a component lends to the context of a handler, for `flush`.
//!
//! The host defines the type of a flush. It contains components and instances, which take contexts,
//! so here it is untyped.

use std::any::Any;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use crate::budget::Account;
use crate::spec::Spec;
use crate::tracking::Tracker;

/// Lent by a host while a handler runs. It comes back with the context.
pub(crate) struct Lent {
    /// The type of the component that has the handler.
    pub(crate) spec: &'static Spec,
    /// The state that the page has.
    pub(crate) tracker: Tracker,
    /// The bytes that the component counts against its session's budget.
    pub(crate) account: Arc<Account>,
    /// The component as of the last flush, to which a failure reverts.
    fallback: Option<Box<dyn Any + Send>>,
}

impl Lent {
    pub(crate) fn new(spec: &'static Spec, tracker: Tracker, account: Arc<Account>) -> Self {
        Self { spec, tracker, account, fallback: None }
    }

    /// Sets the component to which a failure reverts.
    pub(crate) fn set_fallback<T: Any + Send>(&mut self, component: T) {
        self.fallback = Some(Box::new(component));
    }

    /// Takes out the component of the last flush, if there was a flush.
    pub(crate) fn take_fallback<T: Any + Send>(&mut self) -> Option<T> {
        self.fallback.take()?.downcast().ok().map(|component| *component)
    }
}

impl fmt::Debug for Lent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lent").field("component", &self.spec.name).finish_non_exhaustive()
    }
}

/// A slot where a handler that waits leaves a flush. The host, which polls the handler, takes it
/// out.
#[derive(Clone, Debug, Default)]
pub struct FlushSlot(Arc<Mutex<Option<Box<dyn Any + Send>>>>);

impl FlushSlot {
    /// Leaves something for the host.
    pub(crate) fn put<T: Any + Send>(&self, flushed: T) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(flushed));
    }

    /// Takes out the flush of a handler.
    pub(crate) fn take<T: Any + Send>(&self) -> Option<T> {
        let flushed = self.0.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        flushed.downcast().ok().map(|flushed| *flushed)
    }
}
