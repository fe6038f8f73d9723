//! Events of the document, passed to the engine as in `client-wasm/js/events.js`.

use vivaz_template::code::{DomHole, event as bits};

use super::controls::Reads;
use super::document::Document;
use super::html::inputs::Input;
use super::html::tree::Node;
use super::instances::Spot;
use crate::slots::Slot;
use crate::value::{Key, Val};

/// An event.
#[derive(Debug)]
pub struct Event {
    /// The event's type, such as `click`.
    pub kind: String,
    /// The node that the event is dispatched to.
    pub target: Node,
    /// The value of `$event`, an object.
    pub detail: Val,
    /// The button that submits the form.
    pub submitter: Option<Node>,
    /// Whether a handler has prevented the browser's default action.
    pub is_prevented: bool,
}

/// A handler that an event reaches.
#[derive(Debug)]
pub struct Handler {
    /// The root of the instance, its number and its component.
    node: Node,
    root: u32,
    slot: Slot,
    spot: Spot,
}

/// The arguments of the engine's call for a handler.
#[derive(Debug)]
pub struct Fire {
    /// The component.
    pub slot: Slot,
    /// The root of the instance.
    pub root: u32,
    /// The address of the handler's statements.
    pub address: u32,
    /// The data that the expressions of the statements read.
    pub event: Val,
    /// Whether the handler stops the event: no further handler receives it.
    pub stops: bool,
    /// What the user is asked first: the `live:confirm` of the element or of the button.
    pub question: Option<String>,
    reads: Reads,
}

impl Event {
    /// Creates an event with the value of `$event`.
    pub fn new(kind: &str, target: Node, detail: Val) -> Self {
        Self { kind: kind.to_owned(), target, detail, submitter: None, is_prevented: false }
    }

    fn bubbles(&self) -> bool {
        !matches!(
            &*self.kind,
            "focus" | "blur" | "mouseenter" | "mouseleave" | "load" | "scroll" | "toggle" | "invalid"
        )
    }

    /// Returns the modifier keys that are held down, as the bits of `code::held`.
    fn held(&self) -> u32 {
        let names = ["ctrlKey", "shiftKey", "altKey", "metaKey"];
        let is_held = |name: &str| self.detail.named(name) == Some(&Val::Bool(true));
        names.iter().enumerate().map(|(bit, name)| u32::from(is_held(name)) << bit).sum()
    }
}

impl Document {
    /// Applies an event to its control, and returns the handlers that it reaches, innermost first.
    pub fn handlers(&mut self, event: &Event) -> Vec<Handler> {
        if self.dom.tree.is_control(event.target) {
            self.controls.handle(&mut self.dom, event.target, &event.kind);
        }
        let path: Vec<Node> = self.dom.tree.upwards(event.target).collect();
        let depth = |handler: &Handler| path.iter().position(|node| *node == handler.spot.node);
        let mut found = self.handlers_at(path.iter().copied(), &event.kind, 0);
        found.retain(|handler| depth(handler).is_some_and(|depth| depth == 0 || event.bubbles()));
        found.sort_by_key(depth);
        let mut outside =
            self.handlers_at(self.dom.tree.inside(self.dom.tree.root()), &event.kind, bits::OUTSIDE);
        outside.retain(|handler| depth(handler).is_none());
        found.extend(outside);
        found.extend(self.handlers_at(self.dom.tree.inside(self.dom.tree.root()), &event.kind, bits::WINDOW));
        found
    }

    /// Returns the handlers of an event in the instances whose roots are these nodes. `target` is
    /// the bit of the handlers' target; 0 for the element.
    fn handlers_at(&self, nodes: impl Iterator<Item = Node>, kind: &str, target: u32) -> Vec<Handler> {
        let mut found = Vec::new();
        for node in nodes {
            let (Some(number), Some(root)) = (self.dom.number(node), self.dom.root(node)) else { continue };
            let spots = root.spots.iter().filter(|Spot { hole, .. }| {
                let of = hole.bits(1) & (bits::WINDOW | bits::OUTSIDE);
                hole.place == DomHole::Event && hole.text(0) == kind && of == target
            });
            let slot = root.slot;
            found.extend(spots.map(|spot| Handler { node, root: number, slot, spot: spot.clone() }));
        }
        found
    }

    /// Returns the engine call for a handler, or `None` if the handler must not run.
    pub fn consider(&mut self, handler: &Handler, event: &mut Event) -> Option<Fire> {
        let Handler { node, root, slot, ref spot } = *handler;
        let (element, target) = (spot.node, event.target);
        let [flags, held, address] = [1, 2, 6].map(|at| spot.hole.bits(at));
        let keys = spot.hole.argument(5).list().unwrap_or_default();
        let key = event.detail.text_of("key");
        let is_key = |one: &Val| one.str().is_some_and(|one| one.eq_ignore_ascii_case(key));
        // An earlier handler may have removed the instance.
        if self.dom.number(node) != Some(root)
            || flags & bits::SELF != 0 && target != element
            || !keys.is_empty() && !keys.iter().any(is_key)
            || held != 0 && held != event.held()
            || flags & bits::ONCE != 0 && !self.once.insert((element, address))
        {
            return None;
        }
        event.is_prevented |= flags & bits::PREVENT != 0;
        let tree = &self.dom.tree;
        let is_inside = tree.upwards(target).any(|node| node == element);
        let from = if is_inside && tree.values(target) != Val::Null { target } else { element };
        let form = (flags & bits::READS_FORM != 0 || event.kind == "submit").then(|| {
            let mut inside = tree.inside(element);
            tree.form_of(from).or_else(|| inside.find(|node| tree.name(*node) == "form"))
        });
        let form = form.flatten();
        let mut payload = Val::Obj(Vec::new());
        if flags & bits::READS_VALUE != 0 {
            payload.set(Key::of("value"), tree.values(from));
        }
        if flags & bits::READS_CHECKED != 0 {
            let is_checked = tree.input(from) == Input::Tick && tree.is_on(from);
            payload.set(Key::of("checked"), Val::Bool(is_checked));
        }
        if flags & bits::READS_FORM != 0 {
            let fields = form.map(|form| tree.fields(form, event.submitter));
            payload.set(Key::of("form"), fields.unwrap_or(Val::Obj(Vec::new())));
        }
        if flags & bits::READS_EVENT != 0 {
            let mut detail = event.detail.clone();
            if detail.named("type").is_none() {
                detail.set(Key::of("type"), Val::text(&event.kind));
            }
            payload.set(Key::of("event"), detail);
        }
        let is_read = flags & (bits::READS_VALUE | bits::READS_CHECKED) != 0;
        let reads = self.controls.reads(tree, from, is_read, form);
        let ask = |node: Node| tree.attribute(node, "live:confirm").map(str::to_owned);
        let question = (flags & bits::CONFIRM != 0)
            .then(|| event.submitter.and_then(ask).or_else(|| ask(element)))
            .flatten()
            .filter(|question| !question.is_empty());
        Some(Fire { slot, root, address, event: payload, stops: flags & bits::STOP != 0, question, reads })
    }

    /// Undoes [`Document::consider`]: the user has declined, and the handler has not run.
    pub fn declined(&mut self, handler: &Handler) {
        self.once.remove(&(handler.spot.node, handler.spot.hole.bits(6)));
    }

    /// Begins the handling of an event by the engine. Until [`Document::fired`], new values replace
    /// the user's edits.
    pub fn firing(&mut self) {
        self.controls.is_firing = true;
    }

    /// Ends the handling of an event by the engine, which called this number of actions.
    pub fn fired(&mut self, fire: &Fire, actions: u32) {
        if actions > 0 {
            self.controls.action_sent(&self.dom, fire.root, fire.slot, &fire.reads);
        }
        self.controls.is_firing = false;
    }
}
