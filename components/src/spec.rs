//! What is known of a component's type before there is one.

use crate::shape::ShapeRef;

/// A component's type, as the derive describes it.
#[derive(Debug)]
pub struct Spec {
    /// The stable name on the wire.
    pub name: &'static str,
    /// The path of the Rust type, for messages.
    pub type_name: &'static str,
    /// Whether a page may mount it without a seal.
    pub open: bool,
    /// Whether its state, the exactly-once record and the application's writes are committed before the reply.
    pub durable: bool,
    /// Computes [`Spec::schema`], once.
    pub schema: fn() -> u64,
    /// The template.
    pub template: TemplateSource,
    /// Elements of the template that cannot stand inside another one of their kind, as far as that could be outside of
    /// it: `a`, `button`, `form`, `li`, `dd`, `dt`, one of each kind.
    pub outermost: &'static [&'static str],
    /// The struct's fields, in their order.
    pub fields: &'static [FieldSpec],
    /// What it is given at mount.
    pub props: &'static [ArgSpec],
    /// The names of the methods marked `#[live(computed)]`.
    pub computed: &'static [&'static str],
    /// The methods marked `#[action]`.
    pub actions: &'static [ActionSpec],
    /// The names of the events that a method marked `#[event]` takes.
    pub events: &'static [&'static str],
    /// Which lifecycle methods there are.
    pub hooks: &'static [Hook],
}

impl Spec {
    /// Returns the hash of the JSON that the fields are read from which [`save`](crate::instance::Instance::save)
    /// writes, nested types included. It is the same in every process and on every platform.
    #[must_use]
    pub fn schema(&self) -> u64 {
        (self.schema)()
    }

    /// The public fields and what may be done to them, looked up by the name on the wire.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&'static FieldSpec> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// Returns whether a page may give the prop of that name.
    #[must_use]
    pub fn is_page_prop(&self, name: &str) -> bool {
        self.field(name).is_some_and(|field| field.page)
    }

    /// How many fields show a topic.
    #[must_use]
    pub fn shared_fields(&self) -> usize {
        self.fields.iter().filter(|field| field.kind == FieldKind::Shared).count()
    }

    /// The actions that may be run twice.
    pub fn retried(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.actions.iter().filter(|action| action.retry).map(|action| action.name)
    }

    /// Whether the component has that lifecycle method.
    #[must_use]
    pub fn has(&self, hook: Hook) -> bool {
        self.hooks.contains(&hook)
    }
}

/// A template's text and where it came from.
#[derive(Clone, Copy, Debug)]
pub struct TemplateSource {
    /// The path of the file, for messages.
    pub file: &'static str,
    /// The text.
    pub text: &'static str,
}

/// A field of a component.
#[derive(Clone, Copy, Debug)]
pub struct FieldSpec {
    /// The name on the wire.
    pub name: &'static str,
    /// What the field is for.
    pub kind: FieldKind,
    /// Whether a page may write it.
    pub model: bool,
    /// Whether it is given at mount.
    pub prop: bool,
    /// Whether a page may give the prop. All others come from the server.
    pub page: bool,
}

/// What a field is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// Part of the page's state.
    Public,
    /// What a method marked `#[live(computed)]` returns: part of the page's state, and not saved.
    Computed,
    /// The form's errors: part of the page's state, and kept when an action is refused as invalid.
    Errors,
    /// State that many look at.
    Shared,
    /// Saved, but not part of the page's state.
    Private,
    /// Neither saved nor shown: made by `Default` when the component is restored.
    Skip,
}

impl FieldKind {
    /// Whether the field stands in the component's own state on the wire.
    #[must_use]
    pub const fn is_public(self) -> bool {
        matches!(self, Self::Public | Self::Computed | Self::Errors)
    }

    /// Whether a page knows the field.
    #[must_use]
    pub const fn is_readable(self) -> bool {
        matches!(self, Self::Public | Self::Errors | Self::Shared)
    }

    /// Whether the field is saved with the component.
    #[must_use]
    pub const fn is_saved(self) -> bool {
        matches!(self, Self::Public | Self::Errors | Self::Private)
    }
}

/// A lifecycle method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hook {
    /// The page is there.
    Connected,
    /// The page wrote a field.
    Updated,
    /// The page's connection dropped.
    Disconnected,
    /// The page is back.
    Resumed,
    /// The component is going away.
    Unmount,
}

/// A method that a page may call.
#[derive(Clone, Copy, Debug)]
pub struct ActionSpec {
    /// Its name, in Rust and on the wire.
    pub name: &'static str,
    /// What it takes, `self` and the context left out.
    pub args: &'static [ArgSpec],
    /// Whether it may be run twice: after a lost session a page that has no answer to it sends it again.
    pub retry: bool,
}

/// An argument of an action, or a prop.
#[derive(Clone, Copy, Debug)]
pub struct ArgSpec {
    /// Its name, for messages.
    pub name: &'static str,
    /// Its type as it was written, for messages.
    pub ty: &'static str,
    /// What templates may pass.
    pub shape: ShapeRef,
    /// Whether it may be left out.
    pub optional: bool,
}
