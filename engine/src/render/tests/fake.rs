//! A page in memory: runs operations as `js/dom.js` does, and counts what it changes.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::dom::{Op, Ops};

/// Elements without an end tag, of those that the tests use.
const VOID: [&str; 2] = ["input", "hr"];

#[derive(Clone, Debug, Default)]
pub(super) struct Node {
    /// Empty for text and comments.
    pub(super) tag: String,
    /// The text of a text node; `<!>` of a comment.
    pub(super) data: String,
    pub(super) attributes: BTreeMap<String, String>,
    pub(super) children: Vec<usize>,
    pub(super) parent: Option<usize>,
}

impl Node {
    fn is_element(&self) -> bool {
        !self.tag.is_empty()
    }

    fn is_comment(&self) -> bool {
        self.data == "<!>" && self.tag.is_empty()
    }
}

/// Node 0 is the component's element.
#[derive(Debug, Default)]
pub(super) struct Fake {
    pub(super) nodes: Vec<Node>,
    numbers: BTreeMap<u32, usize>,
    /// The block of each root, by its number.
    blocks: BTreeMap<u32, Value>,
    pub(super) templates: Vec<Value>,
    /// What was changed in the page: one line each.
    pub(super) changes: Vec<String>,
    /// Operations that found no place.
    pub(super) misfits: usize,
    /// What is about no node: the operation, its words and strings.
    pub(super) told: Vec<(Op, Vec<u32>, Vec<String>)>,
    pub(super) moved: usize,
}

impl Fake {
    pub(super) fn new() -> Self {
        let root = Node { tag: "live-component".into(), ..Node::default() };
        Self { nodes: vec![root], ..Self::default() }
    }

    pub(super) fn run(&mut self, ops: &Ops) {
        let read = ops.each(|op, words, strings| {
            if self.op(op, words, strings).is_none() {
                self.misfits += 1;
            }
        });
        assert!(read.is_some(), "operations are as their decoder reads them");
    }

    /// Puts server-rendered HTML into the component's element, as a browser's parser does.
    pub(super) fn load(&mut self, html: &str) {
        self.parse(html, 0);
    }

    /// The content of the component's element, without markers.
    pub(super) fn html(&self) -> String {
        let mut out = String::new();
        for child in &self.nodes[0].children {
            self.write(*child, &mut out);
        }
        out
    }

    fn write(&self, at: usize, out: &mut String) {
        let node = &self.nodes[at];
        if !node.is_element() {
            if !node.is_comment() {
                out.push_str(&node.data);
            }
            return;
        }
        out.push('<');
        out.push_str(&node.tag);
        for (name, value) in &node.attributes {
            out.push_str(&format!(" {name}=\"{value}\""));
        }
        out.push('>');
        for child in &node.children {
            self.write(*child, out);
        }
        if !VOID.contains(&node.tag.as_str()) {
            out.push_str(&format!("</{}>", node.tag));
        }
    }

    fn add(&mut self, node: Node) -> usize {
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    /// Just enough HTML for what the template compiler writes.
    fn parse(&mut self, mut html: &str, parent: usize) {
        let mut open = vec![parent];
        while !html.is_empty() {
            let top = *open.last().expect("a parent is open");
            if let Some(rest) = html.strip_prefix("<!>") {
                let node = self.add(Node { data: "<!>".into(), parent: Some(top), ..Node::default() });
                self.nodes[top].children.push(node);
                html = rest;
            } else if html.starts_with("</") {
                open.pop();
                html = &html[html.find('>').expect("a tag ends") + 1..];
            } else if let Some(rest) = html.strip_prefix('<') {
                let end = rest.find('>').expect("a tag ends");
                let (tag, attributes) = rest[..end].split_once(' ').unwrap_or((&rest[..end], ""));
                let mut node = Node { tag: tag.to_owned(), parent: Some(top), ..Node::default() };
                let mut attributes = attributes.trim();
                while !attributes.is_empty() {
                    let name_end = attributes.find(['=', ' ']).unwrap_or(attributes.len());
                    let (name, rest) = attributes.split_at(name_end);
                    let (value, rest) = match rest.strip_prefix("=\"") {
                        Some(rest) => rest.split_once('"').expect("a value ends"),
                        None => ("", rest),
                    };
                    node.attributes.insert(name.to_owned(), value.to_owned());
                    attributes = rest.trim_start();
                }
                let at = self.add(node);
                self.nodes[top].children.push(at);
                if !VOID.contains(&tag) {
                    open.push(at);
                }
                html = &rest[end + 1..];
            } else {
                let end = html.find('<').unwrap_or(html.len());
                let node =
                    self.add(Node { data: html[..end].to_owned(), parent: Some(top), ..Node::default() });
                self.nodes[top].children.push(node);
                html = &html[end..];
            }
        }
    }

    /// The last child passed, as a position.
    fn pass(&self, parent: usize, (comments, elements): (u32, u32)) -> Option<Option<usize>> {
        let children = &self.nodes[parent].children;
        let find = |from: usize, count: u32, is: &dyn Fn(&Node) -> bool| {
            let places = children
                .iter()
                .enumerate()
                .skip(from)
                .filter(|(_, c)| is(&self.nodes[**c]))
                .map(|(at, _)| at);
            places.take(count as usize).collect::<Vec<_>>()
        };
        let mut at = None;
        if comments > 0 {
            let found = find(0, comments, &Node::is_comment);
            (found.len() == comments as usize).then_some(())?;
            at = found.last().copied();
        }
        if elements > 0 {
            let found = find(at.map_or(0, |at| at + 1), elements, &Node::is_element);
            (found.len() == elements as usize).then_some(())?;
            at = found.last().copied();
        }
        Some(at)
    }

    fn next_element(&self, parent: usize, at: Option<usize>) -> Option<usize> {
        let rest = self.nodes[parent].children.iter().skip(at.map_or(0, |at| at + 1));
        rest.copied().find(|child| self.nodes[*child].is_element())
    }

    fn walk(&self, from: usize, path: &Value) -> Option<usize> {
        let mut at = from;
        for each in path.as_array().expect("a walk is a list") {
            at = self.next_element(at, self.pass(at, step(each))?)?;
        }
        Some(at)
    }

    /// Numbers a root and the places of what grows and shrinks inside.
    fn bind(&mut self, node: usize, id: u32, template: u32) -> Option<()> {
        let block = self.templates[template as usize].clone();
        self.numbers.insert(id, node);
        let mut next = id;
        for hole in holes(&block).iter().filter(|hole| hole[0] == 7) {
            let parent = self.walk(node, &hole[1])?;
            self.numbers.insert(next + 1, parent);
            if let Some(end) = hole[3].as_u64() {
                let anchor = self.pass(parent, (end as u32 + 1, 0))??;
                self.numbers.insert(next + 2, self.nodes[parent].children[anchor]);
            }
            next += 2;
        }
        self.blocks.insert(id, block);
        Some(())
    }

    fn detach(&mut self, node: usize) {
        if let Some(parent) = self.nodes[node].parent.take() {
            self.nodes[parent].children.retain(|child| *child != node);
        }
    }

    fn set(&mut self, node: Option<usize>, name: &str, value: Option<&str>) -> Option<()> {
        let node = &mut self.nodes[node?];
        if node.attributes.get(name).map(String::as_str) != value {
            self.changes.push(format!("{name}={value:?}"));
            match value {
                Some(value) => node.attributes.insert(name.to_owned(), value.to_owned()),
                None => node.attributes.remove(name),
            };
        }
        Some(())
    }

    fn toggle(&mut self, node: Option<usize>, class: &str, on: bool) -> Option<()> {
        let old = self.nodes[node?].attributes.get("class").cloned().unwrap_or_default();
        let mut classes: Vec<&str> = old.split_whitespace().filter(|c| *c != class).collect();
        if on {
            classes.push(class);
        }
        let new = classes.join(" ");
        self.set(node, "class", (!new.is_empty()).then_some(&new))
    }

    fn text(&mut self, parent: usize, after: &Value, value: &str) -> Option<()> {
        let at = self.pass(parent, step(after))?.map_or(0, |at| at + 1);
        match self.nodes[parent].children.get(at).copied() {
            Some(there) if !self.nodes[there].is_element() && !self.nodes[there].is_comment() => {
                if self.nodes[there].data != value {
                    self.changes.push(format!("text {value}"));
                    self.nodes[there].data = value.to_owned();
                }
            }
            _ if value.is_empty() => {}
            _ => {
                self.changes.push(format!("text {value}"));
                let text = self.add(Node { data: value.to_owned(), parent: Some(parent), ..Node::default() });
                self.nodes[parent].children.insert(at, text);
            }
        }
        Some(())
    }

    /// Of the kinds of holes those that the tests have.
    fn show(&mut self, node: usize, hole: &Value, kind: u32, value: &str) -> Option<()> {
        let (kind, on, name) = (kind & 7, kind & 8 != 0, hole[2].as_str().unwrap_or_default());
        let value = if kind > 3 { "" } else { value };
        match hole[0].as_u64()? {
            0 => self.text(node, &hole[2], value),
            3 if hole[3] == 3 => {
                self.nodes[node].attributes.insert("value".to_owned(), value.to_owned());
                Some(())
            }
            3 if hole[3] == 5 => {
                let names: Vec<&str> = value.split_whitespace().collect();
                self.set(Some(node), "class", Some(&names.join(" ")))
            }
            3 => self.set(Some(node), name, (kind > 1).then_some(value)),
            4 => self.toggle(Some(node), name, on),
            6 => self.set(Some(node), "hidden", (!on).then_some("")),
            10 if hole[2] == 2 => self.set(Some(node), hole[3].as_str()?, on.then_some("")),
            // A key of the row that a control is in shows nothing.
            16 => Some(()),
            other => panic!("no test had a hole of kind {other} before"),
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the others are about no node")]
    fn op(&mut self, op: Op, w: &[u32], s: &[&str]) -> Option<()> {
        match op {
            Op::Template => {
                assert_eq!(w[0] as usize, self.templates.len());
                let blocks: Vec<Value> = serde_json::from_str(s[0]).expect("blocks are JSON");
                self.templates.extend(blocks);
            }
            Op::Make => {
                let holder = self.add(Node { tag: "holder".into(), ..Node::default() });
                let html = self.templates[w[1] as usize][0].clone();
                self.parse(html.as_str()?, holder);
                let root = self.nodes[holder].children[0];
                self.nodes[root].parent = None;
                self.bind(root, w[0], w[1])?;
            }
            Op::Root => {
                if w[3] != 0 {
                    let html = self.templates[w[2] as usize][0].clone();
                    self.nodes[0].children.clear();
                    self.parse(html.as_str()?, 0);
                }
                self.bind(0, w[0], w[2])?;
            }
            Op::Rows => {
                let hole = self.blocks.get(&w[0])?[2][w[1] as usize].clone();
                let parent = self.walk(*self.numbers.get(&w[0])?, &hole[1])?;
                let mut at = self.pass(parent, step(&hole[2]))?;
                for row in 0..w[3] {
                    let node = self.next_element(parent, at)?;
                    at = self.nodes[parent].children.iter().position(|child| *child == node);
                    self.bind(node, w[2] + row * w[4], w[5])?;
                }
            }
            Op::Insert => {
                let (parent, node) = (*self.numbers.get(&w[0])?, *self.numbers.get(&w[1])?);
                let before = if w[2] == 0 { None } else { Some(*self.numbers.get(&w[2])?) };
                self.moved += 1;
                self.changes.push("insert".into());
                self.detach(node);
                let children = &mut self.nodes[parent].children;
                let at = match before {
                    Some(before) => children.iter().position(|child| *child == before)?,
                    None => children.len(),
                };
                children.insert(at, node);
                self.nodes[node].parent = Some(parent);
            }
            Op::Remove => {
                self.changes.push("remove".into());
                self.detach(*self.numbers.get(&w[0])?);
            }
            Op::Forget => {
                for number in w[0]..w[0] + w[1] {
                    self.numbers.remove(&number);
                }
            }
            Op::Clear => {
                self.changes.push("clear".into());
                let parent = *self.numbers.get(&w[0])?;
                self.nodes[parent].children.clear();
            }
            Op::Set => {
                let hole = self.blocks.get(&w[0])?[2][w[1] as usize].clone();
                let node = self.walk(*self.numbers.get(&w[0])?, &hole[1])?;
                self.show(node, &hole, w[2], s[0])?;
            }
            other => self.told.push((other, w.to_vec(), s.iter().map(|s| (*s).to_owned()).collect())),
        }
        Some(())
    }
}

fn holes(block: &Value) -> &[Value] {
    block[2].as_array().expect("a block has holes")
}

/// Comments, then elements.
fn step(step: &Value) -> (u32, u32) {
    let step = step.as_u64().expect("a step is a number") as u32;
    (step >> 16, step & 0xffff)
}
