//! A precedence parser. It stops at the first error of an expression; other expressions are still
//! parsed.

#![expect(clippy::wildcard_enum_match_arm, reason = "all other tokens are errors")]

use super::lexer::{self, Token, TokenKind, tokens};
use super::{Ast, AstKind, Ident, SyntaxError};
use crate::expr::{Binary, Literal, Unary};

/// Maximum number of parts in an expression. It bounds the depth of all later recursion.
const PARTS: usize = 200;

pub(super) type Parsed<T> = Result<T, SyntaxError>;

pub(super) struct ExpressionParser {
    tokens: Vec<Token>,
    next: usize,
    parts: usize,
    end: Token,
}

impl ExpressionParser {
    pub(super) fn new(text: &str, base: u32) -> Parsed<Self> {
        let tokens = tokens(text, base)?;
        let at = tokens.last().map_or(base, |token| token.at);
        Ok(Self { tokens, next: 0, parts: 0, end: Token { at, kind: TokenKind::End } })
    }

    pub(super) fn peek(&self) -> &Token {
        self.tokens.get(self.next).unwrap_or(&self.end)
    }

    pub(super) fn next(&mut self) -> Token {
        let token = self.peek().clone();
        self.next += 1;
        token
    }

    pub(super) fn at(&self) -> u32 {
        self.peek().at
    }

    pub(super) fn sign(&self) -> Option<&'static str> {
        match self.peek().kind {
            TokenKind::Sign(sign) => Some(sign),
            TokenKind::Name(_) | TokenKind::Literal(_) | TokenKind::End => None,
        }
    }

    pub(super) fn eat(&mut self, sign: &str) -> bool {
        let there = self.sign() == Some(sign);
        if there {
            self.next += 1;
        }
        there
    }

    pub(super) fn expect(&mut self, sign: &str, message: &str) -> Parsed<()> {
        if self.eat(sign) { Ok(()) } else { Err((self.at(), message.to_owned())) }
    }

    pub(super) fn name(&mut self, what: &str) -> Parsed<Ident> {
        let token = self.next();
        match token.kind {
            TokenKind::Name(text) if !text.starts_with('$') => Ok(Ident { at: token.at, text }),
            kind => Err((token.at, format!("expected {what}, not {}", shown(&kind)))),
        }
    }

    pub(super) fn end(&self, expected: &str) -> Parsed<()> {
        match &self.peek().kind {
            TokenKind::End => Ok(()),
            kind => Err((self.at(), complaint(kind, expected))),
        }
    }

    /// Parses items separated by `;` up to the end.
    pub(super) fn list<T>(&mut self, item: impl Fn(&mut Self) -> Parsed<T>) -> Parsed<Vec<T>> {
        let mut out = Vec::new();
        while self.peek().kind != TokenKind::End {
            out.push(item(self)?);
            if !self.eat(";") {
                self.end("`;`")?;
            }
        }
        if out.is_empty() {
            return Err((self.at(), "the value is empty".to_owned()));
        }
        Ok(out)
    }

    /// Parses items separated by `,` up to a closing sign.
    pub(super) fn until<T>(
        &mut self,
        close: &'static str,
        item: impl Fn(&mut Self) -> Parsed<T>,
    ) -> Parsed<Vec<T>> {
        let mut out = Vec::new();
        loop {
            if self.eat(close) {
                return Ok(out);
            }
            if self.peek().kind == TokenKind::End {
                return Err((self.at(), format!("expected `{close}`, not the end")));
            }
            out.push(item(self)?);
            if !self.eat(",") && self.sign() != Some(close) {
                let what = complaint(&self.peek().kind, &format!("`,` or `{close}`"));
                return Err((self.at(), what));
            }
        }
    }

    fn make(&mut self, at: u32, kind: AstKind) -> Parsed<Ast> {
        self.parts += 1;
        if self.parts > PARTS {
            return Err((at, "this expression is too long: make it a computed field in Rust".to_owned()));
        }
        Ok(Ast { at, kind })
    }

    pub(super) fn expression(&mut self) -> Parsed<Ast> {
        // This also counts here, so that the nesting of parentheses is bounded.
        self.parts += 1;
        if self.parts > PARTS {
            return Err((self.at(), "this expression is nested too deeply".to_owned()));
        }
        let condition = self.binary(0)?;
        if !self.eat("?") {
            return Ok(condition);
        }
        let then = self.expression()?;
        self.expect(":", "`a ? b : c` needs a `:`")?;
        let or = self.expression()?;
        self.make(condition.at, AstKind::If(condition.into(), then.into(), or.into()))
    }

    fn binary(&mut self, least: u8) -> Parsed<Ast> {
        let mut left = self.unary()?;
        let mut compared = false;
        while let Some((op, level)) = self.sign().and_then(operator).filter(|(_, level)| *level >= least) {
            let at = self.at();
            let compares = level == COMPARISON || level == EQUALITY;
            if compares && compared {
                return Err((at, "comparisons cannot be chained: write `a < b && b < c`".to_owned()));
            }
            compared = compares;
            self.next += 1;
            let right = self.binary(level + 1)?;
            left = self.make(left.at, AstKind::Binary(op, left.into(), right.into()))?;
        }
        Ok(left)
    }

    fn unary(&mut self) -> Parsed<Ast> {
        let at = self.at();
        let op = match self.sign() {
            Some("!") => Unary::Not,
            Some("-") => Unary::Negate,
            _ => return self.postfix(),
        };
        self.next += 1;
        self.parts += 1;
        if self.parts > PARTS {
            return Err((at, "this expression is nested too deeply".to_owned()));
        }
        let of = self.unary()?;
        match (op, &of.kind) {
            (Unary::Negate, AstKind::Literal(Literal::Int(i))) => {
                let literal = Literal::Int(i.wrapping_neg());
                Ok(Ast { at, kind: AstKind::Literal(literal) })
            }
            (Unary::Negate, AstKind::Literal(Literal::Num(n))) => {
                Ok(Ast { at, kind: AstKind::Literal(lexer::float(-n)) })
            }
            _ => self.make(at, AstKind::Unary(op, of.into())),
        }
    }

    fn postfix(&mut self) -> Parsed<Ast> {
        let mut of = self.primary()?;
        loop {
            if self.eat(".") {
                let name = self.name("the name of a field")?;
                of = if self.eat("(") {
                    let args = self.until(")", Self::expression)?;
                    self.make(of.at, AstKind::Method(of.into(), name, args))?
                } else {
                    self.make(of.at, AstKind::Field(of.into(), name))?
                };
            } else if self.eat("[") {
                let index = self.expression()?;
                self.expect("]", "`[` has no closing `]`")?;
                of = self.make(of.at, AstKind::At(of.into(), index.into()))?;
            } else {
                return Ok(of);
            }
        }
    }

    fn primary(&mut self) -> Parsed<Ast> {
        let Token { at, kind } = self.next();
        match kind {
            TokenKind::Literal(literal) => self.make(at, AstKind::Literal(literal)),
            TokenKind::Name(name) if self.sign() == Some("(") => Err((
                at,
                format!(
                    "`{name}(…)` cannot be called here: events call actions, and a computed value is a field, `#[live(computed)]` in Rust"
                ),
            )),
            TokenKind::Name(name) if matches!(self.sign(), Some("::" | "{")) => self.route(at, name),
            TokenKind::Name(name) => self.make(at, AstKind::Name(name)),
            TokenKind::Sign("(") => {
                let inner = self.expression()?;
                self.expect(")", "`(` has no closing `)`")?;
                Ok(inner)
            }
            TokenKind::Sign("{") => {
                let fields = self.until("}", |p| {
                    let name = p.name("the name of a field")?;
                    p.expect(":", "an object needs the form `{ name: value, … }`")?;
                    Ok((name, p.expression()?))
                })?;
                self.make(at, AstKind::Object(fields))
            }
            TokenKind::Sign("[") => {
                Err((at, "list literals are not supported: make it a field in Rust".to_owned()))
            }
            TokenKind::End => Err((at, "the expression is empty".to_owned())),
            kind @ TokenKind::Sign(_) => Err((at, complaint(&kind, "an expression"))),
        }
    }
}

impl ExpressionParser {
    /// Parses a route after the first name of its path: `routes::Item { id, page: 2 }`.
    fn route(&mut self, at: u32, mut path: String) -> Parsed<Ast> {
        while self.eat("::") {
            path.push_str("::");
            path.push_str(&self.name("the name of a route")?.text);
        }
        let mut parameters = Vec::new();
        if self.eat("{") {
            parameters = self.until("}", |p| {
                let name = p.name("the name of a parameter")?;
                let value = if p.eat(":") {
                    p.expression()?
                } else {
                    Ast { at: name.at, kind: AstKind::Name(name.text.clone()) }
                };
                Ok((name, value))
            })?;
        }
        self.make(at, AstKind::Route(path, parameters))
    }
}

const EQUALITY: u8 = 3;
const COMPARISON: u8 = 4;

fn operator(sign: &str) -> Option<(Binary, u8)> {
    Some(match sign {
        "??" => (Binary::Coalesce, 0),
        "||" => (Binary::Or, 1),
        "&&" => (Binary::And, 2),
        "==" => (Binary::Eq, EQUALITY),
        "!=" => (Binary::Ne, EQUALITY),
        "<" => (Binary::Lt, COMPARISON),
        "<=" => (Binary::Le, COMPARISON),
        ">" => (Binary::Gt, COMPARISON),
        ">=" => (Binary::Ge, COMPARISON),
        "+" => (Binary::Add, 5),
        "-" => (Binary::Sub, 5),
        "*" => (Binary::Mul, 6),
        "/" => (Binary::Div, 6),
        "%" => (Binary::Rem, 6),
        _ => return None,
    })
}

/// Describes why a token is not allowed here.
fn complaint(kind: &TokenKind, expected: &str) -> String {
    match kind {
        TokenKind::Sign("===" | "!==") => {
            "`===` and `!==` are not supported: `==` and `!=` compare exactly".to_owned()
        }
        TokenKind::Sign("=") => "`=` is not allowed here: compare with `==`".to_owned(),
        TokenKind::Sign("|") => {
            "filters are not supported: format it in Rust, as a field; `||` is `or`".to_owned()
        }
        TokenKind::Sign("&") => "write `&&` for `and`".to_owned(),
        TokenKind::Sign("?.") => {
            "`?.` is not supported: write `.`, because a field of null is null".to_owned()
        }
        TokenKind::Sign("=>") => "functions are not supported".to_owned(),
        TokenKind::Sign(sign @ ("++" | "--" | "+=" | "-=")) => {
            format!("`{sign}` is not supported in expressions")
        }
        TokenKind::Name(word) if word == "and" => "write `&&` for `and`".to_owned(),
        TokenKind::Name(word) if word == "or" => "write `||` for `or`".to_owned(),
        kind => format!("expected {expected}, not {}", shown(kind)),
    }
}

fn shown(kind: &TokenKind) -> String {
    match kind {
        TokenKind::Name(name) => format!("`{name}`"),
        TokenKind::Literal(Literal::Str(text)) => format!("the text '{text}'"),
        TokenKind::Literal(_) => "a literal".to_owned(),
        TokenKind::Sign(sign) => format!("`{sign}`"),
        TokenKind::End => "the end".to_owned(),
    }
}
