//! What the page gets of a child component: its place, the props that only the page can evaluate, and those that depend
//! on shared state, whose change the page announces.

use crate::compile::Compiled;
use crate::compiled::{HoleKind, Template};
use crate::data::Name;
use crate::expr::{Expr, Literal};
use crate::outline::{Local, Outline, Segment};

/// A template to be encoded.
pub(super) struct Source<'t> {
    pub(super) template: &'t Template,
    pub(super) outline: &'t Outline,
    /// Whether a field of the component shows a topic.
    pub(super) is_shared: &'t dyn Fn(&str) -> bool,
}

impl<'t> Source<'t> {
    pub(super) fn of(compiled: &'t Compiled, is_shared: &'t dyn Fn(&str) -> bool) -> Self {
        Self { template: &compiled.template, outline: &compiled.outline, is_shared }
    }
}

/// A child component, as the page gets it.
pub(super) struct Child<'t> {
    pub(super) key: Option<&'t Expr>,
    /// Hole numbers, arm numbers and expressions of keys.
    pub(super) place: Vec<Expr>,
    /// The props that read the page's own state.
    pub(super) page: Vec<(Name, Expr)>,
    /// The others that read shared state.
    pub(super) shared: Vec<(Name, Expr)>,
}

impl<'t> Child<'t> {
    /// Returns the child at a hole, if there is one.
    pub(super) fn of(source: &Source<'t>, block: usize, hole: usize) -> Option<Self> {
        let kind = &source.template.blocks.get(block)?.holes.get(hole)?.kind;
        let HoleKind::Child { props, key, .. } = kind else { return None };
        let Local::Child { props: local, .. } = source.outline.local(block, hole) else { return None };
        let mut place: Vec<Expr> = source.outline.way(source.template, block).into_iter().map(expr).collect();
        place.push(int(hole));
        let (page, own): (Vec<_>, Vec<_>) = props.iter().zip(local).partition(|(_, is_local)| **is_local);
        let shared = own.into_iter().filter(|((_, value), _)| {
            source.outline.reads_field(source.template, block, value, source.is_shared)
        });
        Some(Self {
            key: key.as_ref(),
            place,
            page: page.into_iter().map(|(prop, _)| prop.clone()).collect(),
            shared: shared.map(|(prop, _)| prop.clone()).collect(),
        })
    }

    /// Returns all that the page evaluates.
    pub(super) fn exprs(&self) -> Vec<&Expr> {
        let props = self.page.iter().chain(&self.shared).map(|(_, value)| value);
        self.key.into_iter().chain(&self.place).chain(props).collect()
    }
}

fn expr(segment: Segment) -> Expr {
    match segment {
        Segment::Hole(at) | Segment::Arm(at) => int(at),
        Segment::Key(key) => key,
    }
}

fn int(n: usize) -> Expr {
    Expr::Literal(Literal::Int(super::number(n)))
}
