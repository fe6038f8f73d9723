//! The values that an application gives to its runtime.

use std::any::{Any, TypeId, type_name};
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// The values that an application gave to its runtime, one of each type. Cheap to clone.
#[derive(Clone, Default)]
pub struct States(Arc<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>);

impl States {
    /// Adds a value. Replaces one of the same type.
    #[must_use]
    pub fn with<T: Send + Sync + 'static>(mut self, value: T) -> Self {
        Arc::make_mut(&mut self.0).insert(TypeId::of::<T>(), Arc::new(value));
        self
    }

    /// Returns the value of that type.
    #[must_use]
    pub fn get<T: Send + Sync + 'static>(&self) -> Option<&T> {
        self.0.get(&TypeId::of::<T>())?.downcast_ref()
    }

    /// Returns the value of that type.
    ///
    /// # Panics
    /// Panics if the application gave none; the message names the type.
    #[must_use]
    pub fn expect<T: Send + Sync + 'static>(&self) -> &T {
        match self.get() {
            Some(value) => value,
            #[expect(clippy::panic, reason = "a mistake in the application, found by the first use")]
            None => panic!(
                "no state of the type {}: give one to the runtime's builder with `.state(…)`",
                type_name::<T>()
            ),
        }
    }
}

impl fmt::Debug for States {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("States").field("types", &self.0.len()).finish()
    }
}
