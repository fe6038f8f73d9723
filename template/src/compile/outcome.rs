//! What an expression may come to.

use super::Compiler;
use crate::check::{Argument, CheckKind, Comparison, PathStep};

/// The values that an expression may have, each with its place in the source: `a ? 'x' : b` has two.
pub(super) struct Outcomes(Vec<(u32, Argument)>);

impl Outcomes {
    pub(super) fn one(at: u32, argument: Argument) -> Self {
        Self(vec![(at, argument)])
    }

    pub(super) fn or(mut self, others: Self) -> Self {
        self.0.extend(others.0);
        self
    }

    /// Returns what is known of every outcome.
    pub(super) fn argument(self) -> Argument {
        let mut outcomes = self.0.into_iter().map(|(_, argument)| argument);
        let first = outcomes.next().unwrap_or(Argument::Any);
        outcomes.fold(first, |known, other| {
            if known == other {
                known
            } else if known.is_text() && other.is_text() {
                Argument::Text
            } else {
                Argument::Any
            }
        })
    }
}

impl Compiler {
    /// Notes which outcome of one side has to equal one of the other side.
    pub(super) fn compare(&mut self, how: Comparison, a: &Outcomes, b: &Outcomes) {
        self.compare_each(how, a, b, true);
        self.compare_each(how, b, a, false);
    }

    fn compare_each(&mut self, how: Comparison, these: &Outcomes, others: &Outcomes, paths: bool) {
        let is_known = others.0.iter().all(|(_, other)| *other != Argument::Any);
        if !is_known || !others.0.iter().any(|(_, other)| matches!(other, Argument::Path(_))) {
            return;
        }
        for (at, one) in &these.0 {
            let is_path = matches!(one, Argument::Path(_));
            if matches!(one, Argument::Any | Argument::Null) || is_path && !paths {
                continue;
            }
            let among = others.0.iter().map(|(_, other)| other.clone()).collect();
            self.check(*at, CheckKind::Compare { one: one.clone(), among, how });
        }
    }

    /// Notes what has to be among the items of the list, the text or the map at that path.
    pub(super) fn contained(&mut self, steps: &[PathStep], what: &Outcomes) {
        for (at, one) in &what.0 {
            if !matches!(one, Argument::Any | Argument::Null) {
                self.check(*at, CheckKind::Contains { steps: steps.to_vec(), one: one.clone() });
            }
        }
    }
}
