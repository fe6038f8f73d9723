//! Writing the compiled form as JSON: what the page downloads, and what a template's hash is made of. See `decode`.

mod expr;

use std::fmt::Write;

use crate::compiled::{
    Block, Guess, Hole, HoleKind, ModelModifiers, Modifiers, Statement, Step, Template, WireEffect,
};
use crate::data::Name;
use crate::decode::VERSION;
use crate::expr::LocalRef;

impl Template {
    /// The template as JSON in its compact form. The same template gives the same bytes.
    pub fn to_json(&self) -> String {
        let mut out = Json(String::new());
        out.array(|out| {
            out.int(VERSION);
            for block in &self.blocks {
                out.array(|out| out.block(block));
            }
        });
        out.0
    }
}

struct Json(String);

impl Json {
    fn array(&mut self, write: impl FnOnce(&mut Self)) {
        self.comma();
        self.0.push('[');
        write(self);
        self.0.push(']');
    }

    /// A comma where something precedes in the same array.
    fn comma(&mut self) {
        if !self.0.is_empty() && !self.0.ends_with('[') {
            self.0.push(',');
        }
    }

    fn int(&mut self, i: impl Into<i64>) {
        self.comma();
        // Writing to a String cannot fail, here and below.
        let _ = write!(self.0, "{}", i.into());
    }

    fn text(&mut self, text: &str) {
        self.comma();
        self.0.push('"');
        for c in text.chars() {
            match c {
                '"' => self.0.push_str("\\\""),
                '\\' => self.0.push_str("\\\\"),
                '\n' => self.0.push_str("\\n"),
                c if c < ' ' => {
                    let _ = write!(self.0, "\\u{:04x}", u32::from(c));
                }
                c => self.0.push(c),
            }
        }
        self.0.push('"');
    }

    fn name(&mut self, name: &Name) {
        self.text(&name.text);
    }

    fn block(&mut self, block: &Block) {
        self.text(&block.html);
        self.int(block.namespace as u8);
        self.array(|out| {
            for (name, first) in &block.locals {
                out.text(name);
                out.expr(first);
            }
        });
        self.array(|out| {
            for hole in &block.holes {
                out.array(|out| out.hole(hole));
            }
        });
    }

    fn step(&mut self, step: Step) {
        self.int(step.comments);
        self.int(step.elements);
    }

    fn hole(&mut self, hole: &Hole) {
        let (tag, kind) = (tag(&hole.kind), &hole.kind);
        self.int(tag);
        self.array(|out| hole.path.iter().for_each(|step| out.step(*step)));
        match kind {
            HoleKind::Text { after, value } => {
                self.step(*after);
                self.expr(value);
            }
            HoleKind::Content { value } | HoleKind::Html { value } => self.expr(value),
            HoleKind::Attribute { name, value, kind } => {
                self.text(name);
                self.int(*kind as u8);
                self.expr(value);
            }
            HoleKind::Class { name, on } => {
                self.text(name);
                self.expr(on);
            }
            HoleKind::Style { property, value } => {
                self.text(property);
                self.expr(value);
            }
            HoleKind::Show { on } => self.expr(on),
            HoleKind::For { start, end, list, key, block } => {
                self.step(*start);
                self.int(end.map_or(-1, i64::from));
                self.index(*block);
                self.expr(list);
                self.expr(key);
            }
            HoleKind::If { start, end, arms } => {
                self.step(*start);
                self.int(end.map_or(-1, i64::from));
                self.array(|out| {
                    for (condition, block) in arms {
                        out.index(*block);
                        out.array(|out| condition.iter().for_each(|condition| out.expr(condition)));
                    }
                });
            }
            HoleKind::Event { event, modifiers, run, optimistic } => {
                self.text(event);
                self.array(|out| out.modifiers(modifiers));
                self.array(|out| run.iter().for_each(|one| out.array(|out| out.statement(one))));
                self.array(|out| optimistic.iter().for_each(|one| out.array(|out| out.guess(one))));
            }
            HoleKind::Model { field, control, modifiers } => {
                self.name(field);
                self.int(*control as u8);
                self.model_modifiers(modifiers);
            }
            HoleKind::Wire { state, effect, target } => {
                self.int(*state as u8);
                match effect {
                    WireEffect::Show => self.int(0),
                    WireEffect::Class(classes) => {
                        self.int(1);
                        self.text(classes);
                    }
                    WireEffect::Attribute(name) => {
                        self.int(2);
                        self.text(name);
                    }
                }
                target.iter().for_each(|target| self.text(target));
            }
            HoleKind::Ref { name } | HoleKind::Hook { name } => self.text(name),
            HoleKind::Ignore => {}
            HoleKind::Child { component, props, key } => {
                self.text(component);
                self.array(|out| out.fields(props));
                key.iter().for_each(|key| self.expr(key));
            }
        }
    }

    fn index(&mut self, block: usize) {
        // A template with more blocks than this does not fit any message.
        self.int(u16::try_from(block).unwrap_or(u16::MAX));
    }

    fn modifiers(&mut self, m: &Modifiers) {
        self.flags(&[m.prevent, m.stop, m.only_self, m.once, m.drop]);
        self.int(m.target as u8);
        self.int(m.held);
        self.int(m.debounce.map_or(-1, i64::from));
        self.int(m.throttle.map_or(-1, i64::from));
        self.array(|out| m.keys.iter().for_each(|key| out.text(key)));
    }

    fn model_modifiers(&mut self, m: &ModelModifiers) {
        self.flags(&[m.trim, m.number, m.force]);
        self.int(m.send as u8);
        self.int(m.debounce.map_or(-1, i64::from));
    }

    fn flags(&mut self, flags: &[bool]) {
        self.int(flags.iter().rev().fold(0, |bits, flag| bits << 1 | i64::from(*flag)));
    }

    fn statement(&mut self, statement: &Statement) {
        match statement {
            Statement::Call { action, args } => {
                self.int(0);
                self.text(action);
                self.array(|out| args.iter().for_each(|arg| out.expr(arg)));
            }
            Statement::Set { local, value } => {
                self.int(1);
                self.local(*local);
                self.expr(value);
            }
        }
    }

    fn guess(&mut self, guess: &Guess) {
        let (tag, a, b) = match guess {
            Guess::Set { path, value } => (0, path, value),
            Guess::Push { list, item } => (1, list, item),
            Guess::Remove { list, key } => (2, list, key),
        };
        self.int(tag);
        self.expr(a);
        self.expr(b);
    }

    fn local(&mut self, at: LocalRef) {
        self.int(at.level);
        self.int(at.slot);
    }
}

fn tag(kind: &HoleKind) -> u8 {
    match kind {
        HoleKind::Text { .. } => 0,
        HoleKind::Content { .. } => 1,
        HoleKind::Html { .. } => 2,
        HoleKind::Attribute { .. } => 3,
        HoleKind::Class { .. } => 4,
        HoleKind::Style { .. } => 5,
        HoleKind::Show { .. } => 6,
        HoleKind::For { .. } => 7,
        HoleKind::If { .. } => 8,
        HoleKind::Event { .. } => 9,
        HoleKind::Model { .. } => 10,
        HoleKind::Wire { .. } => 11,
        HoleKind::Ref { .. } => 12,
        HoleKind::Hook { .. } => 13,
        HoleKind::Ignore => 14,
        HoleKind::Child { .. } => 15,
    }
}
