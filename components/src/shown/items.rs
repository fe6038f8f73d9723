//! Lists whose items are converted when a template shows them, one after the other.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use super::ShownValue;
use crate::error::{ActionError, Result};

/// The items of a list.
pub(crate) trait ItemSource: Send + Sync {
    /// Converts the items in order, and passes each to `visit`.
    ///
    /// # Errors
    /// Returns the error of the first item that has no JSON form.
    fn each(&self, visit: &mut dyn FnMut(ShownValue)) -> Result;
}

/// A list whose items are not converted before a template shows them. A page shows most lists once,
/// row by row, and the memory of one converted row serves all of them.
pub struct LazyList {
    source: Box<dyn ItemSource>,
    /// All items, once a template has read the list in another way than row by row, or twice.
    whole: OnceLock<Box<[ShownValue]>>,
    is_read: AtomicBool,
    failure: Mutex<Option<ActionError>>,
}

impl LazyList {
    pub(crate) fn new(source: impl ItemSource + 'static) -> Self {
        Self {
            source: Box::new(source),
            whole: OnceLock::new(),
            is_read: AtomicBool::new(false),
            failure: Mutex::new(None),
        }
    }

    /// Calls `visit` with each item.
    pub(super) fn each(&self, visit: &mut dyn FnMut(&ShownValue)) {
        if self.is_read.swap(true, Ordering::Relaxed) {
            self.whole().iter().for_each(visit);
        } else {
            self.convert(&mut |item| visit(&item));
        }
    }

    /// Returns all items.
    pub(super) fn whole(&self) -> &[ShownValue] {
        self.is_read.store(true, Ordering::Relaxed);
        self.whole.get_or_init(|| {
            let mut items = Vec::new();
            self.convert(&mut |item| items.push(item));
            items.into()
        })
    }

    /// Returns the error of the item at which a conversion has stopped.
    pub(super) fn take_failure(&self) -> Option<ActionError> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn convert(&self, visit: &mut dyn FnMut(ShownValue)) {
        if let Err(error) = self.source.each(visit) {
            *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
        }
    }
}

impl PartialEq for LazyList {
    fn eq(&self, other: &Self) -> bool {
        self.whole() == other.whole()
    }
}

impl fmt::Debug for LazyList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LazyList").field("whole", &self.whole.get()).finish_non_exhaustive()
    }
}
