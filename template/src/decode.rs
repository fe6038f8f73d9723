//! Reading the compiled form back from JSON, over whatever value type the reader has parsed it into.
//!
//! Everything is an array that starts with a small number for its kind, except that scalars stand for themselves and
//! a bare string for a field of the component. The other half, `encode`, has the same order of everything. Written by
//! hand rather than derived from serde: this goes into every page.

use crate::compiled::{
    AttributeKind, Block, Control, EventTarget, Guess, Hole, HoleKind, ModelModifiers, ModelSend, Modifiers,
    Namespace, Statement, Step, Template, WireEffect, WireState,
};
use crate::data::{Data, Kind, Name};
use crate::expr::{Binary, Expr, Literal, LocalRef, Special, Unary};

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
        Reader { rest: std::slice::from_ref(data).iter(), intern }.template().ok_or(DecodeError)
    }
}

/// Takes one element after another from an array.
struct Reader<'a, 'i, D> {
    rest: std::slice::Iter<'a, D>,
    intern: &'i mut dyn FnMut(&str) -> u32,
}

impl<'a, D: Data> Reader<'a, '_, D> {
    fn list(&mut self) -> Option<Reader<'a, '_, D>> {
        let Kind::List(items) = self.rest.next()?.kind() else { return None };
        Some(Reader { rest: items.iter(), intern: &mut *self.intern })
    }

    fn int(&mut self) -> Option<i64> {
        let Kind::Int(i) = self.rest.next()?.kind() else { return None };
        Some(i)
    }

    fn small(&mut self) -> Option<u16> {
        self.int()?.try_into().ok()
    }

    fn text(&mut self) -> Option<Box<str>> {
        let Kind::Str(s) = self.rest.next()?.kind() else { return None };
        Some(s.into())
    }

    fn name(&mut self) -> Option<Name> {
        let text = self.text()?;
        Some(self.named(text))
    }

    fn named(&mut self, text: Box<str>) -> Name {
        Name { id: (self.intern)(&text), text }
    }

    /// One of a closed set, by its position.
    fn one_of<T: Copy>(&mut self, all: &[T]) -> Option<T> {
        all.get(usize::try_from(self.int()?).ok()?).copied()
    }

    /// Everything that is left.
    fn all<T>(mut self, read: fn(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let mut out = Vec::with_capacity(self.rest.len());
        while self.rest.len() > 0 {
            out.push(read(&mut self)?);
        }
        Some(out)
    }

    fn template(&mut self) -> Option<Template> {
        let mut r = self.list()?;
        if r.int()? != VERSION {
            return None;
        }
        Some(Template { blocks: r.all(|r| r.list()?.block())? })
    }

    fn block(&mut self) -> Option<Block> {
        Some(Block {
            html: self.text()?,
            namespace: self.one_of(&[Namespace::Html, Namespace::Svg, Namespace::MathMl])?,
            locals: self.list()?.all(|r| Some((r.text()?, r.expr()?)))?,
            holes: self.list()?.all(|r| r.list()?.hole())?,
        })
    }

    fn step(&mut self) -> Option<Step> {
        Some(Step { comments: self.small()?, elements: self.small()? })
    }

    fn hole(&mut self) -> Option<Hole> {
        let kind = self.int()?;
        Some(Hole { path: self.list()?.all(Reader::step)?, kind: self.hole_kind(kind)? })
    }

    fn hole_kind(&mut self, kind: i64) -> Option<HoleKind> {
        Some(match kind {
            0 => HoleKind::Text { after: self.step()?, value: self.expr()? },
            1 => HoleKind::Content { value: self.expr()? },
            2 => HoleKind::Html { value: self.expr()? },
            3 => HoleKind::Attribute {
                name: self.text()?,
                kind: self.one_of(&[
                    AttributeKind::Plain,
                    AttributeKind::Url,
                    AttributeKind::UrlList,
                    AttributeKind::Property,
                    AttributeKind::Word,
                    AttributeKind::Class,
                ])?,
                value: self.expr()?,
            },
            4 => HoleKind::Class { name: self.text()?, on: self.expr()? },
            5 => HoleKind::Style { property: self.text()?, value: self.expr()? },
            6 => HoleKind::Show { on: self.expr()? },
            7 => HoleKind::For {
                start: self.step()?,
                end: self.end()?,
                block: self.small()?.into(),
                list: self.expr()?,
                key: self.expr()?,
            },
            8 => HoleKind::If {
                start: self.step()?,
                end: self.end()?,
                arms: self.list()?.all(|r| {
                    let block = r.small()?.into();
                    let mut condition = r.list()?;
                    Some((if condition.rest.len() > 0 { Some(condition.expr()?) } else { None }, block))
                })?,
            },
            9 => HoleKind::Event {
                event: self.text()?,
                modifiers: self.list()?.modifiers()?,
                run: self.list()?.all(|r| r.list()?.statement())?,
                optimistic: self.list()?.all(|r| r.list()?.guess())?,
            },
            10 => HoleKind::Model {
                field: self.name()?,
                control: self.one_of(&[
                    Control::Text,
                    Control::Number,
                    Control::Checkbox,
                    Control::Radio,
                    Control::Select,
                    Control::SelectMultiple,
                ])?,
                modifiers: self.model_modifiers()?,
            },
            11 => HoleKind::Wire {
                state: self.one_of(&[WireState::Loading, WireState::Dirty, WireState::Offline])?,
                effect: match self.int()? {
                    0 => WireEffect::Show,
                    1 => WireEffect::Class(self.text()?),
                    2 => WireEffect::Attribute(self.text()?),
                    _ => return None,
                },
                target: if self.rest.len() > 0 { Some(self.text()?) } else { None },
            },
            12 => HoleKind::Ref { name: self.text()? },
            13 => HoleKind::Hook { name: self.text()? },
            14 => HoleKind::Ignore,
            15 => HoleKind::Child {
                component: self.text()?,
                props: self.list()?.all(|r| Some((r.name()?, r.expr()?)))?,
                key: if self.rest.len() > 0 { Some(self.expr()?) } else { None },
            },
            _ => return None,
        })
    }

    /// An end anchor, -1 for none.
    fn end(&mut self) -> Option<Option<u16>> {
        Some(self.int()?.try_into().ok())
    }

    fn millis(&mut self) -> Option<Option<u32>> {
        Some(self.int()?.try_into().ok())
    }

    fn modifiers(&mut self) -> Option<Modifiers> {
        let flags = self.int()?;
        Some(Modifiers {
            prevent: flags & 1 != 0,
            stop: flags & 2 != 0,
            only_self: flags & 4 != 0,
            once: flags & 8 != 0,
            drop: flags & 16 != 0,
            target: self.one_of(&[EventTarget::Element, EventTarget::Window, EventTarget::Outside])?,
            held: self.small()? as u8,
            debounce: self.millis()?,
            throttle: self.millis()?,
            keys: self.list()?.all(Reader::text)?,
        })
    }

    fn model_modifiers(&mut self) -> Option<ModelModifiers> {
        let flags = self.int()?;
        Some(ModelModifiers {
            trim: flags & 1 != 0,
            number: flags & 2 != 0,
            force: flags & 4 != 0,
            send: self.one_of(&[ModelSend::Input, ModelSend::Change, ModelSend::Blur])?,
            debounce: self.millis()?,
        })
    }

    fn statement(&mut self) -> Option<Statement> {
        Some(match self.int()? {
            0 => Statement::Call { action: self.text()?, args: self.list()?.all(Reader::expr)? },
            1 => Statement::Set { local: self.local()?, value: self.expr()? },
            _ => return None,
        })
    }

    fn guess(&mut self) -> Option<Guess> {
        Some(match self.int()? {
            0 => Guess::Set { path: self.expr()?, value: self.expr()? },
            1 => Guess::Push { list: self.expr()?, item: self.expr()? },
            2 => Guess::Remove { list: self.expr()?, key: self.expr()? },
            _ => return None,
        })
    }

    fn local(&mut self) -> Option<LocalRef> {
        Some(LocalRef { level: self.small()?, slot: self.small()? })
    }

    fn expr(&mut self) -> Option<Expr> {
        Some(match self.rest.next()?.kind() {
            Kind::Null => Expr::Literal(Literal::Null),
            Kind::Bool(b) => Expr::Literal(Literal::Bool(b)),
            Kind::Int(i) => Expr::Literal(Literal::Int(i)),
            Kind::Num(n) => Expr::Literal(Literal::Num(n)),
            Kind::Str(name) => Expr::Root(self.named(name.into())),
            Kind::List(items) => {
                return Reader { rest: items.iter(), intern: &mut *self.intern }.compound();
            }
            Kind::Map => return None,
        })
    }

    fn compound(mut self) -> Option<Expr> {
        Some(match self.int()? {
            0 => Expr::Literal(Literal::Str(self.text()?)),
            1 => Expr::Item(self.small()?),
            2 => Expr::Index(self.small()?),
            3 => Expr::Local(self.local()?),
            4 => Expr::Special(self.one_of(&[
                Special::Value,
                Special::Checked,
                Special::Form,
                Special::Event,
                Special::User,
                Special::Temp,
            ])?),
            5 => Expr::Field(self.boxed()?, self.name()?),
            6 => Expr::At(self.boxed()?, self.boxed()?),
            7 => Expr::Contains(self.boxed()?, self.boxed()?),
            8 => {
                let op = self.one_of(&[Unary::Not, Unary::Negate, Unary::Len, Unary::IsEmpty])?;
                Expr::Unary(op, self.boxed()?)
            }
            9 => {
                let op = self.one_of(&[
                    Binary::And,
                    Binary::Or,
                    Binary::Coalesce,
                    Binary::Eq,
                    Binary::Ne,
                    Binary::Lt,
                    Binary::Le,
                    Binary::Gt,
                    Binary::Ge,
                    Binary::Add,
                    Binary::Sub,
                    Binary::Mul,
                    Binary::Div,
                    Binary::Rem,
                ])?;
                Expr::Binary(op, self.boxed()?, self.boxed()?)
            }
            10 => Expr::If(self.boxed()?, self.boxed()?, self.boxed()?),
            11 => Expr::Concat(self.all(Reader::expr)?),
            12 => Expr::Object(self.all(|r| Some((r.name()?, r.expr()?)))?),
            _ => return None,
        })
    }

    fn boxed(&mut self) -> Option<Box<Expr>> {
        self.expr().map(Box::new)
    }
}
