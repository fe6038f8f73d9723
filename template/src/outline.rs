//! How the blocks of a template contain each other, and which parts of it only the page can decide.
//!
//! The page's own state (`live:local`) is unknown to the server. An expression that reads it, directly or through the
//! item of a loop over such a list, is *page-local*: the server does not evaluate it.

use crate::compiled::{HoleKind, Template};
use crate::expr::Expr;
use crate::reads::Read;

/// The containment of blocks.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outline {
    /// The hole that each block belongs to; none for block 0.
    outer: Vec<Option<Outer>>,
    /// Whether a child component stands in the block, or in a block inside it.
    has_child: Vec<bool>,
    /// What is page-local in each hole of each block.
    local: Vec<Vec<Local>>,
}

/// The hole that a block belongs to.
#[derive(Clone, Copy, Debug)]
struct Outer {
    block: usize,
    hole: usize,
    /// The number of the arm, from 1; none for a row.
    arm: Option<usize>,
}

/// What is page-local in a hole.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Local {
    /// Nothing that matters for children.
    Other,
    /// For each prop of a child, and for its key.
    Child { props: Vec<bool>, key: bool },
    /// The list of a loop.
    List(bool),
    /// For each arm its condition.
    Arms(Vec<bool>),
}

/// One step of the way to a block.
#[derive(Debug)]
pub(crate) enum Segment {
    /// A hole, a row's or an arm's.
    Hole(usize),
    /// The number of an arm, from 1.
    Arm(usize),
    /// The key of a row, as an expression of the block where the way ends.
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
        // A block's inner blocks come after it, so that going backwards each one is complete.
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

    /// Returns whether a child component stands in the block, or in a block inside it.
    #[cfg(feature = "render")]
    pub(crate) fn has_child(&self, block: usize) -> bool {
        self.has_child.get(block).is_some_and(|has| *has)
    }

    /// Returns what is page-local in a hole.
    pub(crate) fn local(&self, block: usize, hole: usize) -> &Local {
        self.local.get(block).and_then(|holes| holes.get(hole)).unwrap_or(&Local::Other)
    }

    /// Returns the way from the component to a block: for each block around it the hole, and the key or the arm.
    pub(crate) fn way(&self, template: &Template, block: usize) -> Vec<Segment> {
        let mut way = Vec::new();
        let (mut at, mut loops, mut blocks) = (block, 0, 0);
        while let Some(outer) = self.outer.get(at).copied().flatten() {
            // The segments are collected backwards.
            blocks += 1;
            match (outer.arm, kind(template, outer)) {
                (Some(arm), _) => way.push(Segment::Arm(arm)),
                (None, Some(HoleKind::For { key, .. })) => {
                    let mut key = key.clone();
                    key.deepen(loops, blocks);
                    way.push(Segment::Key(key));
                    loops += 1;
                }
                (None, _) => {}
            }
            way.push(Segment::Hole(outer.hole));
            at = outer.block;
        }
        way.reverse();
        way
    }

    /// Returns whether an expression of that block reads a field that is `wanted`, directly or through a loop's item.
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
            &|read| matches!(read, Read::Root { name, .. } if wanted(&name.text)),
        )
    }

    /// Returns whether a prop of a child reads a field that is `wanted`, and nothing of the page's own state.
    pub(crate) fn gives_children(&self, template: &Template, wanted: &dyn Fn(&str) -> bool) -> bool {
        template.blocks.iter().enumerate().any(|(block, of)| {
            of.holes.iter().enumerate().any(|(hole, of)| match (&of.kind, self.local(block, hole)) {
                (HoleKind::Child { props, .. }, Local::Child { props: local, .. }) => {
                    props.iter().zip(local).any(|((_, value), is_local)| {
                        !is_local && self.reads_field(template, block, value, wanted)
                    })
                }
                _ => false,
            })
        })
    }

    fn local_in(&self, template: &Template, block: usize, kind: &HoleKind) -> Local {
        let local = |expr: &Expr| self.reads(template, block, expr, &|read| matches!(read, Read::Local(_)));
        #[expect(clippy::wildcard_enum_match_arm, reason = "nothing else leads to a child")]
        match kind {
            HoleKind::Child { props, key, .. } => Local::Child {
                props: props.iter().map(|(_, value)| local(value)).collect(),
                key: key.as_ref().is_some_and(local),
            },
            HoleKind::For { list, .. } => Local::List(local(list)),
            HoleKind::If { arms, .. } => {
                Local::Arms(arms.iter().map(|(condition, _)| condition.as_ref().is_some_and(local)).collect())
            }
            _ => Local::Other,
        }
    }

    fn reads(
        &self,
        template: &Template,
        block: usize,
        expr: &Expr,
        wanted: &dyn Fn(&Read<'_>) -> bool,
    ) -> bool {
        let mut found = false;
        expr.reads(&mut |read| {
            found = found || wanted(&read);
            if let Read::Item { depth, .. } | Read::Index(depth) = read
                && !found
                && let Some((list, outside)) = self.list_around(template, block, depth)
            {
                found = self.reads(template, outside, list, wanted);
            }
        });
        found
    }

    /// Returns the list of the loop that is so many outwards, and the block that it stands in.
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
#[expect(clippy::wildcard_enum_match_arm, reason = "only lists and conditions have any")]
fn inner(kind: &HoleKind) -> Vec<(usize, Option<usize>)> {
    match kind {
        HoleKind::For { block, .. } => vec![(*block, None)],
        HoleKind::If { arms, .. } => {
            arms.iter().zip(1..).map(|((_, block), arm)| (*block, Some(arm))).collect()
        }
        _ => Vec::new(),
    }
}
