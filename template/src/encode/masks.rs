//! What every hole reads, as bits.

use super::Names;
use super::child::{Child, Source};
use crate::code::{self, ALWAYS, CONTROL, INDEX, LOCAL, WIRE, event};
use crate::compiled::{AttributeKind, Block, Guess, HoleKind, ModelStep, Statement};
use crate::expr::{Expr, Special};
use crate::reads::Read;

/// The masks of a template.
#[derive(Default)]
pub(super) struct Masks {
    /// What the bits mean.
    meaning: Vec<(i64, i64)>,
    /// For each block how many loops are around its content, its own included; what it and all inside it read; and what
    /// each of its holes reads.
    blocks: Vec<(i64, u64, Vec<u64>)>,
    /// For each block what the key of its rows reads; 0 where that is not written.
    keys: Vec<u64>,
}

impl Masks {
    pub(super) fn of(of: &Source<'_>, names: &mut Names) -> Self {
        let template = of.template;
        let mut masks = Self::default();
        let mut depths = vec![0; template.blocks.len()];
        for (at, block) in template.blocks.iter().enumerate() {
            let depth = depths.get(at).copied().unwrap_or(0);
            let mut holes = Vec::new();
            for (position, hole) in block.holes.iter().enumerate() {
                let own = match Child::of(of, at, position) {
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
        // A block's children come after it, so that going backwards every child is complete.
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

    /// What the bits mean, pair by pair.
    pub(super) fn meaning(&self) -> Vec<String> {
        self.meaning.iter().flat_map(|(a, b)| [a.to_string(), b.to_string()]).collect()
    }

    /// How many loops are around the content of a block.
    pub(super) fn depth(&self, block: usize) -> i64 {
        self.blocks.get(block).map_or(0, |(depth, ..)| *depth)
    }

    /// What a block and all that is inside it read.
    pub(super) fn block(&self, block: usize) -> i64 {
        self.blocks.get(block).map_or(0, |(_, all, _)| all.cast_signed())
    }

    pub(super) fn hole(&self, block: usize, at: usize) -> i64 {
        self.blocks.get(block).and_then(|(.., holes)| holes.get(at)).map_or(0, |mask| mask.cast_signed())
    }

    /// What the key of a block's rows reads.
    pub(super) fn key(&self, block: usize) -> i64 {
        self.keys.get(block).map_or(0, |mask| mask.cast_signed())
    }

    fn hole_reads(&mut self, kind: &HoleKind, depth: i64, names: &mut Names) -> u64 {
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

    fn reads(&mut self, expr: &Expr, depth: i64, names: &mut Names) -> u64 {
        let mut mask = 0;
        expr.reads(&mut |read| {
            mask |= match read {
                Read::Root { name, field } => {
                    let (name, field) =
                        (names.at(&name.text), field.map_or(-1, |field| names.at(&field.text)));
                    self.field(name, field)
                }
                Read::Item { depth: outwards, field } => {
                    let field = field.map_or(-1, |field| names.at(&field.text));
                    self.field(i64::from(outwards) - depth, field)
                }
                Read::Index(_) => INDEX,
                Read::Local(_) => LOCAL,
                // The page's user stays who it is, and events are over before anything is shown.
                Read::Special(
                    Special::User
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

    /// The bit of a field, or of a part of it.
    fn field(&mut self, a: i64, b: i64) -> u64 {
        let at = self.meaning.iter().position(|known| *known == (a, b)).unwrap_or_else(|| {
            self.meaning.push((a, b));
            self.meaning.len() - 1
        });
        code::field(at)
    }
}

/// The key of the rows that a block is made for, if the visitor edits anything in them.
pub(super) fn row_key(blocks: &[Block], at: usize) -> Option<&Expr> {
    let key = blocks.iter().flat_map(|block| &block.holes).find_map(|hole| {
        if let HoleKind::For { key, block, .. } = &hole.kind { (*block == at).then_some(key) } else { None }
    });
    key.filter(|_| is_edited(blocks, at))
}

/// Whether there is anything in a block that the visitor edits.
fn is_edited(blocks: &[Block], at: usize) -> bool {
    blocks.get(at).is_some_and(|block| {
        EDITED.iter().any(|edited| block.html.contains(edited))
            || block.holes.iter().flat_map(|hole| inner(&hole.kind)).any(|inner| is_edited(blocks, inner))
    })
}

/// How elements begin that the visitor edits, and the attribute of others that are.
const EDITED: [&str; 4] = ["<input", "<select", "<textarea", "contenteditable"];

/// The blocks inside a hole.
#[expect(clippy::wildcard_enum_match_arm, reason = "only lists and conditions have any")]
fn inner(kind: &HoleKind) -> Vec<usize> {
    match kind {
        HoleKind::For { block, .. } => vec![*block],
        HoleKind::If { arms, .. } => arms.iter().map(|(_, block)| *block).collect(),
        _ => Vec::new(),
    }
}

/// What an event's expressions ask the page for, as bits of its flags.
pub(super) fn wants(kind: &HoleKind) -> u32 {
    let HoleKind::Event { run, optimistic, .. } = kind else { return 0 };
    let mut exprs: Vec<&Expr> = Vec::new();
    for statement in run {
        match statement {
            Statement::Call { args, .. } => exprs.extend(args),
            Statement::Set { value, .. } | Statement::Edit { value, .. } => exprs.push(value),
        }
    }
    for guess in optimistic {
        exprs.extend(match guess {
            Guess::Set { path: a, value: b }
            | Guess::Push { list: a, item: b }
            | Guess::Remove { list: a, key: b } => [a, b],
        });
    }
    let mut wants = 0;
    for expr in exprs {
        expr.reads(&mut |read| {
            if let Read::Special(special) = read {
                wants |= match special {
                    Special::Value => event::READS_VALUE,
                    Special::Checked => event::READS_CHECKED,
                    Special::Form => event::READS_FORM,
                    Special::Event => event::READS_EVENT,
                    Special::User | Special::Temp => 0,
                };
            }
        });
    }
    wants
}
