//! HTML attributes: static ones, ones with `{{ }}`, classes and styles.

use super::Compiler;
use super::directives::code;
use super::element::StartTag;
use super::names::{DOCUMENT_PROPERTIES, FORM_PROPERTIES, URL_LISTS, URLS};
use super::page::NO_STYLE;
use crate::check::{Argument, Want};
use crate::compiled::{AttributeKind, HoleKind, Namespace, WalkStep};
use crate::escape;
use crate::expr::{Expr, Literal};
use crate::program::RenderOp;
use crate::source::{Attribute, Code, Element, Piece, decode, pieces};
use crate::url;

impl Compiler {
    /// Compiles an attribute that is not a directive.
    pub(super) fn attribute(
        &mut self,
        element: &Element,
        attribute: &Attribute,
        path: &[WalkStep],
        tag: &mut StartTag,
    ) {
        let lower = attribute.name.to_ascii_lowercase();
        let name =
            if element.namespace == Namespace::Html { lower.as_str() } else { attribute.name.as_str() };
        let pieces = self.pieces(attribute);
        let fixed = is_fixed(&pieces);
        if lower.starts_with("on") && lower.len() > 2 {
            let event = lower.trim_start_matches("on");
            self.error(attribute.at, format!("a script in an attribute does not run under a strict content policy: write `live:on:{event}`"));
            return;
        }
        if lower.starts_with('@')
            || lower.starts_with(':')
            || lower.starts_with("v-")
            || lower.starts_with("wire:")
            || lower.starts_with("phx-")
        {
            self.error(attribute.at, format!("`{}` belongs to another language: directives start with `live:`, and an attribute gets a value with `name=\"{{{{ … }}}}\"`", attribute.name));
            return;
        }
        if fixed && matches!(lower.as_str(), "name" | "id") {
            self.hides_form(element, attribute, &joined(&pieces));
            self.hides_document(element, attribute, &joined(&pieces));
        }
        match lower.as_str() {
            "style" if self.page.is_some() => self.error(attribute.at, NO_STYLE),
            "style" => self.styles(attribute, &pieces, path),
            "class" => self.classes(&pieces, path, tag),
            "hidden" => {
                self.hides(element, attribute, tag);
                self.ordinary(element, attribute, name, pieces, path);
            }
            "value" | "checked" if tag.modelled && !(lower == "value" && tag.value_allowed) => {
                self.error(attribute.at, format!("`live:model` sets `{lower}` itself"));
            }
            _ => self.ordinary(element, attribute, name, pieces, path),
        }
    }

    /// Refuses a control's name that shadows a property of its form which the client uses: a
    /// browser makes `form.remove` the control with the name `remove`.
    fn hides_form(&mut self, element: &Element, attribute: &Attribute, value: &str) {
        let listed = matches!(
            element.name.as_str(),
            "button" | "fieldset" | "img" | "input" | "object" | "output" | "select" | "textarea"
        );
        let in_form = element.attribute("form").is_some()
            || self.ancestors.iter().any(|open| &*open.name == "form" && open.namespace == Namespace::Html);
        // The client keeps its own properties of a node under names with a dollar sign.
        if listed && in_form && (FORM_PROPERTIES.contains(&value) || value.starts_with('$')) {
            self.error(
                attribute.at,
                format!(
                    "a control named `{value}` shadows the form's property `{value}`: choose another name"
                ),
            );
        }
    }

    /// Refuses a name or an id that shadows a property of the document which the client uses: a
    /// browser makes `document.body` the form with the name `body`. Only an `<object>`, and an
    /// `<img>` with a name, are also found by their id.
    fn hides_document(&mut self, element: &Element, attribute: &Attribute, value: &str) {
        let listed = match element.name.as_str() {
            "object" => true,
            "img" => attribute.name.eq_ignore_ascii_case("name") || element.attribute("name").is_some(),
            "embed" | "form" | "iframe" => attribute.name.eq_ignore_ascii_case("name"),
            _ => false,
        };
        if listed && (DOCUMENT_PROPERTIES.contains(&value) || value.starts_with('$')) {
            self.error(
                attribute.at,
                format!("the {} `{value}` of the `<{}>` shadows the document's property `{value}`: choose another", attribute.name, element.name),
            );
        }
    }

    fn ordinary(
        &mut self,
        element: &Element,
        attribute: &Attribute,
        name: &str,
        pieces: Vec<Piece>,
        path: &[WalkStep],
    ) {
        if is_fixed(&pieces) {
            self.fixed(element, attribute, name, &pieces);
            return;
        }
        if name.starts_with("xml:") {
            // A parser assigns a namespace only inside SVG and MathML.
            let instead = match name {
                "xml:lang" => "`lang`",
                "xml:space" => "a class with `white-space`",
                _ => "an attribute without `xml:`",
            };
            self.error(attribute.at, format!("`{name}` cannot depend on state: use {instead} instead"));
            return;
        }
        if let Some(why) = self.refused(element, name, &pieces) {
            self.error(attribute.at, why);
            return;
        }
        let (mut kind, routes) = (kind(element, name), self.unplaced.len());
        let (value, _) = self.value(pieces, Want::Text);
        if self.placed(&value, kind, routes) {
            kind = AttributeKind::Route;
        }
        if element.is_html("select") && name == "value" {
            // `select` has no such HTML attribute: the options that follow carry it.
            self.op(RenderOp::SelectStart(value.clone()));
            self.options = true;
        }
        let late = element.is_html("select") && name == "value";
        let hole = HoleKind::Attribute { name: name.into(), value, kind };
        if late {
            self.late.push((path.to_vec(), hole));
        } else {
            let hole = self.hole(path, hole);
            self.op(RenderOp::Attribute(hole));
        }
    }

    /// Returns the reason why an attribute must not depend on state.
    fn refused(&self, element: &Element, name: &str, pieces: &[Piece]) -> Option<&'static str> {
        let html = element.namespace == Namespace::Html;
        match (element.name.as_str(), name) {
            ("script" | "style" | "link", "nonce" | "integrity") if self.page.is_some() => None,
            ("script", "src") if self.page.is_some() => (!is_own_path(pieces)).then_some(
                "the `src` of a `<script>` must start with a fixed path of this site, as `/assets/`, because it could \
                 otherwise load a visitor's script",
            ),
            ("script", _) => {
                Some("a `<script>` may not depend on state, because it could run text from a visitor")
            }
            ("style", _) => Some("a `<style>` may not depend on state"),
            (_, "srcdoc") => {
                Some("`srcdoc` may not depend on state, because it is a page of its own, including scripts")
            }
            ("link" | "meta", _) if html && self.page.is_none() => {
                Some("`<link>` and `<meta>` that depend on state belong to the page, not to a component")
            }
            ("animate" | "set" | "animateTransform" | "animateMotion", "attributeName") => {
                Some("`attributeName` may not depend on state, because it could name a link's address")
            }
            _ => None,
        }
    }

    fn fixed(&mut self, element: &Element, attribute: &Attribute, name: &str, pieces: &[Piece]) {
        let Some(_) = &attribute.value else {
            self.fixed_html(element, name, &format!(" {name}"));
            return;
        };
        let text = joined(pieces);
        let lower = name.to_ascii_lowercase();
        if URLS.contains(&lower.as_str()) && url::is_script(&text) && !text.trim_start().starts_with("data:")
        {
            self.error(
                attribute.at,
                "a script in a URL does not run under a strict content policy: use `live:click`",
            );
        }
        self.fixed_html(element, name, &format!(" {name}=\"{}\"", escape::attribute(&text)));
    }

    /// Appends a fixed attribute. A control of a posted form leaves its default value out while it
    /// shows a typed one.
    fn fixed_html(&mut self, element: &Element, name: &str, html: &str) {
        if self.post && self.is_default(element, name) {
            self.skeleton(html);
            self.op(RenderOp::Default(html.to_owned()));
        } else {
            self.html(html);
        }
    }

    /// Splits an attribute's value at its holes.
    pub(super) fn pieces(&mut self, attribute: &Attribute) -> Vec<Piece> {
        let Some(code) = &attribute.value else { return Vec::new() };
        let mut pieces = pieces(&code.text, code.at, &mut self.errors);
        for piece in &mut pieces {
            let (Piece::Text(text) | Piece::Hole(Code { text, .. })) = piece;
            if text.contains('&') {
                *text = decode(text);
            }
        }
        pieces
    }

    /// Combines pieces into a value: the hole itself if it is alone, otherwise text.
    pub(super) fn value(&mut self, pieces: Vec<Piece>, want: Want) -> (Expr, Argument) {
        if let [Piece::Hole(code)] = pieces.as_slice() {
            return self.typed(code, want);
        }
        if pieces.iter().all(|piece| matches!(piece, Piece::Text(_))) {
            let text = joined(&pieces);
            return (Expr::Literal(Literal::Str(text.as_str().into())), Argument::Word(text));
        }
        let parts = pieces.into_iter().map(|piece| match piece {
            Piece::Text(text) => Expr::Literal(Literal::Str(text.into())),
            Piece::Hole(code) => self.expression(&code, Want::Text),
        });
        (Expr::Concat(parts.collect()), Argument::Text)
    }

    fn classes(&mut self, pieces: &[Piece], path: &[WalkStep], tag: &mut StartTag) {
        if pieces.iter().all(|piece| matches!(piece, Piece::Text(_))) {
            tag.classes = joined(pieces).split_ascii_whitespace().collect::<Vec<_>>().join(" ");
            return;
        }
        // Line breaks in a long list of classes are removed.
        let pieces = pieces.iter().cloned().map(|piece| match piece {
            Piece::Text(text) => Piece::Text(spaced(&text)),
            hole @ Piece::Hole(_) => hole,
        });
        let (value, _) = self.value(pieces.collect(), Want::Text);
        let hole = HoleKind::Attribute { name: "class".into(), value, kind: AttributeKind::Class };
        tag.class_value = Some(self.hole(path, hole));
    }

    /// Compiles `live:class:NAME`.
    pub(super) fn class(&mut self, attribute: &Attribute, name: &str, path: &[WalkStep], tag: &mut StartTag) {
        if name.is_empty() {
            self.error(attribute.at, "a class needs a name: `live:class:active=\"selected\"`");
        }
        let on = if code(attribute).is_some() {
            self.required(attribute, Want::Condition)
        } else {
            self.error(attribute.at, format!("`{}` needs a condition", attribute.name));
            Expr::Literal(Literal::Null)
        };
        let hole = self.hole(path, HoleKind::Class { name: name.into(), on });
        tag.toggles.push(hole);
    }
}

fn joined(pieces: &[Piece]) -> String {
    pieces.iter().fold(String::new(), |mut all, piece| {
        if let Piece::Text(text) = piece {
            all.push_str(text);
        }
        all
    })
}

/// Returns whether an attribute's value has no holes.
fn is_fixed(pieces: &[Piece]) -> bool {
    pieces.iter().all(|piece| matches!(piece, Piece::Text(_)))
}

/// Replaces each run of white space by one space.
fn spaced(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if !c.is_ascii_whitespace() {
            out.push(c);
        } else if !out.ends_with(' ') {
            out.push(' ');
        }
    }
    out
}

/// Returns whether the text starts with a path of this site: `/assets/{{ file }}`.
fn is_own_path(pieces: &[Piece]) -> bool {
    let Some(Piece::Text(start)) = pieces.first() else { return false };
    let mut start = start.chars();
    start.next() == Some('/') && start.next().is_some_and(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Returns how an attribute's value is written and checked.
fn kind(element: &Element, name: &str) -> AttributeKind {
    let lower = name.to_ascii_lowercase();
    let tag = element.name.as_str();
    let animation = matches!(tag, "animate" | "set") && !element.is_html(tag);
    if URLS.contains(&lower.as_str()) || animation && matches!(name, "to" | "from" | "by") {
        return AttributeKind::Url;
    }
    if URL_LISTS.contains(&lower.as_str()) || animation && name == "values" {
        return AttributeKind::UrlList;
    }
    let property = match lower.as_str() {
        "value" => matches!(tag, "input" | "select"),
        "checked" | "indeterminate" => tag == "input",
        "selected" => tag == "option",
        "muted" => matches!(tag, "audio" | "video"),
        "open" => matches!(tag, "details" | "dialog"),
        _ => false,
    };
    if property && element.namespace == Namespace::Html {
        return AttributeKind::Property;
    }
    let word = lower.starts_with("aria-")
        || lower.starts_with("data-")
        || matches!(lower.as_str(), "contenteditable" | "draggable" | "spellcheck")
        || lower == "value" && element.is_html("option");
    if word { AttributeKind::Word } else { AttributeKind::Plain }
}
