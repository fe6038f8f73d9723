//! `live:confirm`: the question that the user is asked before an event runs.

use super::Compiler;
use super::directives::code;
use super::element::{StartTag, live};
use super::events::EventAttribute;
use super::wire::is_submit_button;
use crate::compiled::{EventTarget, WalkStep};
use crate::source::{Attribute, Element, SourceNode};

const PLACE: &str = "`live:confirm` requires a `live:click` or `live:submit` on the same element, or a submit button inside a form with `live:submit`";

impl Compiler {
    /// Compiles `live:confirm`, whose text is an attribute that the client reads.
    pub(super) fn confirm(
        &mut self,
        element: &Element,
        attribute: &Attribute,
        path: &[WalkStep],
        tag: &mut StartTag,
    ) {
        if code(attribute).is_none() {
            let why = "`live:confirm` needs a question: `live:confirm=\"Delete {{ name }}?\"`";
            return self.error(attribute.at, why);
        }
        let is_asked = element.attributes.iter().filter_map(live).any(|name| {
            let event = name.split('.').next().unwrap_or_default();
            let event = event.strip_prefix("on:").unwrap_or(event);
            event.eq_ignore_ascii_case("click") || event.eq_ignore_ascii_case("submit")
        });
        let is_inside = self.submits.is_some() && element.attribute("form").is_none();
        let is_submit = is_inside && is_submit_button(element);
        if !is_asked && !is_submit {
            return self.error(attribute.at, PLACE);
        }
        self.attribute(element, attribute, path, tag);
    }

    /// Marks the events of an element that its `live:confirm`, or that of a button of the form,
    /// asks about. The browser's own action of a click does not follow: it could not wait.
    pub(super) fn asks(&mut self, element: &Element, events: &mut [EventAttribute]) {
        let own = element.attribute("live:confirm");
        for event in events {
            let asks = match &*event.name {
                "click" => own.is_some() && event.modifiers.target == EventTarget::Element,
                "submit" => own.is_some() || element.is_html("form") && has_question(element),
                _ => false,
            };
            if asks {
                event.modifiers.confirm = true;
                event.modifiers.prevent = true;
            }
        }
    }
}

/// Returns whether a submit button inside the element has a `live:confirm`.
fn has_question(element: &Element) -> bool {
    element.children.iter().any(|child| match child {
        SourceNode::Element(child) => {
            child.attribute("live:confirm").is_some() && is_submit_button(child) || has_question(child)
        }
        SourceNode::Text(_) | SourceNode::Use(_) => false,
    })
}
