//! HTML of the application (`live:html`) in the first paint. A browser that sets it with
//! `innerHTML` keeps it in its element; a browser that parses it as a part of a page may not,
//! because of an unterminated comment or an extra end tag. So it is parsed in the context of its
//! element, as `innerHTML` does, and written again, balanced.

use std::io;

use html5ever::driver::parse_fragment_for_element;
use html5ever::serialize::{Serialize, SerializeOpts, Serializer, TraversalScope, serialize};
use html5ever::tendril::TendrilSink;
use html5ever::tree_builder::{ElementFlags, TreeSink};
use html5ever::{LocalName, ParseOpts, QualName, local_name, ns, parse_document};
use markup5ever_rcdom::{Handle, NodeData, RcDom};

use crate::compiled::Namespace;
use crate::containment::OpenElement;
use crate::escape;

/// Maximum depth. Browsers flatten elements nested deeper than 512, including the enclosing ones.
const DEPTH: usize = 400;

/// Returns the HTML in a form that is safe in a page, as the content of the last of the enclosing
/// elements, which are outermost first. It cannot affect anything behind that element.
///
/// Content that a page cannot have there, such as a link in a link, is replaced by its text, or by
/// nothing if a browser would move even the text.
pub(super) fn contained(html: &str, around: &[OpenElement]) -> String {
    let dom = fragment(html, around);
    let Some(root) = dom.document.children.borrow().first().cloned() else { return String::new() };
    if let Some(balanced) = content(&root, Scripting::Off) {
        // Text without tags and references has only one reading.
        let is_text = balanced == html && !html.contains(['<', '&', '\n']) && takes_text(around.last());
        if is_text || stays(&balanced, around) {
            return with_line_break(balanced, around);
        }
    }
    let text = escape::text(&text_of(&root));
    if stays(&text, around) { with_line_break(text, around) } else { String::new() }
}

/// Returns whether a browser leaves text at its place in the element.
fn takes_text(parent: Option<&OpenElement>) -> bool {
    const NONE: [&str; 8] = ["table", "thead", "tbody", "tfoot", "tr", "colgroup", "select", "optgroup"];
    parent.is_none_or(|open| !open.is_html() || !NONE.contains(&&*open.name))
}

/// Adds a line break if a browser would drop the first one after the start tag.
fn with_line_break(html: String, around: &[OpenElement]) -> String {
    let drops = around.last().is_some_and(|open| open.is("pre")) && html.starts_with('\n');
    if drops { format!("\n{html}") } else { html }
}

/// Whether scripts run, which affects the parsing of `noscript`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scripting {
    On,
    Off,
}

fn options(scripting: Scripting) -> ParseOpts {
    let mut options = ParseOpts::default();
    // `innerHTML` keeps a byte order mark, which is special only at the start of a file.
    options.tokenizer.discard_bom = false;
    options.tree_builder.scripting_enabled = scripting == Scripting::On;
    options
}

/// Parses HTML as the content of the last one of the elements.
fn fragment(html: &str, around: &[OpenElement]) -> RcDom {
    let dom = RcDom::default();
    let named = |namespace, name| {
        dom.create_element(QualName::new(None, namespace, name), Vec::new(), ElementFlags::default())
    };
    let context = around.last().map_or_else(
        || named(ns!(html), local_name!("body")),
        |open| {
            let namespace = match open.namespace {
                Namespace::Html => ns!(html),
                Namespace::Svg => ns!(svg),
                Namespace::MathMl => ns!(mathml),
            };
            named(namespace, LocalName::from(&*open.name))
        },
    );
    let form = around.iter().any(|open| open.is("form")).then(|| named(ns!(html), local_name!("form")));
    parse_fragment_for_element(dom, options(Scripting::Off), context, false, form).one(html)
}

/// Returns whether a browser that parses the HTML in a page finds exactly this content in the last
/// one of the elements, and the following content directly behind it.
fn stays(html: &str, around: &[OpenElement]) -> bool {
    const MARK: &str = "the end";
    let Some((element, outer)) = around.split_last() else { return true };
    let mut page = "<!doctype html><body>".to_owned();
    for open in around {
        page.extend(["<", &*open.name, ">"]);
    }
    page.push_str(&with_line_break(html.to_owned(), around));
    page.extend(["</", &*element.name, ">"]);
    if takes_text(outer.last()) {
        page.push('t');
    }
    page.extend(["<!--", MARK, "-->"]);
    [Scripting::On, Scripting::Off].into_iter().all(|scripting| {
        let dom = parse_document(RcDom::default(), options(scripting)).one(page.as_str());
        let Some((node, behind)) = reached(&dom, around) else { return false };
        let is_mark =
            |node: &Handle| matches!(&node.data, NodeData::Comment { contents } if **contents == *MARK);
        let is_text =
            |node: &Handle| matches!(&node.data, NodeData::Text { contents } if **contents.borrow() == *"t");
        let follows = match behind.as_slice() {
            [mark] => is_mark(mark) && !takes_text(outer.last()),
            [text, mark] => is_text(text) && is_mark(mark),
            _ => false,
        };
        follows && content(&node, scripting).is_some_and(|content| content == html)
    })
}

/// Descends through the elements: each is the first child of the previous one. Returns the last one
/// and the nodes behind it.
fn reached(dom: &RcDom, around: &[OpenElement]) -> Option<(Handle, Vec<Handle>)> {
    let of_name = |node: &Handle, wanted: &str| matches!(&node.data, NodeData::Element { name, .. } if *name.local == *wanted);
    let child = |node: &Handle, wanted: &str| {
        node.children.borrow().iter().find(|node| of_name(node, wanted)).cloned()
    };
    let mut parent = child(&child(&dom.document, "html")?, "body")?;
    let (last, outer) = around.split_last()?;
    for open in outer {
        let first = parent.children.borrow().first().cloned()?;
        parent = Some(first).filter(|node| of_name(node, &open.name))?;
    }
    let children = parent.children.borrow();
    let (first, behind) = children.split_first()?;
    of_name(first, &last.name).then(|| (first.clone(), behind.to_vec()))
}

/// Returns the text of a node, without scripts and styles.
fn text_of(node: &Handle) -> String {
    let (mut text, mut left) = (String::new(), vec![node.clone()]);
    while let Some(node) = left.pop() {
        match &node.data {
            NodeData::Text { contents } => text.push_str(&contents.borrow()),
            NodeData::Element { name, .. }
                if matches!(name.local, local_name!("script") | local_name!("style")) => {}
            NodeData::Element { .. } | NodeData::Document => {
                left.extend(node.children.borrow().iter().rev().cloned());
            }
            NodeData::Comment { .. } | NodeData::Doctype { .. } | NodeData::ProcessingInstruction { .. } => {}
        }
    }
    text
}

/// Serialises a node's content; `None` if it is nested too deeply.
fn content(node: &Handle, scripting: Scripting) -> Option<String> {
    let mut out = Vec::new();
    let options = SerializeOpts {
        scripting_enabled: scripting == Scripting::On,
        traversal_scope: TraversalScope::ChildrenOnly(None),
        create_missing_parent: false,
    };
    serialize(&mut out, &NodeContent(node), options).ok()?;
    // A literal carriage return has become a line feed by now; this one was a reference.
    Some(String::from_utf8(out).ok()?.replace('\r', "&#13;"))
}

/// The children of a node, for serialisation. Unlike the serialisation of `markup5ever_rcdom` it
/// includes the content of a `template`, and its output can be parsed again: a `plaintext`, which
/// has no end, becomes a `pre`, and a line break that a browser drops is doubled.
struct NodeContent<'a>(&'a Handle);

impl Serialize for NodeContent<'_> {
    fn serialize<S: Serializer>(&self, out: &mut S, _: TraversalScope) -> io::Result<()> {
        enum SerializeStep {
            Open(Handle),
            Close(QualName),
        }
        let opened = |node: &Handle| {
            let children: Vec<SerializeStep> =
                node.children.borrow().iter().rev().cloned().map(SerializeStep::Open).collect();
            children
        };
        let (mut left, mut depth) = (opened(self.0), 0);
        while let Some(step) = left.pop() {
            let node = match step {
                SerializeStep::Open(node) => node,
                SerializeStep::Close(name) => {
                    depth -= 1;
                    out.end_elem(name)?;
                    continue;
                }
            };
            match &node.data {
                NodeData::Element { name, attrs, template_contents, .. } => {
                    depth += 1;
                    if depth > DEPTH {
                        return Err(io::ErrorKind::InvalidData.into());
                    }
                    let mut name = name.clone();
                    let is_html = name.ns == ns!(html);
                    if is_html && name.local == local_name!("plaintext") {
                        name.local = local_name!("pre");
                    }
                    let attributes = attrs.borrow();
                    let attributes = attributes.iter().map(|attribute| (&attribute.name, &*attribute.value));
                    out.start_elem(name.clone(), attributes)?;
                    let drops = matches!(
                        name.local,
                        local_name!("pre") | local_name!("textarea") | local_name!("listing")
                    );
                    if is_html && drops && starts_with_line_break(&node) {
                        out.write_text("\n")?;
                    }
                    left.push(SerializeStep::Close(name));
                    left.extend(opened(template_contents.borrow().as_ref().unwrap_or(&node)));
                }
                NodeData::Text { contents } => out.write_text(&contents.borrow())?,
                NodeData::Comment { contents } => out.write_comment(contents)?,
                NodeData::Document | NodeData::Doctype { .. } | NodeData::ProcessingInstruction { .. } => {}
            }
        }
        Ok(())
    }
}

fn starts_with_line_break(node: &Handle) -> bool {
    let children = node.children.borrow();
    let first = children.first().map(|node| &node.data);
    matches!(first, Some(NodeData::Text { contents }) if contents.borrow().starts_with('\n'))
}
