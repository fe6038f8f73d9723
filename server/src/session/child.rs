//! What a session knows of a child: where it stands in its parent's template, and which props it was given.

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

/// Writes props as an object.
pub(super) fn as_json(props: &Props) -> String {
    // Names and raw JSON have a JSON form.
    serde_json::to_string(props).unwrap_or_default()
}

/// How a component was mounted, which decides on who gives its props.
pub(super) enum MountedBy {
    /// By its name: the page gives them, because the component is open. `before` is what they were
    /// before those that it is just being given, should it refuse them.
    Name { before: Option<Box<str>> },
    /// By a seal without a parent: nobody gives it others.
    Seal,
    /// By its place in a parent: the server computes them.
    Parent(Box<Link>),
}

/// The link from a child to its parent.
pub(super) struct Link {
    pub(super) parent: ComponentId,
    pub(super) place: Vec<Value>,
    /// The hash of the parent's template that the place is in.
    pub(super) template: Box<str>,
    /// The child's `live:key` when it was mounted. With another one the page puts another component in its place.
    pub(super) key: Option<Value>,
    /// The props that the page gave. The server does not compute these.
    pub(super) page: Props,
    /// All props that the child was given last.
    pub(super) given: Props,
    /// What the two were before the props that the child is just being given, should it refuse them.
    pub(super) before: Option<Box<(Props, Props)>>,
    /// How often in a row the child has waited to try again, because it could not take its props.
    pub(super) failures: u8,
    /// Whether it waits to try again.
    pub(super) is_waiting: bool,
    /// Whether a comparison of the props is in the queue.
    pub(super) is_stale: bool,
    /// Whether its place is gone, or its parent's is: the page sends it no messages, and gets nothing of it.
    pub(super) is_hidden: bool,
    /// How many parents are around it.
    pub(super) depth: u8,
}

impl Link {
    /// Returns whether the child has that prop already, or the page gives it.
    pub(super) fn has(&self, name: &str, value: &RawValue) -> bool {
        self.page.contains_key(name) || self.given.get(name).is_some_and(|given| given.get() == value.get())
    }
}

impl MountedBy {
    pub(super) fn link(&self) -> Option<&Link> {
        match self {
            Self::Parent(link) => Some(link),
            Self::Name { .. } | Self::Seal => None,
        }
    }

    pub(super) fn link_mut(&mut self) -> Option<&mut Link> {
        match self {
            Self::Parent(link) => Some(link),
            Self::Name { .. } | Self::Seal => None,
        }
    }

    /// Returns whether the parent shows the component, and is shown itself, as of the last look.
    pub(super) fn is_shown(&self) -> bool {
        self.link().is_none_or(|link| !link.is_hidden)
    }

    /// Returns what is stored of it.
    pub(super) fn store(&self) -> StoredOrigin {
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

    /// Reads what was stored. `props` are those that the component was given last. Rows of an earlier
    /// version have those of the mount: what its parent has changed since is given to a child again.
    ///
    /// # Errors
    /// When the parent's id is none.
    pub(super) fn restore(stored: &StoredOrigin, props: &str) -> Result<Self> {
        Ok(match stored {
            StoredOrigin::Open => Self::Name { before: None },
            StoredOrigin::Sealed => Self::Seal,
            StoredOrigin::Child { parent, place, template, key, page } => {
                // What cannot be read is given anew.
                let mut given: Props = serde_json::from_str(props).unwrap_or_default();
                let of_page = |name: &String| {
                    let value = given.entry(name.clone()).or_insert_with(|| RawValue::NULL.to_owned());
                    (name.clone(), value.clone())
                };
                let page: Props = page.iter().map(of_page).collect();
                Self::Parent(Box::new(Link {
                    parent: ComponentId::new(parent)?,
                    place: place.clone(),
                    template: template.as_str().into(),
                    key: key.clone(),
                    given,
                    page,
                    before: None,
                    failures: 0,
                    is_waiting: false,
                    is_stale: false,
                    is_hidden: false,
                    depth: 0,
                }))
            }
        })
    }
}

/// A child that a parent's state shows.
pub(super) struct FoundChild {
    pub(super) registration: Registration,
    pub(super) key: Option<Value>,
    /// The props that the server computes.
    pub(super) props: Props,
}

/// A parent's children, and its state as their places are looked up in it.
#[derive(Default)]
pub(super) struct Children {
    pub(super) ids: HashSet<ComponentId, RandomState>,
    /// Kept until the parent changes, so that the children of a list are found in linear time.
    pub(super) view: Option<ParentView>,
}

/// A parent's state, parsed.
pub(super) struct ParentView {
    pub(super) state: ParentState,
    pub(super) rows: RowIndex,
    /// Whether each child that was looked for is in its place.
    pub(super) places: HashMap<ComponentId, bool, RandomState>,
}

pub(super) struct ParentState {
    own: Value,
    shared: Vec<SharedField>,
    /// Whether a topic's state could not be read.
    failed: Cell<bool>,
}

/// A shared field. Its topic's state is parsed once somebody asks for it.
struct SharedField {
    field: &'static str,
    topic: TopicRef,
    loaded: OnceCell<(Rev, Value)>,
}

impl ParentView {
    /// Parses the state that a component has now.
    ///
    /// # Errors
    /// When the state has no JSON form.
    pub(super) fn of(instance: &mut dyn Instance) -> Result<Self> {
        let own = serde_json::from_str(&instance.state()?)?;
        let shared = instance
            .topics()
            .into_iter()
            .map(|(field, topic)| SharedField { field, topic, loaded: OnceCell::new() })
            .collect();
        let state = ParentState { own, shared, failed: Cell::new(false) };
        Ok(Self { state, rows: RowIndex::default(), places: HashMap::default() })
    }

    /// Returns whether the topics are still what was parsed of them.
    pub(super) fn is_current(&self) -> bool {
        self.state
            .shared
            .iter()
            .all(|shared| shared.loaded.get().is_none_or(|(rev, _)| shared.topic.rev() == *rev))
    }

    /// Returns whether everything that was asked for could be read.
    ///
    /// # Errors
    /// When a topic's state could not be.
    pub(super) fn check(&self) -> Result {
        if self.state.failed.get() {
            return Err(ActionError::internal("the state of a topic of the parent cannot be read"));
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
                tracing::error!(topic = %shared.topic.name(), %error, "a topic's state cannot be read");
                self.failed.set(true);
                None
            }
        }
    }
}

impl SharedField {
    fn load(&self) -> Result<(Rev, Value)> {
        let snapshot = self.topic.snapshot()?;
        Ok((snapshot.rev, serde_json::from_str(snapshot.json())?))
    }
}

/// Reads the props that a seal carries.
pub(super) fn sealed_props(json: &str) -> Option<(Box<RawValue>, Props)> {
    Some((serde_json::from_str(json).ok()?, serde_json::from_str(json).ok()?))
}
