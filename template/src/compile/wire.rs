//! `live:loading`, `live:dirty` and `live:offline`: what an element shows of the connection.

use super::Compiler;
use super::directives::code;
use super::element::StartTag;
use super::modifiers::WireModifiers;
use crate::check::CheckKind;
use crate::compiled::{Form, HoleKind, Namespace, WalkStep, WireEffect, WireState};
use crate::source::{Attribute, Element};

impl Compiler {
    /// Compiles `live:loading`, `live:dirty` and `live:offline`.
    pub(super) fn wire(
        &mut self,
        element: &Element,
        attribute: &Attribute,
        state: WireState,
        modifiers: Option<&str>,
        path: &[WalkStep],
        tag: &mut StartTag,
    ) {
        let base = attribute.name.split('.').next().unwrap_or_default().to_owned();
        let Some(modifiers) = self.wire_modifiers(attribute.at, &base, modifiers) else { return };
        let WireModifiers { class, attribute: sets_attribute, remove, delay } = modifiers;
        let value = code(attribute).map(|code| code.text.trim().to_owned());
        let effect = match value {
            Some(classes) if class && remove => {
                // The state is absent in the first paint.
                tag.idle_classes.extend(classes.split_ascii_whitespace().map(Box::from));
                WireEffect::WithoutClass(classes.into())
            }
            Some(classes) if class => WireEffect::Class(classes.into()),
            None if class => {
                let name = if remove { "class.remove" } else { "class" };
                return self.error(
                    attribute.at,
                    format!("`{base}.{name}` needs the classes: `{base}.{name}=\"busy\"`"),
                );
            }
            Some(name) if sets_attribute && !name.contains(char::is_whitespace) => {
                WireEffect::Attribute(name.into())
            }
            _ if sets_attribute => {
                return self.error(
                    attribute.at,
                    format!("`{base}.attr` needs one attribute's name: `{base}.attr=\"disabled\"`"),
                );
            }
            Some(_) => {
                return self.error(
                    attribute.at,
                    format!("`{base}` takes no value: use `{base}.class=\"…\"` or `{base}.attr=\"…\"`"),
                );
            }
            None => {
                self.hides(element, attribute, tag);
                if remove {
                    WireEffect::Hide
                } else {
                    // Hidden in the first paint, which has none of these states.
                    self.html(if element.namespace == Namespace::Svg {
                        " display=\"none\""
                    } else {
                        " hidden"
                    });
                    WireEffect::Show
                }
            }
        };
        let targets = if state == WireState::Offline { Vec::new() } else { self.targets(element) };
        if let Some(why) = self.closed {
            self.error(attribute.at, why);
        }
        let form = self.submits.as_ref().filter(|_| targets.is_empty() && is_submit_button(element));
        let form = form.map(|(form, depth)| Form { level: self.scopes.depth() - depth, ..form.clone() });
        self.hole(path, HoleKind::Wire { state, effect, targets, form, delay });
    }

    /// Returns the names in the element's `live:target`.
    fn targets(&mut self, element: &Element) -> Vec<Box<str>> {
        let Some(attribute) = element.attribute("live:target") else { return Vec::new() };
        let Some(code) = code(attribute) else {
            self.error(attribute.at, "`live:target` needs a name: `live:target=\"save\"`");
            return Vec::new();
        };
        let mut targets = Vec::new();
        let mut at = code.at;
        for part in code.text.split(',') {
            let name = part.trim();
            let starts = part.len() - part.trim_start().len();
            let name_at = at.saturating_add(u32::try_from(starts).unwrap_or(0));
            let is_name = name.starts_with(|c: char| c.is_alphabetic() || c == '_')
                && name.chars().all(|c| c.is_alphanumeric() || c == '_');
            if is_name {
                self.check(name_at, CheckKind::Target { name: name.to_owned() });
                targets.push(name.into());
            } else {
                let why = "`live:target` is a list of names: `live:target=\"save, remove\"`";
                self.error(name_at, why);
            }
            at = at.saturating_add(u32::try_from(part.len() + 1).unwrap_or(0));
        }
        targets
    }
}

/// Returns whether pressing the element submits the enclosing form.
pub(super) fn is_submit_button(element: &Element) -> bool {
    let kind = element.attribute("type").and_then(|kind| kind.value.as_ref());
    let kind = kind.map(|kind| kind.text.trim().to_ascii_lowercase());
    match element.name.as_str() {
        "button" => !matches!(kind.as_deref(), Some("button" | "reset")),
        "input" => matches!(kind.as_deref(), Some("submit" | "image")),
        _ => false,
    }
}
