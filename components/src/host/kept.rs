//! Components whose own code may panic when they are copied or dropped.

use std::ops::{Deref, DerefMut};

use crate::component::AnyComponent;
use crate::context::Context;
use crate::fault::{discard, guard_now};
use crate::instance::{Finished, Instance, Job, Started};
use crate::spec::Spec;
use crate::topic::TopicRef;
use crate::{ActionError, Result, ShownValue};

/// A component that a host holds. A panic in a field's `Clone` becomes an error, a panic in a
/// field's `Drop` is logged.
pub(crate) struct HostedComponent(Option<Box<dyn AnyComponent>>);

impl HostedComponent {
    pub(super) fn new(component: Box<dyn AnyComponent>) -> Self {
        Self(Some(component))
    }

    /// Copies the component.
    ///
    /// # Errors
    /// Returns `panicked` if a field's `Clone` panics.
    pub(super) fn copy(&self) -> Result<Self> {
        Self::copy_of(&**self)
    }

    /// Copies a component that a handler has.
    pub(super) fn copy_of(component: &dyn AnyComponent) -> Result<Self> {
        guard_now("copying a component", || Ok(Self::new(component.duplicate())))
    }

    /// Copies the component for a call, which returns the copy.
    ///
    /// # Errors
    /// Returns the errors of [`copy`](Self::copy).
    pub(super) fn draft(&self) -> Result<Box<dyn AnyComponent>> {
        guard_now("copying a component", || Ok(self.duplicate()))
    }

    pub(super) fn as_mut(&mut self) -> &mut dyn AnyComponent {
        &mut **self
    }
}

impl Drop for HostedComponent {
    fn drop(&mut self) {
        discard("dropping a component", self.0.take());
    }
}

impl Deref for HostedComponent {
    type Target = dyn AnyComponent;

    #[expect(clippy::expect_used, reason = "there is nothing else that takes it out")]
    fn deref(&self) -> &Self::Target {
        self.0.as_deref().expect("a component is taken out when it is dropped")
    }
}

impl DerefMut for HostedComponent {
    #[expect(clippy::expect_used, reason = "there is nothing else that takes it out")]
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.0.as_deref_mut().expect("a component is taken out when it is dropped")
    }
}

/// Represents a component that runs its handler and could not be copied. Knows the topics and not
/// the state.
pub(super) struct Absent {
    pub(super) spec: &'static Spec,
    pub(super) topics: Vec<(&'static str, TopicRef)>,
    pub(super) presences: Vec<TopicRef>,
}

fn absent() -> ActionError {
    ActionError::internal("the component could not be copied, so nothing answers while its handler runs")
}

impl Instance for Absent {
    fn spec(&self) -> &'static Spec {
        self.spec
    }

    fn run(self: Box<Self>, _: Context, _: Job) -> Started {
        Started::Now(Finished {
            instance: self,
            effects: Vec::new(),
            patch: None,
            topics: None,
            result: Err(absent()),
            unsent: Vec::new(),
            committed: false,
        })
    }

    fn state(&mut self) -> Result<String> {
        Err(absent())
    }

    fn state_within(&mut self, _: usize) -> Result<Option<String>> {
        Err(absent())
    }

    fn shown(&mut self) -> Result<ShownValue> {
        Err(absent())
    }

    fn topics(&mut self) -> Vec<(&'static str, TopicRef)> {
        self.topics.clone()
    }

    fn presences(&mut self) -> Vec<TopicRef> {
        self.presences.clone()
    }

    /// Represents a running component, not a saved one.
    fn recall_presences(&mut self, _: &[u8]) {}

    fn save(&mut self) -> Result<Vec<u8>> {
        Err(absent())
    }

    fn save_within(&mut self, _: usize) -> Result<Option<String>> {
        Err(absent())
    }
}
