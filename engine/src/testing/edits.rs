//! Edits of form controls: the edits that an action has read, and the fields that a form sends.

use std::collections::BTreeSet;

use super::controls::{CHECKBOX, CHOICE, Edited, MULTIPLE, RADIO, Reads, texts};
use super::document::{Document, EventEffect};
use super::tree::Node;
use crate::slots::Slot;
use crate::value::{Key, Val, parse};

impl Document {
    /// Handles `input`: the user has edited a control.
    pub(super) fn happens_input(&mut self, node: Node) {
        self.controls.of(node).has_input = true;
        self.edit(node);
    }

    /// Handles `change`: the user has finished an edit.
    pub(super) fn happens_change(&mut self, node: Node) {
        let value = self.value(node);
        let is_tick = self.tree.is_tick(node);
        let state = self.controls.of(node);
        let missed = if is_tick { !state.has_input } else { value != state.last };
        state.has_input = false;
        if missed {
            self.edit(node);
        }
        self.commit(node, 1);
    }

    /// Handles `blur`: the user has left a control.
    pub(super) fn happens_blur(&mut self, node: Node) {
        self.commit(node, 2);
        let wanted = self.controls.of(node).wanted.clone().flatten();
        if wanted.is_some_and(|wanted| self.is_same(node, &wanted)) {
            self.show_control(node);
        }
    }

    /// Handles `click`: the user clicks a control.
    pub(super) fn happens_click(&mut self, node: Node) {
        if self.tree.is_tick(node) {
            self.controls.of(node).clicked = Some(0);
        }
    }

    fn edit(&mut self, node: Node) {
        let text = self.value(node);
        let is_tick = self.tree.is_tick(node);
        let found = self.find(node);
        let state = self.controls.of(node);
        state.last = text;
        let Some((hole, slot)) = found else {
            state.own = true;
            if if is_tick { state.on.is_none() } else { state.wanted.is_none() && state.on.is_none() } {
                return;
            }
            state.count += 1;
            // A click precedes the `input` that it causes: its action has read the current value.
            let by = state.clicked.take().filter(|_| is_tick).unwrap_or_default();
            if state.by != 0 {
                state.older = state.by;
            }
            (state.edit, state.by) = (if by == 0 { Edited::Typed } else { Edited::Read }, by);
            state.moved = false;
            self.controls.edits.insert(node);
            return;
        };
        let kind = state.kind.unwrap_or(hole.int(0));
        self.set_invalid(node, false);
        let property = self.property_of(node, hole.argument(1));
        if kind == RADIO && !self.is_on(node) {
            return;
        }
        let edited = if kind == CHOICE {
            Val::List(self.ticked(node, slot, &property))
        } else {
            self.read(node, kind, hole.int(2))
        };
        let json = edited.json();
        match &edited {
            Val::List(_) => self.controls.of(node).wanted = Some(Some(json.clone())),
            Val::Null => drop(self.note(node, kind == CHECKBOX, 0, "")),
            Val::Bool(on) => drop(self.note(node, kind == CHECKBOX, if *on { 11 } else { 3 }, &json)),
            Val::Str(text) => drop(self.note(node, false, 3, text)),
            Val::Int(_) | Val::Big(_) | Val::Num(_) | Val::Obj(_) => drop(self.note(node, false, 3, &json)),
        }
        self.effects.push(EventEffect::Edit(slot, property.clone(), json));
        // A debounce pause counts as elapsed.
        if hole.int(2) & 3 == 0 {
            self.effects.push(EventEffect::Commit(slot, property));
        }
    }

    fn commit(&mut self, node: Node, moment: u64) {
        let Some((hole, slot)) = self.find(node) else { return };
        let when = hole.int(2) & 3;
        if when == moment || moment == 2 && when == 1 {
            let property = self.property_of(node, hole.argument(1));
            self.effects.push(EventEffect::Commit(slot, property));
        }
    }

    /// Returns the content of a control as the value of its field. Bits of `flags`: 4 trim, 8
    /// number.
    fn read(&self, node: Node, kind: u64, flags: u64) -> Val {
        match kind {
            CHECKBOX => return Val::Bool(self.is_on(node)),
            MULTIPLE => return Val::List(self.chosen(node).into_iter().map(Val::from).collect()),
            _ => {}
        }
        let mut text = self.value(node);
        if flags & 4 != 0 {
            text = text.trim().to_owned();
        }
        if flags & 8 == 0 {
            return text.into();
        }
        // A number that JavaScript prints differently is sent as text, so that the server reads
        // every digit.
        match parse(&text) {
            _ if text.is_empty() => Val::Null,
            Some(number @ (Val::Int(_) | Val::Num(_))) if number.json() == text => number,
            _ => text.into(),
        }
    }

    /// Returns the list of several checkboxes after an edit of one. Items without a checkbox and
    /// the order are kept.
    fn ticked(&mut self, node: Node, slot: Slot, property: &str) -> Vec<Val> {
        let mut list = texts(self.controls.of(node).wanted.clone().flatten().as_deref());
        let own = self.value(node);
        for of in self.controls_of(slot, property) {
            if self.controls.of(of).kind != Some(CHOICE) {
                continue;
            }
            self.set_invalid(of, false);
            let item = self.value(of);
            let on = self.is_on(if item == own { node } else { of });
            if !on {
                list.retain(|other| *other != item);
            } else if !list.contains(&item) {
                list.push(item);
            }
        }
        list.into_iter().map(Val::from).collect()
    }

    /// Returns the fields of a form by name. A field with several choices is a list, for any number
    /// of selected ones.
    pub(super) fn fields(&self, form: Node, submitter: Option<Node>) -> Val {
        let tree = &self.tree;
        let mut fields = Val::Obj(Vec::new());
        let mut boxes = BTreeSet::new();
        let named = |node: &Node| tree.attribute(*node, "name").is_some_and(|name| !name.is_empty());
        let controls: Vec<Node> = tree.inside(form).into_iter().filter(named).collect();
        for control in &controls {
            let name = Key::of(tree.attribute(*control, "name").unwrap_or_default());
            let is_box = tree.is_named(*control, "type", "checkbox");
            let is_multiple =
                tree.name(*control) == "select" && tree.attribute(*control, "multiple").is_some();
            if is_multiple || is_box && !boxes.insert(name.id()) {
                fields.set(name, Val::List(Vec::new()));
            }
        }
        for control in controls {
            let name = Key::of(tree.attribute(control, "name").unwrap_or_default());
            for value in self.submitted(control, submitter) {
                let field = match fields.remove(name) {
                    None => value.into(),
                    Some(Val::List(mut values)) => {
                        values.push(value.into());
                        Val::List(values)
                    }
                    Some(first) => Val::List(vec![first, value.into()]),
                };
                fields.set(name, field);
            }
        }
        fields
    }

    /// Returns the values that a form sends for a control.
    fn submitted(&self, control: Node, submitter: Option<Node>) -> Vec<String> {
        let kind = self.tree.attribute(control, "type").unwrap_or_default();
        let name = self.tree.name(control);
        let is_button =
            name == "button" || name == "input" && matches!(kind, "submit" | "button" | "reset" | "image");
        if self.tree.attribute(control, "disabled").is_some() || kind == "file" {
            Vec::new()
        } else if name == "select" {
            self.chosen(control)
        } else if is_button && submitter != Some(control)
            || self.tree.is_tick(control) && !self.is_on(control)
        {
            Vec::new()
        } else if is_button || matches!(name, "input" | "textarea") {
            vec![self.value(control)]
        } else {
            Vec::new()
        }
    }

    /// Returns the edits that an event reads: those of a form, and that of the control if the
    /// handler reads its content or the control is a checkbox, a radio button or a select.
    pub(super) fn reads(&self, node: Node, wants: bool, form: Option<Node>) -> Reads {
        let mut nodes = form.map(|form| self.tree.inside(form)).unwrap_or_default();
        nodes.retain(|node| self.tree.is_control(*node));
        if wants || self.tree.is_tick(node) || self.tree.name(node) == "select" {
            nodes.push(node);
        }
        let count = |node: Node| self.controls.states.get(&node).map_or(0, |state| state.count);
        nodes.into_iter().map(|node| (node, count(node))).collect()
    }

    /// Records that an event with these reads called an action of a root.
    pub(super) fn sent(&mut self, root: u32, slot: Slot, reads: &Reads) {
        for (node, _) in reads {
            let state = self.controls.of(*node);
            if state.clicked == Some(0) {
                state.clicked = Some(root);
            }
        }
        for node in self.controls.edits.clone() {
            let element = self.tree.upwards(node).find(|around| self.tree.name(*around) == "live-component");
            let of = element.and_then(|element| self.elements.iter().find(|(_, one)| **one == element));
            let state = self.controls.of(node);
            if element.is_none() {
                self.controls.edits.remove(&node);
            } else if reads.contains(&(node, state.count)) {
                (state.edit, state.by) = (Edited::Read, root);
            } else if state.edit != Edited::Read && of.is_some_and(|(of, _)| *of == slot) {
                if state.edit == Edited::Typed {
                    state.moved = false;
                }
                (state.edit, state.by) = (Edited::Passed, root);
            }
        }
    }
}
