//! Children in a template, where the component names their types.

#![expect(
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "evaluated by rustc while it compiles the application: an index out of bounds fails the build"
)]

use super::calls::refused;
use super::message::{ConstMessage, Nearest};
use super::{Argument, GivenProp, Subject, equal, through};
use crate::shape::{Shape, ShapeRef};
use crate::spec::{ArgSpec, Spec};

/// Checks that the child exists, takes these props, and can be nested in these elements.
pub(super) const fn child(
    subject: &Subject,
    name: &'static str,
    given: &[GivenProp],
    within: &[&'static str],
) -> Option<ConstMessage> {
    let (mut nearest, mut at) = (Nearest::to(name), 0);
    while at < subject.children.len() {
        if equal(subject.children[at].name, name) {
            return match props(subject, subject.children[at], given) {
                Some(message) => Some(message),
                None => misplaced(subject.children[at], within),
            };
        }
        nearest = nearest.or(subject.children[at].name);
        at += 1;
    }
    let message =
        ConstMessage::new().text("no component `").text(name).text("` among the #[live(children(…))] of `");
    let message = message.text(subject.ty).text("`, and no file `partials/").text(name).text(".html`");
    Some(nearest.ask(message))
}

/// Reports an element of the child's template that must not be nested in one of the elements around
/// the child.
const fn misplaced(child: &Spec, within: &[&'static str]) -> Option<ConstMessage> {
    let mut at = 0;
    while at < within.len() {
        let mut inner = 0;
        while inner < child.outermost.len() {
            if exclude_each_other(within[at], child.outermost[inner]) {
                let message =
                    ConstMessage::new().text("the child `").text(child.name).text("` is inside a `<");
                let message = message.text(within[at]).text(">`, and its template (");
                let message = message.text(child.template.file).text(") has a `<");
                let message = message.text(child.outermost[inner]);
                if equal(within[at], "form") {
                    return Some(message.text(">`: a browser drops a `<form>` inside another `<form>`"));
                }
                let message = message.text(">`: a browser closes the first `<").text(within[at]);
                let message = message.text(">` before the second `<").text(child.outermost[inner]);
                return Some(message.text(">`"));
            }
            inner += 1;
        }
        at += 1;
    }
    None
}

/// The same groups as in `vivaz_template::containment::Group`.
const fn exclude_each_other(one: &str, other: &str) -> bool {
    equal(one, other) || is_description(one) && is_description(other)
}

const fn is_description(name: &str) -> bool {
    equal(name, "dd") || equal(name, "dt")
}

const fn props(subject: &Subject, child: &Spec, given: &[GivenProp]) -> Option<ConstMessage> {
    let mut at = 0;
    while at < given.len() {
        let GivenProp { name, argument, is_local } = given[at];
        let (mut nearest, mut prop, mut found) = (Nearest::to(name), 0, false);
        while prop < child.props.len() {
            if equal(child.props[prop].name, name) {
                found = true;
                let message = ConstMessage::new().text("the prop `").text(name).text(": ");
                let message = message.text(child.props[prop].ty).text("` of `").text(child.name).text("`");
                if !is_written(argument, &child.props[prop])
                    && let Some(message) = refused(message, subject, &child.props[prop], argument)
                {
                    return Some(message);
                }
                if is_local && !is_page_prop(child, name) {
                    let message =
                        ConstMessage::new().text("the prop `").text(name).text("` of `").text(child.name);
                    return Some(message.text(NOT_THE_PAGES));
                }
            }
            nearest = nearest.or(child.props[prop].name);
            prop += 1;
        }
        if !found {
            let message = ConstMessage::new().text("`").text(child.name).text("` has no prop `").text(name);
            return Some(nearest.ask(message.text("`")));
        }
        at += 1;
    }
    let mut prop = 0;
    while prop < child.props.len() {
        if !child.props[prop].optional && !is_given(child.props[prop].name, given) {
            let message = ConstMessage::new().text("`").text(child.name).text("` needs the prop `");
            return Some(
                message.text(child.props[prop].name).text("`").text(why_missing(child.props[prop].name)),
            );
        }
        prop += 1;
    }
    None
}

/// Returns why a template cannot give the prop of that name, for the end of an error; empty if it
/// can.
pub(crate) const fn why_missing(name: &str) -> &'static str {
    let own = ["id", "class", "style", "slot", "hidden"];
    let mut at = 0;
    while at < own.len() {
        if equal(own[at], name) {
            return "; an attribute of that name belongs to the element, so the prop needs another name";
        }
        at += 1;
    }
    ""
}

/// Returns whether a fixed text is the written form of the prop's type: `count="41"`.
const fn is_written(argument: Argument, prop: &ArgSpec) -> bool {
    match argument {
        Argument::Word(word) => is_written_form(word, prop.shape),
        _ => false,
    }
}

/// Returns whether a text is the written form of a number or a boolean of that shape.
pub(crate) const fn is_written_form(word: &str, shape: ShapeRef) -> bool {
    match through(shape.get()) {
        Shape::Bool => equal(word, "true") || equal(word, "false"),
        Shape::Int => is_number(word.as_bytes(), false),
        Shape::Float => is_number(word.as_bytes(), true),
        _ => false,
    }
}

/// Returns whether the text is a number of at most 15 digits, which has the same value as an
/// integer, as a float and in JavaScript.
const fn is_number(text: &[u8], allows_point: bool) -> bool {
    let mut rest = match text {
        [b'-', rest @ ..] => rest,
        text => text,
    };
    let (mut digits, mut points) = (0, 0);
    while let [first, tail @ ..] = rest {
        match *first {
            b'0'..=b'9' => digits += 1,
            b'.' if digits > 0 && !tail.is_empty() => points += 1,
            _ => return false,
        }
        rest = tail;
    }
    digits > 0 && digits <= 15 && (points == 0 || points == 1 && allows_point)
}

/// The end of a message that begins with "the prop `x` of `y".
pub(crate) const NOT_THE_PAGES: &str = "` is the server's to give, and this reads the page's own state (`live:local`): \
     mark it #[live(prop, page)] to let pages give it";

const fn is_page_prop(child: &Spec, name: &str) -> bool {
    let mut at = 0;
    while at < child.fields.len() {
        if equal(child.fields[at].name, name) {
            return child.fields[at].page;
        }
        at += 1;
    }
    false
}

const fn is_given(name: &str, given: &[GivenProp]) -> bool {
    let mut at = 0;
    while at < given.len() {
        if equal(given[at].name, name) {
            return true;
        }
        at += 1;
    }
    false
}
