//! The numbers of the page's form of a template, which `encode` writes and the page's engine reads.
//!
//! A template reaches the page as a JSON array of five: the [`VERSION`], the `names` of fields, what the bits of masks
//! mean, the `blocks` for the DOM and the `code` for the engine.
//!
//! # Blocks
//! `[html, namespace, holes]`, and where a construct in it needs optional modules of the client, a list of their names as a
//! fourth element: the page loads those beside `client.js`. Each hole begins with its [`Place`] and the walk to its element, a step of which is
//! `comments << 16 | elements`. The engine never reads them: they are for `client-wasm/js/dom.js`.
//!
//! # Code
//! One flat list of scalars, so that reading it is counting. It begins with the address of each block's code:
//! `numbers mask locals holes hole…`: how many numbers an instance takes (one, and two for each list and condition in
//! it), what it and all that is inside it read, the address of its locals (`count expression…`), how many holes, and the holes:
//! `end mask hole kind …`, with the address of what follows, what it reads and its position among the block's holes. A
//! child's key and the props of it that depend on shared state have holes of their own, and so has each key in the path
//! of a control's property; they are numbered after all others.
//! By its [`Hole`](hole):
//! - `VALUE expression`
//! - `ROWS block flags depth root part list key`: `flags` are 1 where the parent has nothing but the rows and 2 where an
//!   anchor follows them; `root` and `part` are the field whose steps can be followed (positions of names, or -1).
//! - `ARMS flags count (block expression)…`
//!
//! What an event does has an address of its own, which the page hands back when it fires: `drop`, `count statement…`,
//! `count guess…`. A statement is `CALL action list`, `SET level slot expression` or
//! `EDIT field expression`; a guess is
//! `operation root count segment… expression`, and a segment `0 name` or `1 expression`.
//!
//! Expressions are written operator first: a number of [`op`], then its operands.
//!
//! # Masks
//! A bit for each pair of numbers `a b` in what they mean: the field `names[a]`, only its part `names[b]` where `b` is
//! not -1; where `a` is negative, the item of the loop that is so deep (-1 is the outermost) and its field. See [`field`].

/// The version of this form, its first element.
pub const VERSION: i64 = 5;

/// Everything has this one, so that what reads nothing is shown once.
pub const ALWAYS: u64 = 1;
/// The page's own state.
pub const LOCAL: u64 = 1 << 1;
/// Positions in lists.
pub const INDEX: u64 = 1 << 2;
/// The state of the wire.
pub const WIRE: u64 = 1 << 3;
/// Properties that the user changes too, to be set again when an action of theirs is answered.
pub const CONTROL: u64 = 1 << 4;

/// The bit of a field, by its place in what masks mean. Those that are too many share the last one that JSON's numbers
/// hold everywhere.
pub const fn field(at: usize) -> u64 {
    1 << if at < 47 { at + 5 } else { 52 }
}

/// What a hole is to the engine.
#[expect(missing_docs, reason = "said above")]
pub mod hole {
    pub const VALUE: i64 = 0;
    pub const ROWS: i64 = 1;
    pub const ARMS: i64 = 2;
}

/// What a hole is to the DOM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// `after`: a text node behind that step.
    Text,
    /// The whole content as text.
    Content,
    /// The whole content as HTML.
    Html,
    /// `name kind`: an attribute, as [`AttributeKind`](crate::compiled::AttributeKind) says.
    Attribute,
    /// `name`: one class.
    Class,
    /// `name`: one property of its style.
    Style,
    /// Whether it is shown.
    Show,
    /// `start end`: instances between a step and so many comments; -1 is the parent's end.
    Instances,
    /// `event flags held debounce throttle keys address`: `flags` has the bits of [`event`], `held` those of [`held`].
    /// `debounce` and `throttle` are milliseconds plus one; 0 means none.
    Event,
    /// `control property flags debounce`: the property is the name of a field, or a list of names and numbers, each of
    /// which stands for a key of that number ([`AtKey`](Self::AtKey)). `flags` has the bits of [`model`]. `debounce` is as in
    /// [`Event`](Self::Event).
    Model,
    /// `effect argument`: how the state of the wire shows; `effect` is one of [`wire`].
    Wire,
    /// `name`: a reference.
    Ref,
    /// `name`: a hook.
    Hook,
    /// `component`: an object of its `place`, and in `page` of the props that read the page's own state.
    Child,
    /// The child's key: with another one, another component takes its place.
    Key,
    /// An object of the child's props that depend on shared state: the server is told when they change.
    Shared,
    /// `number`: an object with the `id` that is a key in the path of the property that the element's control edits. The
    /// first one is 0. With `"row"` in its place it is the key of the row whose root the element is.
    AtKey,
}

/// Bits of an event's flags.
pub mod event {
    /// `.prevent`
    pub const PREVENT: u32 = 1;
    /// `.stop`
    pub const STOP: u32 = 1 << 1;
    /// `.self`
    pub const SELF: u32 = 1 << 2;
    /// `.once`
    pub const ONCE: u32 = 1 << 3;
    /// `.window`
    pub const WINDOW: u32 = 1 << 4;
    /// `.outside`
    pub const OUTSIDE: u32 = 1 << 5;
    /// The code reads `$value`.
    pub const READS_VALUE: u32 = 1 << 8;
    /// The code reads `$checked`.
    pub const READS_CHECKED: u32 = 1 << 9;
    /// The code reads `$form`.
    pub const READS_FORM: u32 = 1 << 10;
    /// The code reads `$event`.
    pub const READS_EVENT: u32 = 1 << 11;
}

/// Positions of the bits for the modifier keys that an event requires.
pub mod held {
    /// `.ctrl`
    pub const CTRL: u8 = 0;
    /// `.shift`
    pub const SHIFT: u8 = 1;
    /// `.alt`
    pub const ALT: u8 = 2;
    /// `.meta`
    pub const META: u8 = 3;
}

/// Flags of a control with a field. The lowest two bits are the event after which an edit is sent.
pub mod model {
    /// Mask of the event after which an edit is sent.
    pub const SEND: u32 = 3;
    /// On `input`.
    pub const INPUT: u32 = 0;
    /// `.lazy`: on `change`.
    pub const CHANGE: u32 = 1;
    /// `.blur`
    pub const BLUR: u32 = 2;
    /// `.trim`
    pub const TRIM: u32 = 1 << 2;
    /// `.number`
    pub const NUMBER: u32 = 1 << 3;
    /// `.force`
    pub const FORCE: u32 = 1 << 4;
}

/// How an element shows a state of the wire.
pub mod wire {
    /// It is visible only in that state.
    pub const SHOW: u32 = 0;
    /// It has classes in that state.
    pub const CLASS: u32 = 1;
    /// It has an attribute in that state.
    pub const ATTRIBUTE: u32 = 2;
}

/// Operators. Those with two operands follow [`BINARY`](op::BINARY), in the order of [`Binary::ALL`](crate::expr::Binary::ALL).
#[expect(missing_docs, reason = "the comment of each names its operands")]
pub mod op {
    /// A scalar.
    pub const LITERAL: i64 = 0;
    /// A name: a field of the component.
    pub const ROOT: i64 = 1;
    /// How many loops outwards.
    pub const ITEM: i64 = 2;
    /// How many loops outwards.
    pub const INDEX: i64 = 3;
    /// Level and slot.
    pub const LOCAL: i64 = 4;
    /// A name: a part of the event.
    pub const EVENT: i64 = 5;
    pub const USER: i64 = 6;
    /// A name, and what it is a field of.
    pub const FIELD: i64 = 7;
    /// A state, the name of an action or field or null, the address of the element's own event, or on a submit button of its
    /// form's, or 0, and how many blocks outwards that is.
    pub const WIRE: i64 = 8;
    /// How many parts.
    pub const CONCAT: i64 = 9;
    /// How many fields: name and value.
    pub const OBJECT: i64 = 10;
    pub const IF: i64 = 11;
    pub const NOT: i64 = 12;
    pub const NEGATE: i64 = 13;
    pub const LEN: i64 = 14;
    pub const IS_EMPTY: i64 = 15;
    pub const AT: i64 = 16;
    pub const CONTAINS: i64 = 17;
    pub const AND: i64 = 18;
    pub const OR: i64 = 19;
    pub const COALESCE: i64 = 20;
    /// The first of those that look at both operands.
    pub const BINARY: i64 = 18;
    /// How many items. Behind the last of those operators.
    pub const LIST: i64 = 32;
}
