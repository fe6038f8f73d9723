//! What a template asks of its component: everything that only the component's types can confirm.
//! The derive turns these into a constant that fails the build.

use crate::compiled::Control;
use crate::error::Position;

/// One demand, and where in the template it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    /// Where.
    pub at: Position,
    /// What.
    pub kind: CheckKind,
}

/// What has to hold.
#[derive(Clone, Debug, PartialEq)]
pub enum CheckKind {
    /// The path exists, and leads to something of that kind.
    Path {
        /// From the component, through loops too: the item of `m in chat.messages` is `chat`,
        /// `messages`, each.
        steps: Vec<PathStep>,
        /// What is done with it.
        want: Want,
    },
    /// The value can equal one of the others, of which at least one is a path.
    Compare {
        /// The value.
        one: Argument,
        /// The values that it is compared with.
        among: Vec<Argument>,
        /// The operator.
        how: Comparison,
    },
    /// The list, the text or the map at the path can contain the value.
    Contains {
        /// The path to what is searched.
        steps: Vec<PathStep>,
        /// The value that is searched for.
        one: Argument,
    },
    /// The component has the action, and it takes these arguments.
    Call {
        /// The action's name.
        action: String,
        /// What is given to it, in order.
        arguments: Vec<Argument>,
    },
    /// `live:target` names an action or a `model` field of the component.
    Target {
        /// The name.
        name: String,
    },
    /// The path leads through structs and keyed lists to a property, each field on the way is
    /// marked `model`, and the property's type suits the control.
    Model {
        /// From the component, through loops too.
        steps: Vec<PathStep>,
        /// The control that edits it.
        control: Control,
        /// Whether the control gives numbers.
        is_number: bool,
    },
    /// The component has the field, it is marked `model`, and its type suits the value.
    Edit {
        /// The field's name.
        field: String,
        /// What is assigned to it.
        argument: Argument,
    },
    /// The component exists (where that is known) and has these props.
    Child {
        /// The component's registered name.
        component: String,
        /// The props that it is given.
        props: Vec<GivenProp>,
    },
    /// The template declares a name of its own, which no field of the component may have: it would
    /// hide it.
    Fresh {
        /// The name.
        name: String,
    },
}

/// A prop that a template gives to a child.
#[derive(Clone, Debug, PartialEq)]
pub struct GivenProp {
    /// Its name.
    pub name: String,
    /// Its value, as far as that is known.
    pub argument: Argument,
    /// Whether the value reads the page's own state, so that only the page can evaluate it.
    pub is_local: bool,
}

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathStep {
    /// To a field, or the entry of a map.
    Field(String),
    /// To the item of a loop over it.
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

/// What is done with the end of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// Anything will do.
    Any,
    /// It is shown as text: a list, a map or a struct makes no sense.
    Text,
    /// It is compared with another value: a list, a map or a struct equals nothing.
    Compared,
    /// It is asked whether it holds; everything has an answer to that.
    Condition,
    /// It is calculated with.
    Number,
    /// A `live:for` goes over it.
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

/// What is known about a value that is given to an action or a child, or compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Argument {
    /// The literal `null`.
    Null,
    /// A truth value.
    Bool,
    /// A whole number.
    Int,
    /// A number that is not whole.
    Float,
    /// A literal text.
    Word(String),
    /// Any other text.
    Text,
    /// A place in the component's state, whose type is the value's.
    Path(Vec<PathStep>),
    /// Anything: it is known when it happens.
    Any,
}

impl Argument {
    /// Returns whether the value is known to be a text.
    #[must_use]
    pub const fn is_text(&self) -> bool {
        matches!(self, Self::Word(_) | Self::Text)
    }
}
