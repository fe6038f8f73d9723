//! Messages from a client.

use std::borrow::Cow;
use std::fmt;

use crate::id::{ComponentId, Epoch, Ref, Rev, SessionId, StreamId};
use crate::json::RawJson;
use crate::kind::ClientType;
use crate::patch::Key;
use crate::secret::{ResumeSecret, Seal};

/// A message from a client. Values that the application decodes (arguments, props, field values)
/// remain JSON text.
#[derive(Clone, Debug)]
pub struct ClientMessage<'a> {
    /// The client has received every reply up to this one.
    pub ack: Option<Ref>,
    /// The content.
    pub body: ClientBody<'a>,
}

/// The content of a client's message.
#[derive(Clone, Debug)]
pub enum ClientBody<'a> {
    /// `HELLO`
    Hello(Hello<'a>),
    /// A message that concerns one component and gets exactly one reply.
    Request {
        /// The message's number. The reply has the same number.
        reference: Ref,
        /// The component's id, chosen by the page.
        component_id: ComponentId,
        /// The requested operation.
        request: Request<'a>,
    },
    /// `COMPONENT_ACTION` without a `ref`: runs at most once and is never answered.
    Unanswered {
        /// The component's id, chosen by the page.
        component_id: ComponentId,
        /// The action's name.
        action: Cow<'a, str>,
        /// The arguments; [`Arguments::of`] interprets them.
        payload: Option<RawJson<'a>>,
    },
    /// `RESYNC`
    Resync(StreamId),
    /// `TEMPLATE`
    Template {
        /// The template's content hash.
        hash: Cow<'a, str>,
    },
    /// `PING`
    Ping {
        /// The payload that the `PONG` repeats.
        payload: Option<RawJson<'a>>,
    },
}

/// The first message of a connection.
#[derive(Clone, Debug, Default)]
pub struct Hello<'a> {
    /// The session to resume; `None` requests a new session.
    pub resume: Option<Resume<'a>>,
    /// Credentials for the application's authentication.
    pub auth: Option<RawJson<'a>>,
}

/// Resume data: what a client knows about the session that it resumes.
#[derive(Clone, Debug)]
pub struct Resume<'a> {
    /// The session.
    pub session: SessionId,
    /// The most recent secret that the client received.
    pub secret: ResumeSecret<'a>,
    /// The client has received every reply up to this one; `None` if it received none.
    pub acked: Option<Ref>,
    /// The client's position in each stream that it holds.
    pub streams: Vec<(StreamId, Epoch, Rev)>,
}

/// An operation on one component.
#[derive(Clone, Debug)]
pub enum Request<'a> {
    /// `COMPONENT_MOUNT` of an element that the server rendered.
    MountSealed {
        /// The seal that the server put into the element.
        seal: Seal<'a>,
        /// Whether the page has the state that the element was rendered from. The answer omits the
        /// state if it is still the same.
        painted: bool,
    },
    /// `COMPONENT_MOUNT` of a child. The server finds the child in its parent's template and
    /// computes its props.
    MountChild(MountChild<'a>),
    /// `COMPONENT_MOUNT` of a component that any page may mount.
    MountOpen {
        /// The component's registered name.
        component: Cow<'a, str>,
        /// The props; absent means no props. The component's decoder checks that it is an object.
        props: Option<RawJson<'a>>,
    },
    /// `COMPONENT_ACTION`
    Action {
        /// The action's name.
        action: Cow<'a, str>,
        /// The arguments; [`Arguments::of`] interprets them.
        payload: Option<RawJson<'a>>,
        /// Field edits to apply before the action: all of them or none.
        set: Vec<(Cow<'a, str>, RawJson<'a>)>,
    },
    /// `PROPERTY_UPDATE`
    Property {
        /// The property to write.
        property: PropertyPath<'a>,
        /// The new value.
        value: RawJson<'a>,
    },
    /// `PROPS_UPDATE`
    Props(PropsUpdate<'a>),
    /// `COMPONENT_UNMOUNT`
    Unmount,
}

/// The path of a property that a page writes: a field of the component, or a property inside a
/// field. On the wire it is the field's name, or an array of the name and the steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PropertyPath<'a> {
    /// The component's field.
    pub field: Cow<'a, str>,
    /// The steps from the field to the property, at most [`MAX_STEPS`](crate::MAX_STEPS): the name
    /// of a struct's field or the key of a list's item. A text may be either; the component's type
    /// decides.
    pub steps: Vec<Key>,
}

impl<'a, T: Into<Cow<'a, str>>> From<T> for PropertyPath<'a> {
    /// Creates the path of a whole field.
    fn from(field: T) -> Self {
        Self { field: field.into(), steps: Vec::new() }
    }
}

impl PropertyPath<'_> {
    /// Converts the path into one that owns its texts.
    pub fn into_owned(self) -> PropertyPath<'static> {
        PropertyPath { field: self.field.into_owned().into(), steps: self.steps }
    }
}

impl fmt::Display for PropertyPath<'_> {
    /// Writes the field and the steps, separated by dots, as errors name the property:
    /// `items.3.text`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.field)?;
        for step in &self.steps {
            match step {
                Key::Int(number) => write!(f, ".{number}")?,
                Key::Text(text) => write!(f, ".{text}")?,
            }
        }
        Ok(())
    }
}

/// A request to mount a child.
#[derive(Clone, Debug)]
pub struct MountChild<'a> {
    /// The component whose template contains the child.
    pub parent: ComponentId,
    /// The child's place in that template: an array of hole numbers, row keys and arm numbers. The
    /// items are scalars, at most [`MAX_PLACE`](crate::MAX_PLACE) of them.
    pub place: RawJson<'a>,
    /// The seal that the server put into the element, if the server rendered it.
    pub seal: Option<Seal<'a>>,
    /// Whether the page has the state that the element was rendered from. The answer omits the
    /// state if it is still the same.
    pub painted: bool,
    /// Values for the props that the page may set, by name. The component checks the names.
    pub page: Vec<(Cow<'a, str>, RawJson<'a>)>,
}

/// The payload of a `PROPS_UPDATE`. The way in which the component was mounted decides which field
/// is used.
#[derive(Clone, Debug, Default)]
pub struct PropsUpdate<'a> {
    /// For a child: values for the props that the page may set, by name.
    pub page: Vec<(Cow<'a, str>, RawJson<'a>)>,
    /// For an open component: the props that changed. The component's decoder checks that it is an
    /// object.
    pub props: Option<RawJson<'a>>,
}

/// The arguments of an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arguments<'a> {
    /// No payload: no argument.
    None,
    /// An array: its items in order.
    Positional(RawJson<'a>),
    /// Any other value, including `null`: the only argument.
    One(RawJson<'a>),
}

impl<'a> Arguments<'a> {
    /// Interprets the payload of an action.
    pub fn of(payload: Option<RawJson<'a>>) -> Self {
        match payload {
            None => Self::None,
            Some(json) if json.is_array() => Self::Positional(json),
            Some(json) => Self::One(json),
        }
    }
}

impl<'a> ClientMessage<'a> {
    /// Creates a message without an `ack`.
    pub const fn new(body: ClientBody<'a>) -> Self {
        Self { ack: None, body }
    }

    /// Creates a message that concerns one component and gets exactly one reply.
    pub const fn request(reference: Ref, component_id: ComponentId, request: Request<'a>) -> Self {
        Self::new(ClientBody::Request { reference, component_id, request })
    }

    /// Returns the message's `type`.
    pub const fn kind(&self) -> ClientType {
        match &self.body {
            ClientBody::Hello(_) => ClientType::Hello,
            ClientBody::Request { request, .. } => request.kind(),
            ClientBody::Unanswered { .. } => ClientType::Action,
            ClientBody::Resync(_) => ClientType::Resync,
            ClientBody::Template { .. } => ClientType::Template,
            ClientBody::Ping { .. } => ClientType::Ping,
        }
    }
}

impl Request<'_> {
    /// Returns the message's `type`.
    pub const fn kind(&self) -> ClientType {
        match self {
            Self::MountSealed { .. } | Self::MountChild(_) | Self::MountOpen { .. } => ClientType::Mount,
            Self::Action { .. } => ClientType::Action,
            Self::Property { .. } => ClientType::Property,
            Self::Props(_) => ClientType::Props,
            Self::Unmount => ClientType::Unmount,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Arguments;
    use crate::json::RawJson;

    #[test]
    fn an_array_is_positional_and_anything_else_the_one_argument() {
        let of = |json| Arguments::of(Some(RawJson::trusted(json)));
        assert_eq!(Arguments::of(None), Arguments::None);
        assert!(matches!(of("[1,2]"), Arguments::Positional(_)));
        assert!(matches!(of("[[1]]"), Arguments::Positional(_)));
        assert!(matches!(of("null"), Arguments::One(_)));
        assert!(matches!(of(r#"{"a":1}"#), Arguments::One(_)));
        assert!(matches!(of("\"[\""), Arguments::One(_)));
    }
}
