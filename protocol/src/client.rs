//! What a client says.

use std::borrow::Cow;
use std::fmt;

use crate::id::{ComponentId, Epoch, Ref, Rev, SessionId, StreamId};
use crate::json::RawJson;
use crate::kind::ClientType;
use crate::patch::Key;
use crate::secret::{ResumeSecret, Seal};

/// A message from a client. What an application decodes (arguments, props, values) is still JSON text.
#[derive(Clone, Debug)]
pub struct ClientMessage<'a> {
    /// Every reply up to this one has been received.
    pub ack: Option<Ref>,
    /// What it says.
    pub body: ClientBody<'a>,
}

/// What a client's message says.
#[derive(Clone, Debug)]
pub enum ClientBody<'a> {
    /// `HELLO`
    Hello(Hello<'a>),
    /// Any message that concerns a component and gets exactly one reply.
    Request {
        /// Its number; the reply carries it back.
        reference: Ref,
        /// The component, as its page calls it.
        component_id: ComponentId,
        /// What is asked.
        request: Request<'a>,
    },
    /// `COMPONENT_ACTION` without a `ref`: runs at most once and is never answered.
    Unanswered {
        /// The component, as its page calls it.
        component_id: ComponentId,
        /// The action's name.
        action: Cow<'a, str>,
        /// The arguments, as [`Arguments::of`] reads them.
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
        /// Comes back in the `PONG`.
        payload: Option<RawJson<'a>>,
    },
}

/// The first message of a connection.
#[derive(Clone, Debug, Default)]
pub struct Hello<'a> {
    /// The session to resume; `None` asks for a new one.
    pub resume: Option<Resume<'a>>,
    /// Whatever the application's authentication takes.
    pub auth: Option<RawJson<'a>>,
}

/// What a client knows of the session that it resumes.
#[derive(Clone, Debug)]
pub struct Resume<'a> {
    /// The session.
    pub session: SessionId,
    /// The last secret it was given.
    pub secret: ResumeSecret<'a>,
    /// Every reply up to this one has been received; `None` if there was none.
    pub acked: Option<Ref>,
    /// Where it is in each stream that it holds.
    pub streams: Vec<(StreamId, Epoch, Rev)>,
}

/// What is asked of one component.
#[derive(Clone, Debug)]
pub enum Request<'a> {
    /// `COMPONENT_MOUNT` of an element that the server rendered.
    MountSealed {
        /// What the server put into the element.
        seal: Seal<'a>,
    },
    /// `COMPONENT_MOUNT` of a child: the server finds it in its parent's template and computes what it is given.
    MountChild(MountChild<'a>),
    /// `COMPONENT_MOUNT` of a component that is open to any page.
    MountOpen {
        /// Its registered name.
        component: Cow<'a, str>,
        /// Its props; absent is the same as none. Whether it is an object the component's own decoder checks.
        props: Option<RawJson<'a>>,
    },
    /// `COMPONENT_ACTION`
    Action {
        /// The action's name.
        action: Cow<'a, str>,
        /// The arguments, as [`Arguments::of`] reads them.
        payload: Option<RawJson<'a>>,
        /// Edits that go before it, all or none.
        set: Vec<(Cow<'a, str>, RawJson<'a>)>,
    },
    /// `PROPERTY_UPDATE`
    Property {
        /// Which property.
        property: PropertyPath<'a>,
        /// Its new value.
        value: RawJson<'a>,
    },
    /// `PROPS_UPDATE`
    Props(GivenProps<'a>),
    /// `COMPONENT_UNMOUNT`
    Unmount,
}

/// Which property a page writes: a field of the component, or a property inside of one. On the wire it is the field's
/// name, or an array of that name and the steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PropertyPath<'a> {
    /// The component's field.
    pub field: Cow<'a, str>,
    /// The way from there, at most [`MAX_STEPS`](crate::MAX_STEPS): the name of a struct's field, the key of a list's
    /// item. Which of the two a text is, the component knows.
    pub steps: Vec<Key>,
}

impl<'a, T: Into<Cow<'a, str>>> From<T> for PropertyPath<'a> {
    /// A field as a whole.
    fn from(field: T) -> Self {
        Self { field: field.into(), steps: Vec::new() }
    }
}

impl PropertyPath<'_> {
    /// The same, owned.
    pub fn into_owned(self) -> PropertyPath<'static> {
        PropertyPath { field: self.field.into_owned().into(), steps: self.steps }
    }
}

impl fmt::Display for PropertyPath<'_> {
    /// Writes the field and the steps with dots between them, as errors name the property: `items.3.text`.
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

/// How a child is mounted.
#[derive(Clone, Debug)]
pub struct MountChild<'a> {
    /// The component whose template it stands in.
    pub parent: ComponentId,
    /// Where in that template: an array of hole numbers, row keys and arm numbers. Its items are scalars, at most
    /// [`MAX_PLACE`](crate::MAX_PLACE) of them.
    pub place: RawJson<'a>,
    /// What the server put into the element, where it rendered that.
    pub seal: Option<Seal<'a>>,
    /// The props that are the page's to give, by name. Whether they are the component knows.
    pub page: Vec<(Cow<'a, str>, RawJson<'a>)>,
}

/// What a `PROPS_UPDATE` carries. Which of the two counts depends on how the component was mounted.
#[derive(Clone, Debug, Default)]
pub struct GivenProps<'a> {
    /// For a child: the props that are the page's to give, by name.
    pub page: Vec<(Cow<'a, str>, RawJson<'a>)>,
    /// For an open component: the props that have changed. Whether it is an object the component's own decoder checks.
    pub props: Option<RawJson<'a>>,
}

/// How an action's payload is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arguments<'a> {
    /// No payload: no argument.
    None,
    /// An array: its items in order.
    Positional(RawJson<'a>),
    /// Anything else, `null` too: the one argument.
    One(RawJson<'a>),
}

impl<'a> Arguments<'a> {
    /// Applies the rule.
    pub fn of(payload: Option<RawJson<'a>>) -> Self {
        match payload {
            None => Self::None,
            Some(json) if json.is_array() => Self::Positional(json),
            Some(json) => Self::One(json),
        }
    }
}

impl<'a> ClientMessage<'a> {
    /// A message without an `ack`.
    pub const fn new(body: ClientBody<'a>) -> Self {
        Self { ack: None, body }
    }

    /// A message that concerns one component and gets exactly one reply.
    pub const fn request(reference: Ref, component_id: ComponentId, request: Request<'a>) -> Self {
        Self::new(ClientBody::Request { reference, component_id, request })
    }

    /// The word in its `type`.
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
    /// The word in its `type`.
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
