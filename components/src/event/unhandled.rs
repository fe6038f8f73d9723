//! Warnings about events without a method, once for each component and event.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use vivaz_protocol::log::Escaped;

use crate::ActionError;

/// The number of pairs of a component and an event that are remembered. Further ones are not
/// logged.
const MOST: usize = 1_000;

/// Returns whether no warning was logged yet about that event of that component.
fn is_first(component: &'static str, event: &str) -> bool {
    static KNOWN: Mutex<BTreeSet<(&'static str, String)>> = Mutex::new(BTreeSet::new());
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    known.len() < MOST && known.insert((component, event.to_owned()))
}

/// Logs once that a component has no method for an event; `why` names the kind of event.
pub fn warn_unhandled(component: &'static str, event: &str, why: &str) {
    if is_first(component, event) {
        tracing::warn!(component, event = %Escaped(event), "{why}");
    }
}

/// Logs once that the data of an event is not of the type that the component's method takes.
pub(crate) fn warn_misfit(component: &'static str, event: &str, error: &ActionError) {
    if is_first(component, event) {
        let (event, error) = (Escaped(event), Escaped(error));
        tracing::warn!(component, %event, %error, "the data of an event does not have the type of its `#[event]` method");
    }
}
