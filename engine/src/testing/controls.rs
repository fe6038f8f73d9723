//! The values of form controls, as in `client-wasm/js/modules/controls.js`: a control shows the
//! value of the server, unless an edit is newer than the last reply.

use std::collections::{BTreeSet, HashMap};

use super::block::Hole;
use super::document::Document;
use super::tree::{Node, NodeTree};
use crate::slots::Slot;
use crate::value::{Val, parse};

// Kinds of controls with a field: `Control` in `template/src/compiled.rs`.
pub(super) const CHECKBOX: u64 = 2;
pub(super) const RADIO: u64 = 3;
pub(super) const MULTIPLE: u64 = 5;
pub(super) const CHOICE: u64 = 6;

/// The progress of an edit of a control without a field.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) enum Edited {
    /// There is no edit: the control shows the value of the server.
    #[default]
    No,
    /// No action was called after the edit.
    Typed,
    /// An action was called that did not read the edit.
    Passed,
    /// An action has read the edit.
    Read,
}

#[derive(Debug, Default)]
pub(super) struct Controls {
    pub(super) states: HashMap<Node, ControlState>,
    /// Edited controls without a field.
    pub(super) edits: BTreeSet<Node>,
    /// Controls to update after all their attributes and options are set.
    due: Vec<Node>,
    /// Whether an event is being handled: its handlers may replace the user's own edit.
    pub(super) firing: bool,
}

#[derive(Debug, Default)]
pub(super) struct ControlState {
    /// The control's content if it differs from the attributes: its text, and whether it is checked
    /// or selected.
    pub(super) value: Option<String>,
    pub(super) on_now: Option<bool>,
    /// The number of edits so far.
    pub(super) count: u32,
    /// The kind of a control with a field.
    pub(super) kind: Option<u64>,
    /// The keys in the path of the property by their numbers, as JSON. The root of a row also has
    /// its own key, `row`.
    pub(super) keys: HashMap<String, String>,
    /// The value to show. For a select and for one of several checkboxes it is a JSON list.
    /// `Some(None)` is null.
    pub(super) wanted: Option<Option<String>>,
    /// Whether to check the control; for a select, whether its options determine the selection.
    pub(super) on: Option<bool>,
    /// Whether the value of the server replaces a refused edit.
    pub(super) force: bool,
    pub(super) edit: Edited,
    /// The root whose unanswered action passed or read the edit (`by`), and the same for an earlier
    /// edit (`older`).
    pub(super) by: u32,
    pub(super) older: u32,
    /// Whether the server's value has changed since an action passed the edit.
    pub(super) moved: bool,
    /// During a click: the root whose action the click called, or 0.
    pub(super) clicked: Option<u32>,
    pub(super) has_input: bool,
    pub(super) own: bool,
    pub(super) invalid: bool,
    /// The text after the last edit or update.
    pub(super) last: String,
}

/// The controls that an event reads, each with its number of edits at that time.
pub(super) type Reads = Vec<(Node, u32)>;

impl Controls {
    pub(super) fn of(&mut self, node: Node) -> &mut ControlState {
        self.states.entry(node).or_default()
    }

    fn due(&mut self, node: Node) {
        if !self.due.contains(&node) {
            self.due.push(node);
        }
    }

    pub(super) fn key(&mut self, node: Node, at: &str, value: &str) {
        let key = value.strip_prefix("{\"id\":").and_then(|key| key.strip_suffix('}')).unwrap_or(value);
        self.of(node).keys.insert(at.to_owned(), key.to_owned());
    }

    /// Schedules an update of the select around a node, because its options have changed.
    pub(super) fn options(&mut self, tree: &NodeTree, node: Node) {
        if let Some(select) = tree.upwards(node).find(|around| tree.name(*around) == "select") {
            self.due(select);
        }
    }

    pub(super) fn changed_attribute(&mut self, tree: &NodeTree, node: Node, name: &str) {
        match tree.name(node) {
            "option" | "optgroup" | "select" => self.options(tree, node),
            "input" if matches!(name, "type" | "min" | "max" | "step") => self.due(node),
            _ => {}
        }
    }

    /// Releases the edits of a root that has no unanswered action.
    pub(super) fn answered(&mut self, tree: &NodeTree, root: u32, ok: bool) {
        for node in self.edits.clone() {
            let state = self.of(node);
            if state.older == root {
                state.older = 0;
            }
            if state.by != root {
                continue;
            }
            state.by = 0;
            let done = ok && (state.edit == Edited::Read || state.moved);
            state.edit = if done { Edited::No } else { Edited::Typed };
            if done {
                self.edits.remove(&node);
                for one in tree.group(node) {
                    self.due(one);
                }
            }
        }
    }
}

impl NodeTree {
    pub(super) fn is_control(&self, node: Node) -> bool {
        matches!(self.name(node), "input" | "textarea" | "select") || self.is_editable(node)
    }

    /// Checks whether a control is a checkbox or a radio button.
    pub(super) fn is_tick(&self, node: Node) -> bool {
        self.name(node) == "input" && matches!(self.attribute(node, "type"), Some("checkbox" | "radio"))
    }

    fn is_editable(&self, node: Node) -> bool {
        !matches!(self.name(node), "input" | "textarea" | "select")
            && self.attribute(node, "contenteditable").is_some_and(|how| !how.eq_ignore_ascii_case("false"))
    }

    /// Checks whether a control's value is only its attribute.
    fn is_fixed(&self, node: Node) -> bool {
        let kind = self.attribute(node, "type").unwrap_or_default();
        let fixed = ["hidden", "checkbox", "radio", "submit", "button", "reset", "image", "file"];
        self.name(node) == "input" && fixed.contains(&kind) || self.name(node) == "button"
    }

    pub(super) fn is_named(&self, node: Node, name: &str, value: &str) -> bool {
        self.attribute(node, name) == Some(value)
    }

    /// Returns the control; for a radio button, all buttons of its group.
    pub(super) fn group(&self, node: Node) -> Vec<Node> {
        let name = self.attribute(node, "name");
        if !self.is_named(node, "type", "radio") || name.is_none() {
            return vec![node];
        }
        let top = self.upwards(node).last().unwrap_or(node);
        let form = |node: Node| self.upwards(node).find(|around| self.name(*around) == "form");
        let of = form(node);
        let is = |other: &Node| {
            self.is_named(*other, "type", "radio")
                && self.attribute(*other, "name") == name
                && form(*other) == of
        };
        self.inside(top).into_iter().filter(is).collect()
    }

    fn options(&self, select: Node) -> Vec<Node> {
        self.inside(select).into_iter().filter(|node| self.name(*node) == "option").collect()
    }
}

impl Document {
    /// Returns the text in a control, or the value of an option, a checkbox or a radio button.
    pub(super) fn value(&self, node: Node) -> String {
        let tree = &self.tree;
        let attribute = || tree.attribute(node, "value").map(str::to_owned);
        let typed = self.controls.states.get(&node).and_then(|state| state.value.clone());
        match tree.name(node) {
            "select" => self.chosen(node).into_iter().next().unwrap_or_default(),
            "option" => attribute().unwrap_or_else(|| tree.text(node).trim().to_owned()),
            "textarea" => typed.unwrap_or_else(|| tree.text(node)),
            _ if tree.is_tick(node) => attribute().unwrap_or_else(|| "on".to_owned()),
            _ if tree.is_editable(node) => {
                let text = tree.text(node);
                text.strip_suffix('\n').unwrap_or(&text).to_owned()
            }
            _ => typed.or_else(attribute).unwrap_or_default(),
        }
    }

    /// Checks whether a control is checked, or an option is selected.
    pub(super) fn is_on(&self, node: Node) -> bool {
        let name = if self.tree.name(node) == "option" { "selected" } else { "checked" };
        let now = self.controls.states.get(&node).and_then(|state| state.on_now);
        now.unwrap_or_else(|| self.tree.attribute(node, name).is_some())
    }

    /// Returns the selected values of a select.
    pub(super) fn chosen(&self, select: Node) -> Vec<String> {
        let options = self.tree.options(select);
        let on: Vec<Node> = options.iter().copied().filter(|option| self.is_on(*option)).collect();
        if self.tree.attribute(select, "multiple").is_some() {
            return on.into_iter().map(|option| self.value(option)).collect();
        }
        let is_usable = |option: &Node| self.tree.attribute(*option, "disabled").is_none();
        let first = options.iter().copied().find(is_usable);
        on.last().copied().or(first).map(|option| self.value(option)).into_iter().collect()
    }

    /// Sets the text of a control, or selects the option with this value, as the user does.
    pub(super) fn put_text(&mut self, node: Node, text: &str) {
        if self.tree.name(node) == "select" {
            for option in self.tree.options(node) {
                let on = self.value(option) == text;
                self.controls.of(option).on_now = Some(on);
            }
        } else {
            self.write_value(node, text);
        }
    }

    /// Checks or unchecks a control. The other radio buttons of its group are unchecked.
    pub(super) fn set_on(&mut self, node: Node, on: bool) {
        for other in self.tree.group(node) {
            self.controls.of(other).on_now = Some(false);
        }
        self.controls.of(node).on_now = Some(on);
    }

    fn write_value(&mut self, node: Node, text: &str) {
        if self.tree.is_editable(node) {
            let end = if text.ends_with('\n') { "\n" } else { "" };
            self.tree.set_text(node, &format!("{text}{end}"));
        } else {
            self.controls.of(node).value = Some(text.to_owned());
        }
    }

    /// Returns the hole and the component of a control with a field.
    pub(super) fn find(&self, node: Node) -> Option<(Hole, Slot)> {
        for around in self.tree.upwards(node) {
            if let Some(rooted) = self.rooted.get(&around) {
                let holes = &self.blocks.get(rooted.template)?.holes;
                let spots = &self.roots.get(&rooted.number)?.spots;
                let of = holes.iter().zip(spots).find(|(hole, spot)| {
                    hole.place == Hole::MODEL
                        && matches!(spot, super::block::Spot::Element(at) if *at == node)
                });
                if let Some((hole, _)) = of {
                    return Some((hole.clone(), rooted.slot));
                }
            }
            if self.tree.name(around) == "live-component" {
                return None;
            }
        }
        None
    }

    /// Returns the engine's name of a control's property: a field, or a path as JSON.
    pub(super) fn property_of(&self, node: Node, field: &Val) -> String {
        let Val::List(steps) = field else { return field.str().unwrap_or_default().to_owned() };
        let keys = self.controls.states.get(&node).map(|state| &state.keys);
        let step = |step: &Val| {
            let known = step.str().is_none().then(|| keys.and_then(|keys| keys.get(&step.json()))).flatten();
            known.cloned().unwrap_or_else(|| step.json())
        };
        format!("[{}]", steps.iter().map(step).collect::<Vec<_>>().join(","))
    }

    /// Returns the controls of a component's property.
    pub(super) fn controls_of(&self, slot: Slot, property: &str) -> Vec<Node> {
        let mut found = Vec::new();
        for root in self.roots.values().filter(|root| root.slot == slot) {
            let holes = self.blocks.get(root.template).map_or(&[][..], |block| &block.holes);
            for (hole, spot) in holes.iter().zip(&root.spots) {
                if let super::block::Spot::Element(node) = spot
                    && hole.place == Hole::MODEL
                    && self.property_of(*node, hole.argument(1)) == property
                {
                    found.push(*node);
                }
            }
        }
        found
    }

    /// Records the value that a control has to show. Returns whether the value has changed.
    pub(super) fn note(&mut self, node: Node, checks: bool, kind: u32, value: &str) -> bool {
        let is_select = self.tree.name(node) == "select";
        let plain = if kind & 7 > 3 { "" } else { value };
        let state = self.controls.of(node);
        if checks {
            let on = Some(kind & 8 != 0);
            return std::mem::replace(&mut state.on, on) != on;
        }
        let wanted = if is_select || state.kind == Some(CHOICE) {
            Some(if kind & 7 == 4 {
                value.to_owned()
            } else if is_select {
                Val::List(vec![Val::text(plain)]).json()
            } else {
                "[]".to_owned()
            })
        } else {
            (kind & 7 != 0).then(|| plain.to_owned())
        };
        let wanted = Some(wanted);
        let changes = state.wanted != wanted;
        state.wanted = wanted;
        changes
    }

    /// Applies the value of a field to its control.
    pub(super) fn model(&mut self, _: Slot, node: Node, hole: &Hole, kind: u32, value: &str) {
        let control = hole.int(0);
        let state = self.controls.of(node);
        // A checkbox with a `value` is one of several if the field is a list or null.
        state.kind = Some(if control == CHOICE && kind & 3 != 0 { CHECKBOX } else { control });
        state.force = hole.int(2) & 16 != 0;
        let checks = state.kind == Some(CHECKBOX);
        if self.note(node, checks, kind, value) {
            self.controls.due(node);
        }
    }

    /// Applies an attribute that the user changes too.
    pub(super) fn property(&mut self, mut node: Node, name: &str, mut kind: u32, value: &str) {
        let mut changes = false;
        if matches!(name, "muted" | "open" | "indeterminate") {
            self.tree.set_attribute(node, name, (kind & 8 != 0).then_some(""));
            return;
        }
        if name == "selected" {
            let on = kind & 8 != 0;
            changes = self.tree.set_attribute(node, name, on.then_some(""));
            kind = 8;
            let select = self.tree.upwards(node).find(|around| self.tree.name(*around) == "select");
            let Some(select) = select else { return };
            node = select;
        }
        let checks = name != "value";
        if !checks && self.tree.is_fixed(node) {
            let plain = if kind & 7 > 3 { "" } else { value };
            self.tree.set_attribute(node, name, (kind & 7 != 0).then_some(plain));
            self.controls.due(node);
            // The selection among several controls is not the control's own value.
            if self.controls.of(node).kind.is_some() {
                return;
            }
        }
        let state = self.controls.of(node);
        let first = if checks { state.on.is_none() } else { state.wanted.is_none() };
        changes |= self.note(node, checks, kind, value);
        let firing = self.controls.firing;
        let state = self.controls.of(node);
        if firing {
            state.edit = Edited::No;
            self.controls.edits.remove(&node);
        } else if !first && changes && state.older == 0 {
            state.moved = true;
        }
        self.controls.due(node);
    }

    /// Marks the controls of a refused edit as invalid. Their text stays.
    pub(super) fn refuse(&mut self, slot: Slot, property: &str, kind: u32, value: &str) {
        for node in self.controls_of(slot, property) {
            let checks = self.controls.of(node).kind == Some(CHECKBOX);
            self.note(node, checks, kind, value);
            self.set_invalid(node, true);
        }
    }

    pub(super) fn set_invalid(&mut self, node: Node, on: bool) {
        let was = std::mem::replace(&mut self.controls.of(node).invalid, on);
        if on || was {
            self.tree.set_attribute(node, "aria-invalid", on.then_some("true"));
        }
    }

    /// Updates the controls that are due.
    pub(super) fn show_controls(&mut self) {
        for node in std::mem::take(&mut self.controls.due) {
            self.show_control(node);
        }
    }

    pub(super) fn show_control(&mut self, node: Node) {
        let state = self.controls.of(node);
        // A refused edit stays, unless `force` is set.
        if state.edit != Edited::No || state.invalid && !state.force {
            return;
        }
        let (kind, wanted, mut on, own) = (state.kind, state.wanted.clone(), state.on, state.own);
        self.set_invalid(node, false);
        if self.tree.name(node) == "select" {
            if let Some(wanted) = wanted {
                self.choose(node, Some(&texts(wanted.as_deref())));
            } else if on == Some(true) || !own {
                self.choose(node, None);
            }
        } else {
            let value = self.value(node);
            if kind == Some(RADIO) {
                on = Some(value == wanted.flatten().unwrap_or_default());
            } else if kind == Some(CHOICE) {
                on = Some(texts(wanted.flatten().as_deref()).contains(&value));
            } else if let Some(wanted) = wanted {
                if self.tree.is_fixed(node) {
                    self.tree.set_attribute(node, "value", wanted.as_deref());
                } else {
                    self.show_text(node, wanted.as_deref());
                }
            }
            if let Some(on) = on {
                self.controls.of(node).on_now = Some(on);
                self.tree.set_attribute(node, "checked", on.then_some(""));
            }
        }
        let value = self.value(node);
        self.controls.of(node).last = value;
    }

    fn show_text(&mut self, node: Node, wanted: Option<&str>) {
        let text = wanted.unwrap_or_default();
        // An equal number is not rewritten while the user types: 1.0 may become 1.05.
        if !(self.tree.is_named(node, "type", "number") && self.is_same(node, text))
            && self.value(node) != text
        {
            self.write_value(node, text);
        }
        match self.tree.name(node) {
            "textarea" => self.tree.set_text(node, text),
            "input" => drop(self.tree.set_attribute(node, "value", wanted)),
            _ => {}
        }
    }

    /// Checks whether an input holds the same number.
    pub(super) fn is_same(&self, node: Node, text: &str) -> bool {
        let number = |text: &str| text.trim().parse::<f64>().ok();
        number(text).is_some() && number(text) == number(&self.value(node))
    }

    /// Selects options as a browser does when it parses the same HTML.
    fn choose(&mut self, select: Node, chosen: Option<&[String]>) {
        for option in self.tree.options(select) {
            if let Some(chosen) = chosen {
                let on = chosen.contains(&self.value(option));
                self.tree.set_attribute(option, "selected", on.then_some(""));
            }
            self.controls.of(option).on_now = None;
        }
    }
}

/// Parses a JSON list of texts.
pub(super) fn texts(json: Option<&str>) -> Vec<String> {
    let items = json.and_then(parse).map(Val::into_list).unwrap_or_default();
    items.into_iter().filter_map(|item| item.str().map(str::to_owned)).collect()
}
