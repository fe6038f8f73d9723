//! The compiled form: plain data that a page downloads once, by the hash of its content.
//!
//! A template is a list of [`Block`]s. Block 0 is the component itself: its top-level nodes are the children of the
//! `<live-component>` element. Every body of a `live:for` and every arm of a `live:if` is a block of its own, with
//! exactly one root element. A block has a skeleton of HTML, which the page clones, and [`Hole`]s: the places in it
//! that depend on state.
//!
//! # Finding a place
//! Server-rendered DOM and a clone of the skeleton are walked the same way. Text nodes are never counted, because the
//! browser drops empty ones; all the text between two elements is one hole, or static. A [`Step`] says how many
//! comments of a parent to pass and then how many elements after the last of them. Comments are markers, written
//! `<!>`: the end anchor of every `live:for` and `live:if` that is not last in its parent, or not first after its
//! text (what follows it is counted from that marker, so rows before it shift nothing).
//!
//! For block 0 the walk starts at the `<live-component>` element and the first step picks one of its children;
//! for any other block it starts at the block's root element, and no step at all means that element itself.

use crate::data::Name;
use crate::expr::{Expr, LocalRef};

/// A compiled template.
#[derive(Clone, Debug, PartialEq)]
pub struct Template {
    /// Block 0 is the component; a block's children come after it.
    pub blocks: Vec<Block>,
}

/// A piece of DOM that is made as a whole.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    /// The skeleton, with the anchors and with one space in place of each text hole.
    pub html: Box<str>,
    /// Whether the root is an SVG or MathML element, which a skeleton has to be parsed inside of.
    pub namespace: Namespace,
    /// The page's own state that starts anew with each instance of the block: name and first value.
    pub locals: Vec<(Box<str>, Expr)>,
    /// The places that depend on state, in document order, but for one: what sets the value of a `select` comes
    /// after the holes inside it, because a value can only be chosen once its option is there.
    pub holes: Vec<Hole>,
}

/// Which parser a skeleton needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Namespace {
    Html,
    Svg,
    MathMl,
}

/// One step of a walk: past `comments` comment children, then past `elements` element siblings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// Comments to pass, counted from the parent's first child.
    pub comments: u16,
    /// Elements to pass after the last of them.
    pub elements: u16,
}

/// A place that depends on state.
#[derive(Clone, Debug, PartialEq)]
pub struct Hole {
    /// The walk to the element that the hole belongs to; for [`HoleKind::Text`], `For` and `If` to the parent element.
    pub path: Vec<Step>,
    /// What is there.
    pub kind: HoleKind,
}

/// What a hole is.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the text of each variant names its fields")]
pub enum HoleKind {
    /// A text node among the children of the element at `path`, right after the place `after`. It is absent from
    /// server-rendered DOM where the text was empty.
    Text { after: Step, value: Expr },
    /// The whole content of the element at `path` as text: `textarea`, `title`, `option` and other places without markers.
    Content { value: Expr },
    /// The whole content of the element at `path` as raw HTML: `live:html`.
    Html { value: Expr },
    /// An attribute. `null` and `false` remove it, `true` sets it to the empty string.
    Attribute { name: Box<str>, value: Expr, kind: AttributeKind },
    /// `live:class:NAME`: one class on or off.
    Class { name: Box<str>, on: Expr },
    /// `live:style:PROPERTY` and the declarations of a `style` attribute with holes, set through CSSOM. Null removes.
    Style { property: Box<str>, value: Expr },
    /// `live:show`: shown or `hidden`.
    Show { on: Expr },
    /// `live:for`: one instance of `block` for each item, between `start` and the anchor `end` among the children of
    /// the element at `path`. Rows that start at the parent's start and have no end have the parent to themselves. `key` is evaluated with the item in scope, in the block
    /// that the hole stands in.
    For { start: Step, end: Option<u16>, list: Expr, key: Expr, block: usize },
    /// `live:if`, `live:else-if`, `live:else`: the first arm whose condition holds. `None` is the `else`.
    If { start: Step, end: Option<u16>, arms: Vec<(Option<Expr>, usize)> },
    /// `live:click`, `live:on:NAME` and their like.
    Event { event: Box<str>, modifiers: Modifiers, run: Vec<Statement>, optimistic: Vec<Guess> },
    /// `live:model`: two-way with the property at the end of that path, which begins with a field of the component.
    Model { property: Vec<ModelStep>, value: Expr, control: Control, modifiers: ModelModifiers },
    /// `live:loading`, `live:loading.attr="disabled"`, `live:dirty.class="…"`, `live:offline`: shows the state of the wire.
    /// On a submit button, `form` is the form whose action it stands for.
    Wire { state: WireState, effect: WireEffect, target: Option<Box<str>>, form: Option<Form> },
    /// `live:ref`: the element's name for the page's own code.
    Ref { name: Box<str> },
    /// `live:hook`: the name of a hook that the page registered.
    Hook { name: Box<str> },
    /// `<live:chat room="{{ id }}">`: the element at `path` is the child's `<live-component>`. When `key` (`live:key`)
    /// changes, another component takes the child's place; when only `props` do, the component that is there gets them.
    /// The server evaluates all props but those that read the page's own state.
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
    /// Returns the key, where the step leads to an item of a list.
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
    /// As it is.
    Plain,
    /// A URL: one with a script scheme is refused (`about:invalid` stands in its place).
    Url,
    /// Several URLs, separated by white space or commas: `srcset`, `ping`.
    UrlList,
    /// A property of the DOM too, which changes independently of the attribute once the control is used: `value`, which
    /// is written like a [`Word`](Self::Word), and `checked`, `selected`, `muted` and `open`, which are present where the
    /// value holds as a condition.
    Property,
    /// `true` and `false` are written out, only `null` removes it: `aria-*`, `data-*`, `contenteditable`, `draggable`,
    /// `spellcheck`, and the `value` of an `option`.
    Word,
    /// `class`: the page adds and removes the classes that the value names, and leaves alone what `live:class:NAME`,
    /// `live:loading.class` and other people's code put there.
    Class,
}

/// A form with a `live:submit`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Form {
    /// The block that it is in.
    pub block: usize,
    /// How many blocks that is outwards.
    pub level: u16,
    /// The way to it in that block.
    pub path: Vec<Step>,
}

/// What kind of control a `live:model` stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// `input` of a textual kind, and `textarea`.
    Text,
    /// `input type=number` and `range`: a number, or null when empty.
    Number,
    /// `input type=checkbox`: a truth value.
    Checkbox,
    /// `input type=radio`: the `value` of the one chosen.
    Radio,
    /// `select`: the value of the option.
    Select,
    /// `select multiple`: a list of values.
    SelectMultiple,
    /// `input type=checkbox` with a `value`: whether a list has the value. Of a field that is a truth value, that.
    Choice,
    /// An element with `contenteditable`: its text.
    Editable,
}

/// When and how an event is taken.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Modifiers {
    /// `.prevent` (always set for `submit`)
    pub prevent: bool,
    /// `.stop`
    pub stop: bool,
    /// `.self`: only when the element itself is the target.
    pub only_self: bool,
    /// `.once`
    pub once: bool,
    /// `.window`, `.outside`, or the element itself.
    pub target: EventTarget,
    /// `.drop`: ignored while the element's last one is unanswered (else it queues).
    pub drop: bool,
    /// `.enter`, `.escape` …: one of the keys, as `KeyboardEvent.key` has them; none means any.
    pub keys: Vec<Box<str>>,
    /// `.ctrl`, `.shift`, `.alt`, `.meta`: the bits 1, 2, 4 and 8; exactly these are held down. 0 asks for nothing.
    pub held: u8,
    /// `.debounce.150ms`, in milliseconds.
    pub debounce: Option<u32>,
    /// `.throttle.150ms`, in milliseconds, with a trailing call.
    pub throttle: Option<u32>,
}

/// Where an event is listened for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EventTarget {
    /// At the element.
    #[default]
    Element,
    /// At the window.
    Window,
    /// Anywhere but inside the element.
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
    /// `.force`: the server's value shows even in the focused input.
    pub force: bool,
}

/// When an edit is sent on its own; before any action of the component pending edits go along anyway.
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

/// One thing an event does.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the text of each variant names its fields")]
pub enum Statement {
    /// Calls an action of the component.
    Call { action: Box<str>, args: Vec<Expr> },
    /// Changes a piece of the page's own state: `help = !help`.
    Set { local: LocalRef, value: Expr },
    /// Edits a `model` field, as typing does: `draft = ''`.
    Edit { field: Name, value: Expr },
}

/// One guess of an action's effect, laid over the state until the server answers.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the text of each variant names its fields")]
pub enum Guess {
    /// `path = value`. All paths of guesses start at the component ([`Expr::Root`]), those to the item of a loop too,
    /// and each [`Expr::At`] of them picks a keyed list's item by its id.
    Set { path: Expr, value: Expr },
    /// `list.push({…})`
    Push { list: Expr, item: Expr },
    /// `list.remove(key)`
    Remove { list: Expr, key: Expr },
}

/// A state of the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WireState {
    /// An action of the component (of the element itself, where it has one; of `target`, where that is named) is unanswered.
    Loading,
    /// An edit is not acknowledged yet.
    Dirty,
    /// The page is not connected.
    Offline,
}

/// What it does to the element.
#[derive(Clone, Debug, PartialEq)]
pub enum WireEffect {
    /// Shown only in that state.
    Show,
    /// `.class="…"`: has these classes in that state.
    Class(Box<str>),
    /// `.attr="disabled"`: has that attribute in that state, and what it was before afterwards.
    Attribute(Box<str>),
}
