//! Visibility: which children their parents show. A child whose place is gone receives no messages
//! of the page, and its patches are not sent, until the place is back.

use vivaz_components::{ActionError, Result};
use vivaz_protocol::{ComponentId, ErrorCode, Request, StreamId};

use crate::session::Session;
use crate::session::child::{Placement, Visibility};
use crate::session::component::SessionComponent;
use crate::telemetry::log::{Escaped, client_event};

impl SessionComponent {
    /// Returns the visibility as of the last check.
    pub(in crate::session) fn visibility(&self) -> Visibility {
        if self.is_shown() { Visibility::Shown } else { Visibility::Hidden }
    }

    /// Checks whether the component is visible: its user may see it, and its parent showed it and
    /// was visible at the last check.
    pub(in crate::session) fn is_shown(&self) -> bool {
        !self.is_withdrawn && self.mounted_by.is_shown()
    }
}

impl Session {
    /// Checks whether the page may send this message to a component.
    ///
    /// # Errors
    /// Returns `not_mounted` for a child that its parent does not show, and the reason if the
    /// parent's state cannot be read.
    pub(in crate::session) fn check_visible(&mut self, id: &ComponentId, request: &Request<'_>) -> Result {
        let is_asked = match request {
            Request::Action { .. } | Request::Property { .. } | Request::Props(_) => true,
            Request::MountSealed { .. }
            | Request::MountChild(_)
            | Request::MountOpen { .. }
            | Request::Unmount => false,
        };
        if is_asked && self.update_visibility(id)? == Visibility::Hidden {
            return Err(ActionError::new(ErrorCode::NotMounted, NOT_SHOWN));
        }
        Ok(())
    }

    /// Updates and returns the visibility of a component. A component without a parent is visible
    /// unless its user may not see it.
    ///
    /// # Errors
    /// Returns an error if the state of a parent, or of a topic that it shows, cannot be read. The
    /// visibility then does not change.
    pub(in crate::session) fn update_visibility(&mut self, id: &ComponentId) -> Result<Visibility> {
        let Some(component) = self.components.get(id) else { return Ok(Visibility::Shown) };
        if component.is_withdrawn {
            return Ok(Visibility::Hidden);
        }
        let Some(link) = component.mounted_by.link() else { return Ok(Visibility::Shown) };
        let parent = link.parent.clone();
        let is_shown = self.update_visibility(&parent)? == Visibility::Shown
            && self.placement(id)? == Placement::AtPlace;
        let link = self.components.get_mut(id).and_then(|one| one.mounted_by.link_mut());
        if link.is_some_and(|link| std::mem::replace(&mut link.is_hidden, !is_shown) == is_shown) {
            self.apply_visibility(id);
        }
        Ok(if is_shown { Visibility::Shown } else { Visibility::Hidden })
    }

    /// Updates the visibility of a component. Logs a failure, and the visibility then does not
    /// change.
    pub(in crate::session) fn refresh_visibility(&mut self, id: &ComponentId) {
        if let Err(error) = self.update_visibility(id) {
            let error = Escaped(&error);
            client_event!(self.supervisor.core().log, ERROR, session = %self.port.session(), component = %id, %error, "cannot read the parent's state; the child keeps its visibility");
        }
    }

    /// Updates the visibility of all components, because the identity or the topics may have
    /// changed.
    pub(in crate::session) fn refresh_all_visibility(&mut self) {
        let ids: Vec<ComponentId> = self.components.keys().cloned().collect();
        for id in ids {
            self.refresh_visibility(&id);
        }
    }

    /// Returns whether the parent's state has the child at the place of its mount.
    ///
    /// # Errors
    /// Returns an error if the state of the parent, or of a topic that it shows, cannot be read.
    pub(in crate::session) fn placement(&mut self, id: &ComponentId) -> Result<Placement> {
        if !self.is_place_current(id)? {
            return Ok(Placement::Gone);
        }
        let Some(child) = self.components.get(id) else { return Ok(Placement::Gone) };
        let Some(link) = child.mounted_by.link() else { return Ok(Placement::AtPlace) };
        let Some(parent) = self.components.get(&link.parent) else { return Ok(Placement::Gone) };
        if let Some(known) = parent.cached_placement(id) {
            return Ok(known);
        }
        let (spec, parent, place) = (child.spec, link.parent.clone(), link.place.clone());
        let key = link.key.clone();
        let found = self.find_child(&parent, &place)?;
        let placement = match found {
            Ok(found) if std::ptr::eq(found.registration.spec, spec) && found.key == key => {
                Placement::AtPlace
            }
            Ok(_) | Err(_) => Placement::Gone,
        };
        if let Some(parent) = self.components.get_mut(&parent) {
            parent.cache_placement(id, placement);
        }
        Ok(placement)
    }

    /// Checks whether a child's place is valid in its parent's current template. After a deploy
    /// that changed the template, it is valid if the new template shows the same component there,
    /// with the same key and the props of the child's last update. Otherwise the place may now be
    /// under another condition, or belong to another child.
    ///
    /// # Errors
    /// Returns an error if the state of the parent, or of a topic that it shows, cannot be read.
    fn is_place_current(&mut self, id: &ComponentId) -> Result<bool> {
        let Some(child) = self.components.get(id) else { return Ok(false) };
        let Some(link) = child.mounted_by.link() else { return Ok(true) };
        let Some(parent) = self.components.get(&link.parent) else { return Ok(false) };
        let template = self.supervisor.core().templates.hash_of(parent.spec.name);
        if template == &*link.template {
            return Ok(true);
        }
        let template: Box<str> = template.into();
        let (spec, parent, place) = (child.spec, link.parent.clone(), link.place.clone());
        let found = self.find_child(&parent, &place)?;
        let link = self.components.get_mut(id).and_then(|child| child.mounted_by.link_mut());
        let (Ok(found), Some(link)) = (found, link) else { return Ok(false) };
        let is_same = std::ptr::eq(found.registration.spec, spec)
            && found.key == link.key
            && found.props.iter().all(|(name, value)| link.has_prop(name, value));
        if is_same {
            link.template = template;
        }
        Ok(is_same)
    }

    /// Applies a change of a component's visibility: its topics, its presences, its children, and
    /// the state that the page has missed.
    fn apply_visibility(&mut self, id: &ComponentId) {
        let Some(component) = self.components.get_mut(id) else { return };
        let is_shown = component.is_shown();
        tracing::debug!(session = %self.port.session(), component = %id, is_shown, "visibility changed");
        let topics = component.topics.clone();
        let is_replaced = is_shown && std::mem::take(&mut component.is_replaced);
        for (_, topic) in &topics {
            if is_shown {
                self.add_viewer(topic);
            } else {
                self.remove_viewer(topic);
            }
        }
        if is_replaced {
            let frame = self.encode_mounted(id, None, None);
            self.port.send(frame);
        } else if is_shown {
            // Patches were not sent while the child was hidden.
            self.port.send_snapshot(StreamId::Component(id.clone()));
        }
        if is_shown {
            self.queue_props_check(id);
        }
        self.update_presences(id);
        self.refresh_children(id);
    }
}

pub(in crate::session) const NOT_SHOWN: &str = "the parent does not show this component";
