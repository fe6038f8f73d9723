//! Replaces each use of a partial by the partial's content, before the tree is compiled.
//!
//! The content of `<live:NAME>…</live:NAME>` replaces the `<live:slot>`s of the partial. Names keep
//! their meaning, because offsets identify the use to which an expression belongs: see
//! [`Sources`].

mod parameters;

use std::collections::HashMap;

use crate::compiled::Namespace;
use crate::error::{ErrorList, hint};
use crate::source::{self, Attribute, Element, Piece, SourceNode, decode};
use crate::sources::{PartialFile, Sources};

/// The files and routes that a template can use. A function is a library of partials.
pub trait TemplateLibrary {
    /// Returns the file of a partial, if there is one with that name. Called once for each name.
    fn partial(&mut self, name: &str) -> Option<PartialFile>;

    /// Returns the path patterns of routes by their paths in Rust, if they are known.
    fn routes(&self) -> Vec<(String, String)> {
        Vec::new()
    }
}

impl<F: FnMut(&str) -> Option<PartialFile>> TemplateLibrary for F {
    fn partial(&mut self, name: &str) -> Option<PartialFile> {
        self(name)
    }
}

/// Maximum number of offsets of a template with its partials.
const MAX_OFFSETS: u32 = 1 << 23;
/// Names that start with `live:` and are neither a component nor a partial.
const RESERVED: [&str; 4] = ["fill", "head", "params", "slot"];

/// Replaces the partials in a tree.
pub(crate) fn expand(
    tree: Vec<SourceNode>,
    length: usize,
    library: &mut dyn TemplateLibrary,
    errors: &mut ErrorList,
) -> (Vec<SourceNode>, Sources) {
    let sources = Sources::new(length);
    let mut expander = Expander { library, errors, sources, files: HashMap::new(), open: Vec::new() };
    let tree = expander.nodes(tree, None);
    (tree, expander.sources)
}

struct Expander<'f> {
    library: &'f mut dyn TemplateLibrary,
    errors: &'f mut ErrorList,
    sources: Sources,
    /// The position of the file of each partial; `None` if there is no partial with that name.
    files: HashMap<String, Option<usize>>,
    /// The files of the partials that contain the current one.
    open: Vec<usize>,
}

/// The content for the slots of one use of a partial.
struct SlotContent {
    /// The name and the content of each filled slot; the default slot has no name.
    fills: Vec<(Option<String>, Vec<SourceNode>)>,
}

impl Expander<'_> {
    fn error(&mut self, at: u32, message: impl Into<String>) {
        self.errors.add(at, message);
    }

    /// Expands nodes of a partial with that slot content; of a template if there is none.
    fn nodes(&mut self, nodes: Vec<SourceNode>, slots: Option<&SlotContent>) -> Vec<SourceNode> {
        let mut out = Vec::with_capacity(nodes.len());
        for node in nodes {
            let SourceNode::Element(mut element) = node else {
                out.push(node);
                continue;
            };
            match element.component().map(str::to_owned).as_deref() {
                Some("slot") => out.extend(self.slot(element, slots)),
                Some("fill") => self.error(
                    element.at,
                    "`<live:fill>` must be directly inside the partial whose slot it fills",
                ),
                Some("params") => {
                    self.error(element.at, "`<live:params>` must be the first element of a partial's file");
                }
                Some(name) if let Some(file) = self.file(name) => {
                    out.extend(self.partial(element, file, slots));
                }
                Some(_) | None => {
                    element.children = self.nodes(std::mem::take(&mut element.children), slots);
                    out.push(SourceNode::Element(element));
                }
            }
        }
        out
    }

    /// Returns the position of a partial's file.
    fn file(&mut self, name: &str) -> Option<usize> {
        if RESERVED.contains(&name) {
            return None;
        }
        if let Some(known) = self.files.get(name) {
            return *known;
        }
        let file = self.library.partial(name).map(|file| self.sources.add_file(file));
        self.files.insert(name.to_owned(), file);
        file
    }

    /// Returns the content of a `<live:slot>`.
    fn slot(&mut self, element: Element, slots: Option<&SlotContent>) -> Vec<SourceNode> {
        let Some(slots) = slots else {
            self.error(element.at, "`<live:slot>` belongs into a partial, whose users fill it");
            return Vec::new();
        };
        if let Some(other) = element.attributes.iter().find(|given| given.name != "name") {
            let message =
                format!("`<live:slot>` has only a `name`, not `{}`: put an element around it", other.name);
            self.error(other.at, message);
        }
        let name = slot_name(&element, "name");
        match slots.fills.iter().find(|(filled, _)| *filled == name) {
            Some((_, content)) => {
                let namespace = content.iter().find_map(|node| match node {
                    SourceNode::Element(element) => Some(element.namespace),
                    SourceNode::Text(_) | SourceNode::Use(_) => None,
                });
                if element.namespace != Namespace::Html && namespace == Some(Namespace::Html) {
                    self.error(
                        element.at,
                        "a slot inside SVG or MathML cannot take HTML: put it into `<foreignObject>`",
                    );
                }
                content.clone()
            }
            None => self.nodes(element.children, Some(slots)),
        }
    }

    /// Returns the content of a partial.
    fn partial(
        &mut self,
        mut element: Element,
        file: usize,
        around: Option<&SlotContent>,
    ) -> Vec<SourceNode> {
        if self.open.contains(&file) {
            self.error(element.at, format!("`{}` contains itself", element.tag()));
            return Vec::new();
        }
        let slots = self.fills(&mut element, around);
        let Some((number, base)) = self.sources.add_use(file, element.at, MAX_OFFSETS) else {
            self.error(element.at, "the template with its partials is too long");
            return Vec::new();
        };
        let text = self.sources.file(file).map(|file| file.text.clone()).unwrap_or_default();
        let mut tree = source::parse_partial(&text, base, element.namespace, self.errors);
        let header = tree.iter().find_map(|node| match node {
            SourceNode::Element(element) => Some(element),
            SourceNode::Text(_) | SourceNode::Use(_) => None,
        });
        let header = header.filter(|first| first.component() == Some("params")).map(|first| first.at);
        let header = header.and_then(|at| {
            let found =
                tree.iter().position(|node| matches!(node, SourceNode::Element(first) if first.at == at));
            match tree.remove(found?) {
                SourceNode::Element(header) => Some(header),
                SourceNode::Text(_) | SourceNode::Use(_) => None,
            }
        });
        let (parameters, directives) = self.parameters(&element, header.as_ref());
        self.sources.set_parameters(number, parameters);
        self.unknown_fills(&element, &slots, &tree);
        self.open.push(file);
        trim(&mut tree);
        let mut body = self.nodes(tree, Some(&slots));
        self.open.pop();
        self.place(&element, directives, number, &mut body);
        body
    }

    /// Separates the content of a partial's element by slots. It belongs to the template that uses
    /// the partial.
    fn fills(&mut self, element: &mut Element, around: Option<&SlotContent>) -> SlotContent {
        let (mut rest, mut fills) = (Vec::new(), Vec::<(Option<String>, Vec<SourceNode>)>::new());
        for node in std::mem::take(&mut element.children) {
            match node {
                SourceNode::Element(fill) if fill.component() == Some("fill") => {
                    let name = slot_name(&fill, "slot");
                    if let Some(other) = fill.attributes.iter().find(|given| given.name != "slot") {
                        self.error(
                            other.at,
                            format!("`<live:fill>` has only a `slot`, not `{}`", other.name),
                        );
                    }
                    match &name {
                        None => {
                            self.error(fill.at, "`<live:fill>` needs the name of a slot: `slot=\"actions\"`");
                        }
                        Some(known) if fills.iter().any(|(other, _)| *other == name) => {
                            self.error(fill.at, format!("the slot `{known}` is filled twice"));
                        }
                        Some(_) => {}
                    }
                    let mut content = self.nodes(fill.children, around);
                    trim(&mut content);
                    fills.push((name, content));
                }
                node @ (SourceNode::Element(_) | SourceNode::Text(_) | SourceNode::Use(_)) => rest.push(node),
            }
        }
        trim(&mut rest);
        let is_blank =
            |node: &SourceNode| matches!(node, SourceNode::Text(Piece::Text(text)) if text.trim().is_empty());
        if !rest.iter().all(is_blank) {
            let content = self.nodes(rest, around);
            fills.push((None, content));
        }
        SlotContent { fills }
    }

    /// Reports content for slots that the partial does not have.
    fn unknown_fills(&mut self, element: &Element, slots: &SlotContent, tree: &[SourceNode]) {
        let mut known = Vec::new();
        slot_names(tree, &mut known);
        for (name, content) in &slots.fills {
            if known.contains(name) {
                continue;
            }
            let tag = element.tag();
            let message = match name {
                None => format!("`{tag}` has no default slot for this content"),
                Some(name) => {
                    let hint = hint(name, known.iter().flatten().map(String::as_str));
                    format!("`{tag}` has no slot `{name}`{hint}")
                }
            };
            let first = content.iter().find_map(|node| match node {
                SourceNode::Element(first) => Some(first.at),
                SourceNode::Text(_) | SourceNode::Use(_) => None,
            });
            let is_own = |at: &u32| self.sources.use_at(*at) == self.sources.use_at(element.at);
            self.error(first.filter(is_own).unwrap_or(element.at), message);
        }
    }

    /// Puts the directives of a partial's element on the root of its content, and records there
    /// that the use begins.
    fn place(
        &mut self,
        element: &Element,
        directives: Vec<Attribute>,
        number: usize,
        body: &mut Vec<SourceNode>,
    ) {
        let is_root = |node: &SourceNode| matches!(node, SourceNode::Element(_));
        let count = body.iter().filter(|node| is_root(node)).count();
        if let Some(first) = directives.first()
            && (count != 1 || body.len() != 1)
        {
            let message = format!(
                "`{}` on `{}` requires that its content is exactly one element: put an element around it",
                first.name,
                element.tag()
            );
            self.error(first.at, message);
            return;
        }
        let root = body.iter_mut().find_map(|node| match node {
            SourceNode::Element(root) => Some(root),
            SourceNode::Text(_) | SourceNode::Use(_) => None,
        });
        let Some(root) = root else {
            body.insert(0, SourceNode::Use(number));
            return;
        };
        root.uses.push(number);
        let taken = directives.iter().find_map(|given| Some((given, root.attribute(&given.name)?)));
        if let Some((given, _)) = taken {
            let message = format!(
                "the content of `{}` has a `{}` already: put an element around one of them",
                element.tag(),
                given.name
            );
            self.errors.add(given.at, message);
            return;
        }
        root.attributes.splice(0..0, directives);
    }
}

/// Returns the name in an attribute of `<live:slot>` or `<live:fill>`.
fn slot_name(element: &Element, attribute: &str) -> Option<String> {
    let value = element.attribute(attribute)?.value.as_ref()?;
    Some(decode(value.text.trim())).filter(|name| !name.is_empty())
}

/// Adds the names of all slots in a partial's file.
fn slot_names(nodes: &[SourceNode], names: &mut Vec<Option<String>>) {
    for node in nodes {
        if let SourceNode::Element(element) = node {
            if element.component() == Some("slot") {
                names.push(slot_name(element, "name"));
            }
            slot_names(&element.children, names);
        }
    }
}

/// Removes white space with a line break from both ends, as at the ends of an element's content.
fn trim(nodes: &mut Vec<SourceNode>) {
    let breaks = |white: &str| white.contains(['\n', '\r']);
    while let Some(SourceNode::Text(Piece::Text(first))) = nodes.first_mut() {
        let kept = first.trim_ascii_start();
        if breaks(first.get(..first.len() - kept.len()).unwrap_or_default()) {
            *first = kept.to_owned();
        }
        if !first.is_empty() {
            break;
        }
        nodes.remove(0);
    }
    while let Some(SourceNode::Text(Piece::Text(last))) = nodes.last_mut() {
        let kept = last.trim_ascii_end();
        if breaks(last.get(kept.len()..).unwrap_or_default()) {
            *last = kept.to_owned();
        }
        if !last.is_empty() {
            break;
        }
        nodes.pop();
    }
}
