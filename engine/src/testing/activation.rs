//! The default actions of a browser for clicks, keys and submits.

use super::document::Document;
use super::events::Event;
use super::html::inputs::Input;
use super::html::tree::Node;
use crate::value::{Key, Val};

/// A page that runs the handlers of events.
pub trait Activation {
    /// Returns the document of the page.
    fn document(&mut self) -> &mut Document;

    /// Dispatches an event, and records in it whether a handler has prevented the default action.
    /// Returns whether a handler ran or a control changed.
    fn dispatch(&mut self, event: &mut Event) -> bool;

    /// Dispatches an event to an element that is still in the page. Returns whether it had an
    /// effect, and whether the default action follows.
    fn send(&mut self, kind: &str, node: Node, detail: &Val, submitter: Option<Node>) -> (bool, bool) {
        if !self.document().tree().is_inside(node) {
            return (false, false);
        }
        let mut event = Event::new(kind, node, detail.clone());
        event.submitter = submitter;
        let handled = self.dispatch(&mut event);
        (handled, !event.is_prevented)
    }

    /// Clicks an element: a checkbox changes before the handlers run, and changes back if one of
    /// them prevents it. Returns whether the click had an effect.
    fn click(&mut self, node: Node) -> bool {
        let tree = self.document().tree_mut();
        let before = Vec::from_iter(tree.group(node).into_iter().map(|one| (one, tree.is_on(one))));
        let was_on = tree.is_on(node);
        if tree.is_tick(node) {
            tree.tick(node, tree.is_radio(node) || !was_on);
        }
        let (handled, goes_on) = self.send("click", node, &Val::Obj(Vec::new()), None);
        let tree = self.document().tree_mut();
        if goes_on {
            return self.activate(node, was_on) || handled;
        }
        if tree.is_tick(node) {
            tree.ticks.extend(before);
        }
        handled
    }

    /// Runs the default action of a click. `was_on` is the state of a checkbox before it.
    fn activate(&mut self, node: Node, was_on: bool) -> bool {
        let tree = self.document().tree_mut();
        let Some(target) = tree.upwards(node).find(|around| tree.is_activated(*around)) else { return false };
        if tree.is_tick(target) {
            if !(tree.is_radio(target) && was_on) {
                self.send("input", target, &Val::Obj(Vec::new()), None);
                self.send("change", target, &Val::Obj(Vec::new()), None);
            }
            return true;
        }
        let form = tree.form_of(target);
        match (tree.name(target), &*tree.button(target)) {
            ("label", _) => match tree.labelled(target) {
                Some(control) if !tree.is_disabled(control) => self.click(control),
                _ => false,
            },
            ("summary", _) => {
                let Some(details) = tree.parent(target) else { return false };
                let is_open = tree.has(details, "open");
                tree.set_attribute(details, "open", (!is_open).then_some(""));
                self.send("toggle", details, &Val::Obj(Vec::new()), None);
                true
            }
            (_, "submit" | "image") => form.is_some_and(|form| self.submit(form, Some(target))),
            (_, "reset") => form.is_some_and(|form| self.reset(form)),
            _ => false,
        }
    }

    /// Submits a form, if all its controls are valid. Returns whether that had an effect.
    fn submit(&mut self, form: Node, submitter: Option<Node>) -> bool {
        let tree = self.document().tree();
        let is_checked =
            !tree.has(form, "novalidate") && !submitter.is_some_and(|node| tree.has(node, "formnovalidate"));
        let mut invalid = tree.elements(form);
        invalid.retain(|node| is_checked && tree.is_invalid(*node));
        for node in &invalid {
            self.send("invalid", *node, &Val::Obj(Vec::new()), None);
        }
        !invalid.is_empty() || self.send("submit", form, &Val::Obj(Vec::new()), submitter).0
    }

    /// Resets the controls of a form to their defaults. Returns whether that had an effect.
    fn reset(&mut self, form: Node) -> bool {
        if self.send("reset", form, &Val::Obj(Vec::new()), None).1 {
            let tree = self.document().tree_mut();
            for control in tree.elements(form) {
                tree.texts.remove(&control);
                tree.ticks.remove(&control);
                tree.choose(control, None);
            }
        }
        true
    }

    /// Presses and releases a key in an element.
    fn press(&mut self, node: Node, key: &str) {
        let detail = Val::Obj(vec![(Key::of("key"), Val::text(key))]);
        let goes_on = self.send("keydown", node, &detail, None).1;
        let tree = self.document().tree();
        let is_button = tree.input(node) == Input::Button || tree.is_summary(node);
        let is_input = tree.name(node) == "input";
        if key == "Enter" && goes_on && self.send("keypress", node, &detail, None).1 {
            if is_button {
                self.click(node);
            } else if is_input {
                self.submit_by_key(node);
            }
        }
        let is_released = self.send("keyup", node, &detail, None).1;
        let tree = self.document().tree();
        if key == " " && goes_on && is_released && (is_button || tree.is_tick(node)) {
            self.click(node);
        }
    }

    /// Submits the form of an input by its default button, or by itself if it has none.
    fn submit_by_key(&mut self, node: Node) {
        if self.document().tree_mut().end_edit(node) {
            self.send("change", node, &Val::Obj(Vec::new()), None);
        }
        let tree = self.document().tree();
        let Some(form) = tree.form_of(node) else { return };
        let elements = tree.elements(form);
        match elements.iter().find(|one| matches!(&*tree.button(**one), "submit" | "image")) {
            Some(button) if tree.is_disabled(*button) => {}
            Some(button) => drop(self.click(*button)),
            None if elements.iter().filter(|one| tree.is_line(**one)).count() > 1 => {}
            None => drop(self.submit(form, None)),
        }
    }
}
