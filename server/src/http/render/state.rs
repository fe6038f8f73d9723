//! The state that a component is rendered from.

use std::sync::Arc;

use vivaz_components::instance::Instance;
use vivaz_components::{Result, ShownValue};
use vivaz_template::{Data as _, Name, StateFields};

/// The public state of a component, and the states of its topics under the names of the shared
/// fields.
pub(super) struct PaintedState {
    own: ShownValue,
    topics: Vec<(&'static str, Arc<ShownValue>)>,
}

impl PaintedState {
    /// Reads the state of a component.
    ///
    /// # Errors
    /// Returns an error if a field or a topic has no JSON form.
    pub(super) fn of(instance: &mut dyn Instance) -> Result<Self> {
        let own = instance.shown()?;
        let topics = instance.topics().into_iter().map(|(field, topic)| Ok((field, topic.shown()?)));
        Ok(Self { own, topics: topics.collect::<Result<_>>()? })
    }

    /// Checks whether all items that the template has read could be converted.
    ///
    /// # Errors
    /// Returns the error of one that has no JSON form.
    pub(super) fn check_items(&self) -> Result {
        self.own.check_items()
    }
}

impl StateFields<ShownValue> for PaintedState {
    fn field(&self, name: &Name) -> Option<&ShownValue> {
        let shared = self.topics.iter().find(|(field, _)| **field == *name.text);
        shared.map(|(_, state)| &**state).or_else(|| self.own.get(&name.text))
    }
}
