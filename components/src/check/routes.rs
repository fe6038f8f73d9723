//! Routes in a template.

#![expect(
    clippy::indexing_slicing,
    reason = "evaluated by rustc while it compiles the application: an index out of bounds fails the build"
)]

use super::calls::refused;
use super::message::{ConstMessage, Nearest};
use super::{GivenProp, Subject, equal};
use crate::spec::ArgSpec;

/// Checks that the route has these parameters, and needs no others.
pub(super) const fn route(
    subject: &Subject,
    name: &'static str,
    given: &[GivenProp],
    is_live: bool,
) -> Option<ConstMessage> {
    let mut at = 0;
    while at < subject.routes.len() {
        let (path, spec) = subject.routes[at];
        if equal(path, name) {
            if is_live && has_rest(spec.path) {
                let message =
                    ConstMessage::new().text("`").text(name).text("` has a parameter for the rest of");
                return Some(
                    message.text(
                        " the path, which only a page can write: give the component its URL as a field",
                    ),
                );
            }
            return parameters(subject, name, spec.parameters, given);
        }
        at += 1;
    }
    None
}

/// Checks whether a path pattern has a `{*rest}`.
const fn has_rest(path: &str) -> bool {
    let bytes = path.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] == b'*' {
            return true;
        }
        at += 1;
    }
    false
}

const fn parameters(
    subject: &Subject,
    route: &'static str,
    known: &'static [ArgSpec],
    given: &[GivenProp],
) -> Option<ConstMessage> {
    let mut at = 0;
    while at < given.len() {
        let GivenProp { name, argument, .. } = given[at];
        let (mut nearest, mut parameter, mut found) = (Nearest::to(name), 0, false);
        while parameter < known.len() {
            if equal(known[parameter].name, name) {
                found = true;
                let message = ConstMessage::new().text("the parameter `").text(name).text(": ");
                let message = message.text(known[parameter].ty).text("` of `").text(route).text("`");
                if let Some(message) = refused(message, subject, &known[parameter], argument) {
                    return Some(message);
                }
            }
            nearest = nearest.or(known[parameter].name);
            parameter += 1;
        }
        if !found {
            let message = ConstMessage::new().text("the route `").text(route).text("` has no parameter `");
            return Some(nearest.ask(message.text(name).text("`")));
        }
        at += 1;
    }
    let mut parameter = 0;
    while parameter < known.len() {
        let (mut is_given, mut at) = (known[parameter].optional, 0);
        while at < given.len() {
            is_given = is_given || equal(given[at].name, known[parameter].name);
            at += 1;
        }
        if !is_given {
            let message = ConstMessage::new().text("the route `").text(route).text("` needs the parameter `");
            return Some(message.text(known[parameter].name).text("`"));
        }
        parameter += 1;
    }
    None
}
