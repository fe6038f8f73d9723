//! `live:poll`: an action that the page calls in an interval.

use super::Compiler;
use super::events::EventAttribute;
use crate::code::POLL_EVENT;
use crate::compiled::Statement;
use crate::expr::Special;
use crate::reads::Dependency;
use crate::source::{Attribute, Code};

impl Compiler {
    /// Compiles a `live:poll`.
    pub(super) fn poll(
        &mut self,
        attribute: &Attribute,
        modifiers: Option<&str>,
        code: Option<&Code>,
    ) -> EventAttribute {
        let modifiers = self.poll_modifiers(attribute.at, modifiers);
        if let Some(why) = self.closed {
            self.error(attribute.at, why);
        }
        let run = self.statements(attribute, code);
        if run.iter().any(|statement| !matches!(statement, Statement::Call { .. })) {
            self.error(attribute.at, "`live:poll` can only call actions");
        }
        if run.iter().any(reads_event) {
            let why = "`live:poll` has no event: `$value`, `$checked`, `$form` and `$event` do not exist";
            self.error(attribute.at, why);
        }
        EventAttribute { name: POLL_EVENT.into(), modifiers, run }
    }
}

/// Returns whether a call reads a value of an event.
fn reads_event(statement: &Statement) -> bool {
    let Statement::Call { args, .. } = statement else { return false };
    let mut found = false;
    for arg in args {
        arg.reads(&mut |read| {
            found |= matches!(
                read,
                Dependency::Special(Special::Value | Special::Checked | Special::Form | Special::Event)
            );
        });
    }
    found
}
