//! Attributes that several holes share, as in `client-wasm/js/dom/attributes.js`.

use std::collections::{BTreeMap, HashMap};

use super::html::tree::{Node, NodeTree};

/// What holes have set on elements.
#[derive(Debug, Default)]
pub(super) struct Attributes {
    /// The classes of each hole.
    classes: BTreeMap<(Node, usize), Vec<String>>,
    /// The property and the value of each hole of a style.
    styles: BTreeMap<(Node, usize), (String, String)>,
    /// The intended values of attributes that the wire state overrides.
    held: HashMap<(Node, String), Option<String>>,
}

impl Attributes {
    /// Sets an attribute to a value of the state. Returns whether that changes the element.
    pub(super) fn set(&mut self, tree: &mut NodeTree, node: Node, name: &str, value: Option<&str>) -> bool {
        match self.held.get_mut(&(node, name.to_owned())) {
            Some(meant) => {
                *meant = value.map(str::to_owned);
                false
            }
            None => tree.set_attribute(node, name, value),
        }
    }

    /// Sets an attribute while the wire state requires it, and then restores its intended value.
    pub(super) fn hold(&mut self, tree: &mut NodeTree, node: Node, name: &str, on: bool) {
        let key = (node, name.to_owned());
        if on {
            self.held.entry(key).or_insert_with(|| tree.attribute(node, name).map(str::to_owned));
            let is_word = name.starts_with("aria-")
                || name.starts_with("data-")
                || matches!(name, "contenteditable" | "draggable" | "spellcheck");
            tree.set_attribute(node, name, Some(if is_word { "true" } else { "" }));
        } else if let Some(meant) = self.held.remove(&key) {
            tree.set_attribute(node, name, meant.as_deref());
        }
    }

    /// Sets the classes of a hole. `last` is the hole's previous classes at the first call.
    pub(super) fn set_classes(&mut self, tree: &mut NodeTree, at: (Node, usize), text: &str, last: &str) {
        let mut there = words(tree.attribute(at.0, "class").unwrap_or_default());
        let before = self.classes.insert(at, words(text)).unwrap_or_else(|| words(last));
        let all = self.classes.range((at.0, 0)..=(at.0, usize::MAX)).flat_map(|(_, classes)| classes);
        there.retain(|class| !before.contains(class) || all.clone().any(|other| other == class));
        for class in words(text) {
            if !there.contains(&class) {
                there.push(class);
            }
        }
        let text = there.join(" ");
        tree.set_attribute(at.0, "class", (!text.is_empty()).then_some(&*text));
    }

    /// Sets the style property of a hole. All properties of holes are set again in the order of the
    /// holes, behind the others.
    pub(super) fn set_style(&mut self, tree: &mut NodeTree, at: (Node, usize), property: &str, value: &str) {
        self.styles.insert(at, (property.to_owned(), value.to_owned()));
        let bound = self.styles.range((at.0, 0)..=(at.0, usize::MAX)).map(|(_, style)| style);
        let is_other = |declaration: &&str| {
            let name = declaration.split(':').next().unwrap_or_default().trim();
            !name.is_empty() && bound.clone().all(|(bound, _)| bound != name)
        };
        let style = tree.attribute(at.0, "style").unwrap_or_default();
        let others = style.split(';').filter(is_other).map(|one| one.trim().to_owned());
        let shown = bound.clone().filter(|(_, value)| !value.is_empty());
        let shown = shown.map(|(property, value)| format!("{property}: {value}"));
        let style = others.chain(shown).collect::<Vec<_>>().join("; ");
        tree.set_attribute(at.0, "style", (!style.is_empty()).then_some(&*style));
    }
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}
