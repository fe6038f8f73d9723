//! A document in memory that runs operations as `client-wasm/js/dom.js` does.

use std::collections::{BTreeSet, HashMap};

use super::block::{BlockLayout, Hole, Spot};
use super::children::ChildNodes;
use super::controls::Controls;
use super::tree::{Node, NodeTree};
use crate::dom::{Op, Ops};
use crate::slots::Slot;

/// A task for the caller: an operation that concerns no node, or a consequence of the others.
#[derive(Debug, PartialEq)]
pub enum EventEffect {
    /// An operation of the engine that concerns no node, with its words and strings.
    Told(Op, Vec<u32>, Vec<String>),
    /// Rebuild the view of this component.
    Anew(Slot),
    /// Pass an edit to the engine: the component, the property, and the value as JSON.
    Edit(Slot, String, String),
    /// Let the engine send the edit of this property.
    Commit(Slot, String),
    /// The server refused an edit of this property. The next [`Op::Fault`] contains the reason.
    Refused(Slot, String),
}

/// A numbered root of a view.
#[derive(Debug)]
pub(super) struct Root {
    pub(super) template: usize,
    pub(super) slot: Slot,
    pub(super) spots: Vec<Spot>,
}

/// The data of a node that is the root of a view. A row that is also a component has two numbers;
/// this is the last one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rooted {
    pub(super) number: u32,
    pub(super) template: usize,
    pub(super) slot: Slot,
}

/// The style of an element: the initial text, and for each hole the property that it sets.
#[derive(Debug, Default)]
struct Style {
    first: String,
    bound: Vec<(usize, String, String)>,
}

/// A document without a browser.
#[derive(Debug)]
pub struct Document {
    pub(super) tree: NodeTree,
    pub(super) body: Node,
    /// Nodes by the engine's numbers.
    nodes: HashMap<u32, Node>,
    pub(super) roots: HashMap<u32, Root>,
    pub(super) rooted: HashMap<Node, Rooted>,
    pub(super) blocks: Vec<BlockLayout>,
    /// The elements of components.
    pub(super) elements: HashMap<Slot, Node>,
    pub(super) controls: Controls,
    pub(super) children: ChildNodes,
    /// The classes that each hole has set on its element.
    classes: HashMap<Node, Vec<(usize, Vec<String>)>>,
    styles: HashMap<Node, Style>,
    /// The intended values of attributes that the wire state overrides.
    held: HashMap<(Node, String), Option<String>>,
    /// The `once` handlers that have run, by element and address.
    pub(super) once: BTreeSet<(Node, u32)>,
    pub(super) effects: Vec<EventEffect>,
}

impl Default for Document {
    fn default() -> Self {
        let mut tree = NodeTree::default();
        let body = tree.element("body");
        Self {
            tree,
            body,
            nodes: HashMap::new(),
            roots: HashMap::new(),
            rooted: HashMap::new(),
            blocks: Vec::new(),
            elements: HashMap::new(),
            controls: Controls::default(),
            children: ChildNodes::default(),
            classes: HashMap::new(),
            styles: HashMap::new(),
            held: HashMap::new(),
            once: BTreeSet::new(),
            effects: Vec::new(),
        }
    }
}

impl Document {
    /// Runs operations, and returns the tasks for the caller.
    ///
    /// # Panics
    /// Panics if the operations cannot be decoded.
    pub fn run(&mut self, ops: &Ops) -> Vec<EventEffect> {
        let (mut slot, mut unfit, mut anew) = (0, BTreeSet::new(), BTreeSet::new());
        let read = ops.each(|op, words, strings| {
            if op == Op::View {
                slot = words.first().copied().unwrap_or_default();
            } else if self.op(op, words, strings, slot).is_none() {
                unfit.insert(slot);
            }
            if op == Op::Root && words.get(3).is_some_and(|anew| *anew != 0) {
                anew.insert(slot);
            }
        });
        assert!(read.is_some(), "operations that no decoder reads: {ops:?}");
        self.show_controls();
        self.effects.extend(unfit.difference(&anew).map(|slot| EventEffect::Anew(*slot)));
        self.take_effects()
    }

    /// Removes and returns the tasks for the caller.
    pub fn take_effects(&mut self) -> Vec<EventEffect> {
        std::mem::take(&mut self.effects)
    }

    /// Runs one operation. Returns `None` if the document does not match the template.
    fn op(&mut self, op: Op, words: &[u32], strings: &[&str], view: Slot) -> Option<()> {
        match (op, words, strings) {
            (Op::Template, [_], [json]) => {
                for block in crate::parse(json)?.into_list() {
                    let block = BlockLayout::new(block, &mut self.tree)?;
                    self.blocks.push(block);
                }
            }
            (Op::Make, [number, template], _) => {
                let skeleton = self.blocks.get(*template as usize)?.root;
                let node = self.tree.copy(skeleton);
                self.bind(node, *number, *template, view)?;
            }
            (Op::Rows, [root, hole, first, count, stride, template], _) => {
                let spot = self.roots.get(root)?.spots.get(*hole as usize)?;
                let Spot::Instances { parent, mut after } = *spot else { return None };
                for row in 0..*count {
                    let node = self.next_element(parent, after)?;
                    self.bind(node, first + row * stride, *template, view)?;
                    after = Some(node);
                }
            }
            (Op::Root, [number, slot, template, anew], _) => {
                let element = *self.elements.get(slot)?;
                if *anew != 0 {
                    self.tree.clear(element);
                    for node in self.blocks.get(*template as usize)?.content.clone() {
                        let node = self.tree.copy(node);
                        self.tree.insert(element, node, None);
                    }
                }
                self.bind(element, *number, *template, *slot)?;
            }
            (Op::Insert, [parent, node, before], _) => {
                let (parent, node) = (*self.nodes.get(parent)?, *self.nodes.get(node)?);
                let before = self.nodes.get(before).copied();
                if before.is_some_and(|before| self.tree.parent(before) != Some(parent)) {
                    return None;
                }
                self.tree.insert(parent, node, before);
                self.controls.options(&self.tree, parent);
            }
            (Op::Remove, [node], _) => {
                let node = *self.nodes.get(node)?;
                let parent = self.tree.parent(node)?;
                self.rooted.remove(&node);
                self.tree.detach(node);
                self.controls.options(&self.tree, parent);
            }
            (Op::Forget, [first, count], _) => {
                for number in *first..first + count {
                    let node = self.nodes.remove(&number);
                    self.roots.remove(&number);
                    if let Some(node) = node
                        && self.rooted.get(&node).is_some_and(|rooted| rooted.number == number)
                    {
                        self.rooted.remove(&node);
                    }
                }
            }
            (Op::Clear, [parent], _) => self.tree.clear(*self.nodes.get(parent)?),
            (Op::Set, [number, hole, kind], [value]) => {
                let root = self.roots.get(number)?;
                let spot = root.spots.get(*hole as usize)?.clone();
                let of = self.blocks.get(root.template)?.holes.get(*hole as usize)?.clone();
                self.set(root.slot, *hole as usize, &of, &spot, *kind, value)?;
            }
            (Op::Refuse, [slot, kind], [field, value]) => {
                self.refuse(*slot, field, *kind, value);
                self.effects.push(EventEffect::Refused(*slot, (*field).to_owned()));
            }
            (Op::Answered, [root, ok], _) => self.controls.answered(&self.tree, *root, *ok != 0),
            _ => {
                let strings = strings.iter().map(|text| (*text).to_owned()).collect();
                self.effects.push(EventEffect::Told(op, words.to_vec(), strings));
            }
        }
        Some(())
    }

    /// Numbers a root, and then the places of the instances inside it: the parent, and the node
    /// after the instances.
    fn bind(&mut self, node: Node, number: u32, template: u32, slot: Slot) -> Option<()> {
        let template = template as usize;
        self.nodes.insert(number, node);
        self.rooted.insert(node, Rooted { number, template, slot });
        let holes = self.blocks.get(template)?.holes.clone();
        let (mut spots, mut part) = (Vec::with_capacity(holes.len()), number);
        for hole in &holes {
            let at = self.walk(node, &hole.path)?;
            spots.push(match hole.place {
                Hole::INSTANCES => {
                    let after = self.pass(at, hole.step()?)?;
                    self.nodes.insert(part + 1, at);
                    if let Some(end) = hole.end() {
                        let end = self.pass(at, (end + 1) << 16)??;
                        self.nodes.insert(part + 2, end);
                    }
                    part += 2;
                    Spot::Instances { parent: at, after }
                }
                Hole::TEXT => {
                    let after = self.pass(at, hole.step()?)?;
                    let there = match after {
                        Some(after) => self.tree.next(after),
                        None => self.tree.children(at).first().copied(),
                    };
                    let is_text = |node: &Node| !self.tree.is_element(*node) && !self.tree.is_mark(*node);
                    let node = there.filter(is_text).unwrap_or_else(|| self.tree.text_node(""));
                    Spot::Text { node, parent: at, after }
                }
                _ => Spot::Element(at),
            });
        }
        self.roots.insert(number, Root { template, slot, spots });
        Some(())
    }

    fn walk(&self, from: Node, path: &[u32]) -> Option<Node> {
        let mut at = from;
        for step in path {
            at = self.next_element(at, self.pass(at, *step)?)?;
        }
        Some(at)
    }

    /// Skips comments and then elements, and returns the last skipped node. The high 16 bits of
    /// `step` count the comments, the low 16 bits the elements.
    fn pass(&self, parent: Node, step: u32) -> Option<Option<Node>> {
        let (comments, elements) = ((step >> 16) as usize, step & 0xffff);
        let mut marks = self.tree.children(parent).iter().copied().filter(|child| self.tree.is_mark(*child));
        let mut at = if comments == 0 { None } else { Some(marks.nth(comments - 1)?) };
        for _ in 0..elements {
            at = Some(self.next_element(parent, at)?);
        }
        Some(at)
    }

    fn next_element(&self, parent: Node, after: Option<Node>) -> Option<Node> {
        let children = self.tree.children(parent);
        let from = match after {
            Some(after) => children.iter().position(|child| *child == after)? + 1,
            None => 0,
        };
        children.iter().skip(from).copied().find(|child| self.tree.is_element(*child))
    }

    /// Shows a value in a hole.
    fn set(&mut self, slot: Slot, at: usize, hole: &Hole, spot: &Spot, kind: u32, value: &str) -> Option<()> {
        let (tag, on) = (kind & 7, kind & 8 != 0);
        let is_bool = tag == 1 || tag == 2;
        let plain = if tag > 3 { String::new() } else { value.replace('\0', "\u{fffd}") };
        let node = match *spot {
            Spot::Text { node, parent, after } => return self.text(node, parent, after, &plain),
            Spot::Element(node) => node,
            Spot::Instances { .. } => return None,
        };
        match hole.place {
            Hole::CONTENT if self.tree.name(node) == "textarea" => self.property(node, "value", kind, value),
            Hole::CONTENT => {
                self.tree.set_text(node, &plain);
                self.controls.options(&self.tree, node);
            }
            Hole::HTML => {
                self.tree.clear(node);
                for inner in self.tree.parse(&plain) {
                    self.tree.insert(node, inner, None);
                }
            }
            Hole::ATTRIBUTE => {
                let name = hole.text(0);
                match hole.int(1) {
                    Hole::PROPERTY => self.property(node, name, kind, value),
                    Hole::CLASSES => {
                        // At first they are the server's classes, possibly of an older state.
                        let there = words(self.tree.attribute(node, "class").unwrap_or_default());
                        self.set_classes(node, at, if is_bool { "" } else { &plain }, there);
                    }
                    Hole::WORD => self.set_attribute(node, name, (tag > 0).then_some(&*plain)),
                    url => {
                        let is_script = match url {
                            0 => false,
                            1 => vivaz_template::url::is_script(&plain),
                            _ => vivaz_template::url::any_script(&plain),
                        };
                        let value = if is_bool {
                            ""
                        } else if is_script {
                            vivaz_template::url::REFUSED
                        } else {
                            &plain
                        };
                        self.set_attribute(node, name, (tag > 1).then_some(value));
                    }
                }
            }
            Hole::CLASS => {
                let class = hole.text(0);
                self.set_classes(node, at, if on { class } else { "" }, words(class));
            }
            Hole::STYLE => self.set_style(node, at, hole.text(0), &plain),
            Hole::SHOW => self.conceal(node, on),
            Hole::MODEL => self.model(slot, node, hole, kind, value),
            Hole::WIRE => match hole.int(0) {
                0 => self.conceal(node, on),
                1 => self.set_classes(node, at, if on { hole.text(1) } else { "" }, Vec::new()),
                _ => self.hold(node, hole.text(1), on),
            },
            Hole::CHILD => self.children.show(node, hole.text(0), value),
            Hole::KEY => self.children.key(node, &format!("{tag}{value}")),
            Hole::SHARED => self.children.shared(node, value),
            Hole::AT_KEY => self.controls.key(node, &hole.name(0), value),
            _ => {}
        }
        Some(())
    }

    fn text(&mut self, node: Node, parent: Node, after: Option<Node>, value: &str) -> Option<()> {
        if self.tree.parent(node) != Some(parent) {
            if after.is_some_and(|after| self.tree.parent(after) != Some(parent)) {
                return None;
            }
            let before = match after {
                Some(after) => self.tree.next(after),
                None => self.tree.children(parent).first().copied(),
            };
            if !value.is_empty() {
                self.tree.insert(parent, node, before);
            }
        }
        self.tree.set_data(node, value);
        Some(())
    }

    pub(super) fn set_attribute(&mut self, node: Node, name: &str, value: Option<&str>) {
        if let Some(meant) = self.held.get_mut(&(node, name.to_owned())) {
            *meant = value.map(str::to_owned);
        } else if self.tree.set_attribute(node, name, value) {
            self.controls.changed_attribute(&self.tree, node, name);
        }
    }

    /// Sets the classes of a hole. `last` is the hole's previous classes at the first call.
    fn set_classes(&mut self, node: Node, hole: usize, text: &str, last: Vec<String>) {
        let now = words(text);
        let mut there = words(self.tree.attribute(node, "class").unwrap_or_default());
        let all = self.classes.entry(node).or_default();
        let before = match all.iter_mut().find(|(of, _)| *of == hole) {
            Some((_, last)) => std::mem::replace(last, now.clone()),
            None => {
                all.push((hole, now.clone()));
                last
            }
        };
        let wanted = |class: &String| all.iter().any(|(_, classes)| classes.contains(class));
        there.retain(|class| !before.contains(class) || wanted(class));
        for class in now {
            if !there.contains(&class) {
                there.push(class);
            }
        }
        let text = there.join(" ");
        self.tree.set_attribute(node, "class", (!text.is_empty()).then_some(&*text));
    }

    fn set_style(&mut self, node: Node, hole: usize, property: &str, value: &str) {
        let first = self.tree.attribute(node, "style").unwrap_or_default().to_owned();
        let Style { first, bound } =
            self.styles.entry(node).or_insert_with(|| Style { first, bound: Vec::new() });
        match bound.iter_mut().find(|(of, ..)| *of == hole) {
            Some((.., last)) => value.clone_into(last),
            None => bound.push((hole, property.to_owned(), value.to_owned())),
        }
        bound.sort_by_key(|(of, ..)| *of);
        let is_bound = |declaration: &&str| {
            let name = declaration.split(':').next().unwrap_or_default().trim();
            name.is_empty() || bound.iter().any(|(_, bound, _)| bound == name)
        };
        let others = first.split(';').filter(|one| !is_bound(one)).map(|one| one.trim().to_owned());
        let shown = bound.iter().filter(|(.., value)| !value.is_empty());
        let style: Vec<String> =
            others.chain(shown.map(|(_, property, value)| format!("{property}: {value}"))).collect();
        let style = style.join("; ");
        self.tree.set_attribute(node, "style", (!style.is_empty()).then_some(&*style));
    }

    fn conceal(&mut self, node: Node, on: bool) {
        self.tree.set_attribute(node, "hidden", (!on).then_some(""));
    }

    /// Sets an attribute while the wire state requires it, and then restores its intended value.
    fn hold(&mut self, node: Node, name: &str, on: bool) {
        let key = (node, name.to_owned());
        if !on {
            if let Some(meant) = self.held.remove(&key) {
                self.set_attribute(node, name, meant.as_deref());
            }
        } else if !self.held.contains_key(&key) {
            let meant = self.tree.attribute(node, name).map(str::to_owned);
            self.tree.set_attribute(node, name, Some(""));
            self.held.insert(key, meant);
        }
    }
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}
