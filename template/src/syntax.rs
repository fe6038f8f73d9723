//! The grammar of expressions, statements and loops, with names still as they were written.

mod forms;
mod lexer;
mod parser;

pub(crate) use forms::{expression, guesses, key_value, loop_head, statements};

use crate::expr::{Binary, Literal, Unary};

/// A mistake in an expression: where, and what.
pub(crate) type SyntaxError = (u32, String);

/// An expression as written.
#[derive(Clone, Debug)]
pub(crate) struct Ast {
    pub(crate) at: u32,
    pub(crate) kind: AstKind,
}

#[derive(Clone, Debug)]
pub(crate) enum AstKind {
    Literal(Literal),
    /// A name; those of the language with their `$`.
    Name(String),
    /// `a.b`
    Field(Box<Ast>, Ident),
    /// `a[b]`
    At(Box<Ast>, Box<Ast>),
    /// `a.b(c)`
    Method(Box<Ast>, Ident, Vec<Ast>),
    Unary(Unary, Box<Ast>),
    Binary(Binary, Box<Ast>, Box<Ast>),
    If(Box<Ast>, Box<Ast>, Box<Ast>),
    Object(Vec<(Ident, Ast)>),
}

/// A name and its place.
#[derive(Clone, Debug)]
pub(crate) struct Ident {
    pub(crate) at: u32,
    pub(crate) text: String,
}

/// One statement of an event as written.
#[derive(Debug)]
pub(crate) enum StatementAst {
    /// `save(a, b)`, or `save` alone.
    Call(Ident, Vec<Ast>),
    /// `help = !help`
    Set(Ident, Ast),
}

/// One guess of `live:optimistic` as written.
#[derive(Debug)]
pub(crate) enum GuessAst {
    /// `a.b = c`
    Set(Ast, Ast),
    /// `a.push(b)`
    Push(Ast, Ast),
    /// `a.remove(b)`
    Remove(Ast, Ast),
}

/// `item in list`, `item, index in list`
#[derive(Debug)]
pub(crate) struct LoopHead {
    pub(crate) item: Ident,
    pub(crate) index: Option<Ident>,
    pub(crate) list: Ast,
}
