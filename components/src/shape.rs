//! The shapes of types, as templates see them, known at compile time.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::fmt;
use std::mem::MaybeUninit;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

/// A type whose shape templates know. Derived with `LiveState` and `LiveComponent`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no shape that templates know",
    note = "add `#[derive(LiveState)]` to it, or `#[live(opaque)]` to the field"
)]
pub trait LiveShape {
    /// The shape.
    const SHAPE: ShapeRef;
}

/// The shape of a value, with its serialised names.
#[derive(Debug)]
pub enum Shape {
    /// Any value: `serde_json::Value`, and fields marked `#[live(opaque)]`.
    Any,
    /// A type without a known shape: it has no fields, and can be shown if it is `Display`.
    Unknown,
    /// A truth value.
    Bool,
    /// A whole number.
    Int,
    /// Any other number.
    Float,
    /// Text.
    Str,
    /// The value or null.
    Option(ShapeRef),
    /// An ordered list.
    List(ShapeRef),
    /// An ordered list whose items have keys: a [`List`](crate::List).
    Keyed(ShapeRef),
    /// A map.
    Map(ShapeRef),
    /// A struct of that name.
    Struct(&'static str, &'static [ShapeField]),
    /// An enum of that name whose variants have no fields: text, one of these.
    Enum(&'static str, &'static [&'static str]),
}

/// Returns whether values of that shape can be the keys of a list. A type without a known shape may
/// be serialised as a number or a text.
#[must_use]
pub const fn may_be_key(shape: ShapeRef) -> bool {
    match shape.get() {
        Shape::Any | Shape::Unknown | Shape::Int | Shape::Str | Shape::Enum(..) => true,
        Shape::Bool
        | Shape::Float
        | Shape::Option(_)
        | Shape::List(_)
        | Shape::Keyed(_)
        | Shape::Map(_)
        | Shape::Struct(..) => false,
    }
}

/// A field of a [`Shape::Struct`].
#[derive(Clone, Copy, Debug)]
pub struct ShapeField {
    /// [`hash`] of the name, so that a search in a constant compares numbers.
    pub hash: u64,
    /// The serialised name.
    pub name: &'static str,
    /// The shape of its value.
    pub shape: ShapeRef,
    /// The reason why a template cannot show it, if it cannot.
    pub hidden: Option<&'static str>,
    /// Which parts of it a page may write.
    pub access: Access,
    /// Whether a value of unknown shape has a text.
    pub shown: bool,
}

/// Which parts of a field a page may write.
#[derive(Clone, Copy, Debug)]
pub enum Access {
    /// Nothing.
    Read,
    /// The field as a whole.
    Whole,
    /// The fields that its type marks, one by one.
    Parts,
}

impl ShapeField {
    pub(crate) const fn of(name: &'static str, shape: ShapeRef) -> Self {
        Self { hash: hash(name), name, shape, hidden: None, access: Access::Read, shown: true }
    }
}

/// A reference to a shape that rustc does not follow when it validates a constant: it would report
/// a type that contains itself as a cycle.
#[derive(Clone, Copy)]
pub struct ShapeRef(MaybeUninit<&'static Shape>);

impl ShapeRef {
    /// Refers to a shape.
    #[must_use]
    pub const fn new(shape: &'static Shape) -> Self {
        Self(MaybeUninit::new(shape))
    }

    /// Returns the shape.
    #[must_use]
    pub const fn get(self) -> &'static Shape {
        #[expect(
            unsafe_code,
            reason = "a plain reference makes recursive types fail with E0391; nothing else defers it"
        )]
        // SAFETY: the field is private, and `new`, the only constructor, initialises it.
        unsafe {
            self.0.assume_init()
        }
    }
}

impl fmt::Debug for ShapeRef {
    /// Writes only the kind: the shape may contain itself.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.get().kind())
    }
}

impl Shape {
    /// Returns the kind of the shape in a word or two, with an article.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Any => "anything",
            Self::Unknown => "of a type not known to templates",
            Self::Bool => "a truth value",
            Self::Int => "a whole number",
            Self::Float => "a number",
            Self::Str | Self::Enum(..) => "a text",
            Self::Option(_) => "an option",
            Self::List(_) | Self::Keyed(_) => "a list",
            Self::Map(_) => "a map",
            Self::Struct(name, _) => name,
        }
    }
}

/// Returns the FNV-1a hash of a name. The derive computes the same.
#[must_use]
pub const fn hash(name: &str) -> u64 {
    let bytes = name.as_bytes();
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut rest = bytes;
    while let [byte, tail @ ..] = rest {
        hash = (hash ^ *byte as u64).wrapping_mul(0x0100_0000_01b3);
        rest = tail;
    }
    hash
}

/// Returns the fields of a struct followed by its computed ones, `N` in all.
#[must_use]
#[expect(clippy::indexing_slicing, reason = "evaluated by rustc: an index out of bounds fails the build")]
pub const fn joined<const N: usize>(fields: &[ShapeField], computed: &[ShapeField]) -> [ShapeField; N] {
    let mut all = [ShapeField::of("", ShapeRef::new(&Shape::Unknown)); N];
    let mut at = 0;
    while at < N {
        all[at] = if at < fields.len() { fields[at] } else { computed[at - fields.len()] };
        at += 1;
    }
    all
}

macro_rules! leaves {
    ($($shape:ident: $($ty:ty),+;)*) => {
        $($(impl LiveShape for $ty { const SHAPE: ShapeRef = ShapeRef::new(&Shape::$shape); })+)*
    };
}

leaves! {
    Bool: bool;
    Int: i8, i16, i32, i64, i128, isize, u8, u16, u32, u64, u128, usize;
    Float: f32, f64;
    Str: String, str, char, Path, PathBuf;
    Any: serde_json::Value, Box<serde_json::value::RawValue>;
    Unknown: ();
}

macro_rules! transparent {
    ($($ty:ty),*) => { $(impl<T: LiveShape + ?Sized> LiveShape for $ty { const SHAPE: ShapeRef = T::SHAPE; })* };
}

transparent!(&T, Arc<T>, Rc<T>);

impl<T: LiveShape> LiveShape for Box<T> {
    const SHAPE: ShapeRef = T::SHAPE;
}

impl LiveShape for Box<str> {
    const SHAPE: ShapeRef = ShapeRef::new(&Shape::Str);
}

impl<T: LiveShape> LiveShape for Option<T> {
    const SHAPE: ShapeRef = ShapeRef::new(&Shape::Option(T::SHAPE));
}

macro_rules! lists {
    ($([$($generics:tt)*] $ty:ty),*) => { $(impl<$($generics)*> LiveShape for $ty { const SHAPE: ShapeRef = ShapeRef::new(&Shape::List(T::SHAPE)); })* };
}

lists!([T: LiveShape] Vec<T>, [T: LiveShape] [T], [T: LiveShape, const N: usize] [T; N], [T: LiveShape] VecDeque<T>,
    [T: LiveShape] BTreeSet<T>, [T: LiveShape, S] HashSet<T, S>, [T: LiveShape] Box<[T]>);

impl<K, T: LiveShape> LiveShape for BTreeMap<K, T> {
    const SHAPE: ShapeRef = ShapeRef::new(&Shape::Map(T::SHAPE));
}

impl<K, T: LiveShape, S> LiveShape for HashMap<K, T, S> {
    const SHAPE: ShapeRef = ShapeRef::new(&Shape::Map(T::SHAPE));
}

impl LiveShape for crate::Errors {
    const SHAPE: ShapeRef = ShapeRef::new(&Shape::Map(<Vec<String> as LiveShape>::SHAPE));
}

/// `ShapeProbe::<T>::SHAPE` is the type's own shape if it has one, else [`Shape::Unknown`]: an
/// inherent constant takes precedence over a trait's.
#[derive(Debug)]
pub struct ShapeProbe<T: ?Sized>(std::marker::PhantomData<T>);

impl<T: LiveShape + ?Sized> ShapeProbe<T> {
    /// The type's own shape.
    pub const SHAPE: ShapeRef = T::SHAPE;
}

impl<T: fmt::Display + ?Sized> ShapeProbe<T> {
    /// The type has a text.
    pub const SHOWN: bool = true;
}

/// A type without a known shape.
pub trait Unshaped {
    /// The unknown shape.
    const SHAPE: ShapeRef = ShapeRef::new(&Shape::Unknown);
    /// The type has no text.
    const SHOWN: bool = false;
}

impl<T: ?Sized> Unshaped for ShapeProbe<T> {}

#[cfg(test)]
mod tests {
    use super::*;

    struct Foreign;

    #[test]
    fn a_type_without_a_shape_is_unknown() {
        assert!(matches!(ShapeProbe::<Foreign>::SHAPE.get(), Shape::Unknown));
        assert!(matches!(ShapeProbe::<Vec<u8>>::SHAPE.get(), Shape::List(_)));
        const { assert!(ShapeProbe::<std::net::IpAddr>::SHOWN && !ShapeProbe::<Foreign>::SHOWN) };
        assert_eq!(hash("a"), 0xaf63_dc4c_8601_ec8c);
    }
}
