//! Texts and choices of controls.

use super::frame::RenderFrame;
use crate::data::{Data, Kind};
use crate::eval::Value;
use crate::expr::Expr;

/// Formats a text for an element with `contenteditable`: all line breaks are `\n`, and a text that
/// ends with one gets another, because the last one of an element is not visible. Same as in
/// `client-wasm/js/modules/editable.js`.
pub(super) fn lines_of(text: &str) -> String {
    let mut lines = text.replace("\r\n", "\n").replace('\r', "\n");
    if lines.ends_with('\n') {
        lines.push('\n');
    }
    lines
}

/// Returns whether a checkbox with the bound value and its own `value` is checked.
pub(super) fn is_ticked<D: Data>(bound: &Value<'_, D>, own: &Value<'_, D>) -> bool {
    let Kind::List(items) = bound.kind() else { return bound.truthy() };
    // The default value of a checkbox.
    let is_null = matches!(own.kind(), Kind::Null);
    has_text(items, &if is_null { "on".to_owned() } else { text_of(own) })
}

/// Returns the value of an option: its `value`, or else its text, as in a browser.
pub(super) fn option_value<D: Data>(own: Option<&Expr>, shown: &Expr, frame: &RenderFrame<'_, D>) -> String {
    let own = own.map(|own| own.eval(frame)).filter(|own| !matches!(own.kind(), Kind::Null));
    match own {
        Some(own) => text_of(&own),
        None => {
            let text = text_of(&shown.eval(frame));
            text.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
        }
    }
}

/// Returns whether one of the items has that text.
pub(super) fn has_text<D: Data>(items: &[D], text: &str) -> bool {
    items.iter().any(|item| text_of(&Value::Borrowed(item)) == text)
}

/// Returns a value as text, which is how a page compares the values of controls.
pub(super) fn text_of<D: Data>(value: &Value<'_, D>) -> String {
    let mut text = String::new();
    value.write(&mut text);
    text
}
