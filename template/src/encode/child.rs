//! The page's form of a child component: its place, the props that only the page can evaluate, and
//! those that depend on shared state, whose changes the page reports.

use crate::compile::Compiled;
use crate::compiled::{HoleKind, Template};
use crate::data::Name;
use crate::expr::{Expr, Literal};
use crate::outline::{Outline, PageLocal, PathSegment};

/// The template to encode.
pub(super) struct EncoderInput<'t> {
    pub(super) template: &'t Template,
    pub(super) outline: &'t Outline,
    /// Returns whether a field of the component shows a topic.
    pub(super) is_shared: &'t dyn Fn(&str) -> bool,
}

impl<'t> EncoderInput<'t> {
    pub(super) fn of(compiled: &'t Compiled, is_shared: &'t dyn Fn(&str) -> bool) -> Self {
        Self { template: &compiled.template, outline: &compiled.outline, is_shared }
    }
}

/// The page's form of a child component.
pub(super) struct EncodedChild<'t> {
    pub(super) key: Option<&'t Expr>,
    /// Hole numbers, arm numbers and expressions of keys.
    pub(super) place: Vec<Expr>,
    /// The props that read page-local state.
    pub(super) page: Vec<(Name, Expr)>,
    /// The other props that read shared state.
    pub(super) shared: Vec<(Name, Expr)>,
}

impl<'t> EncodedChild<'t> {
    /// Returns the child at a hole, if there is one.
    pub(super) fn of(source: &EncoderInput<'t>, block: usize, hole: usize) -> Option<Self> {
        let kind = &source.template.blocks.get(block)?.holes.get(hole)?.kind;
        let HoleKind::Child { props, key, .. } = kind else { return None };
        let PageLocal::Child { props: local, .. } = source.outline.local(block, hole) else { return None };
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

    /// Returns all expressions that the page evaluates.
    pub(super) fn exprs(&self) -> Vec<&Expr> {
        let props = self.page.iter().chain(&self.shared).map(|(_, value)| value);
        self.key.into_iter().chain(&self.place).chain(props).collect()
    }
}

fn expr(segment: PathSegment) -> Expr {
    match segment {
        PathSegment::Hole(at) | PathSegment::Arm(at) => int(at),
        PathSegment::Key(key) => key,
    }
}

fn int(n: usize) -> Expr {
    Expr::Literal(Literal::Int(super::number(n)))
}
