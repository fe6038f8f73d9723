//! Expressions.

use super::Reader;
use crate::data::{Data, Kind};
use crate::expr::{Binary, Expr, Literal, Special, Unary};

impl<D: Data> Reader<'_, '_, '_, D> {
    pub(super) fn expr(&mut self) -> Expr {
        Expr::Literal(match self.kind() {
            Kind::Null => Literal::Null,
            Kind::Bool(b) => Literal::Bool(b),
            Kind::Int(i) => Literal::Int(i),
            Kind::Num(n) => Literal::Num(n),
            Kind::Str(name) => return Expr::Root(self.named(name.into())),
            Kind::List(items) => {
                return Reader { rest: items.iter(), cx: &mut *self.cx }.compound();
            }
            Kind::Map => {
                self.cx.bad = true;
                Literal::Null
            }
        })
    }

    fn compound(mut self) -> Expr {
        match self.int() {
            0 => Expr::Literal(Literal::Str(self.text())),
            1 => Expr::Item(self.small()),
            2 => Expr::Index(self.small()),
            3 => Expr::Local(self.local()),
            4 => Expr::Special(self.one_of(
                &[
                    Special::Value,
                    Special::Checked,
                    Special::Form,
                    Special::Event,
                    Special::User,
                    Special::Temp,
                ],
                Special::Value,
            )),
            5 => Expr::Field(self.boxed(), self.name()),
            6 => Expr::At(self.boxed(), self.boxed()),
            7 => Expr::Contains(self.boxed(), self.boxed()),
            8 => Expr::Unary(
                self.one_of(&[Unary::Not, Unary::Negate, Unary::Len, Unary::IsEmpty], Unary::Not),
                self.boxed(),
            ),
            9 => {
                let op = self.one_of(
                    &[
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
                    ],
                    Binary::And,
                );
                Expr::Binary(op, self.boxed(), self.boxed())
            }
            10 => Expr::If(self.boxed(), self.boxed(), self.boxed()),
            11 => Expr::Concat(self.all(Reader::expr)),
            12 => Expr::Object(self.all(|r| (r.name(), r.expr()))),
            _ => {
                self.cx.bad = true;
                Expr::Literal(Literal::Null)
            }
        }
    }

    fn boxed(&mut self) -> Box<Expr> {
        Box::new(self.expr())
    }
}
