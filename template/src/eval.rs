//! Evaluation of expressions. The rules suit templates rather than Rust: evaluation never fails, a
//! path that does not exist is null, numbers of all kinds mix, and text concatenates with anything.
//!
//! The server walks expressions as trees, the page as code. Both use the same functions over
//! [`Kind`] for the operators, which are written to be small in WebAssembly.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "operators are grouped by their operands, and the others are handled by the last arm"
)]

mod arithmetic;

pub use arithmetic::{compute, write_digits, write_int};

use crate::data::{Data, Kind, Name};
use crate::expr::{Binary, Expr, Literal, LocalRef, Special, Unary};

/// Resolves an expression's names during an evaluation.
pub trait Scope<D> {
    /// Returns a field of the component.
    fn root(&self, name: &Name) -> Option<&D>;
    /// Returns the item of the `live:for` that is `depth` loops outwards.
    fn item(&self, depth: u16) -> Option<&D>;
    /// Returns the position in the `live:for` that is `depth` loops outwards.
    fn index(&self, depth: u16) -> usize;
    /// Returns a value of page-local state.
    fn local(&self, at: LocalRef) -> Option<&D>;
    /// Returns the value of a special name, if it has one here.
    fn special(&self, which: Special) -> Option<&D>;
}

/// The result of an evaluation; borrowed if it is a part of the state or a literal.
#[derive(Debug)]
pub enum Value<'a, D> {
    /// A part of the state.
    Borrowed(&'a D),
    /// A literal of the template.
    Literal(&'a Literal),
    /// A value that the expression computed.
    Owned(D),
}

impl<D: Data> Value<'_, D> {
    /// Returns a borrowed view.
    pub fn kind(&self) -> Kind<'_, D> {
        match self {
            Self::Borrowed(data) => data.kind(),
            Self::Owned(data) => data.kind(),
            Self::Literal(literal) => match literal {
                Literal::Null => Kind::Null,
                Literal::Bool(b) => Kind::Bool(*b),
                Literal::Int(i) => Kind::Int(*i),
                Literal::Num(n) => Kind::Num(*n),
                Literal::Str(s) => Kind::Str(s),
            },
        }
    }

    /// Returns whether the value is true as a condition. See [`truthy`].
    pub fn truthy(&self) -> bool {
        truthy(&self.kind())
    }

    /// Appends the value as text. See [`write()`].
    pub fn write(&self, out: &mut String) {
        write(&self.kind(), out);
    }

    /// Converts into an owned value.
    pub fn into_data(self) -> D {
        match self {
            Self::Borrowed(data) => data.clone(),
            Self::Owned(data) => data,
            Self::Literal(literal) => match literal {
                Literal::Null => D::null(),
                Literal::Bool(b) => D::from_bool(*b),
                Literal::Int(i) => D::from_int(*i),
                Literal::Num(n) => D::from_num(*n),
                Literal::Str(s) => D::from_text(s.to_string()),
            },
        }
    }

    /// Returns whether both are the same scalar: numbers by value, regardless of their kind. Lists
    /// and objects equal nothing.
    pub fn same(&self, other: &Self) -> bool {
        same(&self.kind(), &other.kind())
    }
}

/// Returns whether a value is true as a condition: all except null, `false`, 0, the empty text, an
/// empty list and an empty object.
pub fn truthy<D: Data>(kind: &Kind<'_, D>) -> bool {
    match kind {
        Kind::Null => false,
        Kind::Bool(b) => *b,
        Kind::Int(i) => *i != 0,
        Kind::Num(n) => *n != 0.0,
        Kind::Big(_) => true,
        Kind::Str(_) | Kind::List(_) | Kind::Map(_) => len(kind) > 0,
    }
}

/// Returns the number of characters, items or entries.
pub fn len<D: Data>(kind: &Kind<'_, D>) -> usize {
    match kind {
        // Counts all bytes except continuation bytes; `chars().count()` is optimised for speed and
        // half a kilobyte larger.
        Kind::Str(s) => s.bytes().filter(|byte| byte & 0xC0 != 0x80).count(),
        Kind::List(items) => items.len(),
        Kind::Map(data) => data.entries(),
        Kind::Null | Kind::Bool(_) | Kind::Int(_) | Kind::Big(_) | Kind::Num(_) => 0,
    }
}

/// Returns the items of a list; `None` for any other value.
pub fn items<'a, D: Data>(kind: &Kind<'a, D>) -> Option<&'a [D]> {
    match kind {
        Kind::List(items) => Some(items),
        Kind::Null
        | Kind::Bool(_)
        | Kind::Int(_)
        | Kind::Big(_)
        | Kind::Num(_)
        | Kind::Str(_)
        | Kind::Map(_) => None,
    }
}

/// Appends a value as text. Null, lists and objects have no text.
pub fn write<D: Data>(kind: &Kind<'_, D>, out: &mut String) {
    match kind {
        Kind::Null | Kind::List(_) | Kind::Map(_) => {}
        Kind::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
        Kind::Int(i) => arithmetic::write_int(*i, out),
        Kind::Big(n) => arithmetic::write_digits(*n, out),
        Kind::Num(n) => D::write_num(*n, out),
        Kind::Str(s) => out.push_str(s),
    }
}

/// Returns whether both are the same scalar: numbers by value, regardless of their kind. Lists and
/// objects equal nothing.
pub fn same<D>(a: &Kind<'_, D>, b: &Kind<'_, D>) -> bool {
    match (a, b) {
        (Kind::Null, Kind::Null) => true,
        (Kind::Bool(a), Kind::Bool(b)) => a == b,
        (Kind::Str(a), Kind::Str(b)) => a == b,
        (Kind::Int(a), Kind::Int(b)) => a == b,
        (Kind::Big(a), Kind::Big(b)) => a == b,
        _ => arithmetic::number(a).is_some_and(|a| arithmetic::number(b) == Some(a)),
    }
}

impl Expr {
    /// Evaluates the expression.
    pub fn eval<'a, D: Data>(&'a self, scope: &'a dyn Scope<D>) -> Value<'a, D> {
        match self {
            Self::Literal(literal) => Value::Literal(literal),
            Self::Root(name) => borrowed(scope.root(name)),
            Self::Item(depth) => borrowed(scope.item(*depth)),
            Self::Index(depth) => Value::Owned(int(scope.index(*depth))),
            Self::Local(at) => borrowed(scope.local(*at)),
            Self::Special(which) => borrowed(scope.special(*which)),
            Self::Field(of, name) => match of.eval(scope) {
                // Most fields are those of a row.
                Value::Borrowed(data) => borrowed(data.get(&name.text)),
                computed => computed.part(&|data: &D| data.get(&name.text)),
            },
            Self::At(of, at) => of.eval(scope).at(&at.eval(scope)),
            Self::Contains(of, what) => {
                Value::Owned(D::from_bool(contains(&of.eval(scope).kind(), &what.eval(scope).kind())))
            }
            Self::Unary(op, of) => {
                let value = of.eval(scope);
                Value::Owned(match op {
                    Unary::Not => D::from_bool(!value.truthy()),
                    Unary::Negate => arithmetic::compute(Binary::Sub, &Kind::Int(0), &value.kind()),
                    Unary::Len => int(len(&value.kind())),
                    Unary::IsEmpty => D::from_bool(len(&value.kind()) == 0),
                })
            }
            Self::Binary(op, a, b) => binary(*op, a.eval(scope), b, scope),
            Self::If(condition, then, or) => {
                if condition.eval(scope).truthy() {
                    then.eval(scope)
                } else {
                    or.eval(scope)
                }
            }
            Self::Concat(parts) => {
                let mut text = String::new();
                for part in parts {
                    part.eval(scope).write(&mut text);
                }
                Value::Owned(D::from_text(text))
            }
            Self::Route(pattern, fields) => {
                let values: Vec<(&str, Option<String>)> = fields
                    .iter()
                    .map(|(name, value)| {
                        let value = value.eval(scope);
                        let mut text = String::new();
                        value.write(&mut text);
                        (&*name.text, (!matches!(value.kind(), Kind::Null)).then_some(text))
                    })
                    .collect();
                Value::Owned(D::from_text(crate::route::url(pattern, &values)))
            }
            Self::Object(fields) => Value::Owned(D::from_fields(
                fields.iter().map(|(name, value)| (name.clone(), value.eval(scope).into_data())).collect(),
            )),
        }
    }
}

impl<'a, D: Data> Value<'a, D> {
    /// Selects a part; borrowed if the value is borrowed.
    fn part(self, pick: &dyn Fn(&D) -> Option<&D>) -> Self {
        match &self {
            Self::Borrowed(data) => borrowed(pick(data)),
            Self::Owned(data) => pick(data).map_or(null(), |part| Value::Owned(part.clone())),
            Self::Literal(_) => null(),
        }
    }

    fn at(self, at: &Self) -> Self {
        self.part(&|data| element(data, &at.kind()))
    }
}

/// Returns an item of a list by its position, or an entry of an object by its key.
pub fn element<'a, D: Data>(data: &'a D, at: &Kind<'_, D>) -> Option<&'a D> {
    match (data.kind(), at) {
        (Kind::List(items), Kind::Int(i)) => items.get(usize::try_from(*i).ok()?),
        // Keys that are numbers in Rust are texts in JSON.
        (Kind::Map(_), Kind::Int(_) | Kind::Big(_) | Kind::Str(_)) => {
            let mut key = String::new();
            write(at, &mut key);
            data.get(&key)
        }
        _ => None,
    }
}

fn null<'a, D>() -> Value<'a, D> {
    Value::Literal(&Literal::Null)
}

fn borrowed<D>(data: Option<&D>) -> Value<'_, D> {
    data.map_or(null(), Value::Borrowed)
}

fn int<D: Data>(n: usize) -> D {
    D::from_int(i64::try_from(n).unwrap_or(i64::MAX))
}

/// Evaluates `whole.contains(part)`: text in text, a scalar in a list, a key in an object.
pub fn contains<D: Data>(whole: &Kind<'_, D>, part: &Kind<'_, D>) -> bool {
    match (whole, part) {
        // Not `str::contains`, whose search algorithm is larger in WebAssembly than this whole
        // file.
        (Kind::Str(whole), Kind::Str(part)) => {
            part.is_empty() || whole.as_bytes().windows(part.len()).any(|window| window == part.as_bytes())
        }
        (Kind::List(items), part) => items.iter().any(|item| same(&item.kind(), part)),
        (Kind::Map(data), Kind::Str(key)) => data.get(key).is_some(),
        _ => false,
    }
}

fn binary<'a, D: Data>(op: Binary, a: Value<'a, D>, b: &'a Expr, scope: &'a dyn Scope<D>) -> Value<'a, D> {
    let first_decides = match op {
        Binary::And => !a.truthy(),
        Binary::Or => a.truthy(),
        Binary::Coalesce => !matches!(a.kind(), Kind::Null),
        _ => {
            let b = b.eval(scope);
            return Value::Owned(arithmetic::compute(op, &a.kind(), &b.kind()));
        }
    };
    if first_decides { a } else { b.eval(scope) }
}
