//! Parses source text into the tree. It is intentionally stricter than a browser: a silent repair
//! by the browser would change the tree, and bindings would not find their nodes.

use super::tag::SourceTag;
use super::{Code, Element, Piece, SourceNode, namespace};
use crate::compiled::Namespace;
use crate::elements::{VOID, has_any};
use crate::error::ErrorList;

/// Maximum depth of elements. All later stages are recursive.
const DEPTH: usize = 120;

/// Parses a template. If there are errors, the result is as complete as possible.
pub(crate) fn parse(source: &str, errors: &mut ErrorList) -> Vec<SourceNode> {
    let mut parser = HtmlParser::new(source, errors);
    parser.run();
    parser.finish()
}

/// Parses the template of a page, which may start with `<!doctype html>`.
pub(crate) fn parse_page(source: &str, errors: &mut ErrorList) -> Vec<SourceNode> {
    parse_partial(source, 0, Namespace::Html, errors)
}

/// Parses the file of a partial in an element of that namespace. Offsets begin at `base`. It can
/// contain the whole document of a page.
pub(crate) fn parse_partial(
    source: &str,
    base: u32,
    namespace: Namespace,
    errors: &mut ErrorList,
) -> Vec<SourceNode> {
    let mut parser =
        HtmlParser { base, outer: namespace, is_document: true, ..HtmlParser::new(source, errors) };
    parser.run();
    parser.finish()
}

pub(super) struct HtmlParser<'a> {
    pub(super) source: &'a str,
    pub(super) at: usize,
    errors: &'a mut ErrorList,
    /// The offset of the source's start.
    base: u32,
    /// The namespace of the enclosing element.
    outer: Namespace,
    /// Whether it can be a whole document, which starts with a doctype.
    is_document: bool,
    open: Vec<Element>,
    top: Vec<SourceNode>,
}

impl<'a> HtmlParser<'a> {
    fn new(source: &'a str, errors: &'a mut ErrorList) -> Self {
        Self {
            source,
            at: 0,
            errors,
            base: 0,
            outer: Namespace::Html,
            is_document: false,
            open: Vec::new(),
            top: Vec::new(),
        }
    }

    pub(super) fn rest(&self) -> &'a str {
        self.source.get(self.at..).unwrap_or_default()
    }

    pub(super) fn take_while(&mut self, keep: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|c| !keep(c)).unwrap_or(rest.len());
        self.at += end;
        rest.get(..end).unwrap_or_default()
    }

    pub(super) fn eat(&mut self, text: &str) -> bool {
        let there = self.rest().starts_with(text);
        if there {
            self.at += text.len();
        }
        there
    }

    /// Converts an offset; `compile` limits sources to 32 bits.
    pub(super) fn offset(&self, at: usize) -> u32 {
        self.base + at as u32
    }

    pub(super) fn error(&mut self, at: usize, message: impl Into<String>) {
        let at = self.offset(at);
        self.errors.add(at, message);
    }

    pub(super) fn error_at(&mut self, at: u32, message: impl Into<String>) {
        self.errors.add(at, message);
    }

    fn push(&mut self, node: SourceNode) {
        match self.open.last_mut() {
            Some(parent) => parent.children.push(node),
            None => self.top.push(node),
        }
    }

    fn run(&mut self) {
        while !self.rest().is_empty() {
            let rest = self.rest();
            let second = rest.as_bytes().get(1).copied().unwrap_or(0);
            if rest.starts_with("{{") {
                self.hole();
            } else if !rest.starts_with('<') {
                self.text();
            } else if rest.starts_with("</") {
                self.end_tag();
            } else if matches!(second, b'!' | b'?') {
                self.declaration();
            } else if second.is_ascii_alphabetic() {
                self.element();
            } else {
                // A single `<` is text, as in a browser.
                self.at += 1;
                self.push(SourceNode::Text(Piece::Text("<".to_owned())));
            }
        }
    }

    fn text(&mut self) {
        let rest = self.rest();
        let end = [rest.find('<'), rest.find("{{")].into_iter().flatten().min().unwrap_or(rest.len());
        let text = rest.get(..end).unwrap_or_default();
        if let Some(tag) = text.find("{%") {
            let message =
                "`{%` is not supported: use `live:if` or `live:for`; to show it, write `{{ '{%' }}`";
            self.error(self.at + tag, message);
        }
        self.at += end;
        self.push(SourceNode::Text(Piece::Text(text.to_owned())));
    }

    fn hole(&mut self) {
        let start = self.at;
        match hole_end(self.rest()) {
            Some(end) => {
                let text = self.rest().get(2..end).unwrap_or_default().to_owned();
                self.at += end + 2;
                self.push(SourceNode::Text(Piece::Hole(Code { text, at: self.offset(start) + 2 })));
            }
            None => {
                self.error(start, "`{{` without a closing `}}`");
                // Later end tags are still parsed, so that their elements are not reported too.
                let rest = self.rest();
                self.at += rest.find("</").unwrap_or(rest.len());
            }
        }
    }

    /// Parses comments and similar constructs.
    fn declaration(&mut self) {
        let start = self.at;
        let rest = self.rest();
        if rest.starts_with("<!--") {
            match rest.get(4..).and_then(|inside| inside.find("-->")) {
                Some(end) => self.at += 4 + end + 3,
                None => {
                    self.error(start, "the comment has no closing `-->`");
                    self.at = self.source.len();
                }
            }
            return;
        }
        const DOCTYPE: &str = "<!doctype html>";
        if self.at_start() && rest.get(..DOCTYPE.len()).is_some_and(|it| it.eq_ignore_ascii_case(DOCTYPE)) {
            self.at += DOCTYPE.len();
            return;
        }
        let what = if rest.get(..9).is_some_and(|start| start.eq_ignore_ascii_case("<!doctype")) {
            "`<!doctype>` belongs into the page, not into a template"
        } else if rest.starts_with("<![CDATA[") {
            "`<![CDATA[` is a comment in HTML: write the text itself"
        } else {
            "a browser reads this as a comment: write `&lt;` for a `<` that is text"
        };
        self.error(start, what);
        self.at += rest.find('>').map_or(rest.len(), |end| end + 1);
    }

    /// Returns whether a document starts here: at most the parameters of a partial precede it.
    fn at_start(&self) -> bool {
        let precedes = |node: &SourceNode| match node {
            SourceNode::Element(element) => element.component() == Some("params"),
            SourceNode::Text(Piece::Text(text)) => text.trim().is_empty(),
            SourceNode::Text(Piece::Hole(_)) | SourceNode::Use(_) => false,
        };
        self.is_document && self.open.is_empty() && self.top.iter().all(precedes)
    }

    fn element(&mut self) {
        let start = self.at;
        let SourceTag { name, attributes, self_closing } = self.tag();
        let parent = match self.open.last() {
            Some(parent) => (parent.name.as_str(), parent.namespace),
            None => ("", self.outer),
        };
        let namespace = namespace(Some(parent), &name);
        let name = match namespace {
            Namespace::Html => name.to_ascii_lowercase(),
            Namespace::Svg | Namespace::MathMl
                if ["svg", "math"].iter().any(|n| name.eq_ignore_ascii_case(n)) =>
            {
                name.to_ascii_lowercase()
            }
            Namespace::Svg | Namespace::MathMl => name,
        };
        let html = namespace == Namespace::Html;
        let void = html && has_any(&name, VOID);
        if self_closing && html && !void {
            self.error(
                start,
                format!("HTML does not treat `<{name}/>` as closed: write `<{name}></{name}>`"),
            );
        }
        if self.open.len() >= DEPTH {
            self.error(start, format!("elements are nested deeper than {DEPTH}"));
            self.at = self.source.len();
            return;
        }
        let raw = html && matches!(name.as_str(), "script" | "style" | "textarea" | "title");
        let at = self.offset(start);
        let element = Element { name, at, namespace, attributes, children: Vec::new(), uses: Vec::new() };
        if void || self_closing {
            self.push(SourceNode::Element(element));
        } else {
            self.open.push(element);
            if raw {
                self.raw_text();
            }
        }
    }

    /// Parses the content of an element in which tags are not recognised.
    fn raw_text(&mut self) {
        let Some(name) = self.open.last().map(|element| format!("</{}", element.name)) else { return };
        let rest = self.rest();
        let end = rest
            .match_indices("</")
            .map(|(at, _)| at)
            .find(|at| rest.get(*at..*at + name.len()).is_some_and(|tag| tag.eq_ignore_ascii_case(&name)))
            .unwrap_or(rest.len());
        let stop = self.at + end;
        let at = self.offset(self.at);
        for piece in pieces(rest.get(..end).unwrap_or_default(), at, self.errors) {
            self.push(SourceNode::Text(piece));
        }
        self.at = stop;
    }

    fn end_tag(&mut self) {
        let start = self.at;
        self.at += 2;
        let name = self.take_while(|c| c != '>' && !c.is_ascii_whitespace()).to_owned();
        self.take_while(|c| c != '>');
        if !self.eat(">") {
            self.error(start, format!("`</{name}` has no closing `>`"));
        }
        let Some(depth) = self.open.iter().rposition(|element| element.name.eq_ignore_ascii_case(&name))
        else {
            let message = if has_any(&name.to_ascii_lowercase(), VOID) {
                format!("`<{name}>` has no content and no end tag")
            } else {
                format!("`</{name}>` has no start tag")
            };
            self.error(start, message);
            return;
        };
        while self.open.len() > depth + 1 {
            self.unclosed();
        }
        if let Some(element) = self.open.pop() {
            self.push(SourceNode::Element(element));
        }
    }

    /// Reports the innermost open element and closes it.
    fn unclosed(&mut self) {
        if let Some(element) = self.open.pop() {
            self.errors.add(element.at, format!("`{}` is not closed", element.tag()));
            self.push(SourceNode::Element(element));
        }
    }

    fn finish(mut self) -> Vec<SourceNode> {
        while !self.open.is_empty() {
            self.unclosed();
        }
        self.top
    }
}

/// Splits a text or an attribute's value at its `{{ }}`.
pub(crate) fn pieces(text: &str, at: u32, errors: &mut ErrorList) -> Vec<Piece> {
    let mut out = Vec::new();
    let mut done = 0;
    while let Some(start) = text.get(done..).and_then(|rest| rest.find("{{")).map(|start| done + start) {
        if start > done {
            out.push(Piece::Text(text.get(done..start).unwrap_or_default().to_owned()));
        }
        let Some(end) = text.get(start..).and_then(hole_end).map(|end| start + end) else {
            errors.add(
                at + start as u32,
                "`{{` without a closing `}}` (write text inside an expression in 'single quotes')",
            );
            return out;
        };
        let code = text.get(start + 2..end).unwrap_or_default().to_owned();
        out.push(Piece::Hole(Code { text: code, at: at + start as u32 + 2 }));
        done = end + 2;
    }
    if done < text.len() {
        out.push(Piece::Text(text.get(done..).unwrap_or_default().to_owned()));
    }
    out
}

/// Returns the offset of the `}}` of a text that starts with `{{`. Braces inside quotes and of
/// objects are skipped.
fn hole_end(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let (mut depth, mut quote, mut at) = (0_u32, None, 2);
    while let Some(byte) = bytes.get(at) {
        match (quote, byte) {
            (Some(_), b'\\') => at += 1,
            (Some(open), byte) if byte == open => quote = None,
            (Some(_), _) => {}
            (None, b'"' | b'\'') => quote = Some(byte),
            (None, b'{') => depth += 1,
            (None, b'}') if depth > 0 => depth -= 1,
            (None, b'}') => return (bytes.get(at + 1) == Some(&b'}')).then_some(at),
            (None, _) => {}
        }
        at += 1;
    }
    None
}
