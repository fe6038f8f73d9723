//! Commands from the page: mount, call, edit, unmount.

use vivaz_protocol::words;

use super::component::{Component, ComponentPhase, FieldEdit, Progress};
use super::output::{Origin, Output, POLL};
use super::request::{Request, RequestKind};
use super::{Client, connection_state};
use crate::list::shift;
use crate::slots::Slot;
use crate::store::{Edit, Outcome, Tag, UpdateEnd};
use crate::value::{Key, Val};

impl Client {
    /// Mounts a component from the payload of its message. `id` is its id on the wire. It differs
    /// from the ids of all components, including removed ones until [`Output::Forgotten`].
    pub(crate) fn mount(&mut self, slot: Slot, id: &str, source: String) {
        let request = Request::new(slot, RequestKind::Mount, &source);
        self.begin_mount(slot, Component::new(id, source), request);
    }

    /// Mounts a component as [`Client::mount`] does. The page already has the state that the
    /// server rendered the component from, and `template` is the hash of the rendered template.
    pub(crate) fn mount_painted(&mut self, slot: Slot, id: &str, source: String, state: Val, template: Key) {
        // Only this request says so: the state may have changed before a later one.
        let mut payload = String::from("{\"painted\":true,");
        payload.push_str(source.get(1..).unwrap_or_default());
        let request = Request::new(slot, RequestKind::Mount, &payload);
        let mut component = Component::new(id, source);
        component.phase = ComponentPhase::Painted;
        component.template = template;
        component.stream.replace(state, "", 0);
        self.out.push(Output::Mounted { slot });
        self.begin_mount(slot, component, request);
    }

    fn begin_mount(&mut self, slot: Slot, component: Component, request: Request) {
        self.components.insert(slot, component);
        self.ask(request);
        if self.link.phase == connection_state::ConnectionPhase::Idle {
            self.connect();
        }
    }

    /// Unmounts a component. The client keeps its id, for that message, and its topics until the
    /// reply, because the session holds the topics until then.
    pub(crate) fn unmount(&mut self, slot: Slot) {
        let Some(component) = self.component_mut(slot) else { return };
        let failed = component.phase == ComponentPhase::Failed;
        component.phase = ComponentPhase::Gone;
        component.stream.epoch.clear();
        self.drop_waiting(slot);
        if !self.session.is_empty() && !failed {
            self.ask(Request::new(slot, RequestKind::Unmount, ""));
        } else {
            self.forget(slot);
        }
    }

    /// Calls an action. `arguments` is a list; `updates` are optimistic updates until the reply. A
    /// `ticket` other than 0 is settled with the outcome.
    pub(crate) fn action(
        &mut self,
        slot: Slot,
        name: Key,
        arguments: Val,
        origin: Origin,
        ticket: u32,
        updates: Vec<(Key, Edit)>,
    ) {
        if self.component(slot).is_none() {
            return;
        }
        let mut request = Request::action(slot, name, arguments);
        request.origin = origin;
        request.ticket = ticket;
        if !updates.is_empty() {
            request.tags.push(self.add_optimistic(slot, updates));
        }
        if origin.hole < POLL {
            self.ask_with_edits(request);
        } else {
            // What is typed is not sent because some time has passed.
            self.ask(request);
        }
    }

    /// Sends an action together with the unsent edits. Edits of properties inside of a field are
    /// sent before it.
    pub(super) fn ask_with_edits(&mut self, mut request: Request) {
        let (mut set, mut before) = (Vec::new(), Vec::new());
        if let Some(component) = self.component_mut(request.slot) {
            for edit in &mut component.edits {
                if edit.progress == Progress::Sent {
                } else if edit.field.is_path() {
                    before.push(edit.request(request.slot));
                } else {
                    edit.progress = Progress::Sent;
                    request.tags.push(edit.tag);
                    request.fields.push(edit.field);
                    set.push((edit.field, edit.value.clone()));
                }
            }
        }
        while let Some(edit) = shift(&mut before) {
            self.ask(edit);
        }
        if !set.is_empty() {
            request.body.set(Key::of(words::field::SET), Val::Obj(set));
        }
        self.ask(request);
    }

    /// Applies an optimistic update of the page's own code until [`Client::release`]. Each edit has
    /// the shared field whose topic it changes, or none.
    pub(crate) fn add_optimistic(&mut self, slot: Slot, updates: Vec<(Key, Edit)>) -> Tag {
        self.last_tag += 1;
        let tag = self.last_tag;
        let (mut changes, mut last) = (Vec::new(), Key::NONE);
        for (shared, edit) in updates {
            let topic =
                self.component(slot).and_then(|component| component.topic(shared)).unwrap_or_default();
            if topic != last {
                self.changed(slot, last, std::mem::take(&mut changes));
                last = topic;
            }
            if let Some(stream) = self.stream(slot, topic) {
                stream.add_optimistic(tag, edit, &mut changes);
            }
        }
        self.changed(slot, last, changes);
        tag
    }

    /// Removes an optimistic update.
    pub(crate) fn release(&mut self, slot: Slot, tag: Tag, ending: UpdateEnd) {
        let mut outcome = Outcome { ending, ..Outcome::default() };
        let mut topic = Key::NONE;
        let mut at = 0;
        loop {
            self.release_in(slot, topic, tag, &mut outcome);
            let Some(next) = self.topics.get(at) else { return };
            topic = next.name;
            at += 1;
        }
    }

    /// Removes an optimistic update from one stream.
    #[inline(never)]
    pub(super) fn release_in(&mut self, slot: Slot, topic: Key, tag: Tag, outcome: &mut Outcome) {
        let Some(stream) = self.stream(slot, topic) else { return };
        let mut changes = Vec::new();
        let named = stream.release(tag, outcome, &mut changes);
        self.changed(slot, topic, changes);
        if let Some((temporary, id)) = named {
            self.resolve_temporary(&temporary, &id, outcome.ending);
        }
    }

    /// Edits a `model` field. The page shows the edit at once. [`Client::commit`] sends it, or the
    /// next action, whichever is first.
    pub(crate) fn edit(&mut self, slot: Slot, field: Key, value: Val) {
        self.last_tag += 1;
        let tag = self.last_tag;
        let Some(component) = self.component_mut(slot) else { return };
        let mut changes = Vec::new();
        component.stream.add_optimistic(tag, Edit::set(field, value.clone()), &mut changes);
        match component.edits.iter_mut().find(|e| e.field == field && e.progress != Progress::Sent) {
            Some(waiting) => {
                component.stream.release(waiting.tag, &mut Outcome::default(), &mut changes);
                waiting.value = value;
                waiting.tag = tag;
            }
            None => {
                component.edits.push(FieldEdit {
                    field,
                    named: field,
                    value,
                    tag,
                    progress: Progress::Waiting,
                });
            }
        }
        self.changed(slot, Key::NONE, changes);
        self.out.push(Output::Wire { slot });
    }

    /// Assigns to a `model` field from an event. If the same event called an action before it, with
    /// a reference greater than `after`, the edit is sent when that action succeeds. A refusal of
    /// the action reverts the edit, unless the field was edited again.
    pub(crate) fn assign(&mut self, slot: Slot, field: Key, value: Val, after: Option<u64>) {
        if let Some(after) = after {
            // An action that the client refused at once is in neither list.
            let waits = self.retries.last().is_some_and(|r| r.reference > after);
            let list = if waits { &mut self.retries } else { &mut self.requests };
            let Some(request) = list.last_mut().filter(|r| r.reference > after) else { return };
            let tag = self.last_tag + 1;
            request.then = if request.then.is_empty() { tag..tag + 1 } else { request.then.start..tag + 1 };
        }
        self.edit(slot, field, value);
        if after.is_none() {
            self.commit(slot, field, 0);
        }
    }

    /// Sends the edit of a field. Without a ticket it waits while an earlier edit of the field is
    /// unanswered, so that fast typing on a slow connection sends the newest value and not each
    /// letter.
    ///
    /// Returns `false` if the field has no unsent edit.
    pub(crate) fn commit(&mut self, slot: Slot, field: Key, ticket: u32) -> bool {
        let Some(component) = self.component_mut(slot) else { return false };
        let (mut busy, mut waiting) = (false, None);
        for edit in &mut component.edits {
            if edit.field == field || edit.named == field {
                if edit.progress == Progress::Sent { busy = true } else { waiting = Some(edit) }
            }
        }
        let Some(edit) = waiting else { return false };
        if busy && ticket == 0 {
            edit.progress = Progress::Due;
            return true;
        }
        let mut request = edit.request(slot);
        request.ticket = ticket;
        self.ask(request);
        true
    }

    /// Sends the props of a child, which may have changed. Later mounts of the child use this
    /// payload.
    pub(crate) fn props(&mut self, slot: Slot, source: &str, ticket: u32) {
        let Some(component) = self.component_mut(slot) else { return };
        component.source = source.into();
        let mut request = Request::new(slot, RequestKind::Props, source);
        request.ticket = ticket;
        self.ask(request);
    }

    /// Requests a template over the socket, if HTTP did not provide it.
    pub(crate) fn request_template(&mut self, hash: Key) {
        if !self.templates.contains(&hash) {
            self.templates.push(hash);
            self.ask_template(hash);
        }
    }
}
