//! What an expression depends on, so that only bindings that read a changed field run again.

#![expect(clippy::wildcard_enum_match_arm, reason = "only two kinds of parent make a field worth naming")]

use crate::data::Name;
use crate::expr::{Expr, LocalRef, Special};

/// One thing that an expression reads.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Read<'a> {
    /// A field of the component; where only one part of it is read by name (`chat.users`), that part.
    Root {
        /// The component's field.
        name: &'a Name,
        /// The part of it.
        field: Option<&'a Name>,
    },
    /// An item of a `live:for`; where only one field of it is read (`m.content`), that field.
    Item {
        /// Of the `live:for` that is so many outwards.
        depth: u16,
        /// The part of it.
        field: Option<&'a Name>,
    },
    /// The position in a `live:for`.
    Index(u16),
    /// A piece of the page's own state.
    Local(LocalRef),
    /// `$user` and the like.
    Special(Special),
}

impl Expr {
    /// Visits everything that the expression reads.
    pub fn reads<'a>(&'a self, visit: &mut dyn FnMut(Read<'a>)) {
        match self {
            Self::Literal(_) => {}
            Self::Root(name) => visit(Read::Root { name, field: None }),
            Self::Item(depth) => visit(Read::Item { depth: *depth, field: None }),
            Self::Index(depth) => visit(Read::Index(*depth)),
            Self::Local(at) => visit(Read::Local(*at)),
            Self::Special(which) => visit(Read::Special(*which)),
            Self::Field(of, field) => match &**of {
                Self::Root(name) => visit(Read::Root { name, field: Some(field) }),
                Self::Item(depth) => visit(Read::Item { depth: *depth, field: Some(field) }),
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
            Self::Object(fields) => fields.iter().for_each(|(_, value)| value.reads(visit)),
        }
    }
}
