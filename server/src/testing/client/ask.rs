//! The requests of a page to a component.

use std::borrow::Cow;

use serde_json::Value;
use vivaz_components::ComponentId;
use vivaz_protocol::{ClientBody, ClientMessage, MountChild, PropsUpdate, RawJson, Ref, Request, Seal};

use super::encode;
use crate::testing::property;

/// A request of a page to a component.
#[derive(Clone, Debug, PartialEq)]
pub enum Ask {
    /// Mounts a component that the server rendered.
    MountSealed {
        /// The element's seal.
        seal: String,
    },
    /// Mounts a child.
    MountChild {
        /// The parent's id.
        parent: String,
        /// The place in the parent's template, in the form of
        /// [`ChildSlot::place`](vivaz_template::ChildSlot::place).
        place: String,
        /// The element's seal, if the server rendered it.
        seal: Option<String>,
        /// The props that the page provides.
        page: Vec<(String, Value)>,
    },
    /// Mounts an `open` component.
    MountOpen {
        /// The component's registered name.
        component: String,
        /// The component's props.
        props: Value,
    },
    /// Runs an action.
    Action {
        /// The action's name.
        action: String,
        /// The arguments, in order.
        arguments: Vec<Value>,
        /// The edits to apply before the action.
        set: Vec<(String, Value)>,
    },
    /// Edits a field.
    Property {
        /// The field, or the path of a property inside of one as a JSON array:
        /// `["items",3,"text"]`.
        property: String,
        /// The new value.
        value: Value,
    },
    /// Sets the props of an `open` component.
    Props(Value),
    /// Sets the page's props of a child; the server adds the current props from its parent.
    PageProps(Vec<(String, Value)>),
    /// Unmounts the component.
    Unmount,
}

impl Ask {
    /// Returns a request to mount an `open` component.
    pub fn mount_open(component: impl Into<String>, props: Value) -> Self {
        Self::MountOpen { component: component.into(), props }
    }

    /// Returns a request to run an action.
    pub fn action(action: impl Into<String>, arguments: impl IntoIterator<Item = Value>) -> Self {
        Self::Action { action: action.into(), arguments: arguments.into_iter().collect(), set: Vec::new() }
    }

    /// Returns the fields that the request writes, with their values.
    pub(super) fn edits(&self) -> impl Iterator<Item = (&str, &Value)> {
        let (one, set) = match self {
            Self::Property { property, value } => (Some((&**property, value)), &[][..]),
            Self::Action { set, .. } => (None, &**set),
            Self::MountSealed { .. }
            | Self::MountChild { .. }
            | Self::MountOpen { .. }
            | Self::Props(_)
            | Self::PageProps(_)
            | Self::Unmount => (None, &[][..]),
        };
        one.into_iter().chain(set.iter().map(|(field, value)| (&**field, value)))
    }

    pub(super) fn is_mount(&self) -> bool {
        matches!(self, Self::MountSealed { .. } | Self::MountChild { .. } | Self::MountOpen { .. })
    }

    /// Encodes the request as a frame.
    pub(super) fn frame(&self, reference: Ref, component: &ComponentId, ack: Option<Ref>) -> String {
        let (json, set);
        let to_json = |values: &[(String, Value)]| -> Vec<_> {
            values.iter().map(|(name, value)| (name.clone(), value.to_string())).collect()
        };
        let request = match self {
            Self::MountSealed { seal } => {
                Request::MountSealed { seal: Seal::new(seal.as_str()), painted: false }
            }
            Self::MountOpen { component, props } => {
                json = props.to_string();
                Request::MountOpen { component: component.into(), props: Some(RawJson::trusted(&json)) }
            }
            Self::Action { action, arguments, set: edits } => {
                json = Value::from(arguments.clone()).to_string();
                set = to_json(edits);
                Request::Action {
                    action: action.into(),
                    payload: Some(RawJson::trusted(&json)),
                    set: raw(&set),
                }
            }
            Self::Property { property, value } => {
                json = value.to_string();
                Request::Property { property: property::path(property), value: RawJson::trusted(&json) }
            }
            Self::Props(props) => {
                json = props.to_string();
                Request::Props(PropsUpdate { page: Vec::new(), props: Some(RawJson::trusted(&json)) })
            }
            Self::PageProps(page) => {
                set = to_json(page);
                Request::Props(PropsUpdate { page: raw(&set), props: None })
            }
            Self::MountChild { parent, place, seal, page } => {
                set = to_json(page);
                Request::MountChild(MountChild {
                    // For an invalid id, the component itself is sent, which cannot be its own
                    // parent.
                    parent: ComponentId::new(parent).unwrap_or_else(|_| component.clone()),
                    place: RawJson::trusted(place),
                    seal: seal.as_deref().map(Seal::new),
                    painted: false,
                    page: raw(&set),
                })
            }
            Self::Unmount => Request::Unmount,
        };
        let body = ClientBody::Request { reference, component_id: component.clone(), request };
        encode(&ClientMessage { ack, body })
    }
}

fn raw(values: &[(String, String)]) -> Vec<(Cow<'_, str>, RawJson<'_>)> {
    values.iter().map(|(name, value)| (name.into(), RawJson::trusted(value))).collect()
}
