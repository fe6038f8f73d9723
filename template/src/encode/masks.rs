//! The reads of all holes, as bit masks.

use super::NameTable;
use super::child::{EncodedChild, EncoderInput};
use crate::code::{self, ALWAYS, CONTROL, INDEX, LOCAL, WIRE, event};
use crate::compiled::{AttributeKind, Block, HoleKind, ModelStep, OptimisticUpdate, Statement};
use crate::expr::{Expr, Special};
use crate::reads::Dependency;

/// The masks of a template.
#[derive(Default)]
pub(super) struct Masks {
    /// The meaning of the bits.
    meaning: Vec<(i64, i64)>,
    /// For each block the number of loops around its content, including its own; the reads of the
    /// block, of its content and of its rows' key; and the reads of each of its holes.
    blocks: Vec<(i64, u64, Vec<u64>)>,
    /// For each block the reads of its rows' key; 0 if it is no row.
    keys: Vec<u64>,
}

impl Masks {
    pub(super) fn of(of: &EncoderInput<'_>, names: &mut NameTable) -> Self {
        let template = of.template;
        let mut masks = Self::default();
        let mut depths = vec![0; template.blocks.len()];
        for (at, block) in template.blocks.iter().enumerate() {
            let depth = depths.get(at).copied().unwrap_or(0);
            let mut holes = Vec::new();
            for (position, hole) in block.holes.iter().enumerate() {
                let own = match EncodedChild::of(of, at, position) {
                    Some(child) => child
                        .exprs()
                        .into_iter()
                        .fold(ALWAYS, |mask, expr| mask | masks.reads(expr, depth, names)),
                    None => ALWAYS | masks.hole_reads(&hole.kind, depth, names),
                };
                holes.push(own);
                let more = i64::from(matches!(hole.kind, HoleKind::For { .. }));
                for child in inner(&hole.kind) {
                    if let Some(of) = depths.get_mut(child) {
                        *of = depth + more;
                    }
                }
            }
            let key = row_key(&template.blocks, at).map_or(0, |key| ALWAYS | masks.reads(key, depth, names));
            masks.keys.push(key);
            masks.blocks.push((depth, holes.iter().fold(ALWAYS | key, |all, mask| all | mask), holes));
        }
        // A block's inner blocks follow it, so in reverse order each one is complete.
        for (at, block) in template.blocks.iter().enumerate().rev() {
            for child in block.holes.iter().flat_map(|hole| inner(&hole.kind)) {
                let reads = masks.blocks.get(child).map_or(0, |(_, all, _)| *all);
                if let Some((_, all, _)) = masks.blocks.get_mut(at) {
                    *all |= reads;
                }
            }
        }
        masks
    }

    /// Returns the meaning of the bits, pair by pair.
    pub(super) fn meaning(&self) -> Vec<String> {
        self.meaning.iter().flat_map(|(a, b)| [a.to_string(), b.to_string()]).collect()
    }

    /// Returns the number of loops around the content of a block.
    pub(super) fn depth(&self, block: usize) -> i64 {
        self.blocks.get(block).map_or(0, |(depth, ..)| *depth)
    }

    /// Returns the reads of a block, of its content and of its rows' key.
    pub(super) fn block(&self, block: usize) -> i64 {
        self.blocks.get(block).map_or(0, |(_, all, _)| all.cast_signed())
    }

    pub(super) fn hole(&self, block: usize, at: usize) -> i64 {
        self.blocks.get(block).and_then(|(.., holes)| holes.get(at)).map_or(0, |mask| mask.cast_signed())
    }

    /// Returns the reads of the key of a block's rows.
    pub(super) fn key(&self, block: usize) -> i64 {
        self.keys.get(block).map_or(0, |mask| mask.cast_signed())
    }

    fn hole_reads(&mut self, kind: &HoleKind, depth: i64, names: &mut NameTable) -> u64 {
        match kind {
            HoleKind::Text { value, .. }
            | HoleKind::Content { value }
            | HoleKind::Html { value }
            | HoleKind::Style { value, .. }
            | HoleKind::Class { on: value, .. }
            | HoleKind::Show { on: value } => self.reads(value, depth, names),
            HoleKind::Attribute { value, kind, .. } => {
                let control = if *kind == AttributeKind::Property { CONTROL } else { 0 };
                control | self.reads(value, depth, names)
            }
            HoleKind::For { list, .. } => self.reads(list, depth, names),
            HoleKind::If { arms, .. } => {
                let conditions = arms.iter().filter_map(|(condition, _)| condition.as_ref());
                conditions.fold(0, |mask, condition| mask | self.reads(condition, depth, names))
            }
            HoleKind::Model { property, value, .. } => {
                let keys = property.iter().filter_map(ModelStep::key);
                keys.fold(self.reads(value, depth, names), |all, key| all | self.reads(key, depth, names))
            }
            HoleKind::Wire { .. } => WIRE,
            HoleKind::Event { .. }
            | HoleKind::Ref { .. }
            | HoleKind::Hook { .. }
            | HoleKind::Child { .. } => 0,
        }
    }

    fn reads(&mut self, expr: &Expr, depth: i64, names: &mut NameTable) -> u64 {
        let mut mask = 0;
        expr.reads(&mut |read| {
            mask |= match read {
                Dependency::Root { name, field } => {
                    let (name, field) =
                        (names.at(&name.text), field.map_or(-1, |field| names.at(&field.text)));
                    self.field(name, field)
                }
                Dependency::Item { depth: outwards, field } => {
                    let field = field.map_or(-1, |field| names.at(&field.text));
                    self.field(i64::from(outwards) - depth, field)
                }
                Dependency::Index(_) => INDEX,
                Dependency::Local(_) => LOCAL,
                // The page's user does not change, and events are over before rendering.
                Dependency::Special(
                    Special::User
                    | Special::Flash
                    | Special::Value
                    | Special::Checked
                    | Special::Form
                    | Special::Event
                    | Special::Temp,
                ) => 0,
            };
        });
        mask
    }

    /// Returns the bit of a field, or of a part of it.
    fn field(&mut self, a: i64, b: i64) -> u64 {
        let at = self.meaning.iter().position(|known| *known == (a, b)).unwrap_or_else(|| {
            self.meaning.push((a, b));
            self.meaning.len() - 1
        });
        code::field(at)
    }
}

/// Returns the key of the rows for which a block is created.
fn row_key(blocks: &[Block], at: usize) -> Option<&Expr> {
    blocks.iter().flat_map(|block| &block.holes).find_map(|hole| {
        if let HoleKind::For { key, block, .. } = &hole.kind { (*block == at).then_some(key) } else { None }
    })
}

/// Returns the key of the rows for which a block is created, if the user edits anything in them.
pub(super) fn edited_row_key(blocks: &[Block], at: usize) -> Option<&Expr> {
    row_key(blocks, at).filter(|_| is_edited(blocks, at))
}

/// Returns whether a block contains anything that the user edits.
fn is_edited(blocks: &[Block], at: usize) -> bool {
    blocks.get(at).is_some_and(|block| {
        EDITED.iter().any(|edited| block.html.contains(edited))
            || block.holes.iter().flat_map(|hole| inner(&hole.kind)).any(|inner| is_edited(blocks, inner))
    })
}

/// The starts of elements that the user edits, and the attribute of other editable elements.
const EDITED: [&str; 4] = ["<input", "<select", "<textarea", "contenteditable"];

/// Returns the blocks inside a hole.
#[expect(clippy::wildcard_enum_match_arm, reason = "only lists and conditions have inner blocks")]
fn inner(kind: &HoleKind) -> Vec<usize> {
    match kind {
        HoleKind::For { block, .. } => vec![*block],
        HoleKind::If { arms, .. } => arms.iter().map(|(_, block)| *block).collect(),
        _ => Vec::new(),
    }
}

/// Returns the values that an event's expressions read, as bits of its flags.
pub(super) fn wants(kind: &HoleKind) -> u32 {
    let HoleKind::Event { run, optimistic, .. } = kind else { return 0 };
    let mut exprs: Vec<&Expr> = Vec::new();
    for statement in run {
        match statement {
            Statement::Call { args, .. } => exprs.extend(args),
            Statement::Set { value, .. } | Statement::Edit { value, .. } => exprs.push(value),
        }
    }
    for update in optimistic {
        exprs.extend(match update {
            OptimisticUpdate::Set { path: a, value: b }
            | OptimisticUpdate::Push { list: a, item: b }
            | OptimisticUpdate::Remove { list: a, key: b } => [a, b],
        });
    }
    let mut wants = 0;
    for expr in exprs {
        expr.reads(&mut |read| {
            if let Dependency::Special(special) = read {
                wants |= match special {
                    Special::Value => event::READS_VALUE,
                    Special::Checked => event::READS_CHECKED,
                    Special::Form => event::READS_FORM,
                    Special::Event => event::READS_EVENT,
                    Special::User | Special::Flash | Special::Temp => 0,
                };
            }
        });
    }
    wants
}
