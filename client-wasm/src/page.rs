//! The page: components, their views, and what goes between them.

use crate::client::{Client, Failure, Kind, Origin, Output, Phase, Slot, source};
use crate::dom::{Dom, Op};
use crate::render::{Blueprint, Of, Stage, Surroundings, View, shown};
use crate::store::{Edit, Tag};
use crate::value::{Key, Val, parse, write_count};

/// An element that shows a component, or the place of one without.
#[derive(Default)]
struct Place {
    /// Whether there is an element to show it in.
    element: bool,
    /// What the server chose when it rendered the element; until that is adopted.
    shape: Option<Vec<u32>>,
    /// Whom the page was made for.
    user: Val,
    view: Option<(Key, View)>,
    /// The page's own code was told that it is there.
    told: bool,
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
const MALFORMED: &str = r#"{"code":"malformed","message":"the template cannot be read by this client"}"#;

/// A component that is to be mounted.
#[derive(Debug, Default)]
pub(crate) struct Mount<'a> {
    /// Its id on the wire.
    pub(crate) id: &'a str,
    pub(crate) seal: Option<&'a str>,
    pub(crate) name: &'a str,
    /// A JSON object.
    pub(crate) props: &'a str,
    /// The hash of the template, where the server says it.
    pub(crate) template: Key,
    /// What the renderer chose: numbers, separated by commas. `None` where nothing was rendered.
    pub(crate) shape: Option<&'a str>,
    /// Whom the page was made for, as JSON.
    pub(crate) user: &'a str,
    pub(crate) element: bool,
}

impl<'a> Mount<'a> {
    /// Reads what the page hands over: a JSON object with these fields, what is absent left out.
    pub(crate) fn of(json: &'a Val) -> Self {
        let text = |name| json.named(name).and_then(Val::str);
        Self {
            id: json.text_of("id"),
            seal: text("seal"),
            name: json.text_of("name"),
            props: text("props").unwrap_or("{}"),
            template: json.key_of("template"),
            shape: text("shape"),
            user: json.text_of("user"),
            element: json.named("element") == Some(&Val::Bool(true)),
        }
    }
}

pub(crate) struct Page<D> {
    pub(crate) client: Client,
    pub(crate) stage: Stage<D>,
    /// Those that came, by their hash. They stay for as long as the page lives.
    blueprints: Vec<(Key, &'static Blueprint)>,
    /// Templates that are on their way.
    fetching: Vec<Key>,
    places: Vec<Place>,
    /// The views that the operations which run next make an end of trusting the server's HTML.
    adopted: Vec<Slot>,
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
            fetching: Vec::new(),
            places: Vec::new(),
            adopted: Vec::new(),
            temporary: 0,
            notify: Vec::new(),
        }
    }

    /// Mounts a component.
    pub(crate) fn mount(&mut self, mount: &Mount<'_>) -> Slot {
        let source = match mount.seal {
            Some(seal) => source::seal(seal),
            None => source::open(mount.name, mount.props),
        };
        let slot = self.client.mount(mount.id, source);
        let numbers = |shape: &str| {
            let mut list = String::from("[");
            list.push_str(shape);
            list.push(']');
            let mut counts = Vec::new();
            for count in parse(&list).unwrap_or_default().into_list() {
                counts.push(count.int().unwrap_or(0) as u32);
            }
            counts
        };
        self.places.resize_with(slot as usize, Place::default);
        self.places.push(Place {
            element: mount.element,
            shape: mount.shape.map(numbers),
            user: parse(mount.user).unwrap_or_default(),
            view: None,
            told: false,
        });
        if mount.element && mount.template != Key::NONE {
            self.fetch(mount.template);
        }
        slot
    }

    pub(crate) fn unmount(&mut self, slot: Slot) {
        if let Some(place) = self.places.get_mut(slot as usize)
            && let Some((_, view)) = std::mem::take(place).view
        {
            view.drop(&mut self.stage);
        }
        self.client.unmount(slot);
    }

    /// An event: the address of what it does, in the instance at `node`; an object of what its expressions ask for.
    pub(crate) fn event(&mut self, slot: Slot, node: u32, address: u32, mut event: Val) {
        self.temporary += 1;
        let mut temporary = String::from("temp-");
        write_count(u64::from(self.temporary), &mut temporary);
        event.set(Key::of("temp"), temporary.into());
        let mut fired = Default::default();
        self.view(slot, &event, &mut |view, around, stage| fired = view.fire(node, address, around, stage));
        for (node, local) in fired.locals {
            let mut local = Some(local);
            self.view(slot, &Val::Null, &mut |view, around, stage| {
                view.touch(node, local.take(), around, stage);
            });
        }
        let mut guesses = Vec::new();
        for edit in fired.guesses {
            guesses.extend(self.place_guess(slot, edit));
        }
        for call in fired.calls {
            let origin = Origin { node, hole: address };
            let guesses = std::mem::take(&mut guesses);
            self.client.action(slot, Key::of(call.action), &call.arguments, origin, 0, guesses);
        }
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
        self.fetching.retain(|fetching| *fetching != hash);
        if self.blueprint(hash).is_some() {
            return;
        }
        match Blueprint::new(template, &mut self.stage) {
            Some(blueprint) => {
                self.blueprints.push((hash, Box::leak(Box::new(blueprint))));
                for slot in 0..self.places.len() as Slot {
                    self.show(slot);
                }
            }
            None => {
                let failure = parse(MALFORMED).unwrap_or_default();
                for slot in 0..self.places.len() as Slot {
                    if self.client.component(slot).is_some_and(|component| component.template == hash) {
                        self.phase(slot, Some(&failure));
                    }
                }
            }
        }
    }

    fn blueprint(&self, hash: Key) -> Option<&'static Blueprint> {
        self.blueprints.iter().find(|(known, _)| *known == hash).map(|(_, blueprint)| *blueprint)
    }

    fn fetch(&mut self, hash: Key) {
        if self.blueprint(hash).is_none() && !self.fetching.contains(&hash) {
            self.fetching.push(hash);
            self.stage.dom.put(Op::Fetch, &[], &[hash.name()]);
        }
    }

    /// Brings views up to date with what the client says; what is left is for the socket.
    #[expect(clippy::wildcard_enum_match_arm, reason = "`output` names them all")]
    pub(crate) fn turn(&mut self) -> Vec<Output> {
        let mut rest = Vec::new();
        loop {
            let outputs = self.client.take();
            if outputs.is_empty() {
                break;
            }
            for output in outputs {
                match output {
                    Output::Connect { .. } | Output::Close { .. } | Output::Send(_) => rest.push(output),
                    output => self.output(output),
                }
            }
        }
        let mut notify = std::mem::take(&mut self.notify);
        while let Some(slot) = notify.pop() {
            if !notify.contains(&slot) {
                self.stage.dom.put(Op::Notify, &[slot], &[]);
            }
        }
        rest
    }

    fn output(&mut self, output: Output) {
        match output {
            Output::Connect { .. } | Output::Close { .. } | Output::Send(_) => {}
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
                self.see(slot, &mut |view, around, stage| view.show(shared, &changes, around, stage));
            }
            Output::Replaced { slot } => {
                self.notify.push(slot);
                self.see(slot, &mut |view, around, stage| view.show_all(around, stage));
            }
            Output::Failed { slot, failure } => self.phase(slot, Some(&failure)),
            Output::Wire { slot } => {
                self.notify.push(slot);
                self.see(slot, &mut |view, around, stage| view.show_wire(around, stage));
            }
            Output::Answered { slot, origin } => {
                self.see(slot, &mut |view, around, stage| view.touch(origin.node, None, around, stage));
            }
            Output::Refused { slot, field, .. } => {
                let mut text = String::new();
                let value = self.client.confirmed(slot, field).unwrap_or(&Val::Null);
                let kind = shown(value, &mut text);
                self.stage.dom.put(Op::Refuse, &[slot, kind], &[field.name(), &text]);
            }
            Output::ActionFailed { slot, action, failure } => {
                self.stage.dom.put(Op::Fault, &[slot], &[action.name(), &failure.json()]);
            }
            Output::Settled { ticket, ok, value } => {
                self.stage.dom.put(Op::Settle, &[ticket, u32::from(ok)], &[&value.json()]);
            }
            Output::Event { slot, event } => self.stage.dom.put(Op::Emit, &[slot], &[&event.json()]),
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
        let Some(place) = self.places.get_mut(slot as usize) else { return };
        if place.element {
            if place.view.as_ref().is_some_and(|(known, _)| *known == hash) {
                self.see(slot, &mut |view, around, stage| view.show_all(around, stage));
            } else {
                let Some(blueprint) = self.blueprint(hash) else { return self.fetch(hash) };
                self.build(slot, hash, blueprint);
            }
        }
        self.phase(slot, None);
    }

    /// Makes the view of a component, out of what the server rendered if it can be.
    fn build(&mut self, slot: Slot, hash: Key, blueprint: &'static Blueprint) {
        let Some(place) = self.places.get_mut(slot as usize) else { return };
        if let Some((_, old)) = place.view.take() {
            old.drop(&mut self.stage);
        }
        let shape = place.shape.take();
        if shape.is_some() {
            self.adopted.push(slot);
        }
        let of = Sight { client: &self.client, slot };
        let around = Surroundings { of: &of, user: &place.user, event: &Val::Null };
        place.view = Some((hash, View::new(blueprint, slot, shape, &around, &mut self.stage)));
    }

    /// The operations have run. Where the server's HTML was not as its template says, the view is made anew.
    pub(crate) fn ran(&mut self, fits: bool) {
        let adopted = std::mem::take(&mut self.adopted);
        if fits {
            return;
        }
        // Where nothing was adopted, other people's code changed what is ours; what is left of it is kept in step.
        for slot in adopted {
            let known =
                self.places.get(slot as usize).and_then(|place| place.view.as_ref()).map(|(hash, _)| *hash);
            if let Some(hash) = known
                && let Some(blueprint) = self.blueprint(hash)
            {
                self.build(slot, hash, blueprint);
            }
        }
    }

    /// Tells the page's own code that a component is there, or why not.
    fn phase(&mut self, slot: Slot, failure: Option<&Failure>) {
        let Some(place) = self.places.get_mut(slot as usize) else { return };
        if place.told && failure.is_none() {
            return;
        }
        place.told = failure.is_none();
        let json = failure.map(Failure::json).unwrap_or_default();
        self.stage.dom.put(Op::Phase, &[slot, u32::from(failure.is_some())], &[&json]);
    }

    /// Does something with the view of a component, if it has one.
    fn see(&mut self, slot: Slot, act: &mut dyn FnMut(&mut View, &Surroundings<'_>, &mut Stage<D>)) {
        self.view(slot, &Val::Null, act);
    }

    /// The same while an event is handled.
    fn view(
        &mut self,
        slot: Slot,
        event: &Val,
        act: &mut dyn FnMut(&mut View, &Surroundings<'_>, &mut Stage<D>),
    ) {
        let Some(place) = self.places.get_mut(slot as usize) else { return };
        let of = Sight { client: &self.client, slot };
        let around = Surroundings { of: &of, user: &place.user, event };
        if let Some((_, view)) = &mut place.view {
            act(view, &around, &mut self.stage);
        }
    }
}
