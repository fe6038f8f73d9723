//! A decoded template: its code as received, with names interned as keys.

use vivaz_template::code::{self, VERSION};

use super::Stage;
use crate::dom::Op;
use crate::value::{Key, Val};

pub(crate) struct Blueprint {
    pub(crate) hash: Key,
    keys: Vec<Key>,
    /// The meaning of each mask bit, as pairs: a field and a part of it, or the negative depth of a
    /// loop and a field of its item.
    meaning: Vec<Val>,
    code: Vec<Val>,
    /// The number of block 0 in the DOM; the other blocks follow.
    pub(super) base: u32,
}

impl Blueprint {
    /// Decodes a template from JSON and sends its blocks to the DOM. Returns `None` if the JSON is
    /// not a template.
    pub(crate) fn new(hash: Key, json: Val, stage: &mut Stage) -> Option<Self> {
        let mut parts = json.into_list();
        let [Val::Int(VERSION), names, meaning, blocks, words] = parts.as_mut_slice() else { return None };
        let mut keys = Vec::new();
        for name in names.list()? {
            keys.push(Key::of(name.str()?));
        }
        let base = stage.templates;
        stage.templates += blocks.list()?.len() as u32;
        stage.dom.put(Op::Template, &[base], &[&blocks.json()]);
        Some(Self {
            hash,
            keys,
            meaning: std::mem::take(meaning).into_list(),
            code: std::mem::take(words).into_list(),
            base,
        })
    }

    /// Returns the mask of a change of a field, or of one part of it; a `part` of -1 is the whole
    /// field.
    pub(super) fn mask(&self, of: i64, part: i64) -> u64 {
        let mut mask = 0;
        for (at, pair) in self.meaning.chunks(2).enumerate() {
            if let [known, field] = pair
                && self.id(known) == of
                && (part < 0 || self.id(field) < 0 || self.id(field) == part)
            {
                mask |= code::field(at);
            }
        }
        mask
    }

    /// Returns the key's number for the position of a name; returns a negative number unchanged,
    /// and -1 for anything else.
    fn id(&self, at: &Val) -> i64 {
        let Val::Int(at) = at else { return -1 };
        if *at < 0 { *at } else { self.keys.get(*at as usize).map_or(-1, |key| i64::from(key.id())) }
    }

    /// Returns a reader of the code at an address.
    pub(super) fn at(&self, at: usize) -> BlueprintReader<'_> {
        BlueprintReader { print: self, at }
    }

    /// Decodes the header of a block.
    pub(super) fn block(&self, block: u32) -> Block<'_> {
        let at = self.at(block as usize).word();
        let mut code = self.at(at as usize);
        Block { nodes: code.word(), mask: code.mask(), locals: code.word(), holes: code.word(), code }
    }
}

/// The header of a block's code.
pub(super) struct Block<'p> {
    /// The count of node numbers that an instance uses.
    pub(super) nodes: u32,
    pub(super) mask: u64,
    /// The address of its locals.
    pub(super) locals: u32,
    pub(super) holes: u32,
    /// The code of the holes.
    pub(super) code: BlueprintReader<'p>,
}

/// The header of a hole's code.
pub(super) struct Hole {
    pub(super) end: usize,
    pub(super) mask: u64,
    /// Its position among the block's holes.
    pub(super) at: u32,
    pub(super) kind: i64,
}

/// Reads code, one scalar at a time. A missing value is null, and a value that is not an integer is
/// 0.
#[derive(Clone, Copy)]
pub(super) struct BlueprintReader<'p> {
    pub(super) print: &'p Blueprint,
    pub(super) at: usize,
}

impl<'p> BlueprintReader<'p> {
    pub(super) fn val(&mut self) -> &'p Val {
        self.at += 1;
        self.print.code.get(self.at - 1).unwrap_or(&Val::Null)
    }

    pub(super) fn int(&mut self) -> i64 {
        if let Val::Int(i) = self.val() { *i } else { 0 }
    }

    pub(super) fn word(&mut self) -> u32 {
        self.int() as u32
    }

    pub(super) fn mask(&mut self) -> u64 {
        self.int() as u64
    }

    /// Reads a name.
    pub(super) fn key(&mut self) -> Key {
        let at = self.word();
        self.print.keys.get(at as usize).copied().unwrap_or(Key::from_id(u32::MAX))
    }

    /// Reads a name as the number of its key; -1 for none.
    pub(super) fn name(&mut self) -> i64 {
        let mut next = *self;
        if next.int() < 0 { self.int() } else { i64::from(self.key().id()) }
    }

    pub(super) fn hole(&mut self) -> Hole {
        Hole { end: self.word() as usize, mask: self.mask(), at: self.word(), kind: self.int() }
    }
}
