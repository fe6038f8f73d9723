//! Child components, as `client-wasm/js/modules/children.js` has them: which component an element
//! is, and what its parent's template gives it.

use std::collections::{HashMap, HashSet};

use super::document::Document;
use super::tree::Node;
use crate::slots::Slot;
use crate::value::{Val, parse};

#[derive(Debug, Default)]
pub(super) struct ChildNodes(HashMap<Node, Child>);

#[derive(Debug, Default)]
struct Child {
    name: String,
    /// Its place and the props of the page, as JSON.
    place: String,
    /// Its props that depend on shared state.
    shared: String,
    key: Option<String>,
    /// What it was given last, both kinds of props together.
    given: Option<String>,
    /// Its key is another one: another component takes its place.
    is_replaced: bool,
}

/// What has to be done about the components of a document.
#[derive(Debug, PartialEq)]
pub enum ChildChange {
    /// A component has to be mounted in an element.
    Mount(Node, Mount),
    /// A child has other props: the payload of the message.
    Props(Slot, String),
    /// The element of a component is gone.
    Unmount(Slot),
}

/// What a component is mounted from.
#[derive(Debug, PartialEq)]
pub struct Mount {
    /// The component's name, where the page has it.
    pub name: String,
    /// The payload of the message.
    pub source: String,
    /// What the renderer chose, and the template that it rendered: JSON, null where the element was
    /// not rendered.
    pub shape: String,
    /// The hash of the template that was rendered.
    pub template: String,
}

impl ChildNodes {
    fn of(&mut self, node: Node) -> &mut Child {
        self.0.entry(node).or_default()
    }

    pub(super) fn shared(&mut self, node: Node, props: &str) {
        props.clone_into(&mut self.of(node).shared);
    }

    pub(super) fn key(&mut self, node: Node, key: &str) {
        let child = self.of(node);
        child.is_replaced |= child.key.as_deref().is_some_and(|known| known != key);
        child.key = Some(key.to_owned());
    }

    pub(super) fn show(&mut self, node: Node, name: &str, place: &str) {
        let child = self.of(node);
        name.clone_into(&mut child.name);
        place.clone_into(&mut child.place);
    }
}

impl Document {
    /// Compares the elements of components with the components. `id` returns the id of a component
    /// on the wire.
    pub fn reconcile(&mut self, id: &dyn Fn(Slot) -> String) -> Vec<ChildChange> {
        let mut changes = Vec::new();
        let inside = self.tree.inside(self.body);
        let there: HashSet<Node> = inside.iter().copied().collect();
        for (slot, element) in &self.elements {
            if !there.contains(element) {
                changes.push(ChildChange::Unmount(*slot));
            }
        }
        for node in inside {
            if self.tree.name(node) == "live-component" {
                self.reconcile_element(node, id, &mut changes);
            }
        }
        for change in &changes {
            if let ChildChange::Unmount(slot) = change {
                self.elements.remove(slot);
            }
        }
        changes
    }

    fn reconcile_element(&mut self, node: Node, id: &dyn Fn(Slot) -> String, changes: &mut Vec<ChildChange>) {
        let slot_of = |node: Node| self.elements.iter().find(|(_, one)| **one == node).map(|(slot, _)| *slot);
        let around =
            self.tree.upwards(node).skip(1).find(|around| self.tree.name(*around) == "live-component");
        let (mut slot, around) = (slot_of(node), around.and_then(slot_of));
        if let Some(child) = self.children.0.get_mut(&node).filter(|child| !child.name.is_empty()) {
            if std::mem::take(&mut child.is_replaced)
                && let Some(old) = slot.take()
            {
                changes.push(ChildChange::Unmount(old));
                self.elements.remove(&old);
                for name in ["seal", "template", "shape", "child", "id"] {
                    self.tree.set_attribute(node, name, None);
                }
                self.tree.clear(node);
            }
            let given = format!("{}{}", child.place, child.shared);
            let is_other = child.given.as_ref().is_some_and(|last| *last != given);
            if let (Some(slot), Some(around), true) = (slot, around, is_other) {
                changes.push(ChildChange::Props(slot, placed(&id(around), &child.place, None)));
            }
            if slot.is_some() || around.is_some() {
                child.given = Some(given);
            }
        }
        if slot.is_some() {
            return;
        }
        let attribute = |name: &str| self.tree.attribute(node, name).map(str::to_owned);
        let child = self.children.0.get(&node).filter(|child| !child.name.is_empty());
        let place = child.map(|child| child.place.clone()).or_else(|| attribute("child"));
        let seal = attribute("seal");
        let name = child.map(|child| child.name.clone()).or_else(|| attribute("name")).unwrap_or_default();
        let source = match (&place, &seal) {
            (Some(place), _) => {
                // The server does not know a row that only it can name.
                let is_named = !is_temporary(place);
                let Some(around) = around.filter(|_| is_named) else { return };
                placed(&id(around), place, seal.as_deref())
            }
            (None, Some(seal)) => format!("{{\"seal\":\"{seal}\"}}"),
            (None, None) => {
                let props = attribute("props").unwrap_or_else(|| "{}".to_owned());
                format!("{{\"component\":{},\"props\":{props}}}", Val::text(&name).json())
            }
        };
        let shape = seal.map(|_| format!("[{}]", attribute("shape").unwrap_or_default()));
        let shape = shape.unwrap_or_else(|| "null".to_owned());
        let template = attribute("template").unwrap_or_default();
        changes.push(ChildChange::Mount(node, Mount { name, source, shape, template }));
    }

    /// Ties an element to its component.
    pub fn tie(&mut self, slot: Slot, element: Node) {
        self.elements.insert(slot, element);
    }
}

/// What a child is mounted from: its parent, and what the template says of its place.
fn placed(parent: &str, place: &str, seal: Option<&str>) -> String {
    let seal = seal.map(|seal| format!("\"seal\":\"{seal}\",")).unwrap_or_default();
    format!("{{{seal}\"parent\":\"{parent}\",{}", place.strip_prefix('{').unwrap_or(place))
}

/// Checks whether a place names an item by an id that only the page gave it.
fn is_temporary(place: &str) -> bool {
    let place = parse(place).unwrap_or_default();
    let steps = place.named("place").and_then(Val::list).unwrap_or_default();
    steps.iter().any(|step| step.str().is_some_and(|step| step.starts_with(crate::store::TEMPORARY)))
}
