//! The page: components, their views, and what goes between them.

use crate::client::{Client, Kind, Origin, Output, Phase, Slot};
use crate::dom::{Dom, Op};
use crate::patch::Change;
use crate::render::{ALL, Blueprint, CONTROL, LOCAL, Of, Stage, Surroundings, View, WIRE, shown};
use crate::slots::Slots;
use crate::store::{Edit, TEMPORARY, Tag};
use crate::value::{Key, Val, write_count};

/// An element that shows a component, or the place of one without.
struct Place {
    /// Whether there is an element to show it in.
    element: bool,
    /// What the server chose when it rendered the element, a list of numbers; null where nothing was rendered, or when
    /// it is adopted.
    shape: Val,
    /// The hash of the template that it was rendered by.
    painted: Val,
    /// Whom the page was made for.
    user: Val,
    view: Option<View>,
}

/// What a view asks the client for.
struct Sight<'a> {
    client: &'a Client,
    slot: Slot,
}

impl Of for Sight<'_> {
    fn root(&self, field: Key) -> Option<&Val> {
        self.client.root(self.slot, field)
    }

    fn wire(&self, state: i64, target: Option<&str>, from: Origin) -> bool {
        match state {
            0 => self.client.waits(self.slot, &|request| {
                request.kind == Kind::Action
                    && match target {
                        Some(target) => request.name.name() == target,
                        None => from.hole == 0 || request.origin == from,
                    }
            }),
            1 => self.client.is_dirty(self.slot, target),
            _ => !self.client.is_connected(),
        }
    }
}

/// Why a component is not shown whose template is not one.
const MALFORMED: &str = r#"{"code":"malformed","message":"unreadable template"}"#;

pub(crate) struct Page<D> {
    pub(crate) client: Client,
    pub(crate) stage: Stage<D>,
    /// Those that came, by their hash. They stay for as long as the page lives.
    blueprints: Vec<&'static Blueprint>,
    places: Slots<Place>,
    temporary: u32,
    /// The components whose state changed in this turn.
    notify: Vec<Slot>,
}

impl<D: Dom> Page<D> {
    pub(crate) fn new(seed: u64, dom: D) -> Self {
        Self {
            client: Client::new(seed),
            stage: Stage::new(dom),
            blueprints: Vec::new(),
            places: Slots::new(),
            temporary: 0,
            notify: Vec::new(),
        }
    }

    /// Mounts a component. `of` is a list: its id on the wire, what the renderer chose, whom the page was made for, the template
    /// that was rendered.
    pub(crate) fn mount(&mut self, slot: Slot, source: &str, of: Val, element: bool) {
        let mut of = of.into_list();
        let mut part = |at: usize| of.get_mut(at).map(std::mem::take).unwrap_or_default();
        self.client.mount(slot, part(0).str().unwrap_or_default(), source.into());
        self.places
            .insert(slot, Place { element, shape: part(1), user: part(2), painted: part(3), view: None });
    }

    pub(crate) fn unmount(&mut self, slot: Slot) {
        if let Some(view) = self.places.remove(slot).and_then(|place| place.view) {
            view.drop(&mut self.stage);
        }
        self.client.unmount(slot);
    }

    /// An event: the address of what it does, in the instance at `node`; an object of what its expressions ask for.
    /// Returns how many actions it made.
    pub(crate) fn event(&mut self, slot: Slot, node: u32, address: u32, mut event: Val) -> u32 {
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
        let mut guesses = Vec::new();
        for edit in &mut fired.guesses {
            if let Some(guess) = self.place_guess(slot, std::mem::take(edit)) {
                guesses.push(guess);
            }
        }
        let (mut calls, mut before) = (0, None);
        for deed in fired.deeds {
            if deed.is_edit {
                self.client.assign(slot, deed.name, deed.value, before);
            } else {
                calls += 1;
                before = Some(self.client.last_reference);
                let origin = Origin { node, hole: address };
                let guesses = std::mem::take(&mut guesses);
                self.client.action(slot, deed.name, deed.value, origin, 0, guesses);
            }
        }
        calls
    }

    /// Which stream a guess is about: a shared field's parts are fields of its topic.
    fn place_guess(&self, slot: Slot, mut edit: Edit) -> Option<(Key, Edit)> {
        if self.client.component(slot)?.topic(edit.field).is_none() {
            return Some((Key::NONE, edit));
        }
        let part = edit.path.first().map(|(key, _)| *key).filter(|key| *key != Key::NONE)?;
        edit.path.remove(0);
        Some((std::mem::replace(&mut edit.field, part), edit))
    }

    /// A guess of the page's own code: an object of patch values. A shared field's value is a patch of its topic.
    pub(crate) fn guess(&mut self, slot: Slot, patch: Val) -> Tag {
        let mut guesses = Vec::new();
        for (field, value) in patch.into_fields() {
            let edit = |field, patch| Edit { field, path: Vec::new(), patch };
            if self.client.component(slot).is_some_and(|component| component.topic(field).is_some()) {
                for (part, value) in value.into_fields() {
                    guesses.push((field, edit(part, value)));
                }
            } else {
                guesses.push((Key::NONE, edit(field, value)));
            }
        }
        self.client.guess(slot, guesses)
    }

    /// A template came, or could not be fetched.
    pub(crate) fn template(&mut self, hash: Key, template: Option<Val>) {
        let Some(template) = template else { return self.client.want_template(hash) };
        if self.blueprint(hash).is_some() {
            return;
        }
        let blueprint = Blueprint::new(hash, template, &mut self.stage);
        let malformed = blueprint.is_none();
        if let Some(blueprint) = blueprint {
            self.blueprints.push(Box::leak(Box::new(blueprint)));
        }
        for slot in self.client.slots() {
            if !malformed {
                self.show(slot);
            } else if self.client.component(slot).is_some_and(|component| component.template == hash) {
                self.stage.dom.put(Op::Phase, &[slot, 1], &[MALFORMED]);
            }
        }
    }

    fn blueprint(&self, hash: Key) -> Option<&'static Blueprint> {
        self.blueprints.iter().find(|blueprint| blueprint.hash == hash).copied()
    }

    /// Brings views up to date with what the client says; `line` is told what is for the socket.
    pub(crate) fn turn(&mut self, line: &mut dyn FnMut(Output)) {
        loop {
            let outputs = self.client.take();
            if outputs.is_empty() {
                break;
            }
            for output in outputs {
                self.output(output, line);
            }
        }
        let mut notify = std::mem::take(&mut self.notify);
        while let Some(slot) = notify.pop() {
            if !notify.contains(&slot) {
                self.stage.dom.put(Op::Notify, &[slot], &[]);
            }
        }
    }

    fn output(&mut self, output: Output, line: &mut dyn FnMut(Output)) {
        match output {
            Output::Connect { .. } | Output::Close { .. } | Output::Send(_) => line(output),
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
                self.stage.dom.put(Op::Phase, &[slot, 1], &[&failure.json()]);
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
            Output::Template { hash, template } => self.template(hash, Some(template)),
        }
    }

    /// Shows a component that is live, if its template is there.
    fn show(&mut self, slot: Slot) {
        let Some(component) = self.client.component(slot) else { return };
        if component.phase != Phase::Live {
            return;
        }
        let hash = component.template;
        let Some(place) = self.places.get_mut(slot) else { return };
        if place.element {
            if place.view.as_ref().is_some_and(|view| view.blueprint.hash == hash) {
                self.view(slot, 0, ALL, None, (Key::NONE, &[]));
            } else {
                let Some(blueprint) = self.blueprint(hash) else {
                    return self.stage.dom.put(Op::Fetch, &[], &[hash.name()]);
                };
                self.build(slot, blueprint);
            }
        }
        self.stage.dom.put(Op::Phase, &[slot, 0], &[""]);
    }

    /// Makes the view of a component, out of what the server rendered if it can be.
    fn build(&mut self, slot: Slot, blueprint: &'static Blueprint) {
        let Some(place) = self.places.get_mut(slot) else { return };
        if let Some(old) = place.view.take() {
            old.drop(&mut self.stage);
        }
        let mut shape = std::mem::take(&mut place.shape);
        // What another template has made may look alike: a deploy came between the paint and the mount.
        if place.painted.str() != Some(blueprint.hash.name()) {
            shape = Val::Null;
        }
        self.stage.view(slot);
        let of = Sight { client: &self.client, slot };
        let around = Surroundings { of: &of, user: &place.user, event: &Val::Null };
        place.view = Some(View::new(blueprint, slot, shape.list(), &around, &mut self.stage));
    }

    /// Makes a view anew: the server's HTML was not as its template says, or others took nodes out of it.
    pub(crate) fn anew(&mut self, slot: Slot) {
        let view = self.places.get(slot).and_then(|place| place.view.as_ref());
        if let Some(blueprint) = view.map(|view| view.blueprint) {
            self.build(slot, blueprint);
        }
    }

    /// Brings the view of a component up to date, if it has one. See [`View::show`].
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
