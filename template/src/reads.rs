//! The dependencies of an expression, so that only holes that read a changed field are evaluated
//! again.

#![expect(clippy::wildcard_enum_match_arm, reason = "only two kinds of parent have fields that are tracked")]

use crate::data::Name;
use crate::expr::{Expr, LocalRef, Special};

/// A dependency of an expression.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Dependency<'a> {
    /// A field of the component; if only one part of it is read by name (`chat.users`), that part.
    Root {
        /// The component's field.
        name: &'a Name,
        /// The part of it.
        field: Option<&'a Name>,
    },
    /// An item of a `live:for`; if only one field of it is read (`m.content`), that field.
    Item {
        /// The number of loops outwards.
        depth: u16,
        /// The part of it.
        field: Option<&'a Name>,
    },
    /// The position in a `live:for`.
    Index(u16),
    /// A value of page-local state.
    Local(LocalRef),
    /// `$user` and the like.
    Special(Special),
}

impl Expr {
    /// Visits all dependencies of the expression.
    pub fn reads<'a>(&'a self, visit: &mut dyn FnMut(Dependency<'a>)) {
        match self {
            Self::Literal(_) => {}
            Self::Root(name) => visit(Dependency::Root { name, field: None }),
            Self::Item(depth) => visit(Dependency::Item { depth: *depth, field: None }),
            Self::Index(depth) => visit(Dependency::Index(*depth)),
            Self::Local(at) => visit(Dependency::Local(*at)),
            Self::Special(which) => visit(Dependency::Special(*which)),
            Self::Field(of, field) => match &**of {
                Self::Root(name) => visit(Dependency::Root { name, field: Some(field) }),
                Self::Item(depth) => visit(Dependency::Item { depth: *depth, field: Some(field) }),
                of => of.reads(visit),
            },
            Self::Unary(_, of) => of.reads(visit),
            Self::At(a, b) | Self::Contains(a, b) | Self::Binary(_, a, b) => {
                a.reads(visit);
                b.reads(visit);
            }
            Self::If(a, b, c) => {
                a.reads(visit);
                b.reads(visit);
                c.reads(visit);
            }
            Self::Concat(parts) => parts.iter().for_each(|part| part.reads(visit)),
            Self::Object(fields) | Self::Route(_, fields) => {
                fields.iter().for_each(|(_, value)| value.reads(visit));
            }
        }
    }
}
