//! The grammar of expressions, statements and loops, with names as written.

mod forms;
mod lexer;
mod parser;

pub(crate) use forms::{expression, key_value, loop_head, optimistic_updates, statements};

use crate::expr::{Binary, Literal, Unary};

/// An error in an expression: its offset and its text.
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
    /// A name; special names include their `$`.
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
    /// The concatenation of texts, which has no form of its own: an attribute of a partial.
    Concat(Vec<Ast>),
    /// `routes::Item { id, page: 2 }`: a route with its parameters.
    Route(String, Vec<(Ident, Ast)>),
}

/// A name and its offset.
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

/// One update of `live:optimistic` as written.
#[derive(Debug)]
pub(crate) enum OptimisticAst {
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
