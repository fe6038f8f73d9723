//! A document in memory that runs operations as `client-wasm/js/dom.js` does.

use std::collections::BTreeSet;

use vivaz_template::code::{DomHole, wire};
use vivaz_template::compiled::AttributeKind;
use vivaz_template::route::joined;
use vivaz_template::url;

use super::attributes::Attributes;
use super::block::BlockLayout;
use super::children::{ChildChange, ChildNodes};
use super::controls::Controls;
use super::effect::EventEffect;
use super::html::inputs::Input;
use super::html::tree::{Node, NodeTree};
use super::instances::{Instances, Spot};
use super::parts::place_parts;
use crate::dom::value::{FALSE, LIST, NULL, TRUE};
use crate::dom::{HoleValue, Op, Ops};
use crate::slots::Slot;
use crate::value::parse;

// Kinds of attributes.
const URL: u32 = AttributeKind::Url as u32;
const URL_LIST: u32 = AttributeKind::UrlList as u32;
const PROPERTY: u32 = AttributeKind::Property as u32;
const WORD: u32 = AttributeKind::Word as u32;
const CLASS: u32 = AttributeKind::Class as u32;
const ROUTE: u32 = AttributeKind::Route as u32;

/// A document without a browser.
#[derive(Debug, Default)]
pub struct Document {
    pub(super) dom: Instances,
    pub(super) controls: Controls,
    attributes: Attributes,
    children: ChildNodes,
    /// The `once` handlers that have run, by element and address.
    pub(super) once: BTreeSet<(Node, u32)>,
}

impl Document {
    /// Returns the nodes.
    pub fn tree(&self) -> &NodeTree {
        &self.dom.tree
    }

    /// Returns the nodes, to change controls as the user does.
    pub fn tree_mut(&mut self) -> &mut NodeTree {
        &mut self.dom.tree
    }

    /// Adds server-rendered HTML to the page. Returns the elements of the outermost components.
    pub fn add(&mut self, html: &str) -> Vec<Node> {
        let content = self.dom.tree.parse(html);
        self.append(content)
    }

    /// Replaces the document by a whole page. Returns the elements of the outermost components.
    pub fn load(&mut self, html: &str) -> Vec<Node> {
        let page = self.dom.tree.parse_page(html);
        place_parts(&mut self.dom.tree, page);
        self.dom.tree.clear(self.dom.tree.root());
        self.append(page)
    }

    fn append(&mut self, content: Node) -> Vec<Node> {
        let tree = &mut self.dom.tree;
        let is_component = |node: &Node| tree.name(*node) == "live-component";
        let is_inner = |node: &Node| tree.upwards(*node).skip(1).any(|around| is_component(&around));
        let components = tree.inside(content).filter(is_component);
        let outermost = components.filter(|node| !is_inner(node)).collect();
        tree.append(tree.root(), content);
        outermost
    }

    /// Assigns an element to its component.
    pub fn tie(&mut self, slot: Slot, element: Node) {
        self.dom.elements.insert(slot, element);
    }

    /// Returns the element of a component.
    pub fn element(&self, slot: Slot) -> Option<Node> {
        self.dom.elements.get(&slot).copied()
    }

    /// Returns the component of an element.
    pub fn slot(&self, element: Node) -> Option<Slot> {
        self.dom.slot(element)
    }

    /// Compares the elements of components with the components, and returns the changes to carry
    /// out. `id` returns the id of a component on the wire.
    pub fn reconcile(&mut self, id: &dyn Fn(Slot) -> String) -> Vec<ChildChange> {
        self.children.reconcile(&mut self.dom, id)
    }

    /// Removes and returns the tasks for the caller.
    pub fn take_effects(&mut self) -> Vec<EventEffect> {
        std::mem::take(&mut self.controls.effects)
    }

    /// Runs operations, and returns the tasks for the caller.
    ///
    /// # Panics
    /// Panics if the operations cannot be decoded.
    pub fn run(&mut self, ops: &Ops) -> Vec<EventEffect> {
        let (mut slot, mut unfit, mut filled) = (0, BTreeSet::new(), BTreeSet::new());
        let read = ops.each(|op, words, strings| match (op, words) {
            (Op::View, [view]) => slot = *view,
            _ => {
                if let (Op::Root, [.., 1]) = (op, words) {
                    filled.insert(slot);
                }
                if self.op(op, words, strings, slot).is_none() {
                    unfit.insert(slot);
                }
            }
        });
        assert!(read.is_some(), "operations that no decoder reads: {ops:?}");
        self.controls.show_due(&mut self.dom.tree);
        let mut effects = self.take_effects();
        effects.extend(unfit.difference(&filled).map(|slot| EventEffect::Anew(*slot)));
        effects
    }

    /// Runs one operation. Returns `None` if the document does not match the template.
    fn op(&mut self, op: Op, words: &[u32], strings: &[&str], view: Slot) -> Option<()> {
        let dom = &mut self.dom;
        match (op, words, strings) {
            (Op::Template, [_], [json]) => {
                for block in crate::parse(json)?.into_list() {
                    dom.blocks.push(BlockLayout::new(block, &mut dom.tree)?);
                }
            }
            (Op::Make, [number, block], _) => {
                let root = dom.make(*block)?;
                dom.bind(root, *number, *block, view)?;
            }
            (Op::Rows, [root, hole, first, count, stride, block], _) => {
                dom.bind_rows([*root, *hole], [*first, *count, *stride], *block, view)?;
            }
            (Op::Root, [number, slot, block, anew], _) => {
                let element = *dom.elements.get(slot)?;
                if *anew != 0 {
                    let skeleton = dom.tree.copy(dom.blocks.get(*block as usize)?.content);
                    dom.tree.clear(element);
                    dom.tree.append(element, skeleton);
                }
                dom.bind(element, *number, *block, *slot)?;
            }
            (Op::Insert, [parent, node, before], _) => {
                let (parent, node) = (*dom.nodes.get(parent)?, *dom.nodes.get(node)?);
                let before = dom.nodes.get(before).copied();
                if before.is_some_and(|before| dom.tree.parent(before) != Some(parent)) {
                    return None;
                }
                dom.tree.insert(parent, node, before);
                self.controls.options_changed(&dom.tree, parent);
            }
            (Op::Remove, [number], _) => {
                let parent = dom.remove(*number)?;
                self.controls.options_changed(&dom.tree, parent);
            }
            (Op::Forget, [first, count], _) => (*first..first + count).for_each(|number| dom.forget(number)),
            (Op::Clear, [parent], _) => dom.tree.clear(*dom.nodes.get(parent)?),
            (Op::Set, [number, hole, kind], [encoded]) => {
                let spot = dom.roots.get(number)?.spots.get(*hole as usize)?.clone();
                self.set(&spot, *hole as usize, HoleValue { kind: *kind, encoded })?;
            }
            (Op::Refuse, [slot, kind], [field, encoded]) => {
                self.controls.refuse(dom, *slot, field, HoleValue { kind: *kind, encoded });
            }
            (Op::Answered, [root, ok], _) => self.controls.action_answered(&dom.tree, *root, *ok != 0),
            _ => {
                let strings = strings.iter().map(|text| (*text).to_owned()).collect();
                self.controls.effects.push(EventEffect::Told(op, words.to_vec(), strings));
            }
        }
        Some(())
    }

    /// Shows a value in a hole. `at` is the position of the hole in its block.
    fn set(&mut self, spot: &Spot, at: usize, value: HoleValue<'_>) -> Option<()> {
        let Spot { hole, node, .. } = spot;
        let (node, at, text, is_on) = (*node, (*node, at), value.text(), value.is_on());
        let if_on = |classes| if is_on { classes } else { "" };
        let tree = &mut self.dom.tree;
        match hole.place {
            DomHole::Text => return self.set_text(spot, &text),
            DomHole::Content if tree.input(node) == Input::TextArea => {
                self.controls.property(tree, node, "value", value);
            }
            DomHole::Content => {
                tree.set_text(node, &text);
                self.controls.options_changed(tree, node);
            }
            DomHole::Html => {
                let content = tree.parse(&text);
                tree.clear(node);
                tree.append(node, content);
            }
            DomHole::Attribute => self.set_attribute(at, hole.text(0), hole.bits(1), value),
            DomHole::Class => self.attributes.set_classes(tree, at, if_on(hole.text(0)), hole.text(0)),
            DomHole::Style => self.attributes.set_style(tree, at, hole.text(0), &text),
            DomHole::Show => drop(tree.set_attribute(node, "hidden", (!is_on).then_some(""))),
            DomHole::Model => self.controls.show_field(tree, node, hole, value),
            DomHole::Wire => match hole.bits(0) {
                wire::SHOW => drop(tree.set_attribute(node, "hidden", (!is_on).then_some(""))),
                wire::HIDE => drop(tree.set_attribute(node, "hidden", is_on.then_some(""))),
                wire::CLASS => self.attributes.set_classes(tree, at, if_on(hole.text(1)), ""),
                wire::WITHOUT_CLASS => {
                    let classes = if is_on { "" } else { hole.text(1) };
                    self.attributes.set_classes(tree, at, classes, hole.text(1));
                }
                _ => self.attributes.hold(tree, node, hole.text(1), is_on),
            },
            DomHole::Child => self.children.show(node, hole.text(0), value.encoded),
            DomHole::Key => self.children.key(node, &format!("{}{}", value.tag(), value.encoded)),
            DomHole::Shared => self.children.shared(node, value.encoded),
            DomHole::AtKey => self.controls.key(node, hole.argument(0), value.encoded),
            DomHole::Instances | DomHole::Event | DomHole::Ref | DomHole::Hook => return None,
        }
        Some(())
    }

    /// Shows a text. Its node is in the page once the text is not empty.
    fn set_text(&mut self, spot: &Spot, text: &str) -> Option<()> {
        let (Spot { node, parent, after, .. }, tree) = (spot, &mut self.dom.tree);
        if tree.parent(*node) != Some(*parent) {
            if after.is_some_and(|after| tree.parent(after) != Some(*parent)) {
                return None;
            }
            if !text.is_empty() {
                tree.insert(*parent, *node, tree.following(*parent, *after));
            }
        }
        tree.set_data(*node, text);
        Some(())
    }

    fn set_attribute(&mut self, at: (Node, usize), name: &str, kind: u32, value: HoleValue<'_>) {
        let (tree, tag, text) = (&mut self.dom.tree, value.tag(), value.text());
        let text = if kind == ROUTE && tag == LIST { route(value.encoded) } else { text };
        let text = if matches!(tag, FALSE | TRUE) && kind != WORD { "" } else { &*text };
        let is_script = kind == URL && url::is_script(text) || kind == URL_LIST && url::any_script(text);
        let shown = match kind {
            PROPERTY => return self.controls.property(tree, at.0, name, value),
            CLASS => {
                // At first they are the server's classes, possibly of an older state.
                let last = tree.attribute(at.0, "class").unwrap_or_default().to_owned();
                return self.attributes.set_classes(tree, at, text, &last);
            }
            WORD => (tag != NULL).then_some(text),
            _ => (tag > FALSE).then_some(if is_script { url::REFUSED } else { text }),
        };
        if self.attributes.set(tree, at.0, name, shown) {
            self.controls.attribute_changed(tree, at.0, name);
        }
    }
}

/// Returns the URL of a route, whose parts are a JSON array of texts.
fn route(parts: &str) -> String {
    let parts = parse(parts).unwrap_or_default().into_list().into_iter();
    joined(&parts.map(|part| part.str().unwrap_or_default().to_owned()).collect::<Vec<_>>())
}
