//! What a page asks of a component.

use std::borrow::Cow;

use serde_json::Value;
use vivaz_components::ComponentId;
use vivaz_protocol::{ClientBody, ClientMessage, MountChild, PropsUpdate, RawJson, Ref, Request, Seal};

use super::encode;
use crate::testing::property;

/// Something that a page asks of a component.
#[derive(Clone, Debug, PartialEq)]
pub enum Ask {
    /// To be mounted from what the server rendered.
    MountSealed {
        /// The element's seal.
        seal: String,
    },
    /// To be mounted as a child.
    MountChild {
        /// The parent's id.
        parent: String,
        /// Its place in the parent's template, as [`ChildSlot::place`](vivaz_template::ChildSlot::place) has it.
        place: String,
        /// The element's seal, where the server rendered it.
        seal: Option<String>,
        /// The props that the page gives.
        page: Vec<(String, Value)>,
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
        /// The field, or the path of a property inside of one as a JSON array: `["items",3,"text"]`.
        property: String,
        /// Its new value.
        value: Value,
    },
    /// To take new props, where the component is open.
    Props(Value),
    /// A child: to take these props of the page, and what else its parent gives it by now.
    PageProps(Vec<(String, Value)>),
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

    /// As it stands on the wire.
    pub(super) fn frame(&self, reference: Ref, component: &ComponentId, ack: Option<Ref>) -> String {
        let (json, set);
        let written = |values: &[(String, Value)]| -> Vec<_> {
            values.iter().map(|(name, value)| (name.clone(), value.to_string())).collect()
        };
        let request = match self {
            Self::MountSealed { seal } => Request::MountSealed { seal: Seal::new(seal.as_str()) },
            Self::MountOpen { component, props } => {
                json = props.to_string();
                Request::MountOpen { component: component.into(), props: Some(RawJson::trusted(&json)) }
            }
            Self::Action { action, arguments, set: edits } => {
                json = Value::from(arguments.clone()).to_string();
                set = written(edits);
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
                set = written(page);
                Request::Props(PropsUpdate { page: raw(&set), props: None })
            }
            Self::MountChild { parent, place, seal, page } => {
                set = written(page);
                Request::MountChild(MountChild {
                    // An id that is none is one that nobody has.
                    parent: ComponentId::new(parent).unwrap_or_else(|_| component.clone()),
                    place: RawJson::trusted(place),
                    seal: seal.as_deref().map(Seal::new),
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
