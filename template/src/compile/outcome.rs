//! The possible values of an expression.

use super::Compiler;
use crate::check::{Argument, CheckKind, Comparison, PathStep};

/// The possible values of an expression, each with its offset: `a ? 'x' : b` has two.
pub(super) struct PossibleValues(Vec<(u32, Argument)>);

impl PossibleValues {
    pub(super) fn one(at: u32, argument: Argument) -> Self {
        Self(vec![(at, argument)])
    }

    pub(super) fn or(mut self, others: Self) -> Self {
        self.0.extend(others.0);
        self
    }

    /// Returns the values that are paths.
    pub(super) fn paths(&self) -> Vec<Vec<PathStep>> {
        self.0.iter().filter_map(|(_, argument)| argument.path().cloned()).collect()
    }

    /// Returns what is known about all possible values.
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

/// Whether values that are paths are checked too. A pair of paths is checked only once.
#[derive(Clone, Copy, PartialEq)]
enum PathValues {
    Included,
    Excluded,
}

impl Compiler {
    /// Records that a value of one side must be able to equal one of the other side.
    pub(super) fn compare(&mut self, how: Comparison, a: &PossibleValues, b: &PossibleValues) {
        self.compare_each(how, a, b, PathValues::Included);
        self.compare_each(how, b, a, PathValues::Excluded);
    }

    fn compare_each(
        &mut self,
        how: Comparison,
        these: &PossibleValues,
        others: &PossibleValues,
        paths: PathValues,
    ) {
        let is_known = others.0.iter().all(|(_, other)| *other != Argument::Any);
        if !is_known || !others.0.iter().any(|(_, other)| matches!(other, Argument::Path(_))) {
            return;
        }
        for (at, one) in &these.0 {
            let is_path = matches!(one, Argument::Path(_));
            if matches!(one, Argument::Any | Argument::Null) || is_path && paths == PathValues::Excluded {
                continue;
            }
            let among = others.0.iter().map(|(_, other)| other.clone()).collect();
            self.check(*at, CheckKind::Compare { one: one.clone(), among, how });
        }
    }

    /// Records that the list, text or map at that path must be able to contain the values.
    pub(super) fn contained(&mut self, steps: &[PathStep], what: &PossibleValues) {
        for (at, one) in &what.0 {
            if !matches!(one, Argument::Any | Argument::Null) {
                self.check(*at, CheckKind::Contains { steps: steps.to_vec(), one: one.clone() });
            }
        }
    }
}
