//! Child components, as in `client-wasm/js/modules/children.js`: the component of an element, and
//! the props from its parent's template.

use std::collections::HashMap;

use super::html::tree::Node;
use super::instances::Instances;
use crate::slots::Slot;
use crate::value::{Val, parse};

#[derive(Debug, Default)]
pub(super) struct ChildNodes(HashMap<Node, Child>);

#[derive(Debug, Default)]
struct Child {
    name: String,
    /// The child's place and the props of the page, as JSON.
    place: String,
    /// The props that depend on shared state.
    shared: String,
    key: Option<String>,
    /// The last props, both kinds together.
    given: Option<String>,
    /// Whether the key has changed, so that another component replaces this one.
    is_replaced: bool,
}

/// A change of a document's components that the caller must carry out.
#[derive(Debug, PartialEq)]
pub enum ChildChange {
    /// Mount a component in an element.
    Mount(Node, Mount),
    /// Send a child's new props, with this payload of the message.
    Props(Slot, String),
    /// Unmount a component whose element was removed.
    Unmount(Slot),
}

/// The source of a mount.
#[derive(Debug, PartialEq)]
pub struct Mount {
    /// The component's name, if the page has it; otherwise empty.
    pub name: String,
    /// The payload of the message.
    pub source: String,
    /// The choices of the renderer and the template that it rendered, as JSON; null if the element
    /// was not rendered.
    pub shape: String,
    /// The hash of the rendered template.
    pub template: String,
    /// The state that the template was rendered from, as JSON, if the element carries it.
    pub painted: Option<String>,
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

    /// Compares the elements of components with the components, and returns the changes to carry
    /// out. `id` returns the id of a component on the wire.
    pub(super) fn reconcile(&mut self, dom: &mut Instances, id: &dyn Fn(Slot) -> String) -> Vec<ChildChange> {
        let is_component = |node: &Node| dom.tree.name(*node) == "live-component";
        let inside: Vec<Node> = dom.tree.inside(dom.tree.root()).filter(is_component).collect();
        let removed = dom.elements.extract_if(|_, element| !inside.contains(element));
        let mut changes: Vec<_> = removed.map(|(slot, _)| ChildChange::Unmount(slot)).collect();
        for node in inside {
            self.update(dom, node, id, &mut changes);
            if dom.slot(node).is_none() {
                changes.extend(self.mount(dom, node, id).map(|mount| ChildChange::Mount(node, mount)));
            }
        }
        changes
    }

    /// Replaces a component whose key has changed, or sends a child's new props.
    fn update(
        &mut self,
        dom: &mut Instances,
        node: Node,
        id: &dyn Fn(Slot) -> String,
        changes: &mut Vec<ChildChange>,
    ) {
        let Some(child) = self.0.get_mut(&node).filter(|child| !child.name.is_empty()) else { return };
        let around = parent(dom, node);
        if std::mem::take(&mut child.is_replaced)
            && let Some(old) = dom.slot(node)
        {
            changes.push(ChildChange::Unmount(old));
            dom.elements.remove(&old);
            for name in ["seal", "template", "shape", "state", "child", "id"] {
                dom.tree.set_attribute(node, name, None);
            }
            dom.tree.clear(node);
        }
        let (slot, given) = (dom.slot(node), format!("{}{}", child.place, child.shared));
        if let (Some(slot), Some(around)) = (slot, around)
            && child.given.as_ref().is_some_and(|last| *last != given)
        {
            changes.push(ChildChange::Props(slot, placed(&id(around), &child.place, None)));
        }
        if slot.is_some() || around.is_some() {
            child.given = Some(given);
        }
    }

    /// Returns the source of a component's mount, or `None` if its row has a temporary id of the
    /// page, which the server does not know.
    fn mount(&self, dom: &Instances, node: Node, id: &dyn Fn(Slot) -> String) -> Option<Mount> {
        let attribute = |name: &str| dom.tree.attribute(node, name).map(str::to_owned);
        let child = self.0.get(&node).filter(|child| !child.name.is_empty());
        let place = child.map(|child| child.place.clone()).or_else(|| attribute("child"));
        let name = child.map(|child| child.name.clone()).or_else(|| attribute("name")).unwrap_or_default();
        let seal = attribute("seal");
        let source = match (&place, &seal) {
            (Some(place), _) if is_temporary(place) => return None,
            (Some(place), _) => placed(&id(parent(dom, node)?), place, seal.as_deref()),
            (None, Some(seal)) => format!("{{\"seal\":\"{seal}\"}}"),
            (None, None) => {
                let props = attribute("props").unwrap_or_else(|| "{}".to_owned());
                format!("{{\"component\":{},\"props\":{props}}}", Val::text(&name).json())
            }
        };
        let painted = seal.as_ref().and_then(|_| attribute("state"));
        let shape = seal.map(|_| format!("[{}]", attribute("shape").unwrap_or_default()));
        let shape = shape.unwrap_or_else(|| "null".to_owned());
        Some(Mount { name, source, shape, template: attribute("template").unwrap_or_default(), painted })
    }
}

/// Returns the component around an element.
fn parent(dom: &Instances, element: Node) -> Option<Slot> {
    dom.slot(dom.tree.closest(dom.tree.parent(element)?, "live-component")?)
}

/// Returns the payload that mounts a child: its parent, and its place and props from the template.
fn placed(parent: &str, place: &str, seal: Option<&str>) -> String {
    let seal = seal.map(|seal| format!("\"seal\":\"{seal}\",")).unwrap_or_default();
    format!("{{{seal}\"parent\":\"{parent}\",{}", place.strip_prefix('{').unwrap_or(place))
}

/// Checks whether a place contains a temporary id, which only the page knows.
fn is_temporary(place: &str) -> bool {
    let place = parse(place).unwrap_or_default();
    let steps = place.named("place").and_then(Val::list).unwrap_or_default();
    steps.iter().any(|step| step.str().is_some_and(|step| step.starts_with(crate::store::TEMPORARY)))
}
