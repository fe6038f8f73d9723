//! Expressions between `{{` and `}}` and in `live:` attributes, with names already resolved.

use crate::data::Name;

/// A resolved expression. The compiler resolves names, so evaluation never searches scopes.
#[derive(Clone, Debug, PartialEq)]
pub enum Expr {
    /// `null`, `true`, `1`, `1.5`, `'text'`.
    Literal(Literal),
    /// A field of the component: own, computed, or shared (the page reads the topic's state).
    Root(Name),
    /// The item of a `live:for`; 0 is the innermost loop.
    Item(u16),
    /// The position in a `live:for` (`m, i in list`, or `$index` for the innermost); 0 is the
    /// innermost loop.
    Index(u16),
    /// A value of page-local state, declared with `live:local`.
    Local(LocalRef),
    /// `$value`, `$checked`, `$event`, `$form`, `$user`, `$flash`, `$temp`.
    Special(Special),
    /// `a.b`
    Field(Box<Expr>, Name),
    /// `a[b]`: a list by position, an object by key. In `live:optimistic`, a keyed list by its
    /// items' id.
    At(Box<Expr>, Box<Expr>),
    /// `a.contains(b)`: text in text, value in list, key in object.
    Contains(Box<Expr>, Box<Expr>),
    /// `!a`, `-a`, `a.len()`, `a.is_empty()`.
    Unary(Unary, Box<Expr>),
    /// `a + b` and the like.
    Binary(Binary, Box<Expr>, Box<Expr>),
    /// `a ? b : c`
    If(Box<Expr>, Box<Expr>, Box<Expr>),
    /// The concatenation of the parts' texts, as in an attribute: `class="row {{ kind }}"`.
    Concat(Vec<Expr>),
    /// `{ text: $value, done: false }`, in `live:optimistic` and as an action's argument.
    Object(Vec<(Name, Expr)>),
    /// The URL of a route: its path pattern and its parameters. In a component only as the value of
    /// an attribute.
    Route(Box<str>, Vec<(Name, Expr)>),
}

#[cfg(feature = "parse")]
impl Expr {
    /// Adjusts the expression so that it means the same `loops` loops and `blocks` blocks further
    /// inside.
    pub(crate) fn deepen(&mut self, loops: u16, blocks: u16) {
        let each = |part: &mut Self| part.deepen(loops, blocks);
        match self {
            Self::Item(depth) | Self::Index(depth) => *depth += loops,
            Self::Local(at) => at.level += blocks,
            Self::Field(of, _) | Self::Unary(_, of) => each(of),
            Self::At(a, b) | Self::Contains(a, b) | Self::Binary(_, a, b) => {
                each(a);
                each(b);
            }
            Self::If(a, b, c) => [a, b, c].into_iter().for_each(|part| each(part)),
            Self::Concat(parts) => parts.iter_mut().for_each(each),
            Self::Object(fields) | Self::Route(_, fields) => {
                fields.iter_mut().for_each(|(_, value)| each(value));
            }
            Self::Literal(_) | Self::Root(_) | Self::Special(_) => {}
        }
    }
}

/// A literal.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// `42`
    Int(i64),
    /// `1.5`
    Num(f64),
    /// `'text'` or `"text"`
    Str(Box<str>),
}

/// The location of a local: `level` block instances outwards (0 is the block that contains the
/// expression), then the position among that block's [`locals`](crate::compiled::Block::locals).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalRef {
    /// The number of block instances outwards.
    pub level: u16,
    /// The position among that block's locals.
    pub slot: u16,
}

/// Names that have a value only while an event is handled, or only in this page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Special {
    /// The value of the event's target element.
    Value,
    /// Whether the event's target element is checked.
    Checked,
    /// The fields of the enclosing form, by name.
    Form,
    /// The event itself: `key`, `detail` and the other properties that the page provides.
    Event,
    /// The user for whom the page was rendered: `id` and `name`, or null.
    User,
    /// The messages that the page shows once: a list with `kind` and `text`. Only in pages.
    Flash,
    /// A temporary id for an item that the server will name; in `live:optimistic`.
    Temp,
}

/// Operators with one operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are self-explanatory")]
pub enum Unary {
    Not,
    Negate,
    Len,
    IsEmpty,
}

/// Operators with two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are self-explanatory")]
pub enum Binary {
    And,
    Or,
    /// `a ?? b`: b if a is null.
    Coalesce,
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    Add,
    Sub,
    Mul,
    Div,
    Rem,
}

impl Binary {
    /// All operators; their positions are their numbers in [`code`](crate::code).
    pub const ALL: [Self; 14] = [
        Self::And,
        Self::Or,
        Self::Coalesce,
        Self::Eq,
        Self::Ne,
        Self::Lt,
        Self::Le,
        Self::Gt,
        Self::Ge,
        Self::Add,
        Self::Sub,
        Self::Mul,
        Self::Div,
        Self::Rem,
    ];
}
