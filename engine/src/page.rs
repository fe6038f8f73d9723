//! The page: components, their views, and the data flow between them.

mod sight;

use std::num::NonZeroU32;

use crate::client::{Client, Departure, Origin, Output, Slot, SocketCommand};
use crate::dom::{Op, Ops, phase};
use crate::patch::Change;
use crate::render::{ALL, Blueprint, CONTROL, LOCAL, Stage, Surroundings, View, WIRE, shown};
use crate::shared::Shared;
use crate::slots::Slots;
use crate::store::{Edit, TEMPORARY, Tag, UpdateEnd};
use crate::value::{Key, Val, write_count};

use sight::Sight;

/// Whether an element of the page shows a component.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presentation {
    /// The page's own code reads the component's state; nothing shows it.
    None,
    /// An element shows the component.
    Element,
}

/// A component's place in the page, with or without an element.
struct Place {
    presentation: Presentation,
    /// The renderer's choices in the server's HTML, a list of numbers. Null if nothing was
    /// rendered, or once the HTML is adopted.
    shape: Val,
    /// The hash of the template that rendered the element.
    painted: Val,
    /// The user that the page was made for.
    user: Val,
    view: Option<View>,
}

/// The failure of a component whose template is unreadable.
const MALFORMED: &str = r#"{"code":"malformed","message":"unreadable template"}"#;

/// A page: its components, their state and their views.
///
/// The caller passes each input (an event, a frame, a timer) to one of the methods. Then it calls
/// [`Page::turn`], which writes all resulting operations as [`Ops`].
pub struct Page {
    client: Client,
    stage: Stage,
    /// The received templates, identified by their hash and kept as long as the page.
    blueprints: Vec<Shared<Blueprint>>,
    places: Slots<Place>,
    temporary: u32,
    /// The ticket of the next action that an event calls; 0 for none.
    ticket: u32,
    /// The components whose state changed in this turn.
    notify: Vec<Slot>,
}

impl Page {
    /// Creates a page without components. `seed` makes its pauses between connection attempts
    /// differ from those of other pages.
    pub fn new(seed: u64) -> Self {
        Self {
            client: Client::new(seed),
            stage: Stage::new(),
            blueprints: Vec::new(),
            places: Slots::new(),
            temporary: 0,
            ticket: 0,
            notify: Vec::new(),
        }
    }

    /// Returns the operations that [`Page::turn`] writes. The caller takes them and runs them.
    pub fn ops(&mut self) -> &mut Ops {
        &mut self.stage.dom
    }

    /// Mounts a component from the payload of its `COMPONENT_MOUNT`. `origin` is a list: its id on
    /// the wire; the renderer's choices, a list of numbers, or null if nothing was rendered; the
    /// user that the page was made for; the hash of the rendered template; the state that the
    /// template was rendered from, if the page has it.
    pub fn mount(&mut self, slot: Slot, source: &str, origin: Val, presentation: Presentation) {
        let mut origin = origin.into_list();
        let mut part = |at: usize| origin.get_mut(at).map(std::mem::take).unwrap_or_default();
        let (id, shape, user, painted) = (part(0), part(1), part(2), part(3));
        let (id, state) = (id.str().unwrap_or_default(), part(4));
        if state == Val::Null {
            self.client.mount(slot, id, source.into());
        } else {
            let template = Key::of(painted.str().unwrap_or_default());
            self.client.mount_painted(slot, id, source.into(), state, template);
        }
        self.places.insert(slot, Place { presentation, shape, user, painted, view: None });
    }

    /// Unmounts a component. The engine releases its nodes, which stay in the page.
    pub fn unmount(&mut self, slot: Slot) {
        if let Some(view) = self.places.remove(slot).and_then(|place| place.view) {
            view.drop(&mut self.stage);
        }
        self.client.unmount(slot);
    }

    /// Runs the statements of an event: those at `address` in the template, in the instance whose
    /// root is `node`. `event` is an object of the values that its expressions read. Returns the
    /// number of actions that were called.
    pub fn event(&mut self, slot: Slot, node: u32, address: u32, mut event: Val) -> u32 {
        self.temporary += 1;
        let mut temporary = String::from(TEMPORARY);
        write_count(u64::from(self.temporary), &mut temporary);
        event.set(Key::of("temp"), temporary.into());
        let Some(place) = self.places.get_mut(slot) else { return 0 };
        let Some(view) = &mut place.view else { return 0 };
        let of = Sight { client: &self.client, slot };
        let around = Surroundings { of: &of, user: &place.user, event: &event };
        let mut fired = view.fire(node, address, &around, &mut self.stage);
        for (node, local) in &mut fired.locals {
            self.view(slot, *node, LOCAL, Some(std::mem::take(local)), (Key::NONE, &[]));
        }
        let mut updates = Vec::new();
        for edit in &mut fired.optimistic {
            if let Some(update) = self.resolve_optimistic(slot, std::mem::take(edit)) {
                updates.push(update);
            }
        }
        let (mut calls, mut before) = (0, None);
        for command in fired.commands {
            if command.is_edit {
                self.client.assign(slot, command.name, command.value, before);
            } else {
                calls += 1;
                before = Some(self.client.last_reference);
                let updates = std::mem::take(&mut updates);
                let ticket = self.ticket;
                if ticket != 0 {
                    self.ticket += 1;
                }
                let origin = Origin { node, hole: fired.hole };
                self.client.action(slot, command.name, command.value, origin, ticket, updates);
            }
        }
        calls
    }

    /// Edits a `model` field, or a property whose path is a JSON array. The page shows the edit at
    /// once and sends it with [`Page::commit`] or the next action.
    pub fn edit(&mut self, slot: Slot, field: &str, value: Val) {
        self.client.edit(slot, Key::of(field), value);
    }

    /// Sends the edit of a field. Without a ticket it waits while an earlier edit of the field is
    /// unanswered. A `ticket` other than 0 is settled with the outcome. Returns false if there is
    /// no edit to send.
    pub fn commit(&mut self, slot: Slot, field: &str, ticket: u32) -> bool {
        self.client.commit(slot, Key::of(field), ticket)
    }

    /// Sets the ticket of the next action that an event calls. Later actions use the next numbers.
    pub fn set_ticket(&mut self, ticket: u32) {
        self.ticket = ticket;
    }

    /// Returns the ticket of the next action that an event calls; 0 for none.
    pub fn ticket(&self) -> u32 {
        self.ticket
    }

    /// Connects and retries without pauses from now on, for tests.
    pub fn set_hurried(&mut self) {
        self.client.set_hurried();
    }

    /// Returns the number of messages that have no reply.
    pub fn unanswered(&self) -> usize {
        self.client.unanswered()
    }

    /// Edits a field and sends the edit.
    pub fn set(&mut self, slot: Slot, field: &str, value: Val, ticket: u32) {
        let field = Key::of(field);
        self.client.edit(slot, field, value);
        self.client.commit(slot, field, ticket);
    }

    /// Calls an action with a list of arguments. A `ticket` other than 0 is settled with the
    /// outcome.
    pub fn call(&mut self, slot: Slot, action: &str, arguments: Val, ticket: u32) {
        self.client.action(slot, Key::of(action), arguments, Origin::default(), ticket, Vec::new());
    }

    /// Removes an optimistic update of [`Page::add_optimistic`].
    pub fn release(&mut self, slot: Slot, update: Tag) {
        self.client.release(slot, update, UpdateEnd::Included);
    }

    /// Sends new props of a child. `source` is the payload of the message and of later mounts of
    /// the child. A `ticket` other than 0 is settled with the outcome.
    pub fn props(&mut self, slot: Slot, source: &str, ticket: u32) {
        self.client.props(slot, source, ticket);
    }

    /// Returns the state that a component's template reads, with edits and optimistic updates.
    pub fn state(&self, slot: Slot) -> Val {
        self.client.whole(slot)
    }

    /// Returns a field of that state; null if there is none.
    pub fn field(&self, slot: Slot, name: &str) -> Val {
        self.client.root(slot, Key::of(name)).cloned().unwrap_or_default()
    }

    /// Checks whether a message of the component is unanswered.
    pub fn is_loading(&self, slot: Slot) -> bool {
        self.client.waits(slot, &|_| true)
    }

    /// Checks whether an edit of the component is not acknowledged.
    pub fn is_dirty(&self, slot: Slot) -> bool {
        self.client.is_dirty(slot, None)
    }

    /// Checks whether an edit of this field, or of the property with this path, is not
    /// acknowledged.
    pub fn is_edited(&self, slot: Slot, property: &str) -> bool {
        self.client.is_edited(slot, Key::of(property))
    }

    /// Returns unanswered actions and edits as a JSON list: the `HELLO` that resumes their session,
    /// then for each a list of a flag (1 if the server may have handled it, else 0) and its frame.
    pub fn queue(&self) -> String {
        self.client.queue()
    }

    /// Limits the number of connection attempts before the page stops; `None` for no limit.
    pub fn set_attempt_limit(&mut self, limit: Option<NonZeroU32>) {
        self.client.set_attempt_limit(limit);
    }

    /// Handles the opening of the socket with this number.
    pub fn opened(&mut self, socket: u32) {
        self.client.opened(socket);
    }

    /// Handles a frame from the socket with this number.
    pub fn frame(&mut self, socket: u32, frame: &str) {
        self.client.frame(socket, frame);
    }

    /// Handles the close of the socket with this number. `code` is 1006 if the close has none.
    pub fn closed(&mut self, socket: u32, code: u16) {
        self.client.closed(socket, code);
    }

    /// Handles an elapsed [`Op::Timer`].
    pub fn timer(&mut self, token: u32) {
        self.client.timer(token);
    }

    /// Connects now, or probes a connection that may be lost. The browser is online again, or the
    /// page is visible again.
    pub fn wake(&mut self) {
        self.client.wake();
    }

    /// Closes the connection of a page that is left.
    pub fn leave(&mut self, departure: Departure) {
        self.client.leave(departure);
    }

    /// Returns an optimistic update with the shared field whose topic it changes, or
    /// [`Key::NONE`]. The parts of a shared field are fields of its topic.
    fn resolve_optimistic(&self, slot: Slot, mut edit: Edit) -> Option<(Key, Edit)> {
        if self.client.component(slot)?.topic(edit.field).is_none() {
            return Some((Key::NONE, edit));
        }
        let part = edit.path.first().map(|(key, _)| *key).filter(|key| *key != Key::NONE)?;
        edit.path.remove(0);
        Some((std::mem::replace(&mut edit.field, part), edit))
    }

    /// Applies an optimistic update of the page's own code: an object of patch values. A shared
    /// field's value is a patch of its topic. The update stays until [`Page::release`].
    pub fn add_optimistic(&mut self, slot: Slot, patch: Val) -> Tag {
        let mut updates = Vec::new();
        for (field, value) in patch.into_fields() {
            let edit = |field, patch| Edit { field, path: Vec::new(), patch };
            if self.client.component(slot).is_some_and(|component| component.topic(field).is_some()) {
                for (part, value) in value.into_fields() {
                    updates.push((field, edit(part, value)));
                }
            } else {
                updates.push((Key::NONE, edit(field, value)));
            }
        }
        self.client.add_optimistic(slot, updates)
    }

    /// Takes a template that [`Op::Fetch`] requested. If the fetch failed (`None`), the page
    /// requests it over the socket.
    pub fn template(&mut self, hash: &str, template: Option<Val>) {
        self.take_template(Key::of(hash), template);
    }

    fn take_template(&mut self, hash: Key, template: Option<Val>) {
        let Some(template) = template else { return self.client.request_template(hash) };
        if self.blueprint(hash).is_some() {
            return;
        }
        let blueprint = Blueprint::new(hash, template, &mut self.stage);
        let malformed = blueprint.is_none();
        if let Some(blueprint) = blueprint {
            self.blueprints.push(Shared::new(blueprint));
        }
        for slot in self.client.slots() {
            if !malformed {
                self.show(slot);
            } else if self.client.component(slot).is_some_and(|component| component.template == hash) {
                self.stage.dom.put(Op::Phase, &[slot, phase::FAILED], &[MALFORMED]);
            }
        }
    }

    fn blueprint(&self, hash: Key) -> Option<Shared<Blueprint>> {
        self.blueprints.iter().find(|blueprint| blueprint.hash == hash).cloned()
    }

    /// Updates the views with all changes since the last turn. `socket` runs the commands for the
    /// socket.
    pub fn turn(&mut self, socket: &mut dyn FnMut(SocketCommand)) {
        loop {
            let outputs = self.client.take();
            if outputs.is_empty() {
                break;
            }
            for output in outputs {
                self.output(output, socket);
            }
        }
        let mut notify = std::mem::take(&mut self.notify);
        while let Some(slot) = notify.pop() {
            if !notify.contains(&slot) {
                self.stage.dom.put(Op::Notify, &[slot], &[]);
            }
        }
    }

    fn output(&mut self, output: Output, socket: &mut dyn FnMut(SocketCommand)) {
        match output {
            Output::Socket(command) => socket(command),
            Output::Timer { token, ms } => self.stage.dom.put(Op::Timer, &[token, ms], &[]),
            Output::Status { status, attempt, code, queued } => {
                self.stage.dom.put(Op::Status, &[attempt, u32::from(code), queued], &[status.name()]);
            }
            Output::Reload => self.stage.dom.put(Op::Reload, &[], &[]),
            Output::Mounted { slot } => {
                self.notify.push(slot);
                self.show(slot);
            }
            Output::Changed { slot, shared, changes } => {
                self.notify.push(slot);
                self.view(slot, 0, 0, None, (shared.unwrap_or(Key::NONE), &changes));
            }
            Output::Replaced { slot } => {
                self.notify.push(slot);
                self.view(slot, 0, ALL, None, (Key::NONE, &[]));
            }
            Output::Failed { slot, failure } => {
                self.stage.dom.put(Op::Phase, &[slot, phase::FAILED], &[&failure.json()]);
            }
            Output::Wire { slot } => {
                self.notify.push(slot);
                self.view(slot, 0, WIRE, None, (Key::NONE, &[]));
            }
            Output::Answered { slot, origin, ok } => {
                let node = origin.node;
                if !self.client.waits(slot, &|request| request.origin.node == node) {
                    self.stage.dom.put(Op::Answered, &[node, u32::from(ok)], &[]);
                }
                self.view(slot, origin.node, CONTROL, None, (Key::NONE, &[]));
            }
            Output::Refused { slot, field } => {
                let mut text = String::new();
                let kind = shown(self.client.confirmed(slot, field).unwrap_or(&mut Val::Null), &mut text);
                self.stage.dom.put(Op::Refuse, &[slot, kind], &[field.name(), &text]);
            }
            Output::ActionFailed { slot, action, failure } => {
                self.stage.dom.put(Op::Fault, &[slot], &[action.name(), &failure.json()]);
            }
            Output::Settled { ticket, ok, value } => {
                self.stage.dom.put(Op::Settle, &[ticket, u32::from(ok)], &[&value.json()]);
            }
            Output::Event { slot, event } => self.stage.dom.put(Op::Emit, &[slot], &[&event.json()]),
            Output::Build(build) => self.stage.dom.put(Op::Build, &[], &[&build]),
            Output::Forgotten { id } => self.stage.dom.put(Op::Forgotten, &[], &[id.name()]),
            Output::Template { hash, template } => self.take_template(hash, Some(template)),
        }
    }

    /// Shows a live component, or fetches its template if the page does not have it.
    fn show(&mut self, slot: Slot) {
        let Some(component) = self.client.component(slot) else { return };
        let Some(phase) = component.phase.shown() else { return };
        let hash = component.template;
        let Some(place) = self.places.get_mut(slot) else { return };
        if place.presentation == Presentation::Element {
            if place.view.as_ref().is_some_and(|view| view.blueprint.hash == hash) {
                self.view(slot, 0, ALL, None, (Key::NONE, &[]));
            } else {
                let Some(blueprint) = self.blueprint(hash) else {
                    return self.stage.dom.put(Op::Fetch, &[], &[hash.name()]);
                };
                self.build(slot, blueprint);
            }
        }
        self.stage.dom.put(Op::Phase, &[slot, phase], &[""]);
    }

    /// Creates the view of a component, from the server's HTML if possible.
    fn build(&mut self, slot: Slot, blueprint: Shared<Blueprint>) {
        let Some(place) = self.places.get_mut(slot) else { return };
        if let Some(old) = place.view.take() {
            old.drop(&mut self.stage);
        }
        let mut shape = std::mem::take(&mut place.shape);
        // After a deploy between render and mount, the HTML is from another template and may look
        // alike.
        if place.painted.str() != Some(blueprint.hash.name()) {
            shape = Val::Null;
        }
        self.stage.view(slot);
        let of = Sight { client: &self.client, slot };
        let around = Surroundings { of: &of, user: &place.user, event: &Val::Null };
        place.view = Some(View::new(blueprint, slot, shape.list(), &around, &mut self.stage));
    }

    /// Rebuilds a view: the server's HTML differs from its template, or other scripts removed nodes
    /// from it.
    pub fn rebuild(&mut self, slot: Slot) {
        let view = self.places.get(slot).and_then(|place| place.view.as_ref());
        if let Some(blueprint) = view.map(|view| Shared::clone(&view.blueprint)) {
            self.build(slot, blueprint);
        }
    }

    /// Updates the view of a component, if it has one. See [`View::show`].
    fn view(
        &mut self,
        slot: Slot,
        node: u32,
        mask: u64,
        local: Option<(usize, Val)>,
        changes: (Key, &[Change]),
    ) {
        let Some(place) = self.places.get_mut(slot) else { return };
        let Some(view) = &mut place.view else { return };
        self.stage.view(slot);
        let of = Sight { client: &self.client, slot };
        let around = Surroundings { of: &of, user: &place.user, event: &Val::Null };
        view.show((node, mask, local), changes, &around, &mut self.stage);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_may_move_to_another_thread() {
        let mut page = Page::new(1);
        page.mount(1, r#"{"component":"counter","props":{}}"#, Val::Null, Presentation::Element);
        let page = std::thread::spawn(move || {
            page.edit(1, "title", Val::text("from another thread"));
            page
        });
        let page = page.join().unwrap();
        assert_eq!(page.queue().matches("PROPERTY_UPDATE").count(), 0);
        assert!(page.is_dirty(1));
    }
}
