//! Refuses elements that a browser would restructure while parsing, because bindings would not find
//! their nodes in a different tree. Each message describes the browser's behaviour.

use super::Compiler;
use crate::compiled::Namespace;
use crate::containment::{Enclosing, ExclusiveGroup, enclosing, ends_scope};
use crate::elements::{BREAKS_OUT, CLOSES_P, USABLE, has_any, usable};
use crate::error::hint;
use crate::source::{Code, Element};

impl Compiler {
    /// Checks whether an element is allowed at its place.
    pub(super) fn nested(&mut self, element: &Element) {
        if let Some(message) = self.misplaced(element) {
            self.error(element.at, message);
        }
        if !(self.page.is_some() && element.component() == Some("head")) {
            self.containment.element(element, &self.ancestors);
        }
    }

    /// Checks whether text is allowed in `parent`.
    pub(super) fn text_allowed(&mut self, parent: Option<&Element>, code: Option<&Code>) {
        let Some(parent) = parent.filter(|parent| parent.namespace == Namespace::Html) else { return };
        let what = match parent.name.as_str() {
            "table" | "thead" | "tbody" | "tfoot" | "tr" | "colgroup" => "moves it before the table",
            "html" | "head" => "moves it into the `<body>`",
            "select" | "optgroup" => "does not show it",
            _ => return,
        };
        let at = code.map_or(parent.at, |code| code.at);
        self.error(at, format!("text is not allowed in `{}`: a browser {what}", parent.tag()));
    }

    fn misplaced(&self, element: &Element) -> Option<String> {
        let name = element.name.as_str();
        if element.namespace != Namespace::Html && element.component().is_some() {
            return Some(
                "a child component is HTML: inside SVG or MathML put it into `<foreignObject>`".to_owned(),
            );
        }
        if element.namespace != Namespace::Html {
            return has_any(&name.to_ascii_lowercase(), BREAKS_OUT).then(|| {
                format!("`<{name}>` is HTML: inside SVG or MathML a browser ends the drawing here; put it into `<foreignObject>`")
            });
        }
        self.unknown(name).or_else(|| self.parent(name)).or_else(|| self.around(name))
    }

    /// Returns the error of an element that no template may contain.
    fn unknown(&self, name: &str) -> Option<String> {
        match name {
            "html" | "head" | "body" | "noscript" if self.page.is_some() => None,
            "html" | "head" | "body" | "base" | "frameset" | "frame" | "noscript" => {
                Some(format!("`<{name}>` belongs to the page, not to a component's template"))
            }
            "image" => Some("a browser turns `<image>` into `<img>`: write `<img>`".to_owned()),
            "plaintext" | "xmp" | "listing" | "noembed" | "noframes" | "keygen" | "bgsound" | "basefont"
            | "isindex" | "applet" | "marquee" | "dir" | "nobr" | "param" => {
                Some(format!("`<{name}>` is obsolete"))
            }
            "live-component" => Some("write a child component as `<live:NAME></live:NAME>`".to_owned()),
            _ if name.starts_with("live:") || name.contains('-') || has_any(name, USABLE) => None,
            _ => {
                let hint = hint(name, usable());
                Some(format!("unknown element `<{name}>` (a custom element's name has a hyphen){hint}"))
            }
        }
    }

    /// Checks the parent's requirements on the element, and the element's on its parent.
    fn parent(&self, name: &str) -> Option<String> {
        let parent = self.ancestors.last().filter(|parent| parent.is_html());
        let parent = parent.map_or("", |parent| &*parent.name);
        let scripts = matches!(name, "script" | "style" | "template");
        let children: &[&str] = match parent {
            "table" => &["caption", "colgroup", "thead", "tbody", "tfoot", "tr"],
            "thead" | "tbody" | "tfoot" => &["tr"],
            "tr" => &["td", "th"],
            "colgroup" => &["col"],
            "select" => &["option", "optgroup", "hr"],
            "optgroup" => &["option"],
            "html" => &["head", "body"],
            "head" => &["title", "meta", "link", "noscript", "live:head"],
            _ => &[],
        };
        if !children.is_empty() && !children.contains(&name) && !scripts {
            let list: Vec<String> = children.iter().map(|child| format!("`<{child}>`")).collect();
            return Some(format!(
                "`<{name}>` is not allowed in `<{parent}>`, and a browser moves or drops it: allowed are {}",
                list.join(", ")
            ));
        }
        let needs = match name {
            "caption" | "colgroup" | "thead" | "tbody" | "tfoot" => "`<table>`",
            "tr" if parent == "table" => return None,
            "tr" => "`<tbody>`, `<thead>`, `<tfoot>` or `<table>`",
            "td" | "th" => "`<tr>`",
            "col" => "`<colgroup>`",
            "head" | "body" => "`<html>`",
            "live:head" => "`<head>`",
            _ => return None,
        };
        let wanted = |parent| match name {
            "tr" => matches!(parent, "tbody" | "thead" | "tfoot"),
            "td" | "th" => parent == "tr",
            "col" => parent == "colgroup",
            "head" | "body" => parent == "html",
            "live:head" => parent == "head",
            _ => parent == "table",
        };
        (!wanted(parent)).then(|| format!("`<{name}>` must be in {needs}: a browser drops it anywhere else"))
    }

    /// Checks the enclosing elements.
    fn around(&self, name: &str) -> Option<String> {
        let in_scope = || self.ancestors.iter().rev().take_while(|open| !ends_scope(open));
        let component = name.starts_with("live:");
        if (component || has_any(name, CLOSES_P))
            && in_scope().take_while(|open| !open.is("button")).any(|open| open.is("p"))
        {
            if component {
                return Some("a child component can contain blocks, before which a browser closes the enclosing `<p>`: use a `<div>` instead of the `<p>`".to_owned());
            }
            return Some(format!(
                "a browser closes the enclosing `<p>` before `<{name}>`: use a `<div>` instead of the `<p>`"
            ));
        }
        if let Some(group) = ExclusiveGroup::of(name)
            && let Enclosing::In(around) = enclosing(group, &self.ancestors)
        {
            let around = &around.name;
            return Some(match group {
                ExclusiveGroup::Link | ExclusiveGroup::Button => {
                    format!(
                        "`<{name}>` is not allowed inside another `<{around}>`: a browser closes that first"
                    )
                }
                ExclusiveGroup::Form => "a browser drops a `<form>` inside another `<form>`".to_owned(),
                ExclusiveGroup::Item | ExclusiveGroup::Description => {
                    format!(
                        "a browser closes the enclosing `<{around}>` before `<{name}>`: put a list of its own around it"
                    )
                }
            });
        }
        let closed = |names: &[&str]| {
            let parent = self.ancestors.last().filter(|open| names.iter().any(|name| open.is(name)))?;
            Some(format!("a browser closes the enclosing `<{}>` before `<{name}>`", parent.name))
        };
        match name {
            "select" | "option" if in_scope().any(|open| open.is(name)) => Some(format!(
                "`<{name}>` is not allowed inside another `<{name}>`: a browser closes that first"
            )),
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => closed(&["h1", "h2", "h3", "h4", "h5", "h6"]),
            "rt" | "rp" => closed(&["rt", "rp"]),
            _ => None,
        }
    }
}
