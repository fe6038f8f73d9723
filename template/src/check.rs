//! The checks of a template against its component: the conditions that require the component's
//! types. The derive turns them into a constant that fails the build.
//!
//! The same types serve the compiler, which allocates, and the constant, which cannot: a
//! [`Storage`] determines how texts and lists are stored.

use std::fmt::Debug;

use crate::error::Position;

/// How the parts of a check are stored.
pub trait Storage: Copy + Debug + PartialEq + 'static {
    /// The position of a check.
    type At: Clone + Debug + PartialEq + 'static;
    /// A text.
    type Text: Clone + Debug + PartialEq + 'static;
    /// The name of a field in a path.
    type FieldName: Clone + Debug + PartialEq + 'static;
    /// A list.
    type List<T: Clone + Debug + PartialEq + 'static>: Clone + Debug + PartialEq;
}

/// Checks of the compiler, with owned texts and lists.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Owned;

impl Storage for Owned {
    type At = Position;
    type Text = String;
    type FieldName = String;
    type List<T: Clone + Debug + PartialEq + 'static> = Vec<T>;
}

/// Checks in a constant. The position is the excerpt of the template that an error message shows
/// ([`SourceText::excerpt`](crate::SourceText::excerpt)), and field names have a hash.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Static;

impl Storage for Static {
    type At = &'static str;
    type Text = &'static str;
    type FieldName = (&'static str, u64);
    type List<T: Clone + Debug + PartialEq + 'static> = &'static [T];
}

/// A path from the component, through loops too: the item of `m in chat.messages` has the steps
/// `chat`, `messages`, each.
pub type Path<S> = <S as Storage>::List<PathStep<<S as Storage>::FieldName>>;

/// A check and its position in the template.
#[derive(Clone, Debug, PartialEq)]
pub struct Check<S: Storage = Owned> {
    /// The position.
    pub at: S::At,
    /// The condition.
    pub kind: CheckKind<S>,
}

/// A condition for the component's types.
#[derive(Clone, Debug, PartialEq)]
pub enum CheckKind<S: Storage = Owned> {
    /// The path exists, and its end can be used as required.
    Path {
        /// The path.
        steps: Path<S>,
        /// The use of its end.
        want: Want,
        /// The number of steps that belong to the argument of a partial, which has its own check.
        given: usize,
    },
    /// The value can equal one of the others, of which at least one is a path.
    Compare {
        /// The value.
        one: Argument<S>,
        /// The values that it is compared with.
        among: S::List<Argument<S>>,
        /// The operator.
        how: Comparison,
    },
    /// The list, the text or the map at the path can contain the value.
    Contains {
        /// The path to the container.
        steps: Path<S>,
        /// The value.
        one: Argument<S>,
    },
    /// The component has the action, and it takes these arguments.
    Call {
        /// The action's name.
        action: S::Text,
        /// The arguments, in order.
        arguments: S::List<Argument<S>>,
    },
    /// `live:target` names an action or a `model` field of the component.
    Target {
        /// The name.
        name: S::Text,
    },
    /// The path leads through structs and keyed lists to a property, each field on the path is
    /// marked `model`, and the property's type fits the edits.
    Model {
        /// The path.
        steps: Path<S>,
        /// The values that are written to it.
        edits: Edits,
    },
    /// The component exists (if that is known), has these props, and its template has no element
    /// that is not allowed inside the enclosing ones.
    Child {
        /// The component's registered name.
        component: S::Text,
        /// Its props.
        props: S::List<GivenProp<S>>,
        /// The names of the elements that enclose it, one per
        /// [`ExclusiveGroup`](crate::containment::ExclusiveGroup).
        within: S::List<S::Text>,
    },
    /// The route has these parameters.
    Route {
        /// The route's path in Rust.
        route: S::Text,
        /// The parameters.
        parameters: S::List<GivenProp<S>>,
        /// Whether the template is that of a component, whose engine cannot split a `{*rest}`.
        is_live: bool,
    },
    /// The template declares this name, which no field of the component may have, because the
    /// declaration would shadow the field.
    Fresh {
        /// The name.
        name: S::Text,
    },
}

/// A prop that a template gives to a child, or a parameter of a route.
#[derive(Clone, Debug, PartialEq)]
pub struct GivenProp<S: Storage = Owned> {
    /// Its name.
    pub name: S::Text,
    /// What is known about its value.
    pub argument: Argument<S>,
    /// Whether the value reads page-local state, so that only the page can evaluate it.
    pub is_local: bool,
}

impl<S: Storage> Copy for GivenProp<S>
where
    S::Text: Copy,
    Path<S>: Copy,
{
}

/// One step of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathStep<N = String> {
    /// To a field, or the entry of a map.
    Field(N),
    /// To the items of a loop.
    Each,
    /// `[i]`: to an item of a list, or an entry of a map.
    Index,
    /// `.len()`: of text, a list or a map.
    Len,
    /// `.is_empty()`: of text, a list or a map.
    IsEmpty,
    /// `.contains(x)`: of text, a list or a map.
    Contains,
}

/// The use of the value at the end of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// Any value is allowed.
    Any,
    /// It is shown as text: not allowed for a list, a map or a struct.
    Text,
    /// It is compared with another value: not allowed for a list, a map or a struct.
    Compared,
    /// It is a condition: allowed for all types.
    Condition,
    /// It is an operand of arithmetic.
    Number,
    /// It is the list of a `live:for`.
    List,
}

/// The kinds of comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `==`, `!=`
    Equal,
    /// `<`, `<=`, `>`, `>=`
    Order,
}

/// The kinds of values that a control or an assignment writes to a property.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edits {
    /// Texts.
    Text,
    /// Numbers.
    Number,
    /// Booleans.
    Bool,
    /// Lists.
    List,
    /// A checkbox with a `value`: whether a list contains the value, or a boolean.
    Choice,
    /// Values that only the page knows.
    Any,
}

/// What is known about a value that is passed to an action or a child, or that is compared.
#[derive(Clone, Debug, PartialEq)]
pub enum Argument<S: Storage = Owned> {
    /// The literal `null`.
    Null,
    /// A boolean.
    Bool,
    /// An integer.
    Int,
    /// A number that is not an integer.
    Float,
    /// A literal text.
    Word(S::Text),
    /// Any other text.
    Text,
    /// A place in the component's state, whose type is the value's.
    Path(Path<S>),
    /// Any value: it is known only at run time.
    Any,
}

impl<S: Storage> Copy for Argument<S>
where
    S::Text: Copy,
    Path<S>: Copy,
{
}

impl<S: Storage> Argument<S> {
    /// Returns the place in the component's state, if the value is one.
    pub(crate) fn path(&self) -> Option<&Path<S>> {
        match self {
            Self::Path(path) => Some(path),
            Self::Null | Self::Bool | Self::Int | Self::Float | Self::Word(_) | Self::Text | Self::Any => {
                None
            }
        }
    }

    /// Returns whether the value is known to be a text.
    #[must_use]
    pub const fn is_text(&self) -> bool {
        matches!(self, Self::Word(_) | Self::Text)
    }
}
