//! What a page asks of a component.

use serde_json::Value;
use vivaz_components::ComponentId;
use vivaz_protocol::{ClientBody, ClientMessage, RawJson, Ref, Request, Seal};

use super::encode;

/// Something that a page asks of a component.
#[derive(Clone, Debug, PartialEq)]
pub enum Ask {
    /// To be mounted from what the server rendered.
    MountSealed {
        /// The element's seal.
        seal: String,
    },
    /// To be mounted, where the component is open.
    MountOpen {
        /// Its registered name.
        component: String,
        /// Its props.
        props: Value,
    },
    /// To run an action.
    Action {
        /// Its name.
        action: String,
        /// Its arguments, in order.
        arguments: Vec<Value>,
        /// Edits that go before it.
        set: Vec<(String, Value)>,
    },
    /// To take an edit of a field.
    Property {
        /// The field.
        property: String,
        /// Its new value.
        value: Value,
    },
    /// To take new props from the parent.
    Props(Value),
    /// To go.
    Unmount,
}

impl Ask {
    /// To be mounted, where the component is open.
    pub fn mount_open(component: impl Into<String>, props: Value) -> Self {
        Self::MountOpen { component: component.into(), props }
    }

    /// To run an action.
    pub fn action(action: impl Into<String>, arguments: impl IntoIterator<Item = Value>) -> Self {
        Self::Action { action: action.into(), arguments: arguments.into_iter().collect(), set: Vec::new() }
    }

    /// The fields that it writes.
    pub(super) fn edits(&self) -> impl Iterator<Item = (&str, &Value)> {
        let (one, set) = match self {
            Self::Property { property, value } => (Some((&**property, value)), &[][..]),
            Self::Action { set, .. } => (None, &**set),
            Self::MountSealed { .. } | Self::MountOpen { .. } | Self::Props(_) | Self::Unmount => {
                (None, &[][..])
            }
        };
        one.into_iter().chain(set.iter().map(|(field, value)| (&**field, value)))
    }

    pub(super) fn is_mount(&self) -> bool {
        matches!(self, Self::MountSealed { .. } | Self::MountOpen { .. })
    }

    /// As it stands on the wire.
    pub(super) fn frame(&self, reference: Ref, component: &ComponentId, ack: Option<Ref>) -> String {
        let (json, set);
        let request = match self {
            Self::MountSealed { seal } => Request::MountSealed { seal: Seal::new(seal.as_str()) },
            Self::MountOpen { component, props } => {
                json = props.to_string();
                Request::MountOpen { component: component.into(), props: Some(RawJson::trusted(&json)) }
            }
            Self::Action { action, arguments, set: edits } => {
                json = Value::from(arguments.clone()).to_string();
                set = edits.iter().map(|(field, value)| (field, value.to_string())).collect::<Vec<_>>();
                Request::Action {
                    action: action.into(),
                    payload: Some(RawJson::trusted(&json)),
                    set: set
                        .iter()
                        .map(|(field, value)| ((*field).into(), RawJson::trusted(value)))
                        .collect(),
                }
            }
            Self::Property { property, value } => {
                json = value.to_string();
                Request::Property { property: property.into(), value: RawJson::trusted(&json) }
            }
            Self::Props(props) => {
                json = props.to_string();
                Request::Props { props: RawJson::trusted(&json) }
            }
            Self::Unmount => Request::Unmount,
        };
        let body = ClientBody::Request { reference, component_id: component.clone(), request };
        encode(&ClientMessage { ack, body })
    }
}
