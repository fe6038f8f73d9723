//! Children in a template, where the component names their types.

#![expect(
    clippy::indexing_slicing,
    reason = "evaluated by rustc while it compiles the application: an index out of bounds fails the build"
)]

use super::calls::not_taken;
use super::{Given, Subject, equal};
use crate::shape::message::{Message, Nearest};
use crate::spec::Spec;

/// There is such a child, and it takes these props.
pub(super) const fn child(
    subject: &Subject,
    name: &'static str,
    given: &[(&'static str, Given)],
) -> Option<Message> {
    let (mut nearest, mut at) = (Nearest::to(name), 0);
    while at < subject.children.len() {
        if equal(subject.children[at].name, name) {
            return props(subject, subject.children[at], given);
        }
        nearest = nearest.or(subject.children[at].name);
        at += 1;
    }
    let message =
        Message::new().text("no component `").text(name).text("` among the #[live(children(…))] of `");
    Some(nearest.ask(message.text(subject.ty).text("`")))
}

const fn props(subject: &Subject, child: &Spec, given: &[(&'static str, Given)]) -> Option<Message> {
    let mut at = 0;
    while at < given.len() {
        let (name, value) = given[at];
        let (mut nearest, mut prop, mut found) = (Nearest::to(name), 0, false);
        while prop < child.props.len() {
            if equal(child.props[prop].name, name) {
                found = true;
                if let Some(is) = not_taken(subject, &child.props[prop], value) {
                    let message = Message::new().text("the prop `").text(name).text(": ");
                    let message = message.text(child.props[prop].ty).text("` of `").text(child.name);
                    return Some(message.text("` cannot be ").text(is));
                }
            }
            nearest = nearest.or(child.props[prop].name);
            prop += 1;
        }
        if !found {
            let message = Message::new().text("`").text(child.name).text("` has no prop `").text(name);
            return Some(nearest.ask(message.text("`")));
        }
        at += 1;
    }
    let mut prop = 0;
    while prop < child.props.len() {
        if !child.props[prop].optional && !is_given(child.props[prop].name, given) {
            let message = Message::new().text("`").text(child.name).text("` needs the prop `");
            return Some(message.text(child.props[prop].name).text("`"));
        }
        prop += 1;
    }
    None
}

const fn is_given(name: &str, given: &[(&'static str, Given)]) -> bool {
    let mut at = 0;
    while at < given.len() {
        if equal(given[at].0, name) {
            return true;
        }
        at += 1;
    }
    false
}
