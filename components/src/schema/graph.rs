//! The known parts of a type: a graph of nodes, one for each position in its JSON.

use std::collections::HashMap;
use std::fmt::Write;

use super::tracer::{SAMPLES, Stop};

/// A type with more positions than this is described partly.
const NODES: usize = 1_024;
/// Positions nested deeper than this are not described: a type that contains itself without a name.
const DEPTH: usize = 64;
/// A node with a single part that it equals: a newtype, or a type that was visited before.
const SAME: &str = "same";

/// The index of a node.
pub(super) type Id = usize;

const ROOT: Id = 0;

/// A struct, an enum or a newtype: its kind, its name, and the name of the visitor that its
/// `Deserialize` uses, which has the module and the type parameters.
type Container = (&'static str, &'static str, &'static str);

pub(super) struct Graph {
    nodes: Vec<SchemaNode>,
    containers: HashMap<Container, Id>,
    /// Counts the findings.
    found: usize,
    /// The node that this round explores.
    aim: Id,
    /// The sample values that precede it.
    pub(super) sample: usize,
}

struct SchemaNode {
    /// Empty until the type has requested a kind.
    kind: &'static str,
    type_name: &'static str,
    parts: Vec<SchemaPart>,
    /// Whether the node is fully known.
    done: bool,
    /// Whether its name represents unknown content.
    opaque: bool,
    /// The number of rounds without a finding.
    tries: usize,
    depth: usize,
}

struct SchemaPart {
    /// The name of a field or a variant.
    name: &'static str,
    node: Id,
}

/// The number of findings at the beginning of a round.
pub(super) struct Round(usize);

impl Graph {
    pub(super) fn new(type_name: &'static str) -> Self {
        let root = SchemaNode::new(type_name, 0);
        Self { nodes: vec![root], containers: HashMap::new(), found: 0, aim: ROOT, sample: 0 }
    }

    /// Begins a round, if there is a node left to explore.
    pub(super) fn begin(&mut self) -> Option<Round> {
        (self.aim, self.sample) = (ROOT, 0);
        (!self.is_done(ROOT) && self.nodes.len() < NODES).then_some(Round(self.found))
    }

    /// Ends a round. A round without a finding is repeated with other samples, then its node is
    /// given up.
    pub(super) fn end(&mut self, Round(found): Round) {
        if self.found > found {
            return;
        }
        let Some(node) = self.nodes.get_mut(self.aim) else { return };
        node.tries += 1;
        if node.tries >= SAMPLES.len() {
            (node.opaque, node.done) = (true, true);
            self.found += 1;
        }
    }

    /// Sets the type at a node. Without it, the node has the name of the enclosing type.
    pub(super) fn name(&mut self, at: Id, type_name: &'static str) {
        // Types in which serde buffers content (`flatten`, `tag` and `content`).
        let is_buffer = type_name.starts_with("serde") && type_name.contains("::Content");
        if let Some(node) = self.nodes.get_mut(at).filter(|node| node.kind.is_empty() && !is_buffer) {
            node.type_name = type_name;
        }
    }

    /// Sets a node without parts.
    pub(super) fn leaf(&mut self, at: Id, kind: &'static str) -> Stop {
        self.found += 1;
        if let Some(node) = self.nodes.get_mut(at) {
            (node.kind, node.done) = (kind, true);
        }
        Stop
    }

    /// Sets a node whose type does not reveal its format.
    pub(super) fn unknown(&mut self, at: Id) -> Stop {
        if let Some(node) = self.nodes.get_mut(at) {
            node.opaque = true;
        }
        self.leaf(at, "any")
    }

    /// Returns whether the container at a node was visited before; the node then equals that one.
    pub(super) fn is_known(&mut self, at: Id, container: Container) -> bool {
        let Some(node) = self.nodes.get_mut(at).filter(|node| node.kind.is_empty()) else { return false };
        let first = *self.containers.entry(container).or_insert(at);
        if first != at {
            node.parts.push(SchemaPart { name: "", node: first });
            self.leaf(at, SAME);
        }
        first != at
    }

    /// Sets the parts of a node. Returns the first that is not done, with its position, which the
    /// round explores.
    pub(super) fn open(
        &mut self,
        at: Id,
        kind: &'static str,
        of: &'static str,
        parts: impl IntoIterator<Item = &'static str>,
    ) -> Result<(usize, Id), Stop> {
        let next = self.nodes.len();
        let node = self.nodes.get_mut(at).ok_or(Stop)?;
        if node.kind.is_empty() {
            if node.depth >= DEPTH {
                return Err(self.unknown(at));
            }
            node.kind = kind;
            node.parts =
                parts.into_iter().zip(next..).map(|(name, node)| SchemaPart { name, node }).collect();
            let (parts, depth) = (node.parts.len(), node.depth + 1);
            self.nodes.extend((0..parts).map(|_| SchemaNode::new(of, depth)));
            self.found += 1;
        }
        self.close(at);
        let open = self.nodes.get(at).and_then(|node| self.first_open(node)).ok_or(Stop)?;
        self.aim = open.1;
        self.sample = self.nodes.get(open.1).map_or(0, |node| node.tries);
        Ok(open)
    }

    /// Marks a node as done if all of its parts are.
    pub(super) fn close(&mut self, at: Id) {
        if self.nodes.get(at).is_some_and(|node| !node.done && self.first_open(node).is_none()) {
            self.found += 1;
            if let Some(node) = self.nodes.get_mut(at) {
                node.done = true;
            }
        }
    }

    fn first_open(&self, node: &SchemaNode) -> Option<(usize, Id)> {
        let mut parts = node.parts.iter().enumerate();
        parts.find(|(_, part)| !self.is_done(part.node)).map(|(position, part)| (position, part.node))
    }

    fn is_done(&self, at: Id) -> bool {
        self.nodes.get(at).is_none_or(|node| node.done)
    }

    /// Writes the graph as text.
    pub(super) fn to_text(&self) -> String {
        let mut out = String::new();
        self.write(&mut out, ROOT, &mut HashMap::new());
        out
    }

    /// Writes a node. A node that is written already is referred to by its number.
    fn write(&self, out: &mut String, at: Id, written: &mut HashMap<Id, usize>) {
        let at = self.resolved(at);
        let Some(node) = self.nodes.get(at) else { return };
        if let Some(number) = written.get(&at) {
            let _ = write!(out, "#{number}");
            return;
        }
        out.push_str(node.kind);
        if node.opaque || !node.done {
            out.push('?');
            push_short(out, node.type_name);
        }
        if node.parts.is_empty() {
            return;
        }
        let mut parts: Vec<&SchemaPart> = node.parts.iter().collect();
        let is_named = parts.iter().any(|part| !part.name.is_empty());
        if is_named {
            parts.sort_unstable_by_key(|part| part.name);
        }
        written.insert(at, written.len());
        out.push('{');
        for (position, part) in parts.into_iter().enumerate() {
            if position > 0 {
                out.push(',');
            }
            if is_named {
                let _ = write!(out, "{}:", part.name);
            }
            self.write(out, part.node, written);
        }
        out.push('}');
    }

    /// Follows nodes that equal another one.
    fn resolved(&self, mut at: Id) -> Id {
        for _ in 0..DEPTH {
            match self.nodes.get(at) {
                Some(SchemaNode { kind: SAME, parts, opaque: false, .. }) => match parts.first() {
                    Some(part) => at = part.node,
                    None => break,
                },
                _ => break,
            }
        }
        at
    }

    /// Opens a node that equals its single part.
    pub(super) fn open_same(&mut self, at: Id, of: &'static str) -> Result<(usize, Id), Stop> {
        self.open(at, SAME, of, [""])
    }
}

impl SchemaNode {
    fn new(type_name: &'static str, depth: usize) -> Self {
        Self { kind: "", type_name, parts: Vec::new(), done: false, opaque: false, tries: 0, depth }
    }
}

/// Adds the name of a type without the paths and lifetimes in it, which differ between compilers.
pub(super) fn push_short(out: &mut String, type_name: &str) {
    let name = type_name.replace("'_, ", "").replace("<'_>", "");
    let mut rest = name.as_str();
    while let Some(at) = rest.find("::") {
        let (before, after) = rest.split_at(at);
        let kept = before.trim_end_matches(|c: char| c.is_alphanumeric() || c == '_');
        out.push_str(kept);
        rest = after.trim_start_matches(':');
    }
    out.push_str(rest);
}
