//! Encodes expressions and the effects of events.

use super::child::EncodedChild;
use super::{Encoder, number};
use crate::code::op;
use crate::compiled::{HoleKind, OptimisticUpdate, Statement};
use crate::data::Name;
use crate::expr::{Binary, Expr, Literal, Special, Unary};
use crate::route::parameters;

impl Encoder {
    fn name(&mut self, name: &Name) {
        let at = self.names.at(&name.text);
        self.int(at);
    }

    /// Encodes a field of the component.
    pub(super) fn root(&mut self, name: &Name) {
        self.int(op::ROOT);
        self.name(name);
    }

    pub(super) fn object(&mut self, fields: &[(Name, Expr)]) {
        self.int(op::OBJECT);
        self.int(number(fields.len()));
        for (name, value) in fields {
            self.name(name);
            self.expr(value);
        }
    }

    /// Encodes a child: its place, and the props that read page-local state, if any.
    pub(super) fn child(&mut self, child: &EncodedChild<'_>) {
        self.int(op::OBJECT);
        self.int(1 + u8::from(!child.page.is_empty()));
        self.name(&Name::from("place"));
        self.int(op::LIST);
        self.all(&child.place);
        if !child.page.is_empty() {
            self.name(&Name::from("page"));
            self.object(&child.page);
        }
    }

    fn all(&mut self, exprs: &[Expr]) {
        self.int(number(exprs.len()));
        exprs.iter().for_each(|expr| self.expr(expr));
    }

    pub(super) fn expr(&mut self, expr: &Expr) {
        match expr {
            Expr::Literal(literal) => {
                self.int(op::LITERAL);
                match literal {
                    Literal::Null => self.code.push("null".to_owned()),
                    Literal::Bool(b) => self.code.push(b.to_string()),
                    Literal::Int(i) => self.int(*i),
                    // `{:?}` keeps the decimal point of a number that could be read as an integer.
                    Literal::Num(n) => self.code.push(format!("{n:?}")),
                    Literal::Str(text) => self.text(text),
                }
            }
            Expr::Root(name) => self.root(name),
            Expr::Item(depth) => {
                self.int(op::ITEM);
                self.int(*depth);
            }
            Expr::Index(depth) => {
                self.int(op::INDEX);
                self.int(*depth);
            }
            Expr::Local(at) => {
                self.int(op::LOCAL);
                self.int(at.level);
                self.int(at.slot);
            }
            Expr::Special(special) => {
                let part = match special {
                    Special::User => return self.int(op::USER),
                    Special::Value => "value",
                    Special::Checked => "checked",
                    Special::Form => "form",
                    Special::Event => "event",
                    // Only pages have it, and they are not encoded.
                    Special::Flash => "flash",
                    Special::Temp => "temp",
                };
                self.int(op::EVENT);
                let at = self.names.at(part);
                self.int(at);
            }
            Expr::Field(of, name) => {
                self.int(op::FIELD);
                self.name(name);
                self.expr(of);
            }
            Expr::At(a, b) => self.pair(op::AT, a, b),
            Expr::Contains(a, b) => self.pair(op::CONTAINS, a, b),
            Expr::Unary(unary, of) => {
                self.int(match unary {
                    Unary::Not => op::NOT,
                    Unary::Negate => op::NEGATE,
                    Unary::Len => op::LEN,
                    Unary::IsEmpty => op::IS_EMPTY,
                });
                self.expr(of);
            }
            Expr::Binary(binary, a, b) => {
                let at = Binary::ALL.iter().position(|known| known == binary).unwrap_or(0);
                self.pair(op::BINARY + number(at), a, b);
            }
            Expr::If(condition, then, or) => {
                self.pair(op::IF, condition, then);
                self.expr(or);
            }
            Expr::Concat(parts) => {
                self.int(op::CONCAT);
                self.all(parts);
            }
            Expr::Object(fields) => self.object(fields),
            Expr::Route(pattern, values) => {
                self.int(op::LIST);
                self.all(&route_parts(pattern, values));
            }
        }
    }

    fn pair(&mut self, op: i64, a: &Expr, b: &Expr) {
        self.int(op);
        self.expr(a);
        self.expr(b);
    }

    /// Encodes the field whose steps a list can follow, and the part of it; -1 for none.
    #[expect(clippy::wildcard_enum_match_arm, reason = "only a list that is a plain field has steps")]
    pub(super) fn followed(&mut self, list: &Expr) {
        let (root, part) = match list {
            Expr::Root(name) => (Some(name), None),
            Expr::Field(of, name) => match &**of {
                Expr::Root(root) => (Some(root), Some(name)),
                _ => (None, None),
            },
            _ => (None, None),
        };
        for name in [root, part] {
            match name {
                Some(name) => self.name(name),
                None => self.int(-1),
            }
        }
    }

    /// Encodes the effect of an event; returns its address, or 0 for another kind of hole.
    pub(super) fn event(&mut self, kind: &HoleKind) -> usize {
        let HoleKind::Event { modifiers, run, optimistic, .. } = kind else { return 0 };
        let address = self.code.len();
        self.int(if modifiers.poll.is_some() { 2 } else { u8::from(modifiers.drop) });
        self.int(number(run.len()));
        for statement in run {
            match statement {
                Statement::Call { action, args } => {
                    self.int(0);
                    self.text(action);
                    self.int(op::LIST);
                    self.all(args);
                }
                Statement::Set { local, value } => {
                    self.int(1);
                    self.int(local.level);
                    self.int(local.slot);
                    self.expr(value);
                }
                Statement::Edit { field, value } => {
                    self.int(2);
                    self.text(&field.text);
                    self.expr(value);
                }
            }
        }
        self.int(number(optimistic.len()));
        for update in optimistic {
            let (operation, path, value) = match update {
                OptimisticUpdate::Set { path, value } => (0, path, value),
                OptimisticUpdate::Push { list, item } => (1, list, item),
                OptimisticUpdate::Remove { list, key } => (2, list, key),
            };
            self.int(operation);
            let root = self.reserve();
            let count = self.reserve();
            let segments = self.way(path, root);
            self.set(count, segments);
            self.expr(value);
        }
        address
    }

    /// Encodes the segments of a path and their number; the path's root name is written to `root`.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the compiler refuses all other paths")]
    fn way(&mut self, path: &Expr, root: usize) -> usize {
        match path {
            Expr::Root(name) => {
                let at = self.names.at(&name.text);
                self.set(root, usize::try_from(at).unwrap_or(0));
                0
            }
            Expr::Field(of, name) => {
                let before = self.way(of, root);
                self.int(0);
                self.name(name);
                before + 1
            }
            Expr::At(of, id) => {
                let before = self.way(of, root);
                self.int(1);
                self.expr(id);
                before + 1
            }
            _ => 0,
        }
    }
}

/// Returns the parts of a route's URL. [`route::joined`](crate::route::joined) makes the URL of
/// their values.
fn route_parts(pattern: &str, values: &[(Name, Expr)]) -> Vec<Expr> {
    let text = |text: &str| Expr::Literal(Literal::Str(text.into()));
    let is_absent =
        |value: &Expr| Expr::Binary(Binary::Eq, value.clone().into(), Expr::Literal(Literal::Null).into());
    let in_path = i64::try_from(parameters(pattern).count()).unwrap_or(0);
    let (mut parts, mut rest) = (vec![Expr::Literal(Literal::Int(in_path))], pattern);
    while let Some((before, after)) = rest.split_once('{') {
        let (parameter, tail) = after.split_once('}').unwrap_or((after, ""));
        let value = values.iter().find(|(name, _)| &*name.text == parameter);
        parts.push(text(before));
        parts.push(value.map_or(Expr::Literal(Literal::Null), |(_, value)| value.clone()));
        rest = tail;
    }
    parts.extend([text(rest), Expr::Literal(Literal::Null)]);
    // Whether no parameter of the query precedes.
    let mut is_first: Option<Expr> = None;
    for (name, value) in values.iter().filter(|(name, _)| !parameters(pattern).any(|of| of == &*name.text)) {
        let [first, next] = ["?", "&"].map(|separator| text(&format!("{separator}{}=", &*name.text)));
        let separator = match is_first.clone() {
            Some(is_first) => Expr::If(is_first.into(), first.into(), next.into()),
            None => first,
        };
        let is_absent = is_absent(value);
        parts.push(Expr::If(is_absent.clone().into(), text("").into(), separator.into()));
        parts.push(value.clone());
        is_first = Some(match is_first {
            Some(is_first) => Expr::Binary(Binary::And, is_first.into(), is_absent.into()),
            None => is_absent,
        });
    }
    parts
}
