//! Events of the document, passed to the engine as in `client-wasm/js/events.js`.

use super::block::{Hole, Spot};
use super::controls::Reads;
use super::document::{Document, Rooted};
use super::tree::Node;
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
    root: Node,
    rooted: Rooted,
    element: Node,
    hole: Hole,
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
    reads: Reads,
}

// Bits of a handler's flags.
const PREVENT: u64 = 1;
const STOP: u64 = 2;
const ONLY_ITSELF: u64 = 4;
const ONCE: u64 = 8;
const WINDOW: u64 = 16;
const OUTSIDE: u64 = 32;
const VALUE: u64 = 256;
const CHECKED: u64 = 512;
const FORM: u64 = 1024;
const EVENT: u64 = 2048;

impl Event {
    /// Creates an event with the value of `$event`.
    pub fn new(kind: &str, target: Node, detail: Val) -> Self {
        Self { kind: kind.to_owned(), target, detail, submitter: None, is_prevented: false }
    }

    fn bubbles(&self) -> bool {
        !matches!(&*self.kind, "focus" | "blur" | "mouseenter" | "mouseleave" | "load" | "scroll")
    }

    fn is_held(&self, name: &str) -> bool {
        self.detail.named(name) == Some(&Val::Bool(true))
    }
}

impl Document {
    /// Applies an event to its control, and returns the handlers that it reaches, innermost first.
    pub fn handlers(&mut self, event: &Event) -> Vec<Handler> {
        if self.tree.is_control(event.target) {
            match &*event.kind {
                "click" => self.happens_click(event.target),
                "input" => self.happens_input(event.target),
                "change" => self.happens_change(event.target),
                "blur" => self.happens_blur(event.target),
                _ => {}
            }
        }
        let path: Vec<Node> = self.tree.upwards(event.target).collect();
        let mut found = Vec::new();
        for root in &path {
            for handler in self.handlers_of(*root, &event.kind, 0) {
                let at = path.iter().position(|node| *node == handler.element);
                if let Some(at) = at.filter(|at| *at == 0 || event.bubbles()) {
                    found.push((at, handler));
                }
            }
        }
        found.sort_by_key(|(at, _)| *at);
        let mut found: Vec<Handler> = found.into_iter().map(|(_, handler)| handler).collect();
        for target in [OUTSIDE, WINDOW] {
            for root in self.tree.inside(self.body) {
                let handlers = self.handlers_of(root, &event.kind, target);
                let is_outside = |handler: &Handler| target == WINDOW || !path.contains(&handler.element);
                found.extend(handlers.into_iter().filter(is_outside));
            }
        }
        found
    }

    /// Returns the handlers of an event in the instance whose root is `node`.
    fn handlers_of(&self, node: Node, kind: &str, target: u64) -> Vec<Handler> {
        let Some(rooted) = self.rooted.get(&node) else { return Vec::new() };
        let holes = self.blocks.get(rooted.template).map_or(&[][..], |block| &block.holes);
        let spots = self.roots.get(&rooted.number).map_or(&[][..], |root| &root.spots);
        let mut found = Vec::new();
        for (hole, spot) in holes.iter().zip(spots) {
            if let Spot::Element(element) = spot
                && hole.place == Hole::EVENT
                && hole.text(0) == kind
                && hole.int(1) & (WINDOW | OUTSIDE) == target
            {
                found.push(Handler { root: node, rooted: *rooted, element: *element, hole: hole.clone() });
            }
        }
        found
    }

    /// Returns the engine call for a handler, or `None` if the handler must not run.
    pub fn consider(&mut self, handler: &Handler, event: &mut Event) -> Option<Fire> {
        let (hole, element) = (&handler.hole, handler.element);
        let (flags, address) = (hole.int(1), hole.int(6) as u32);
        // An earlier handler may have removed the instance.
        if self.rooted.get(&handler.root).is_none_or(|rooted| rooted.number != handler.rooted.number) {
            return None;
        }
        let key = event.detail.text_of("key");
        let keys = hole.argument(5).list().unwrap_or_default();
        let is_key = |one: &Val| one.str().is_some_and(|one| one.eq_ignore_ascii_case(key));
        let modifiers = ["ctrlKey", "shiftKey", "altKey", "metaKey"];
        let held = modifiers.iter().enumerate().filter(|(_, name)| event.is_held(name));
        let held: u64 = held.map(|(bit, _)| 1 << bit).sum();
        if flags & ONLY_ITSELF != 0 && event.target != element
            || !keys.is_empty() && !keys.iter().any(is_key)
            || hole.int(2) != 0 && hole.int(2) != held
            || flags & ONCE != 0 && !self.once.insert((element, address))
        {
            return None;
        }
        event.is_prevented |= flags & PREVENT != 0;
        let target = event.target;
        let is_inside = self.tree.upwards(target).any(|node| node == element);
        let from = if is_inside && self.own_value(target) != Val::Null { target } else { element };
        let form = (flags & FORM != 0 || event.kind == "submit").then(|| self.form(from, element)).flatten();
        let mut payload = Val::Obj(Vec::new());
        if flags & VALUE != 0 {
            payload.set(Key::of("value"), self.own_value(from));
        }
        if flags & CHECKED != 0 {
            payload.set(Key::of("checked"), Val::Bool(self.tree.is_tick(from) && self.is_on(from)));
        }
        if flags & FORM != 0 {
            let fields = form.map(|form| self.fields(form, event.submitter));
            payload.set(Key::of("form"), fields.unwrap_or(Val::Obj(Vec::new())));
        }
        if flags & EVENT != 0 {
            let mut detail = event.detail.clone();
            if detail.named("type").is_none() {
                detail.set(Key::of("type"), Val::text(&event.kind));
            }
            payload.set(Key::of("event"), detail);
        }
        let reads = self.reads(from, flags & (VALUE | CHECKED) != 0, form);
        let Rooted { number: root, slot, .. } = handler.rooted;
        Some(Fire { slot, root, address, event: payload, stops: flags & STOP != 0, reads })
    }

    /// Begins the handling of an event by the engine. Until [`Document::fired`], new values replace
    /// the user's edits.
    pub fn firing(&mut self) {
        self.controls.firing = true;
    }

    /// Ends the handling of an event by the engine, which called this number of actions.
    pub fn fired(&mut self, fire: &Fire, actions: u32) {
        if actions > 0 {
            self.sent(fire.root, fire.slot, &fire.reads);
        }
        self.controls.firing = false;
    }

    /// Returns the value of an element, or null if it has none.
    fn own_value(&self, node: Node) -> Val {
        if self.tree.name(node) == "select" && self.tree.attribute(node, "multiple").is_some() {
            return Val::List(self.chosen(node).into_iter().map(Val::from).collect());
        }
        if self.tree.is_control(node) || matches!(self.tree.name(node), "button" | "option") {
            return self.value(node).into();
        }
        self.tree.attribute(node, "value").map_or(Val::Null, Val::text)
    }

    fn form(&self, from: Node, element: Node) -> Option<Node> {
        let is_form = |node: &Node| self.tree.name(*node) == "form";
        let around = self.tree.upwards(from).find(is_form);
        around.or_else(|| self.tree.inside(element).into_iter().find(is_form))
    }
}
