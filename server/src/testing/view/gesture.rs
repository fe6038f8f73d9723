//! The actions of a page's user.

use serde_json::Value;
use vivaz_engine::testing::{Activation, Node, NodeTree};
use vivaz_engine::{Val, parse};

use super::View;
use crate::testing::page::{Call, Tab};

/// One action of the user on an element.
pub(super) enum Gesture<'a> {
    Click,
    /// Replaces the text of the element, and leaves it.
    Fill(&'a str),
    /// Replaces the text of the element.
    Input(&'a str),
    /// Selects the option with this value.
    Choose(&'a str),
    /// Presses a key in the element.
    Press(&'a str),
    /// Submits the element's form.
    Submit,
    /// Dispatches an event that must have a handler.
    Fire(&'a str, Value),
}

impl View {
    /// Performs a gesture on the element that a selector matches.
    pub(super) fn gesture(&self, selector: &str, gesture: &Gesture<'_>) -> Call {
        let id = self.id();
        let awaited = self.page().act(|tab| {
            let Some(root) = tab.element(id) else { panic!("{id} is not mounted") };
            let node = one(tab.document.tree(), root, selector);
            Hand { tab, root, node, selector }.perform(gesture);
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
    let is_hidden = |around| tree.attribute(around, "hidden").is_some();
    let is_hidden_input = tree.name(node) == "input" && tree.kind(node) == "hidden";
    is_hidden_input || tree.is_folded(node) || upwards(tree, root, node).any(is_hidden)
}

/// Returns an element and its ancestors up to `root`, innermost first.
fn upwards(tree: &NodeTree, root: Node, node: Node) -> impl Iterator<Item = Node> {
    let is_inside = move |around: &Node| *around == root || tree.upwards(*around).any(|node| node == root);
    tree.upwards(node).take_while(is_inside)
}

/// Performs a gesture on an element.
struct Hand<'a> {
    tab: &'a mut Tab,
    root: Node,
    node: Node,
    selector: &'a str,
}

impl Hand<'_> {
    fn perform(&mut self, gesture: &Gesture<'_>) {
        let (node, selector) = (self.node, self.selector);
        if !matches!(gesture, Gesture::Fire(..) | Gesture::Submit) {
            self.check_usable();
        }
        match gesture {
            Gesture::Click => {
                if !self.tab.click(node) {
                    panic!("nothing listens for a click of `{selector}`");
                }
            }
            Gesture::Fill(text) => {
                self.check_typed();
                self.send("focus");
                self.edit(text);
                if self.tab.document.tree_mut().end_edit(node) {
                    self.send("change");
                }
                self.send("blur");
            }
            Gesture::Input(text) => {
                self.check_typed();
                self.edit(text);
            }
            Gesture::Choose(value) => self.choose(value),
            Gesture::Press(key) => self.tab.press(node, if *key == "Space" { " " } else { key }),
            Gesture::Submit => {
                let form = self.tab.document.tree().form_of(node);
                let Some(form) = form else { panic!("`{selector}` has no form") };
                if !self.tab.submit(form, None) {
                    panic!("nothing listens for `submit` at `{selector}`");
                }
            }
            Gesture::Fire(event, detail) => {
                let detail = parse(&detail.to_string()).unwrap_or_default();
                if !self.tab.send(event, node, &detail, None).0 {
                    panic!("nothing listens for `{event}` at `{selector}`");
                }
            }
        }
    }

    /// Replaces the element's text by what the element keeps of the typed text.
    fn edit(&mut self, text: &str) {
        let tree = self.tab.document.tree_mut();
        let Val::Str(before) = tree.held(self.node) else { return };
        let typed = tree.typed(self.node, text);
        // Without an effect on the text there is an event only for equal text over itself.
        if typed == before && (typed.is_empty() || typed != text) {
            return;
        }
        tree.begin_edit(self.node);
        tree.put(self.node, &typed);
        self.send("input");
    }

    fn choose(&mut self, value: &str) {
        let (node, selector, tree) = (self.node, self.selector, self.tab.document.tree_mut());
        if tree.name(node) != "select" {
            panic!("`{selector}` is not a select");
        }
        match tree.option(node, value) {
            None => panic!("`{selector}` has no option `{value}`"),
            Some(option) if tree.is_disabled(option) => {
                panic!("the option `{value}` of `{selector}` is disabled")
            }
            Some(_) => {}
        }
        let before = tree.held(node);
        tree.put(node, value);
        if tree.held(node) != before {
            self.send("input");
            self.send("change");
        }
    }

    /// Dispatches an event without data to the element.
    fn send(&mut self, kind: &str) {
        self.tab.send(kind, self.node, &Val::Obj(Vec::new()), None);
    }

    /// Panics if a user could not use the element.
    fn check_usable(&self) {
        let tree = self.tab.document.tree();
        if tree.upwards(self.node).any(|around| tree.is_disabled(around) && tree.name(around) != "fieldset") {
            panic!("`{}` is disabled", self.selector);
        }
        if is_hidden(tree, self.root, self.node) {
            panic!("`{}` is hidden", self.selector);
        }
    }

    /// Panics if a user could not type into the element.
    fn check_typed(&self) {
        let tree = self.tab.document.tree();
        if !tree.is_typed(self.node) || matches!(tree.name(self.node), "select" | "button") {
            panic!("nothing can be typed into `{}`", self.selector);
        }
        if tree.is_read_only(self.node) {
            panic!("`{}` is readonly", self.selector);
        }
    }
}
