//! Children: the link to the parent, the props, and the parsed state of a parent.

use std::cell::{Cell, OnceCell};
use std::collections::{BTreeMap, HashMap, HashSet};

use foldhash::fast::RandomState;

use serde_json::Value;
use serde_json::value::RawValue;
use vivaz_components::instance::Instance;
use vivaz_components::{ActionError, Registration, Result, TopicRef};
use vivaz_protocol::{ComponentId, Rev};
use vivaz_template::{Name, RowIndex, StateFields};

use crate::persist::store::StoredOrigin;

/// Props by name, as JSON.
pub(super) type Props = BTreeMap<String, Box<RawValue>>;

/// Encodes props as a JSON object.
pub(super) fn props_json(props: &Props) -> String {
    // Strings and raw JSON always have a JSON form.
    serde_json::to_string(props).unwrap_or_default()
}

/// How a component was mounted. This decides where its props come from.
pub(super) enum MountedBy {
    /// Mounted by name, because the component is open. The page gives the props. `before` has the
    /// previous props while an update runs, to restore them if the component refuses it.
    Name { before: Option<Box<str>> },
    /// Mounted with a seal and without a parent. The props cannot change.
    Seal,
    /// Mounted at a place in a parent. The server computes the props.
    Parent(Box<ParentLink>),
}

/// The link from a child to its parent.
pub(super) struct ParentLink {
    pub(super) parent: ComponentId,
    pub(super) place: Vec<Value>,
    /// The hash of the parent's template in which `place` is valid.
    pub(super) template: Box<str>,
    /// The child's `live:key` at its mount. If it changes, the page shows another component at the
    /// place.
    pub(super) key: Option<Value>,
    /// The props that the page gave. The server does not compute these.
    pub(super) page: Props,
    /// All props of the last update.
    pub(super) given: Props,
    /// `page` and `given` before the update that runs, to restore them if the child refuses it.
    pub(super) before: Option<Box<(Props, Props)>>,
    /// How many retries in a row the child has needed, because it could not take its props.
    pub(super) retries: u8,
    /// Whether a retry is scheduled.
    pub(super) is_retry_scheduled: bool,
    /// Whether a comparison of the props is queued.
    pub(super) is_check_queued: bool,
    /// Whether the place of the child or of one of its parents is gone. The page then sends it no
    /// messages and receives nothing of it.
    pub(super) is_hidden: bool,
    /// The number of parents around it.
    pub(super) depth: u8,
}

impl ParentLink {
    /// Checks whether the child already has this prop value, or the page gives this prop.
    pub(super) fn has_prop(&self, name: &str, value: &RawValue) -> bool {
        self.page.contains_key(name) || self.given.get(name).is_some_and(|given| given.get() == value.get())
    }
}

impl MountedBy {
    /// Returns the link, if the component is a child.
    pub(super) fn link(&self) -> Option<&ParentLink> {
        match self {
            Self::Parent(link) => Some(link),
            Self::Name { .. } | Self::Seal => None,
        }
    }

    /// Returns the link for changes, if the component is a child.
    pub(super) fn link_mut(&mut self) -> Option<&mut ParentLink> {
        match self {
            Self::Parent(link) => Some(link),
            Self::Name { .. } | Self::Seal => None,
        }
    }

    /// Checks whether the component has no parent, or is visible as of the last check.
    pub(super) fn is_shown(&self) -> bool {
        self.link().is_none_or(|link| !link.is_hidden)
    }

    /// Returns the stored form.
    pub(super) fn to_stored(&self) -> StoredOrigin {
        match self {
            Self::Name { .. } => StoredOrigin::Open,
            Self::Seal => StoredOrigin::Sealed,
            Self::Parent(link) => StoredOrigin::Child {
                parent: link.parent.to_string(),
                place: link.place.clone(),
                template: link.template.to_string(),
                key: link.key.clone(),
                page: link.page.keys().cloned().collect(),
            },
        }
    }

    /// Reads the stored form. `props` are those of the last update. Rows of an earlier version of
    /// Vivaz have those of the mount; changes of the parent since then are given to the child
    /// again.
    ///
    /// # Errors
    /// Returns an error if the parent's id is not valid.
    pub(super) fn from_stored(stored: &StoredOrigin, props: &str) -> Result<Self> {
        Ok(match stored {
            StoredOrigin::Open => Self::Name { before: None },
            StoredOrigin::Sealed => Self::Seal,
            StoredOrigin::Child { parent, place, template, key, page } => {
                // Unreadable props are given to the child again.
                let mut given: Props = serde_json::from_str(props).unwrap_or_default();
                let of_page = |name: &String| {
                    let value = given.entry(name.clone()).or_insert_with(|| RawValue::NULL.to_owned());
                    (name.clone(), value.clone())
                };
                let page: Props = page.iter().map(of_page).collect();
                Self::Parent(Box::new(ParentLink {
                    parent: ComponentId::new(parent)?,
                    place: place.clone(),
                    template: template.as_str().into(),
                    key: key.clone(),
                    given,
                    page,
                    before: None,
                    retries: 0,
                    is_retry_scheduled: false,
                    is_check_queued: false,
                    is_hidden: false,
                    depth: 0,
                }))
            }
        })
    }
}

/// Whether the page shows a component.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Visibility {
    /// The page may send it messages and receives its patches.
    Shown,
    /// The page sends it no messages and receives nothing of it.
    Hidden,
}

/// Whether a parent's state has a child at the place of its mount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Placement {
    /// The state has the child at its place.
    AtPlace,
    /// The state has another child, or none, at the place.
    Gone,
}

/// A child found at a place of a parent's state.
pub(super) struct FoundChild {
    pub(super) registration: Registration,
    pub(super) key: Option<Value>,
    /// The props that the server computes.
    pub(super) props: Props,
}

/// The children of a component, and its parsed state.
#[derive(Default)]
pub(super) struct Children {
    pub(super) ids: HashSet<ComponentId, RandomState>,
    /// Kept until the parent changes, so that finding all children of a list takes linear time.
    pub(super) view: Option<ParentView>,
}

/// The parsed state of a parent.
pub(super) struct ParentView {
    pub(super) state: ParentState,
    pub(super) rows: RowIndex,
    /// The placement of each child that was looked up.
    pub(super) places: HashMap<ComponentId, Placement, RandomState>,
}

/// A parent's own fields, and its shared fields by name.
pub(super) struct ParentState {
    own: Value,
    shared: Vec<SharedField>,
    /// Set when a topic's state could not be read.
    failed: Cell<bool>,
}

/// A shared field. The topic's state is parsed on first access.
struct SharedField {
    field: &'static str,
    topic: TopicRef,
    loaded: OnceCell<(Rev, Value)>,
}

impl ParentView {
    /// Parses the current state of a component.
    ///
    /// # Errors
    /// Returns an error if the state has no JSON form.
    pub(super) fn parse(instance: &mut dyn Instance) -> Result<Self> {
        let own = serde_json::from_str(&instance.state()?)?;
        let shared = instance
            .topics()
            .into_iter()
            .map(|(field, topic)| SharedField { field, topic, loaded: OnceCell::new() })
            .collect();
        let state = ParentState { own, shared, failed: Cell::new(false) };
        Ok(Self { state, rows: RowIndex::default(), places: HashMap::default() })
    }

    /// Checks that the parsed topics have not changed since.
    pub(super) fn is_current(&self) -> bool {
        self.state
            .shared
            .iter()
            .all(|shared| shared.loaded.get().is_none_or(|(rev, _)| shared.topic.rev() == *rev))
    }

    /// Checks that every access so far succeeded.
    ///
    /// # Errors
    /// Returns an error if a topic's state could not be read.
    pub(super) fn check(&self) -> Result {
        if self.state.failed.get() {
            return Err(ActionError::internal("cannot read the state of a topic that the parent shows"));
        }
        Ok(())
    }
}

impl StateFields<Value> for ParentState {
    fn field(&self, name: &Name) -> Option<&Value> {
        let Some(shared) = self.shared.iter().find(|shared| shared.field == &*name.text) else {
            return self.own.get(&*name.text);
        };
        if let Some((_, value)) = shared.loaded.get() {
            return Some(value);
        }
        match shared.load() {
            Ok(loaded) => Some(&shared.loaded.get_or_init(|| loaded).1),
            Err(error) => {
                tracing::error!(topic = %shared.topic.name(), %error, "cannot parse the state of a topic");
                self.failed.set(true);
                None
            }
        }
    }
}

impl SharedField {
    /// Parses the current state of the topic.
    ///
    /// # Errors
    /// Returns an error if the state cannot be encoded or parsed.
    fn load(&self) -> Result<(Rev, Value)> {
        let snapshot = self.topic.snapshot()?;
        Ok((snapshot.rev, serde_json::from_str(snapshot.json())?))
    }
}

/// Parses the props that a seal carries. Returns `None` if they are not a JSON object.
pub(super) fn parse_sealed_props(json: &str) -> Option<(Box<RawValue>, Props)> {
    Some((serde_json::from_str(json).ok()?, serde_json::from_str(json).ok()?))
}
