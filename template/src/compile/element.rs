//! Elements.

use super::Compiler;
use super::events::EventAttribute;
use super::post::is_posted;
use super::text::{Run, TextItem};
use crate::compiled::{Form, HoleKind, Namespace, WalkStep};
use crate::containment::OpenElement;
use crate::elements::{VOID, has_any};
use crate::escape;
use crate::expr::{Expr, Literal};
use crate::program::{ControlModel, RenderOp};
use crate::source::{Attribute, Element, Piece, SourceNode, decode};

/// How a directive sets the whole content of an element.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum WholeContent {
    /// `live:html`
    Html,
    /// `live:text`
    Text,
}

/// The code that owns the content of an element.
#[derive(Clone, Copy, Default, PartialEq)]
pub(super) enum ContentOwner {
    #[default]
    Template,
    /// `live:ignore`
    OtherCode,
}

/// The collected attributes of a start tag.
#[derive(Default)]
pub(super) struct StartTag {
    /// Fixed classes.
    pub(super) classes: String,
    /// Classes that the element has except in a state of the connection.
    pub(super) idle_classes: Vec<Box<str>>,
    /// The hole of a `class` with `{{ }}`.
    pub(super) class_value: Option<usize>,
    /// The holes of `live:class:NAME`.
    pub(super) toggles: Vec<usize>,
    /// The value of `live:html` or `live:text`.
    pub(super) content: Option<(WholeContent, Expr)>,
    /// The initial content of a `textarea`, or of an element with `contenteditable`, that has a
    /// `live:model`.
    pub(super) shows: Option<Expr>,
    /// Events; their holes follow those of the attributes.
    pub(super) events: Vec<EventAttribute>,
    /// Whether a directive shows and hides the element.
    pub(super) hides: bool,
    /// `live:ignore`
    pub(super) owner: ContentOwner,
    /// Whether the element has a `live:model`.
    pub(super) modelled: bool,
    /// Whether a `live:model` allows a `value` beside it.
    pub(super) value_allowed: bool,
    /// The property of the `live:model`.
    pub(super) model: Option<ControlModel>,
}

impl Compiler {
    /// Compiles an element to which `path` leads.
    pub(super) fn element(&mut self, element: &Element, path: &[WalkStep]) {
        let mark = self.scopes.mark();
        self.nested(element);
        for number in &element.uses {
            self.arguments(*number);
        }
        self.locals(element);
        let outer = std::mem::take(&mut self.late);
        match element.component() {
            Some("head") if self.page.is_some() => self.head_place(element),
            Some(component) => self.child(element, component, path),
            None => self.plain(element, path),
        }
        self.late = outer;
        self.scopes.forget(mark);
    }

    fn plain(&mut self, element: &Element, path: &[WalkStep]) {
        let name = element.name.as_str();
        let html = element.namespace == Namespace::Html;
        let options = self.options;
        let form = self.form.clone();
        let submits_around = self.submits.clone();
        let post_around = self.post;
        if element.is_html("form") {
            self.form = control_names(element);
        }
        if element.is_html("select") {
            self.options = self.post;
        }
        self.html(&format!("<{name}"));
        let control = self.control_start(element);
        let mut tag = self.attributes(element, path);
        self.control_model(element, control, &mut tag);
        if element.is_html("form") {
            let submits = tag.events.iter().any(EventAttribute::submits);
            self.submits = submits.then(|| {
                let form = Form { block: self.current, level: 0, path: path.to_vec() };
                (form, self.scopes.depth())
            });
        }
        let whole = html && matches!(name, "textarea" | "title" | "option");
        let content = if whole { self.whole(element) } else { None };
        if element.is_html("option") {
            let shown = tag.content.as_ref().map(|(_, value)| value.clone()).or_else(|| content.clone());
            self.selected(element, shown.unwrap_or(Expr::Literal(Literal::Str("".into()))));
        }
        self.html(">");
        let mut events = std::mem::take(&mut tag.events);
        self.asks(element, &mut events);
        let posts = self.posts(element, &events);
        let submit = self.events(element, events, path);
        let post = submit.filter(|_| posts);
        if element.is_html("form") {
            self.post = posts;
        }
        if let Some(submit) = post {
            self.op(RenderOp::FormStart(submit));
        }
        if html && has_any(name, VOID) {
            return;
        }
        let (name_of, namespace) = (element.name.as_str().into(), element.namespace);
        self.ancestors.push(OpenElement { name: name_of, namespace, at: element.at });
        self.part(element);
        if !tag.modelled {
            self.overwrites_edits(element);
        }
        let preserve = self.preserve;
        self.preserve |= element.is_html("pre");
        match (tag.content, tag.shows) {
            (Some((form, value)), _) => self.replaced(element, form, value, path),
            (None, shows) if whole => self.whole_content(element, content, shows, path),
            (None, Some(value)) => {
                self.first_line_break(element);
                self.op(RenderOp::ShowLines(value));
            }
            (None, None) => self.inside(element, tag.owner, path),
        }
        self.preserve = preserve;
        self.ancestors.pop();
        if let Some(submit) = post {
            self.op(RenderOp::FormEnd(submit));
        }
        if self.post && element.is_html("fieldset") {
            self.op(RenderOp::FieldsetEnd);
        }
        self.html(&format!("</{name}>"));
        if self.options && element.is_html("select") {
            self.op(RenderOp::SelectEnd);
        }
        self.options = options;
        self.form = form;
        self.submits = submits_around;
        self.post = post_around;
        // The value of a select follows its options.
        for (path, kind) in std::mem::take(&mut self.late) {
            self.hole(&path, kind);
        }
    }

    /// Compiles the attributes of a start tag.
    fn attributes(&mut self, element: &Element, path: &[WalkStep]) -> StartTag {
        let radio = element.attribute("type").and_then(|kind| kind.value.as_ref());
        let radio = radio.is_some_and(|kind| matches!(kind.text.trim(), "radio" | "checkbox"));
        let modelled = element.attributes.iter().any(|attribute| {
            let name = attribute.name.to_ascii_lowercase();
            name == "live:model" || name.starts_with("live:model.")
        });
        let mut tag = StartTag { modelled, value_allowed: radio, ..StartTag::default() };
        for attribute in &element.attributes {
            match live(attribute) {
                Some(name) => self.directive(element, attribute, name, path, &mut tag),
                None => self.attribute(element, attribute, path, &mut tag),
            }
        }
        self.write_classes(&tag);
        self.always_on(element, &tag.classes);
        tag
    }

    /// Refuses to toggle a class from the fixed text of `class`.
    fn always_on(&mut self, element: &Element, fixed: &str) {
        for attribute in &element.attributes {
            let Some(name) = live(attribute) else { continue };
            let value = attribute.value.as_ref().map_or("", |value| value.text.as_str());
            let names = match name.strip_prefix("class:") {
                Some(name) => name,
                None if has_word(name, "class") && !has_word(name, "remove") => value,
                None => continue,
            };
            for name in names.split_ascii_whitespace() {
                if fixed.split_ascii_whitespace().any(|fixed| fixed == name) {
                    let why = "is also in `class`, where it is always on: remove it there";
                    self.error(attribute.at, format!("`{name}` {why}"));
                }
            }
        }
    }

    pub(super) fn write_classes(&mut self, tag: &StartTag) {
        let mut classes: Vec<&str> = tag.classes.split_ascii_whitespace().collect();
        for idle in &tag.idle_classes {
            if !classes.contains(&&**idle) {
                classes.push(idle);
            }
        }
        let classes = classes.join(" ");
        let fixed = format!(" class=\"{}\"", escape::attribute(&classes));
        if !classes.is_empty() {
            self.skeleton(&fixed);
        }
        if tag.class_value.is_some() || !tag.toggles.is_empty() {
            let toggles = tag.toggles.clone();
            self.op(RenderOp::Class { fixed: classes, value: tag.class_value, toggles });
        } else if !classes.is_empty() {
            self.server(&fixed);
        }
    }

    /// Compiles `live:text` and `live:html`.
    fn replaced(&mut self, element: &Element, form: WholeContent, value: Expr, path: &[WalkStep]) {
        let raw = form == WholeContent::Html;
        let what = if raw { "live:html" } else { "live:text" };
        if !blank(&element.children) {
            self.error(element.at, format!("`{}` has other content beside its `{what}`", element.tag()));
        }
        if matches!(element.name.as_str(), "script" | "style" | "iframe" | "template") {
            self.error(element.at, format!("the content of `{}` may not depend on state", element.tag()));
        }
        if raw && matches!(element.name.as_str(), "textarea" | "title" | "option") {
            self.error(element.at, format!("`{}` can contain only text: use `live:text`", element.tag()));
        }
        if raw {
            let hole = self.hole(path, HoleKind::Html { value });
            let around = self.around_content();
            self.op(RenderOp::Raw(hole, around));
        } else {
            self.text_allowed(Some(element), None);
            self.first_line_break(element);
            let hole = self.hole(path, HoleKind::Content { value });
            self.op(RenderOp::Text(hole));
        }
    }

    /// Compiles the text of an element that can contain only text.
    fn whole(&mut self, element: &Element) -> Option<Expr> {
        let preserve = std::mem::replace(&mut self.preserve, element.is_html("textarea"));
        let items = self.items(&element.children, Some(element));
        self.preserve = preserve;
        let mut value = None;
        for item in items {
            match item {
                TextItem::Text(mut runs) => {
                    if let Some(Run::Fixed(first)) = runs.first_mut() {
                        // A browser drops the line break after `<textarea>`, and the spaces around
                        // an option's text.
                        *first = if element.is_html("textarea") {
                            first.strip_prefix('\n').unwrap_or(first).to_owned()
                        } else {
                            first.trim_start().to_owned()
                        };
                    }
                    if let Some(Run::Fixed(last)) = runs.last_mut().filter(|_| !element.is_html("textarea")) {
                        *last = last.trim_end().to_owned();
                    }
                    value = Some(self.text_value(&runs));
                }
                TextItem::Element(child) => self.only_text(element, child),
                TextItem::Chain(arms) => arms.iter().for_each(|child| self.only_text(element, child)),
                TextItem::Body(_) => {}
            }
        }
        value
    }

    fn only_text(&mut self, element: &Element, child: &Element) {
        self.error(
            child.at,
            format!("`{}` can contain only text: a browser drops `{}`", element.tag(), child.tag()),
        );
    }

    fn whole_content(
        &mut self,
        element: &Element,
        content: Option<Expr>,
        shows: Option<Expr>,
        path: &[WalkStep],
    ) {
        self.first_line_break(element);
        let is_typed = self.post && element.is_html("textarea");
        if is_typed {
            self.op(RenderOp::TypedStart);
        }
        match (content, shows) {
            (Some(_), Some(_)) => {
                self.error(element.at, "`live:model` sets the content of the `<textarea>` itself");
            }
            (None, Some(value)) => self.op(RenderOp::ShowText(value)),
            (Some(Expr::Literal(Literal::Str(text))), None) => self.html(&escape::text(&text)),
            (Some(value), None) => {
                let hole = self.hole(path, HoleKind::Content { value });
                self.op(RenderOp::Text(hole));
            }
            (None, None) => {}
        }
        if is_typed {
            self.op(RenderOp::TypedEnd);
        }
    }

    /// Adds a line break after those start tags for which a browser drops the first one.
    fn first_line_break(&mut self, element: &Element) {
        if element.is_html("pre") || element.is_html("textarea") {
            self.html("\n");
        }
    }

    fn inside(&mut self, element: &Element, owner: ContentOwner, path: &[WalkStep]) {
        let html = element.namespace == Namespace::Html;
        let why = match element.name.as_str() {
            "script" => {
                Some("a `<script>` may not depend on state, because it could run text from a visitor")
            }
            "style" => Some("a `<style>` may not depend on state"),
            "template" if html => {
                Some("a `<template>` may not depend on state, because bindings do not reach its content")
            }
            _ if owner == ContentOwner::OtherCode => Some(
                "the content of a `live:ignore` element may not depend on state, because it belongs to other code",
            ),
            _ => None,
        };
        if element.is_html("iframe") {
            if !blank(&element.children) {
                self.error(element.at, "a browser does not show the content of an `<iframe>`");
            }
            return;
        }
        if html && matches!(element.name.as_str(), "script" | "style") {
            self.raw_text(element, why.unwrap_or_default());
            return;
        }
        let closed = self.closed;
        self.closed = why.or(closed);
        if element.is_html("pre") {
            self.preformatted(element, path);
        } else if element.is_html("head") {
            self.head(element, path);
        } else {
            self.children(&element.children, Some(element), path);
        }
        self.closed = closed;
    }

    /// Compiles content that is neither escaped nor decoded.
    fn raw_text(&mut self, element: &Element, why: &str) {
        for child in &element.children {
            match child {
                SourceNode::Text(Piece::Text(text)) => self.html(text),
                SourceNode::Text(Piece::Hole(code)) => self.error(code.at, why),
                SourceNode::Element(_) | SourceNode::Use(_) => {}
            }
        }
    }

    fn preformatted(&mut self, element: &Element, path: &[WalkStep]) {
        // A browser drops the first line break, so another one is added.
        self.first_line_break(element);
        let mut items = self.items(&element.children, Some(element));
        if let Some(TextItem::Text(runs)) = items.first_mut()
            && let Some(Run::Fixed(first)) = runs.first_mut()
        {
            *first = first.strip_prefix('\n').unwrap_or(first).to_owned();
        }
        self.layout(items, Some(element), path);
    }
}

/// Returns whether the name of a directive has a modifier.
fn has_word(name: &str, word: &str) -> bool {
    name.split('.').skip(1).any(|part| part.eq_ignore_ascii_case(word))
}

/// Returns the name of a directive without its `live:`.
pub(super) fn live(attribute: &Attribute) -> Option<&str> {
    let (prefix, name) = (attribute.name.get(..5)?, attribute.name.get(5..)?);
    prefix.eq_ignore_ascii_case("live:").then_some(name)
}

/// Returns the names of a form's controls, if the template contains all of them.
fn control_names(form: &Element) -> Option<Vec<String>> {
    fn gather(element: &Element, is_named_by_model: bool, names: &mut Vec<String>) -> Option<()> {
        for child in &element.children {
            let SourceNode::Element(child) = child else { continue };
            let opaque = child.component().is_some()
                || child.name.contains('-')
                || ["live:html", "live:ignore", "live:hook"]
                    .iter()
                    .any(|name| child.attribute(name).is_some());
            if opaque {
                return None;
            }
            let is_modelled = child
                .attributes
                .iter()
                .any(|attribute| live(attribute).is_some_and(|name| name.split('.').next() == Some("model")));
            if is_named_by_model && is_modelled && child.attribute("name").is_none() {
                return None;
            }
            if let Some(name) = child.attribute("name").and_then(|name| name.value.as_ref()) {
                if name.text.contains("{{") {
                    return None;
                }
                names.push(decode(&name.text));
            }
            gather(child, is_named_by_model, names)?;
        }
        Some(())
    }
    // Controls elsewhere can name the form by its id, and other code can add controls.
    let opaque = ["id", "live:html", "live:ignore", "live:hook"];
    if opaque.iter().any(|name| form.attribute(name).is_some()) {
        return None;
    }
    let mut names = Vec::new();
    gather(form, is_posted(form), &mut names).map(|()| names)
}

/// Returns whether the nodes contain only white space.
pub(super) fn blank(nodes: &[SourceNode]) -> bool {
    nodes.iter().all(|node| matches!(node, SourceNode::Text(Piece::Text(text)) if text.trim().is_empty()))
}
