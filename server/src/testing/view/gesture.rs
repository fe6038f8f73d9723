//! The actions of a page's user, and the browser's default actions.

use serde_json::{Value, json};
use vivaz_engine::testing::{Event, Node, NodeTree};
use vivaz_engine::{Val, parse};

use super::View;
use crate::testing::page::{Call, Tab};

/// One action of the user on an element.
pub(super) enum Gesture<'a> {
    /// Clicks the element.
    Click,
    /// Changes the checkbox or radio button that a click has reached, if there is one.
    Toggle,
    /// Dispatches an event to that checkbox or radio button.
    AtTick(&'a str),
    /// Replaces the element's text.
    Put(&'a str),
    /// Dispatches an event that may have a handler.
    Event(&'a str),
    /// Dispatches an event that must have a handler.
    Fire(&'a str, Value),
    /// Presses a key in the element.
    Press(&'a str),
    /// Submits the element's form.
    Submit,
}

impl View {
    /// Performs gestures in order, each on the page as the previous one has left it. A gesture is
    /// skipped if a previous one has removed the element.
    pub(super) fn gestures(&self, selector: &str, gestures: &[Gesture<'_>]) -> Call {
        let id = self.id();
        let awaited = self.page().act(|tab| {
            for (at, gesture) in gestures.iter().enumerate() {
                let Some(root) = tab.element(id) else {
                    assert!(at > 0, "{id} is not mounted");
                    break;
                };
                if at == 0 || tab.document.tree().all(root, selector).len() == 1 {
                    let node = one(tab.document.tree(), root, selector);
                    Hand { tab, root, node, selector }.perform(gesture);
                }
            }
            tab.take_sent()
        });
        Call::new(self.page().clone(), awaited)
    }
}

/// Returns the element that matches a selector. Panics if there is not exactly one.
pub(super) fn one(tree: &NodeTree, root: Node, selector: &str) -> Node {
    match tree.all(root, selector).as_slice() {
        [one] => *one,
        found => panic!("`{selector}` finds {} elements in\n{}", found.len(), tree.html(root)),
    }
}

pub(super) fn is_hidden(tree: &NodeTree, root: Node, node: Node) -> bool {
    upwards(tree, root, node).any(|around| tree.attribute(around, "hidden").is_some())
}

/// Returns an element and its ancestors up to `root`, innermost first.
fn upwards(tree: &NodeTree, root: Node, node: Node) -> impl Iterator<Item = Node> {
    let is_inside = move |around: &Node| *around == root || tree.upwards(*around).any(|node| node == root);
    tree.upwards(node).take_while(is_inside)
}

/// Performs gestures on an element.
struct Hand<'a> {
    tab: &'a mut Tab,
    root: Node,
    node: Node,
    selector: &'a str,
}

impl Hand<'_> {
    fn perform(&mut self, gesture: &Gesture<'_>) {
        let (node, selector) = (self.node, self.selector);
        match gesture {
            Gesture::Click => {
                self.check_usable();
                let (mut handled, is_prevented) = self.happens(node, "click", &json!({}), None);
                let submits = self.around(node, is_submit);
                let form = submits.and_then(|button| self.form(button)).filter(|_| !is_prevented);
                if let Some(form) = form {
                    handled |= self.happens(form, "submit", &json!({}), submits).0;
                }
                if !handled && self.ticked().is_none() {
                    panic!("nothing listens for a click of `{selector}`");
                }
            }
            Gesture::Toggle => {
                if let Some(tick) = self.ticked() {
                    let tree = self.tab.document.tree_mut();
                    let is_radio = tree.attribute(tick, "type") == Some("radio");
                    let on = is_radio || tree.held(tick) == Val::Bool(false);
                    tree.tick(tick, on);
                }
            }
            Gesture::AtTick(event) => {
                if let Some(tick) = self.ticked() {
                    self.happens(tick, event, &json!({}), None);
                }
            }
            Gesture::Put(text) => {
                self.check_usable();
                if !self.tree().is_typed(node) {
                    panic!("nothing can be typed into or chosen from `{selector}`");
                }
                self.tab.document.tree_mut().put(node, text);
            }
            Gesture::Event(event) => drop(self.happens(node, event, &json!({}), None)),
            Gesture::Fire(event, detail) => {
                if !self.happens(node, event, detail, None).0 {
                    panic!("nothing listens for `{event}` at `{selector}`");
                }
            }
            Gesture::Press(key) => {
                let detail = json!({ "key": key });
                let (_, is_prevented) = self.happens(node, "keydown", &detail, None);
                let is_input = self.tree().name(node) == "input";
                let form = self.form(node).filter(|_| *key == "Enter" && is_input && !is_prevented);
                if let Some(form) = form {
                    self.happens(form, "submit", &json!({}), None);
                }
                self.happens(node, "keyup", &detail, None);
            }
            Gesture::Submit => {
                let Some(form) = self.form(node) else { panic!("there is no form around `{selector}`") };
                if !self.happens(form, "submit", &json!({}), None).0 {
                    panic!("nothing listens for `submit` at `{selector}`");
                }
            }
        }
    }

    /// Dispatches an event. Returns whether a handler ran or a control changed, and whether a
    /// handler has prevented the browser's default action.
    fn happens(&mut self, at: Node, kind: &str, detail: &Value, submitter: Option<Node>) -> (bool, bool) {
        let mut event = Event::new(kind, at, parse(&detail.to_string()).unwrap_or_default());
        event.submitter = submitter;
        let handled = self.tab.happens(&mut event);
        (handled, event.is_prevented)
    }

    fn tree(&self) -> &NodeTree {
        self.tab.document.tree()
    }

    fn around(&self, node: Node, is: fn(&NodeTree, Node) -> bool) -> Option<Node> {
        upwards(self.tree(), self.root, node).find(|node| is(self.tree(), *node))
    }

    fn form(&self, node: Node) -> Option<Node> {
        self.around(node, |tree, node| tree.name(node) == "form")
    }

    /// Returns the control that a click checks: the element, or the one in the label around it.
    fn ticked(&self) -> Option<Node> {
        let tree = self.tree();
        if tree.is_tick(self.node) {
            return Some(self.node);
        }
        let label = self.around(self.node, |tree, node| tree.name(node) == "label")?;
        tree.inside(label).find(|node| tree.is_tick(*node))
    }

    /// Panics if a user could not use the element.
    fn check_usable(&self) {
        if self.tree().attribute(self.node, "disabled").is_some() {
            panic!("`{}` is disabled", self.selector);
        }
        if is_hidden(self.tree(), self.root, self.node) {
            panic!("`{}` is hidden", self.selector);
        }
    }
}

/// Checks whether an element is a button that submits the form around it.
fn is_submit(tree: &NodeTree, node: Node) -> bool {
    let kind = tree.attribute(node, "type");
    match tree.name(node) {
        "button" => kind.is_none_or(|kind| kind == "submit"),
        "input" => kind == Some("submit"),
        _ => false,
    }
}
