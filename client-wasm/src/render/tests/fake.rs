//! A page in memory: runs operations as `js/dom.js` does, and counts what it changes.

use std::collections::BTreeMap;

use crate::dom::{Dom, Op, Walk};

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
    templates: BTreeMap<u32, String>,
    paths: BTreeMap<u32, (u32, Vec<(u32, u32)>)>,
    names: BTreeMap<u32, String>,
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

    fn walk(&self, node: u32, path: u32) -> Option<usize> {
        let mut at = *self.numbers.get(&node)?;
        if path == 0 {
            return Some(at);
        }
        let (kind, steps) = &self.paths[&path];
        let last = if *kind == Walk::Element as u32 { steps.len() } else { steps.len() - 1 };
        for step in &steps[..last] {
            at = self.next_element(at, self.pass(at, *step)?)?;
        }
        if *kind == Walk::Comment as u32 {
            let position = self.pass(at, steps[last])??;
            at = self.nodes[at].children[position];
        }
        Some(at)
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

    fn text(&mut self, node: u32, path: u32, value: &str) -> Option<()> {
        let (_, steps) = self.paths[&path].clone();
        let parent = steps[..steps.len() - 1]
            .iter()
            .try_fold(*self.numbers.get(&node)?, |at, step| self.next_element(at, self.pass(at, *step)?))?;
        let at = self.pass(parent, steps[steps.len() - 1])?.map_or(0, |at| at + 1);
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

    fn op(&mut self, op: Op, w: &[u32], s: &[&str]) -> Option<()> {
        match op {
            Op::Template => drop(self.templates.insert(w[0], s[0].to_owned())),
            Op::Path => {
                let steps = w[3..].iter().map(|step| (step >> 16, step & 0xffff)).collect();
                self.paths.insert(w[0], (w[1], steps));
            }
            Op::Name => drop(self.names.insert(w[0], s[0].to_owned())),
            Op::Make => {
                let holder = self.add(Node { tag: "holder".into(), ..Node::default() });
                let html = self.templates[&w[1]].clone();
                self.parse(&html, holder);
                let root = self.nodes[holder].children[0];
                self.nodes[root].parent = None;
                self.numbers.insert(w[0], root);
            }
            Op::Root => drop(self.numbers.insert(w[0], 0)),
            Op::Rebuild => {
                let html = self.templates[&w[1]].clone();
                self.nodes[0].children.clear();
                self.parse(&html, 0);
            }
            Op::Refer => {
                let node = self.walk(w[0], w[1])?;
                self.numbers.insert(w[2], node);
            }
            Op::Rows => {
                let parent = *self.numbers.get(&w[0])?;
                let (_, steps) = self.paths[&w[1]].clone();
                let mut at = self.pass(parent, steps[0])?;
                for row in 0..w[3] {
                    let node = self.next_element(parent, at)?;
                    at = self.nodes[parent].children.iter().position(|child| *child == node);
                    self.numbers.insert(w[2] + row * w[4], node);
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
            Op::Text => self.text(w[0], w[1], s[0])?,
            Op::Attribute => self.set(self.walk(w[0], w[1]), &self.names[&w[2]].clone(), Some(s[0]))?,
            Op::RemoveAttribute => self.set(self.walk(w[0], w[1]), &self.names[&w[2]].clone(), None)?,
            Op::Class => self.toggle(self.walk(w[0], w[1]), &self.names[&w[2]].clone(), w[3] != 0)?,
            Op::Classes => {
                let names: Vec<&str> = s[0].split_whitespace().collect();
                self.set(self.walk(w[0], w[1]), "class", Some(&names.join(" ")))?;
            }
            Op::Show => self.set(self.walk(w[0], w[1]), "hidden", (w[2] == 0).then_some(""))?,
            Op::Wire if w[2] == 2 => self.set(self.walk(w[0], w[1]), s[0], (w[3] != 0).then_some(""))?,
            Op::Model | Op::Property => {
                let node = self.walk(w[0], w[1])?;
                self.nodes[node].attributes.insert("value".to_owned(), s[0].to_owned());
            }
            other => self.told.push((other, w.to_vec(), s.iter().map(|s| (*s).to_owned()).collect())),
        }
        Some(())
    }
}

impl Dom for Fake {
    fn put(&mut self, op: Op, words: &[u32], strings: &[&str]) {
        if self.op(op, words, strings).is_none() {
            self.misfits += 1;
        }
    }
}
