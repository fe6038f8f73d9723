//! Refuses what a browser would restructure while parsing: in a different tree no binding finds its node. Each
//! message says what the browser would do.

mod tables;

pub(super) use tables::CLOSES_P;
use tables::{BREAKS_OUT, ENDS_ITEM, SCOPE};

use super::Compiler;
use super::names::ELEMENTS;
use crate::compiled::Namespace;
use crate::error::hint;
use crate::source::{Code, Element};

impl Compiler {
    /// Whether an element may stand where it stands.
    pub(super) fn nested(&mut self, element: &Element) {
        if let Some(message) = self.misplaced(element) {
            self.error(element.at, message);
        }
    }

    /// Whether text may stand in `parent`.
    pub(super) fn text_allowed(&mut self, parent: Option<&Element>, code: Option<&Code>) {
        let Some(parent) = parent.filter(|parent| parent.namespace == Namespace::Html) else { return };
        let what = match parent.name.as_str() {
            "table" | "thead" | "tbody" | "tfoot" | "tr" | "colgroup" => "moves it before the table",
            "select" | "optgroup" => "does not show it",
            _ => return,
        };
        let at = code.map_or(parent.at, |code| code.at);
        self.error(at, format!("text cannot stand in `{}`: a browser {what}", parent.tag()));
    }

    fn misplaced(&self, element: &Element) -> Option<String> {
        let name = element.name.as_str();
        if element.namespace != Namespace::Html && element.component().is_some() {
            return Some(
                "a child component is HTML: inside SVG or MathML put it into `<foreignObject>`".to_owned(),
            );
        }
        if element.namespace != Namespace::Html {
            return BREAKS_OUT.contains(&name.to_ascii_lowercase().as_str()).then(|| {
                format!("`<{name}>` is HTML: inside SVG or MathML a browser ends the drawing here; put it into `<foreignObject>`")
            });
        }
        self.unknown(name).or_else(|| self.parent(name)).or_else(|| self.around(name))
    }

    /// Names that no template may have.
    fn unknown(&self, name: &str) -> Option<String> {
        match name {
            "html" | "head" | "body" | "base" | "frameset" | "frame" | "noscript" => {
                Some(format!("`<{name}>` belongs to the page, not to a component's template"))
            }
            "image" => Some("a browser turns `<image>` into `<img>`: write that".to_owned()),
            "plaintext" | "xmp" | "listing" | "noembed" | "noframes" | "keygen" | "bgsound" | "basefont"
            | "isindex" | "applet" | "marquee" | "dir" | "nobr" | "param" => {
                Some(format!("`<{name}>` is obsolete"))
            }
            "live-component" => Some("a child component is written `<live:NAME></live:NAME>`".to_owned()),
            _ if name.starts_with("live:") || name.contains('-') || ELEMENTS.contains(&name) => None,
            _ => {
                let hint = hint(name, ELEMENTS.iter().copied());
                Some(format!("there is no element `<{name}>` (a custom element's name has a hyphen){hint}"))
            }
        }
    }

    /// What the parent asks for, and what the element asks of its parent.
    fn parent(&self, name: &str) -> Option<String> {
        let (parent, html) = match self.ancestors.last() {
            Some((parent, namespace)) => (parent.as_str(), *namespace == Namespace::Html),
            None => ("", true),
        };
        let parent = if html { parent } else { "" };
        let scripts = matches!(name, "script" | "style" | "template");
        let children: &[&str] = match parent {
            "table" => &["caption", "colgroup", "thead", "tbody", "tfoot", "tr"],
            "thead" | "tbody" | "tfoot" => &["tr"],
            "tr" => &["td", "th"],
            "colgroup" => &["col"],
            "select" => &["option", "optgroup", "hr"],
            "optgroup" => &["option"],
            _ => &[],
        };
        if !children.is_empty() && !children.contains(&name) && !scripts {
            let list: Vec<String> = children.iter().map(|child| format!("`<{child}>`")).collect();
            return Some(format!(
                "`<{name}>` cannot stand in `<{parent}>`, and a browser moves or drops it: there go {}",
                list.join(", ")
            ));
        }
        let needs = match name {
            "caption" | "colgroup" | "thead" | "tbody" | "tfoot" => "`<table>`",
            "tr" if parent == "table" => return None,
            "tr" => "`<tbody>`, `<thead>`, `<tfoot>` or `<table>`",
            "td" | "th" => "`<tr>`",
            "col" => "`<colgroup>`",
            _ => return None,
        };
        let wanted = |parent| match name {
            "tr" => matches!(parent, "tbody" | "thead" | "tfoot"),
            "td" | "th" => parent == "tr",
            "col" => parent == "colgroup",
            _ => parent == "table",
        };
        (!wanted(parent))
            .then(|| format!("`<{name}>` has to stand in {needs}: a browser drops it anywhere else"))
    }

    /// What must not be among the elements around.
    fn around(&self, name: &str) -> Option<String> {
        let around = || self.ancestors.iter().rev();
        let html = |n: &Namespace| *n == Namespace::Html;
        let scope = |(parent, n): &&(String, Namespace)| {
            let barrier = if html(n) {
                SCOPE.contains(&parent.as_str())
            } else {
                matches!(
                    parent.as_str(),
                    "foreignObject" | "desc" | "title" | "mi" | "mo" | "mn" | "ms" | "mtext"
                )
            };
            !barrier
        };
        let open = |wanted: &str| around().take_while(scope).any(|(parent, n)| html(n) && parent == wanted);
        let component = name.starts_with("live:");
        if component || CLOSES_P.contains(&name) {
            let in_button = |(parent, n): &&(String, Namespace)| !(html(n) && parent == "button");
            if around().take_while(scope).take_while(in_button).any(|(parent, n)| html(n) && parent == "p") {
                if component {
                    return Some("a child component can hold blocks, before which a browser closes the `<p>` around: use a `<div>` in its place".to_owned());
                }
                return Some(format!(
                    "a browser closes the `<p>` around before `<{name}>`: use a `<div>` in its place"
                ));
            }
        }
        match name {
            "a" | "button" | "select" | "option" if open(name) => Some(format!(
                "`<{name}>` cannot stand inside another `<{name}>`: a browser closes that first"
            )),
            "form" if around().any(|(parent, n)| html(n) && parent == "form") => {
                Some("a browser drops a `<form>` inside another `<form>`".to_owned())
            }
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
                let parent = self.ancestors.last().filter(|(parent, n)| {
                    html(n) && matches!(parent.as_str(), "h1" | "h2" | "h3" | "h4" | "h5" | "h6")
                })?;
                Some(format!("a browser closes the `<{}>` around before `<{name}>`", parent.0))
            }
            "li" | "dd" | "dt" => {
                let same = |parent: &str| {
                    if name == "li" { parent == "li" } else { matches!(parent, "dd" | "dt") }
                };
                let stop = around().find(|(parent, n)| {
                    html(n) && (same(parent) || ENDS_ITEM.contains(&parent.as_str()))
                        || !scope(&&(parent.clone(), *n))
                })?;
                (html(&stop.1) && same(&stop.0)).then(|| {
                    format!(
                        "a browser closes the `<{}>` around before `<{name}>`: put a list of its own around",
                        stop.0
                    )
                })
            }
            "rt" | "rp" => around()
                .next()
                .filter(|(parent, n)| html(n) && matches!(parent.as_str(), "rt" | "rp"))
                .map(|(parent, _)| format!("a browser closes the `<{parent}>` around before `<{name}>`")),
            _ => None,
        }
    }
}
