//! Expressions as JSON.

#![expect(clippy::wildcard_enum_match_arm, reason = "an expression is either a scalar or compound")]

use super::Json;
use crate::data::Name;
use crate::expr::{Expr, Literal};

impl Json {
    pub(super) fn fields(&mut self, fields: &[(Name, Expr)]) {
        for (name, value) in fields {
            self.name(name);
            self.expr(value);
        }
    }

    pub(super) fn expr(&mut self, expr: &Expr) {
        match expr {
            Expr::Literal(Literal::Null) => self.raw("null"),
            Expr::Literal(Literal::Bool(b)) => self.raw(if *b { "true" } else { "false" }),
            Expr::Literal(Literal::Int(i)) => self.int(*i),
            // `{:?}` keeps the point of a number that could pass for a whole one.
            Expr::Literal(Literal::Num(n)) => self.raw(&format!("{n:?}")),
            Expr::Root(name) => self.name(name),
            _ => self.array(|out| out.compound(expr)),
        }
    }

    fn raw(&mut self, text: &str) {
        self.comma();
        self.0.push_str(text);
    }

    fn compound(&mut self, expr: &Expr) {
        match expr {
            Expr::Literal(Literal::Str(text)) => {
                self.int(0);
                self.text(text);
            }
            Expr::Item(depth) => {
                self.int(1);
                self.int(*depth);
            }
            Expr::Index(depth) => {
                self.int(2);
                self.int(*depth);
            }
            Expr::Local(at) => {
                self.int(3);
                self.local(*at);
            }
            Expr::Special(which) => {
                self.int(4);
                self.int(*which as u8);
            }
            Expr::Field(of, name) => {
                self.int(5);
                self.expr(of);
                self.name(name);
            }
            Expr::At(a, b) => self.pair(6, a, b),
            Expr::Contains(a, b) => self.pair(7, a, b),
            Expr::Unary(op, of) => {
                self.int(8);
                self.int(*op as u8);
                self.expr(of);
            }
            Expr::Binary(op, a, b) => {
                self.int(9);
                self.int(*op as u8);
                self.expr(a);
                self.expr(b);
            }
            Expr::If(condition, then, or) => {
                self.pair(10, condition, then);
                self.expr(or);
            }
            Expr::Concat(parts) => {
                self.int(11);
                parts.iter().for_each(|part| self.expr(part));
            }
            Expr::Object(fields) => {
                self.int(12);
                self.fields(fields);
            }
            Expr::Literal(_) | Expr::Root(_) => self.expr(expr),
        }
    }

    fn pair(&mut self, tag: u8, a: &Expr, b: &Expr) {
        self.int(tag);
        self.expr(a);
        self.expr(b);
    }
}
