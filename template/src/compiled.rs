//! The compiled form: plain data that a page downloads once, by its content hash.
//!
//! A template is a list of [`Block`]s. Block 0 is the component itself: its top-level nodes are the
//! children of the `<live-component>` element. Each body of a `live:for` and each arm of a
//! `live:if` is a block of its own, with exactly one root element. A block has an HTML skeleton,
//! which the page clones, and [`Hole`]s: the places in it that depend on state.
//!
//! # Finding a hole
//! Server-rendered DOM and a clone of the skeleton are walked in the same way. Text nodes are never
//! counted, because the browser drops empty ones; all text between two elements is one hole, or
//! static. A [`WalkStep`] counts comments of a parent to pass and then elements after the last of
//! them. Comments are markers, written `<!>`: the end anchor of each `live:for` and `live:if` that
//! is not last in its parent, or not first after its text. Later nodes are counted from that
//! marker, so the number of rows before it does not matter.
//!
//! For block 0 the walk starts at the `<live-component>` element and the first step selects one of
//! its children. For any other block it starts at the block's root element, and an empty walk means
//! that element itself.

use crate::data::Name;
use crate::expr::{Expr, LocalRef};

/// A compiled template.
#[derive(Clone, Debug, PartialEq)]
pub struct Template {
    /// Block 0 is the component; a block's children come after it.
    pub blocks: Vec<Block>,
}

/// A part of the DOM that is created as a whole.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    /// The skeleton, with the anchors and with one space in place of each text hole.
    pub html: Box<str>,
    /// The namespace in which the skeleton must be parsed.
    pub namespace: Namespace,
    /// Page-local state that each instance of the block initialises: name and initial value.
    pub locals: Vec<(Box<str>, Expr)>,
    /// The places that depend on state, in document order, with one exception: the hole that sets
    /// the value of a `select` follows the holes inside it, because a value can be chosen only
    /// after its option exists.
    pub holes: Vec<Hole>,
}

/// The parser that a skeleton requires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are self-explanatory")]
pub enum Namespace {
    Html,
    Svg,
    MathMl,
}

/// One step of a walk: past `comments` comment children, then past `elements` element siblings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WalkStep {
    /// Comments to pass, counted from the parent's first child.
    pub comments: u16,
    /// Elements to pass after the last of them.
    pub elements: u16,
}

/// A place that depends on state.
#[derive(Clone, Debug, PartialEq)]
pub struct Hole {
    /// The walk to the hole's element; for [`HoleKind::Text`], `For` and `If` to the parent
    /// element.
    pub path: Vec<WalkStep>,
    /// The kind of the hole.
    pub kind: HoleKind,
}

/// The kind of a hole.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "each variant's documentation names its fields")]
pub enum HoleKind {
    /// A text node among the children of the element at `path`, directly behind the step `after`.
    /// It is absent from server-rendered DOM if the text was empty.
    Text { after: WalkStep, value: Expr },
    /// The whole content of the element at `path` as text: `textarea`, `title`, `option` and other
    /// elements without markers.
    Content { value: Expr },
    /// The whole content of the element at `path` as raw HTML: `live:html`.
    Html { value: Expr },
    /// An attribute. `null` and `false` remove it, `true` sets it to the empty string.
    Attribute { name: Box<str>, value: Expr, kind: AttributeKind },
    /// `live:class:NAME`: one class on or off.
    Class { name: Box<str>, on: Expr },
    /// `live:style:PROPERTY` and the declarations of a `style` attribute with holes, set through
    /// CSSOM. Null removes the property.
    Style { property: Box<str>, value: Expr },
    /// `live:show`: visible or `hidden`.
    Show { on: Expr },
    /// `live:for`: one instance of `block` for each item, between `start` and the anchor `end`
    /// among the children of the element at `path`. Rows that start at the parent's start and have
    /// no end are the parent's only content. `key` is evaluated with the item in scope, in the
    /// block that contains the hole.
    For { start: WalkStep, end: Option<u16>, list: Expr, key: Expr, block: usize },
    /// `live:if`, `live:else-if`, `live:else`: the first arm whose condition is true. `None` is the
    /// `else`.
    If { start: WalkStep, end: Option<u16>, arms: Vec<(Option<Expr>, usize)> },
    /// `live:click`, `live:on:NAME` and similar.
    Event { event: Box<str>, modifiers: Modifiers, run: Vec<Statement>, optimistic: Vec<OptimisticUpdate> },
    /// `live:model`: two-way with the property at the end of that path, which begins with a field
    /// of the component.
    Model { property: Vec<ModelStep>, value: Expr, control: Control, modifiers: ModelModifiers },
    /// `live:loading`, `live:loading.attr="disabled"`, `live:dirty.class="…"`, `live:offline`:
    /// shows the connection state. On a submit button, `form` is the form whose action it
    /// represents.
    /// `targets` are the actions or fields that it is limited to, `delay` the time in milliseconds
    /// for which the state must last before it shows.
    Wire {
        state: WireState,
        effect: WireEffect,
        targets: Vec<Box<str>>,
        form: Option<Form>,
        delay: Option<u32>,
    },
    /// `live:ref`: the element's name for the page's own code.
    Ref { name: Box<str> },
    /// `live:hook`: the name of a hook that the page registered.
    Hook { name: Box<str> },
    /// `<live:chat room="{{ id }}">`: the element at `path` is the child's `<live-component>`. When
    /// `key` (`live:key`) changes, another component replaces the child; when only `props` change,
    /// the existing component receives them. The server evaluates all props except those that read
    /// page-local state.
    Child { component: Box<str>, props: Vec<(Name, Expr)>, key: Option<Expr> },
}

/// One step of the path to a property.
#[derive(Clone, Debug, PartialEq)]
pub enum ModelStep {
    /// To a field.
    Field(Name),
    /// To the item of a keyed list, by its `id`.
    Key(Expr),
}

#[cfg(feature = "parse")]
impl ModelStep {
    /// Returns the key if the step leads to an item of a list.
    pub(crate) fn key(&self) -> Option<&Expr> {
        match self {
            Self::Key(key) => Some(key),
            Self::Field(_) => None,
        }
    }
}

/// How an attribute is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttributeKind {
    /// Unchanged.
    Plain,
    /// A URL: one with a script scheme is replaced by `about:invalid`.
    Url,
    /// Several URLs, separated by white space or commas: `srcset`, `ping`.
    UrlList,
    /// Also a DOM property, which changes independently of the attribute once the user has used the
    /// control: `value`, which is written like a [`Word`](Self::Word), and `checked`, `selected`,
    /// `muted` and `open`, which are present if the value is true as a condition.
    Property,
    /// `true` and `false` are written as words, only `null` removes the attribute: `aria-*`,
    /// `data-*`, `contenteditable`, `draggable`, `spellcheck`, and the `value` of an `option`.
    Word,
    /// `class`: the page adds and removes the classes that the value names. It leaves classes from
    /// `live:class:NAME`, `live:loading.class` and other code unchanged.
    Class,
    /// The URL of a route in a component, as a list of its parts: see
    /// [`route::joined`](crate::route::joined).
    Route,
}

/// A form with a `live:submit`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Form {
    /// The block that contains it.
    pub block: usize,
    /// The number of blocks outwards to that block.
    pub level: u16,
    /// The walk to it in that block.
    pub path: Vec<WalkStep>,
}

/// The kind of control of a `live:model`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// `input` of a textual kind, and `textarea`.
    Text,
    /// `input type=number` and `range`: a number, or null when empty.
    Number,
    /// `input type=checkbox`: a boolean.
    Checkbox,
    /// `input type=radio`: the `value` of the chosen one.
    Radio,
    /// `select`: the value of the option.
    Select,
    /// `select multiple`: a list of values.
    SelectMultiple,
    /// `input type=checkbox` with a `value`: whether a list contains the value. For a boolean
    /// field, the boolean.
    Choice,
    /// An element with `contenteditable`: its text.
    Editable,
}

/// When and how an event is handled.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Modifiers {
    /// `.prevent` (always set for `submit`)
    pub prevent: bool,
    /// `.stop`
    pub stop: bool,
    /// `.self`: only if the element itself is the target.
    pub only_self: bool,
    /// `.once`
    pub once: bool,
    /// `.window`, `.outside`, or the element itself.
    pub target: EventTarget,
    /// `.drop`: ignored while the element's last call is unanswered (otherwise calls queue).
    pub drop: bool,
    /// `.enter`, `.escape` …: one of the keys, with the values of `KeyboardEvent.key`; empty means
    /// any.
    pub keys: Vec<Box<str>>,
    /// `.ctrl`, `.shift`, `.alt`, `.meta`: the bits 1, 2, 4 and 8; exactly these keys are held. 0
    /// checks nothing.
    pub held: u8,
    /// `.debounce.150ms`, in milliseconds.
    pub debounce: Option<u32>,
    /// `.throttle.150ms`, in milliseconds, with a trailing call.
    pub throttle: Option<u32>,
    /// `live:confirm`: the user is asked first.
    pub confirm: bool,
    /// `live:poll.5s`: the event happens in this interval, in milliseconds.
    pub poll: Option<u32>,
    /// `.visible`: the interval passes only while the element is visible.
    pub visible: bool,
}

/// The target of an event listener.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EventTarget {
    /// The element.
    #[default]
    Element,
    /// The window.
    Window,
    /// Everywhere except inside the element.
    Outside,
}

/// Modifiers of `live:model`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ModelModifiers {
    /// When an edit is sent.
    pub send: ModelSend,
    /// `.debounce.150ms`, in milliseconds.
    pub debounce: Option<u32>,
    /// `.trim`
    pub trim: bool,
    /// `.number`
    pub number: bool,
    /// `.force`: the server's value is shown even in the focused input.
    pub force: bool,
}

/// When an edit is sent. Pending edits are also sent before any action of the component.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ModelSend {
    /// On `input`.
    #[default]
    Input,
    /// `.lazy`: on `change`.
    Change,
    /// `.blur`
    Blur,
}

/// One statement of an event.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the text of each variant names its fields")]
pub enum Statement {
    /// Calls an action of the component.
    Call { action: Box<str>, args: Vec<Expr> },
    /// Sets page-local state: `help = !help`.
    Set { local: LocalRef, value: Expr },
    /// Edits a `model` field, as typing does: `draft = ''`.
    Edit { field: Name, value: Expr },
}

/// One optimistic update, applied over the state until the server answers.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the text of each variant names its fields")]
pub enum OptimisticUpdate {
    /// `path = value`. All paths of optimistic updates start at the component ([`Expr::Root`]),
    /// including those to the item of a loop, and each [`Expr::At`] in them selects a keyed list's
    /// item by its id.
    Set { path: Expr, value: Expr },
    /// `list.push({…})`
    Push { list: Expr, item: Expr },
    /// `list.remove(key)`
    Remove { list: Expr, key: Expr },
}

/// A connection state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WireState {
    /// An action of the component is unanswered: of the element itself if it has one, or the one
    /// named by `target`.
    Loading,
    /// An edit is not acknowledged yet.
    Dirty,
    /// The page is not connected.
    Offline,
}

/// The effect of the connection state on the element.
#[derive(Clone, Debug, PartialEq)]
pub enum WireEffect {
    /// Visible only in that state.
    Show,
    /// `.remove`: hidden in that state.
    Hide,
    /// `.class="…"`: has these classes in that state.
    Class(Box<str>),
    /// `.class.remove="…"`: has these classes except in that state.
    WithoutClass(Box<str>),
    /// `.attr="disabled"`: has that attribute in that state, and its previous value afterwards.
    Attribute(Box<str>),
}
