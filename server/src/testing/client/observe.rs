//! Records the frames of a page that this client does not drive, to verify the server's frames.

use serde_json::Value;
use vivaz_components::ComponentId;
use vivaz_protocol::{ClientBody, Limits, PropertyPath, Request, decode_client};

use super::{Ask, Breach, Client, MountedComponent, Unanswered};

impl Client {
    /// Records a frame that a page sends. From the first frame on, the page itself repeats its
    /// mounts and requests after the session is lost.
    ///
    /// # Errors
    /// Returns a [`Breach`] if the page breaks the protocol: a frame that cannot be decoded, or a
    /// `ref` that another message has used.
    pub fn observe(&mut self, frame: &str) -> Result<(), Breach> {
        self.note(frame).map_err(|what| Breach { what, frame: frame.to_owned() })
    }

    /// Records the state, as JSON, that a page carries for a component that it is going to mount.
    pub fn painted(&mut self, component: ComponentId, state: String) {
        self.painted.insert(component, state);
    }

    fn note(&mut self, frame: &str) -> Result<(), String> {
        self.is_observer = true;
        let message = decode_client(frame, &Limits::default()).map_err(|error| error.to_string())?;
        match message.body {
            ClientBody::Hello(_) => self.disconnected(),
            ClientBody::Request { reference, component_id: component, request } => {
                if reference.get() <= self.last && self.answers.contains_key(&reference) {
                    return Err(format!("{reference:?} has its answer already"));
                }
                self.last = self.last.max(reference.get());
                let ask = asked(request);
                if ask.is_mount() {
                    self.components.insert(component.clone(), MountedComponent::new(ask.clone()));
                }
                self.unanswered.insert(reference, Unanswered { component, ask, sent: true });
            }
            ClientBody::Unanswered { .. }
            | ClientBody::Resync(_)
            | ClientBody::Template { .. }
            | ClientBody::Ping { .. } => {}
        }
        Ok(())
    }

    /// Removes the state of a lost session, because its page starts over.
    pub(super) fn start_over(&mut self) {
        self.streams.clear();
        self.visible.clear();
        self.components.clear();
        self.unanswered.clear();
    }
}

/// Converts a request, with only the data that its reply depends on.
fn asked(request: Request<'_>) -> Ask {
    match request {
        Request::MountSealed { seal, .. } => Ask::MountSealed { seal: seal.expose().to_owned() },
        Request::MountChild(child) => Ask::MountChild {
            parent: child.parent.to_string(),
            place: child.place.get().to_owned(),
            seal: None,
            page: Vec::new(),
        },
        Request::MountOpen { component, .. } => Ask::mount_open(component, Value::Null),
        Request::Action { action, .. } => Ask::action(action, []),
        Request::Property { property: PropertyPath { field, .. }, .. } => {
            Ask::Property { property: field.into_owned(), value: Value::Null }
        }
        Request::Props(_) => Ask::Props(Value::Null),
        Request::Unmount => Ask::Unmount,
    }
}
