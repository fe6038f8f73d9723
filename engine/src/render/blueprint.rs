//! A template as a page holds it: its code as it came, and the names in it as keys.

use vivaz_template::code::{self, VERSION};

use super::Stage;
use crate::dom::Op;
use crate::value::{Key, Val};

pub(crate) struct Blueprint {
    pub(crate) hash: Key,
    keys: Vec<Key>,
    /// What each bit of a mask means: a field and a part of it, or the depth of a loop below 0 and
    /// a field of its item.
    meaning: Vec<Val>,
    code: Vec<Val>,
    /// The number of block 0, as the DOM knows it; the others follow.
    pub(super) base: u32,
}

impl Blueprint {
    /// Takes a template in its JSON form, and gives the DOM its part; `None` if it is none.
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

    /// The bits of a change of a field, or of a part of it; -1 for all of it.
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

    /// What a number stands for: a name comes as its position, anything else is below 0.
    fn id(&self, at: &Val) -> i64 {
        let Val::Int(at) = at else { return -1 };
        if *at < 0 { *at } else { self.keys.get(*at as usize).map_or(-1, |key| i64::from(key.id())) }
    }

    /// Reads the code at an address.
    pub(super) fn at(&self, at: usize) -> BlueprintReader<'_> {
        BlueprintReader { print: self, at }
    }

    /// Reads the code of a block.
    pub(super) fn block(&self, block: u32) -> Block<'_> {
        let at = self.at(block as usize).word();
        let mut code = self.at(at as usize);
        Block { nodes: code.word(), mask: code.mask(), locals: code.word(), holes: code.word(), code }
    }
}

/// The beginning of a block's code.
pub(super) struct Block<'p> {
    /// How many numbers of nodes an instance takes.
    pub(super) nodes: u32,
    pub(super) mask: u64,
    /// The address of its locals.
    pub(super) locals: u32,
    pub(super) holes: u32,
    /// Where the holes begin.
    pub(super) code: BlueprintReader<'p>,
}

/// The beginning of a hole's code.
pub(super) struct Hole {
    pub(super) end: usize,
    pub(super) mask: u64,
    /// Its position among the block's holes.
    pub(super) at: u32,
    pub(super) kind: i64,
}

/// Reads code, one scalar after the other. What is not there is null, and what is no number is 0.
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

    /// A name.
    pub(super) fn key(&mut self) -> Key {
        let at = self.word();
        self.print.keys.get(at as usize).copied().unwrap_or(Key::from_id(u32::MAX))
    }

    /// A name, as the number of its key; -1 for none.
    pub(super) fn name(&mut self) -> i64 {
        let mut next = *self;
        if next.int() < 0 { self.int() } else { i64::from(self.key().id()) }
    }

    pub(super) fn hole(&mut self) -> Hole {
        Hole { end: self.word() as usize, mask: self.mask(), at: self.word(), kind: self.int() }
    }
}
