//! Numeric codes of the page's form of a template. `encode` writes them and the page's engine reads
//! them.
//!
//! The page's form is a JSON array of five elements: the [`VERSION`], the `names` of fields, the
//! meaning of the bits of masks, the `blocks` for the DOM and the `code` for the engine.
//!
//! # Blocks
//! Each block is `[html, namespace, holes]`. If a construct in it requires optional modules of the
//! client, a list of their names is the fourth element, and the page loads those beside
//! `client.js`. If the component follows the page's URL, the fifth element of the first block
//! describes how: `[hook, [[name, replaces, delay]…]]`, with 1 for a component that has the method
//! `params`, 1 for a parameter whose changes replace the entry of the history, and the delay of
//! these changes in milliseconds. Each hole begins with its [`DomHole`] and the walk to its
//! element; a step of the walk is `comments << 16 | elements`. The engine never reads the blocks:
//! they are for `client-wasm/js/dom.js`.
//!
//! # Code
//! The code is one flat list of scalars, so that reading it only requires counting. It begins with
//! the address of each block's code: `numbers mask locals holes hole…`: the count of numbers that
//! an instance uses (one, and two for each list and condition in it), the reads of the block, of
//! its content and of its rows' key, the address of its locals (`count expression…`), the count of
//! holes, and the holes: `end mask hole kind …`, with the address behind the hole, its reads
//! and its position among the block's holes. A child's key, the child's props that depend on shared
//! state, and each key in the path of a control's property have holes of their own, which are
//! numbered after all others.
//! By kind of [`hole`]:
//! - `VALUE expression`
//! - `ROWS block flags depth root part list key`: `flags` has 1 if the parent contains only the
//!   rows and 2 if an anchor follows them; `root` and `part` are the field whose steps can be
//!   followed (positions of names, or -1).
//! - `ARMS flags count (block expression)…`
//!
//! The effect of an event has an address of its own, which the page returns when the event fires:
//! `drop`, `count statement…`, `count update…`. `drop` is 1 if the event is ignored while its last
//! call is unanswered, and 2 if it also is a poll. A statement is `CALL action list`,
//! `SET level slot expression` or `EDIT field expression`. An optimistic update is
//! `operation root count segment… expression`; a segment is `0 name` or `1 expression`.
//!
//! Expressions are in prefix order: an operator of [`op`], then its operands.
//!
//! # Masks
//! Each bit has a pair of numbers `a b` in the meanings: the field `names[a]`, or only its part
//! `names[b]` if `b` is not -1. If `a` is negative, it is the item of the loop at that depth (-1 is
//! the outermost) and its field. See [`field`].

/// The version of this form, its first element.
pub const VERSION: i64 = 5;

/// A bit that each mask has, so that holes without reads are rendered once.
pub const ALWAYS: u64 = 1;
/// Page-local state.
pub const LOCAL: u64 = 1 << 1;
/// Positions in lists.
pub const INDEX: u64 = 1 << 2;
/// The connection state.
pub const WIRE: u64 = 1 << 3;
/// Properties that the user changes too. They are set again when the user's action is answered.
pub const CONTROL: u64 = 1 << 4;

/// Returns the bit of a field at a position of the meanings. Fields beyond the last bit that JSON
/// numbers represent exactly share that bit.
pub const fn field(at: usize) -> u64 {
    1 << if at < 47 { at + 5 } else { 52 }
}

/// The kinds of holes for the engine.
#[expect(missing_docs, reason = "described in the module's documentation")]
pub mod hole {
    pub const VALUE: i64 = 0;
    pub const ROWS: i64 = 1;
    pub const ARMS: i64 = 2;
}

/// The kinds of holes for the DOM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DomHole {
    /// `after`: a text node behind that step.
    Text,
    /// The whole content as text.
    Content,
    /// The whole content as HTML.
    Html,
    /// `name kind`: an attribute of an [`AttributeKind`](crate::compiled::AttributeKind).
    Attribute,
    /// `name`: one class.
    Class,
    /// `name`: one style property.
    Style,
    /// Whether the element is visible.
    Show,
    /// `start end`: instances between a step and that many comments; -1 is the parent's end.
    Instances,
    /// `event flags held debounce throttle keys address`: `flags` has the bits of [`event`], `held`
    /// those of [`held`]. `debounce` and `throttle` are milliseconds plus one; 0 means none. A poll
    /// has the event [`POLL_EVENT`], and its interval in place of `throttle`.
    Event,
    /// `control property flags debounce`: the property is the name of a field, or a list of names
    /// and numbers, each of which stands for a key of that number ([`AtKey`](Self::AtKey)). `flags`
    /// has the bits of [`model`]. `debounce` is as in [`Event`](Self::Event).
    Model,
    /// `effect argument delay`: how the state of the wire shows; `effect` is one of [`wire`].
    /// `delay` is as in [`Event`](Self::Event), and absent without one.
    Wire,
    /// `name`: a reference.
    Ref,
    /// `name`: a hook.
    Hook,
    /// `component`: an object with its `place` and, in `page`, the props that read page-local
    /// state.
    Child,
    /// The child's key: when it changes, another component replaces the child.
    Key,
    /// An object with the child's props that depend on shared state: the page notifies the server
    /// when they change.
    Shared,
    /// `number`: an object with the `id` that is a key in the path of the property that the
    /// element's control edits. The first number is 0. `"row"` in place of the number means the key
    /// of the row whose root the element is.
    AtKey,
}

impl DomHole {
    /// All kinds; their positions are their numbers.
    pub const ALL: [Self; 17] = [
        Self::Text,
        Self::Content,
        Self::Html,
        Self::Attribute,
        Self::Class,
        Self::Style,
        Self::Show,
        Self::Instances,
        Self::Event,
        Self::Model,
        Self::Wire,
        Self::Ref,
        Self::Hook,
        Self::Child,
        Self::Key,
        Self::Shared,
        Self::AtKey,
    ];
}

/// The event of a `live:poll`.
pub const POLL_EVENT: &str = "live:poll";

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
    /// `live:confirm`: the user is asked first.
    pub const CONFIRM: u32 = 1 << 6;
    /// `live:poll`: the page makes the event.
    pub const POLL: u32 = 1 << 7;
    /// `.visible`, of a poll: only while the element is visible.
    pub const VISIBLE: u32 = 1 << 12;
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
    /// It is hidden in that state.
    pub const HIDE: u32 = 3;
    /// It has classes except in that state.
    pub const WITHOUT_CLASS: u32 = 4;
}

/// Operators. Those with two operands follow [`BINARY`](op::BINARY), in the order of
/// [`Binary::ALL`](crate::expr::Binary::ALL).
#[expect(missing_docs, reason = "the comment of each names its operands")]
pub mod op {
    /// A scalar.
    pub const LITERAL: i64 = 0;
    /// A name: a field of the component.
    pub const ROOT: i64 = 1;
    /// The number of loops outwards.
    pub const ITEM: i64 = 2;
    /// The number of loops outwards.
    pub const INDEX: i64 = 3;
    /// Level and slot.
    pub const LOCAL: i64 = 4;
    /// A name: a part of the event.
    pub const EVENT: i64 = 5;
    pub const USER: i64 = 6;
    /// A name, and the expression whose field it is.
    pub const FIELD: i64 = 7;
    /// A state, the name of an action or field or null, the address of the element's own event, or
    /// on a submit button of its form's event, or 0, and the number of blocks from there outwards.
    pub const WIRE: i64 = 8;
    /// The number of parts.
    pub const CONCAT: i64 = 9;
    /// The number of fields, each a name and a value.
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
    /// The first binary operator.
    pub const BINARY: i64 = 18;
    /// The number of items. Its code follows the last binary operator.
    pub const LIST: i64 = 32;
}
