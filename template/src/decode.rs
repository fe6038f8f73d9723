//! Reading the compiled form back from JSON, over whatever value type the reader has parsed it into.
//!
//! Everything is an array that starts with a small number for its kind, except that scalars stand for themselves and
//! a bare string for a field of the component. The other half, `encode`, has the same order of everything. Written by
//! hand rather than derived from serde: this goes into every page.

mod expr;

use crate::compiled::{
    AttributeKind, Block, Control, EventTarget, Guess, Hole, HoleKind, ModelModifiers, ModelSend, Modifiers,
    Namespace, Statement, Step, Template, WireEffect, WireState,
};
use crate::data::{Data, Kind, Name};
use crate::expr::LocalRef;

/// The version of the compiled form, its first element.
pub(crate) const VERSION: i64 = 1;

/// The data is not a template of this version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeError;

impl std::fmt::Display for DecodeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("not a compiled template of this version")
    }
}

impl std::error::Error for DecodeError {}

impl Template {
    /// Reads what [`Template::to_json`] wrote, parsed into any [`Data`]. `intern` gives each field name the number that
    /// the reader knows it by.
    ///
    /// # Errors
    /// When the data is something else, or of another version.
    pub fn decode<D: Data>(data: &D, intern: &mut dyn FnMut(&str) -> u32) -> Result<Self, DecodeError> {
        let mut cx = Context { intern, bad: false };
        let template = Reader { rest: std::slice::from_ref(data).iter(), cx: &mut cx }.template();
        if cx.bad { Err(DecodeError) } else { Ok(template) }
    }
}

/// What all readers share.
struct Context<'i> {
    intern: &'i mut dyn FnMut(&str) -> u32,
    /// Something was not what it should be. Looked at once, at the end: a check at each step would double the size of
    /// this in wasm. What is read after that is made up, and dropped.
    bad: bool,
}

/// Takes one element after another from an array.
struct Reader<'a, 'c, 'i, D> {
    rest: std::slice::Iter<'a, D>,
    cx: &'c mut Context<'i>,
}

impl<'a, 'i, D: Data> Reader<'a, '_, 'i, D> {
    fn kind(&mut self) -> Kind<'a, D> {
        self.rest.next().map_or(Kind::Map, Data::kind)
    }

    fn bad<T: Default>(&mut self) -> T {
        self.cx.bad = true;
        T::default()
    }

    fn more(&self) -> bool {
        self.rest.len() > 0
    }

    fn list(&mut self) -> Reader<'a, '_, 'i, D> {
        let Kind::List(items) = self.kind() else {
            self.cx.bad = true;
            return Reader { rest: [].iter(), cx: &mut *self.cx };
        };
        Reader { rest: items.iter(), cx: &mut *self.cx }
    }

    fn int(&mut self) -> i64 {
        if let Kind::Int(i) = self.kind() { i } else { self.bad() }
    }

    /// A number from 0 to 65535.
    fn small(&mut self) -> u16 {
        u16::try_from(self.int()).unwrap_or_else(|_| self.bad())
    }

    /// A number, or -1 for none.
    fn maybe<T: TryFrom<i64>>(&mut self) -> Option<T> {
        self.int().try_into().ok()
    }

    fn text(&mut self) -> Box<str> {
        if let Kind::Str(s) = self.kind() { s.into() } else { self.bad() }
    }

    fn name(&mut self) -> Name {
        let text = self.text();
        self.named(text)
    }

    fn named(&mut self, text: Box<str>) -> Name {
        Name { id: (self.cx.intern)(&text), text }
    }

    /// One of a closed set, by its position.
    fn one_of<T: Copy>(&mut self, all: &[T], or: T) -> T {
        let at = self.small();
        all.get(usize::from(at)).copied().unwrap_or_else(|| {
            self.cx.bad = true;
            or
        })
    }

    /// What may stand at the end.
    fn optional<T>(&mut self, read: fn(&mut Self) -> T) -> Option<T> {
        self.more().then(|| read(self))
    }

    /// Everything that is left.
    fn all<T>(mut self, read: fn(&mut Self) -> T) -> Vec<T> {
        let mut out = Vec::new();
        while self.more() {
            out.push(read(&mut self));
        }
        out
    }

    fn template(&mut self) -> Template {
        let mut r = self.list();
        if r.int() != VERSION {
            return Template { blocks: r.bad() };
        }
        Template { blocks: r.all(|r| r.list().block()) }
    }

    fn block(&mut self) -> Block {
        Block {
            html: self.text(),
            namespace: self.one_of(&[Namespace::Html, Namespace::Svg, Namespace::MathMl], Namespace::Html),
            locals: self.list().all(|r| (r.text(), r.expr())),
            holes: self.list().all(|r| r.list().hole()),
        }
    }

    fn step(&mut self) -> Step {
        Step { comments: self.small(), elements: self.small() }
    }

    fn hole(&mut self) -> Hole {
        let kind = self.int();
        Hole { path: self.list().all(Reader::step), kind: self.hole_kind(kind) }
    }

    fn hole_kind(&mut self, kind: i64) -> HoleKind {
        match kind {
            0 => HoleKind::Text { after: self.step(), value: self.expr() },
            1 => HoleKind::Content { value: self.expr() },
            2 => HoleKind::Html { value: self.expr() },
            3 => HoleKind::Attribute {
                name: self.text(),
                kind: self.one_of(
                    &[
                        AttributeKind::Plain,
                        AttributeKind::Url,
                        AttributeKind::UrlList,
                        AttributeKind::Property,
                        AttributeKind::Word,
                        AttributeKind::Class,
                    ],
                    AttributeKind::Plain,
                ),
                value: self.expr(),
            },
            4 => HoleKind::Class { name: self.text(), on: self.expr() },
            5 => HoleKind::Style { property: self.text(), value: self.expr() },
            6 => HoleKind::Show { on: self.expr() },
            7 => HoleKind::For {
                start: self.step(),
                end: self.maybe(),
                block: self.small().into(),
                list: self.expr(),
                key: self.expr(),
            },
            8 => HoleKind::If {
                start: self.step(),
                end: self.maybe(),
                arms: self.list().all(|r| {
                    let block = r.small().into();
                    (r.list().optional(Reader::expr), block)
                }),
            },
            9 => HoleKind::Event {
                event: self.text(),
                modifiers: self.list().modifiers(),
                run: self.list().all(|r| r.list().statement()),
                optimistic: self.list().all(|r| r.list().guess()),
            },
            10 => HoleKind::Model {
                field: self.name(),
                control: self.one_of(
                    &[
                        Control::Text,
                        Control::Number,
                        Control::Checkbox,
                        Control::Radio,
                        Control::Select,
                        Control::SelectMultiple,
                    ],
                    Control::Text,
                ),
                modifiers: self.model_modifiers(),
            },
            11 => HoleKind::Wire {
                state: self
                    .one_of(&[WireState::Loading, WireState::Dirty, WireState::Offline], WireState::Loading),
                effect: match self.int() {
                    0 => WireEffect::Show,
                    1 => WireEffect::Class(self.text()),
                    _ => WireEffect::Attribute(self.text()),
                },
                target: self.optional(Reader::text),
            },
            12 => HoleKind::Ref { name: self.text() },
            13 => HoleKind::Hook { name: self.text() },
            14 => HoleKind::Ignore,
            15 => HoleKind::Child {
                component: self.text(),
                props: self.list().all(|r| (r.name(), r.expr())),
                key: self.optional(Reader::expr),
            },
            _ => {
                self.cx.bad = true;
                HoleKind::Ignore
            }
        }
    }

    fn modifiers(&mut self) -> Modifiers {
        let flags = self.int();
        Modifiers {
            prevent: flags & 1 != 0,
            stop: flags & 2 != 0,
            only_self: flags & 4 != 0,
            once: flags & 8 != 0,
            drop: flags & 16 != 0,
            target: self.one_of(
                &[EventTarget::Element, EventTarget::Window, EventTarget::Outside],
                EventTarget::Element,
            ),
            held: self.small() as u8,
            debounce: self.maybe(),
            throttle: self.maybe(),
            keys: self.list().all(Reader::text),
        }
    }

    fn model_modifiers(&mut self) -> ModelModifiers {
        let flags = self.int();
        ModelModifiers {
            trim: flags & 1 != 0,
            number: flags & 2 != 0,
            force: flags & 4 != 0,
            send: self.one_of(&[ModelSend::Input, ModelSend::Change, ModelSend::Blur], ModelSend::Input),
            debounce: self.maybe(),
        }
    }

    fn statement(&mut self) -> Statement {
        match self.int() {
            0 => Statement::Call { action: self.text(), args: self.list().all(Reader::expr) },
            _ => Statement::Set { local: self.local(), value: self.expr() },
        }
    }

    fn guess(&mut self) -> Guess {
        match self.int() {
            0 => Guess::Set { path: self.expr(), value: self.expr() },
            1 => Guess::Push { list: self.expr(), item: self.expr() },
            _ => Guess::Remove { list: self.expr(), key: self.expr() },
        }
    }

    fn local(&mut self) -> LocalRef {
        LocalRef { level: self.small(), slot: self.small() }
    }
}
