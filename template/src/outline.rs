//! The nesting of a template's blocks, and the parts of the template that only the page can
//! evaluate.
//!
//! The server does not know page-local state (`live:local`). An expression that reads it, directly
//! or through the item of a loop over such a list, is *page-local*: the server does not evaluate
//! it.

use crate::compiled::{HoleKind, Template};
use crate::expr::Expr;
use crate::reads::Dependency;

/// The nesting of blocks.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outline {
    /// The hole that contains each block; none for block 0.
    outer: Vec<Option<Outer>>,
    /// Whether the block contains a child component, directly or in an inner block.
    has_child: Vec<bool>,
    /// The page-local parts of each hole of each block.
    local: Vec<Vec<PageLocal>>,
}

/// The hole that contains a block.
#[derive(Clone, Copy, Debug)]
struct Outer {
    block: usize,
    hole: usize,
    /// The number of the arm, from 1; none for a row.
    arm: Option<usize>,
}

/// The page-local parts of a hole.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum PageLocal {
    /// None that affects children.
    Other,
    /// For each prop of a child, and for its key.
    Child { props: Vec<bool>, key: bool },
    /// The list of a loop.
    List(bool),
    /// The condition of each arm.
    Arms(Vec<bool>),
}

/// One step of the path to a block.
#[derive(Debug)]
pub(crate) enum PathSegment {
    /// The hole of a row or an arm.
    Hole(usize),
    /// The number of an arm, from 1.
    Arm(usize),
    /// The key of a row, as an expression of the last block of the path.
    Key(Expr),
}

impl Outline {
    pub(crate) fn of(template: &Template) -> Self {
        let count = template.blocks.len();
        let mut outline = Self { outer: vec![None; count], has_child: vec![false; count], local: Vec::new() };
        for (at, block) in template.blocks.iter().enumerate() {
            for (hole, of) in block.holes.iter().enumerate() {
                for (inner, arm) in inner(&of.kind) {
                    if let Some(outer) = outline.outer.get_mut(inner) {
                        *outer = Some(Outer { block: at, hole, arm });
                    }
                }
            }
        }
        for (at, block) in template.blocks.iter().enumerate() {
            let local = block.holes.iter().map(|hole| outline.local_in(template, at, &hole.kind)).collect();
            outline.local.push(local);
        }
        // A block's inner blocks follow it, so in reverse order each one is complete.
        for (at, block) in template.blocks.iter().enumerate().rev() {
            let own = block.holes.iter().any(|hole| matches!(hole.kind, HoleKind::Child { .. }));
            let has_child = own || outline.has_child.get(at).is_some_and(|has| *has);
            let outer = outline.outer.get(at).copied().flatten().map(|outer| outer.block);
            for block in [Some(at), outer].into_iter().flatten() {
                if let Some(has) = outline.has_child.get_mut(block) {
                    *has |= has_child;
                }
            }
        }
        outline
    }

    /// Returns whether the block contains a child component, directly or in an inner block.
    #[cfg(feature = "render")]
    pub(crate) fn has_child(&self, block: usize) -> bool {
        self.has_child.get(block).is_some_and(|has| *has)
    }

    /// Returns the page-local parts of a hole.
    pub(crate) fn local(&self, block: usize, hole: usize) -> &PageLocal {
        self.local.get(block).and_then(|holes| holes.get(hole)).unwrap_or(&PageLocal::Other)
    }

    /// Returns the path from the component to a block: for each enclosing block the hole, and the
    /// key or the arm.
    pub(crate) fn way(&self, template: &Template, block: usize) -> Vec<PathSegment> {
        let mut way = Vec::new();
        let (mut at, mut loops, mut blocks) = (block, 0, 0);
        while let Some(outer) = self.outer.get(at).copied().flatten() {
            // The segments are collected in reverse order.
            blocks += 1;
            match (outer.arm, kind(template, outer)) {
                (Some(arm), _) => way.push(PathSegment::Arm(arm)),
                (None, Some(HoleKind::For { key, .. })) => {
                    let mut key = key.clone();
                    key.deepen(loops, blocks);
                    way.push(PathSegment::Key(key));
                    loops += 1;
                }
                (None, _) => {}
            }
            way.push(PathSegment::Hole(outer.hole));
            at = outer.block;
        }
        way.reverse();
        way
    }

    /// Returns whether an expression of that block reads a field for which `wanted` returns true,
    /// directly or through a loop's item.
    pub(crate) fn reads_field(
        &self,
        template: &Template,
        block: usize,
        expr: &Expr,
        wanted: &dyn Fn(&str) -> bool,
    ) -> bool {
        self.reads(
            template,
            block,
            expr,
            &|read| matches!(read, Dependency::Root { name, .. } if wanted(&name.text)),
        )
    }

    /// Returns whether a prop of a child reads a field for which `wanted` returns true, and no
    /// page-local state.
    pub(crate) fn gives_children(&self, template: &Template, wanted: &dyn Fn(&str) -> bool) -> bool {
        template.blocks.iter().enumerate().any(|(block, of)| {
            of.holes.iter().enumerate().any(|(hole, of)| match (&of.kind, self.local(block, hole)) {
                (HoleKind::Child { props, .. }, PageLocal::Child { props: local, .. }) => {
                    props.iter().zip(local).any(|((_, value), is_local)| {
                        !is_local && self.reads_field(template, block, value, wanted)
                    })
                }
                _ => false,
            })
        })
    }

    fn local_in(&self, template: &Template, block: usize, kind: &HoleKind) -> PageLocal {
        let local =
            |expr: &Expr| self.reads(template, block, expr, &|read| matches!(read, Dependency::Local(_)));
        #[expect(clippy::wildcard_enum_match_arm, reason = "only these holes contain children")]
        match kind {
            HoleKind::Child { props, key, .. } => PageLocal::Child {
                props: props.iter().map(|(_, value)| local(value)).collect(),
                key: key.as_ref().is_some_and(local),
            },
            HoleKind::For { list, .. } => PageLocal::List(local(list)),
            HoleKind::If { arms, .. } => PageLocal::Arms(
                arms.iter().map(|(condition, _)| condition.as_ref().is_some_and(local)).collect(),
            ),
            _ => PageLocal::Other,
        }
    }

    fn reads(
        &self,
        template: &Template,
        block: usize,
        expr: &Expr,
        wanted: &dyn Fn(&Dependency<'_>) -> bool,
    ) -> bool {
        let mut found = false;
        expr.reads(&mut |read| {
            found = found || wanted(&read);
            if let Dependency::Item { depth, .. } | Dependency::Index(depth) = read
                && !found
                && let Some((list, outside)) = self.list_around(template, block, depth)
            {
                found = self.reads(template, outside, list, wanted);
            }
        });
        found
    }

    /// Returns the list of the loop `depth` loops outwards, and the block that contains it.
    fn list_around<'t>(&self, template: &'t Template, block: usize, depth: u16) -> Option<(&'t Expr, usize)> {
        let (mut at, mut depth) = (block, depth);
        loop {
            let outer = self.outer.get(at).copied().flatten()?;
            if let Some(HoleKind::For { list, .. }) = kind(template, outer) {
                if depth == 0 {
                    return Some((list, outer.block));
                }
                depth -= 1;
            }
            at = outer.block;
        }
    }
}

fn kind(template: &Template, outer: Outer) -> Option<&HoleKind> {
    Some(&template.blocks.get(outer.block)?.holes.get(outer.hole)?.kind)
}

/// Returns the blocks inside a hole, with the numbers of the arms.
#[expect(clippy::wildcard_enum_match_arm, reason = "only lists and conditions have inner blocks")]
fn inner(kind: &HoleKind) -> Vec<(usize, Option<usize>)> {
    match kind {
        HoleKind::For { block, .. } => vec![(*block, None)],
        HoleKind::If { arms, .. } => {
            arms.iter().zip(1..).map(|((_, block), arm)| (*block, Some(arm))).collect()
        }
        _ => Vec::new(),
    }
}
