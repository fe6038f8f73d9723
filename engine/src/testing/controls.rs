//! What form controls hold, as `client-wasm/js/modules/controls.js` has it: a control shows the
//! value of the server, unless an edit is newer than the last answer.

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

/// How far an edit of a control without a field is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) enum Edited {
    /// There is none: the value of the server counts.
    #[default]
    No,
    /// No action was called since.
    Typed,
    /// An action was called that did not read it.
    Passed,
    /// An action has read it.
    Read,
}

#[derive(Debug, Default)]
pub(super) struct Controls {
    pub(super) states: HashMap<Node, ControlState>,
    /// Controls without a field that are edited.
    pub(super) edits: BTreeSet<Node>,
    /// Controls to be shown when all their attributes and options are set.
    due: Vec<Node>,
    /// Whether an event is being handled: what the user does changes its own edit.
    pub(super) firing: bool,
}

#[derive(Debug, Default)]
pub(super) struct ControlState {
    /// What it holds, where that differs from its attributes: its text, and whether it is ticked or
    /// chosen.
    pub(super) value: Option<String>,
    pub(super) on_now: Option<bool>,
    /// How many edits there were.
    pub(super) count: u32,
    /// The kind of a control with a field.
    pub(super) kind: Option<u64>,
    /// The keys in the path of its property by their numbers, and of the root of a row its own key
    /// (`row`), as JSON.
    pub(super) keys: HashMap<String, String>,
    /// The value to show; of a select and of one of several checkboxes a JSON list. `Some(None)`
    /// for null.
    pub(super) wanted: Option<Option<String>>,
    /// Whether it is to be checked; of a select, that its options say what is selected.
    pub(super) on: Option<bool>,
    /// The value of the server shows even if what was typed was refused.
    pub(super) force: bool,
    pub(super) edit: Edited,
    /// The root whose action passed or read its edit and is unanswered, and the same of an edit
    /// before this one.
    pub(super) by: u32,
    pub(super) older: u32,
    /// The server wanted something else since an action passed the edit.
    pub(super) moved: bool,
    /// While it is clicked: the root whose action that called, or 0.
    pub(super) clicked: Option<u32>,
    pub(super) has_input: bool,
    pub(super) own: bool,
    pub(super) invalid: bool,
    /// The text after the last edit or answer.
    pub(super) last: String,
}

/// Edits that an event reads.
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

    /// What a control can hold is another: its options.
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

    /// No action of the root is unanswered.
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

    /// Checks whether it is ticked rather than typed into.
    pub(super) fn is_tick(&self, node: Node) -> bool {
        self.name(node) == "input" && matches!(self.attribute(node, "type"), Some("checkbox" | "radio"))
    }

    fn is_editable(&self, node: Node) -> bool {
        !matches!(self.name(node), "input" | "textarea" | "select")
            && self.attribute(node, "contenteditable").is_some_and(|how| !how.eq_ignore_ascii_case("false"))
    }

    /// Checks whether the attribute is all there is of its value.
    fn is_fixed(&self, node: Node) -> bool {
        let kind = self.attribute(node, "type").unwrap_or_default();
        let fixed = ["hidden", "checkbox", "radio", "submit", "button", "reset", "image", "file"];
        self.name(node) == "input" && fixed.contains(&kind) || self.name(node) == "button"
    }

    pub(super) fn is_named(&self, node: Node, name: &str, value: &str) -> bool {
        self.attribute(node, name) == Some(value)
    }

    /// The control, and of radio buttons all that it unchecks.
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
    /// The text in a control, or the value that it stands for.
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

    /// Whether a control is ticked, or an option chosen.
    pub(super) fn is_on(&self, node: Node) -> bool {
        let name = if self.tree.name(node) == "option" { "selected" } else { "checked" };
        let now = self.controls.states.get(&node).and_then(|state| state.on_now);
        now.unwrap_or_else(|| self.tree.attribute(node, name).is_some())
    }

    /// The values that are chosen in a select.
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

    /// Puts a text into a control, or chooses it, as the user does.
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

    /// Ticks a control, or takes the tick out of it. Of radio buttons the others of the group lose
    /// theirs.
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

    /// The hole of a control with a field, and the component.
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

    /// The property of a control as the engine names it: a field, or a path in JSON.
    pub(super) fn property_of(&self, node: Node, field: &Val) -> String {
        let Val::List(steps) = field else { return field.str().unwrap_or_default().to_owned() };
        let keys = self.controls.states.get(&node).map(|state| &state.keys);
        let step = |step: &Val| {
            let known = step.str().is_none().then(|| keys.and_then(|keys| keys.get(&step.json()))).flatten();
            known.cloned().unwrap_or_else(|| step.json())
        };
        format!("[{}]", steps.iter().map(step).collect::<Vec<_>>().join(","))
    }

    /// The controls of a component's property.
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

    /// Notes what a control is to show. Returns whether that is another value than before.
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

    /// What a field says.
    pub(super) fn model(&mut self, _: Slot, node: Node, hole: &Hole, kind: u32, value: &str) {
        let control = hole.int(0);
        let state = self.controls.of(node);
        // With a `value` it is one of several where the field is a list, or null.
        state.kind = Some(if control == CHOICE && kind & 3 != 0 { CHECKBOX } else { control });
        state.force = hole.int(2) & 16 != 0;
        let checks = state.kind == Some(CHECKBOX);
        if self.note(node, checks, kind, value) {
            self.controls.due(node);
        }
    }

    /// What an attribute says that the user changes too.
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
            // Which of several is chosen is not its own value.
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

    /// What was typed into a field is refused: the text stays.
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

    /// Shows in the controls what has come.
    pub(super) fn show_controls(&mut self) {
        for node in std::mem::take(&mut self.controls.due) {
            self.show_control(node);
        }
    }

    pub(super) fn show_control(&mut self, node: Node) {
        let state = self.controls.of(node);
        // What is refused stays, unless it is forced out.
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
        // A number stays as it is being typed: 1.0 is on the way to 1.05.
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

    /// Chooses as a browser does when it reads the same HTML.
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

/// A JSON list of texts.
pub(super) fn texts(json: Option<&str>) -> Vec<String> {
    let items = json.and_then(parse).map(Val::into_list).unwrap_or_default();
    items.into_iter().filter_map(|item| item.str().map(str::to_owned)).collect()
}
