//! The values of form controls, as in `client-wasm/js/modules/controls.js`: a control shows the
//! value of the server, unless an edit is newer than the last reply.

use std::collections::{BTreeSet, HashMap};

use vivaz_template::code::model;
use vivaz_template::compiled::Control;

use super::effect::EventEffect;
use super::html::inputs::Input;
use super::html::tree::{Node, NodeTree};
use super::instances::Instances;
use crate::dom::value::{LIST, NULL, TEXT, TRUTHY};
use crate::dom::{Hole, HoleValue};
use crate::render::shown;
use crate::slots::Slot;
use crate::value::{Val, parse};

// Kinds of controls with a field.
const CHECKBOX: u32 = Control::Checkbox as u32;
const RADIO: u32 = Control::Radio as u32;
const MULTIPLE: u32 = Control::SelectMultiple as u32;
const CHOICE: u32 = Control::Choice as u32;

#[derive(Debug, Default)]
pub(super) struct Controls {
    states: HashMap<Node, ControlState>,
    /// Edited controls without a field.
    edited: BTreeSet<Node>,
    /// Controls to update after all their attributes and options are set.
    due: Vec<Node>,
    /// Whether an event is being handled: its handlers may replace the user's own edit.
    pub(super) is_firing: bool,
    pub(super) effects: Vec<EventEffect>,
}

/// The progress of an edit of a control without a field.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Edited {
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
struct ControlState {
    /// The number of edits so far.
    count: u32,
    /// The kind of a control with a field.
    kind: Option<u32>,
    /// The keys in the path of the property by their numbers, as JSON. The root of a row also has
    /// its own key, `row`.
    keys: HashMap<String, String>,
    /// The value to show: null, a text, or for a select and for one of several checkboxes a list.
    wanted: Option<Val>,
    /// Whether to check the control; for a select, whether its options determine the selection.
    on: Option<bool>,
    /// Whether the value of the server replaces a refused edit.
    force: bool,
    edit: Edited,
    /// The root whose unanswered action passed or read the edit (`by`), and the same for an earlier
    /// edit (`older`).
    by: u32,
    older: u32,
    /// Whether the server's value has changed since an action passed the edit.
    moved: bool,
    /// During a click: the root whose action the click called, or 0.
    clicked: Option<u32>,
    has_input: bool,
    /// Whether the user has edited the control.
    own: bool,
    invalid: bool,
    /// The text after the last edit or update.
    last: String,
}

/// The controls that an event reads, each with its number of edits at that time.
pub(super) type Reads = Vec<(Node, u32)>;

impl Controls {
    fn of(&mut self, node: Node) -> &mut ControlState {
        self.states.entry(node).or_default()
    }

    fn due(&mut self, node: Node) {
        if !self.due.contains(&node) {
            self.due.push(node);
        }
    }

    /// Records a key in the path of a control's property.
    pub(super) fn key(&mut self, node: Node, at: &Val, value: &str) {
        let key = value.strip_prefix("{\"id\":").and_then(|key| key.strip_suffix('}')).unwrap_or(value);
        self.of(node).keys.insert(at.json(), key.to_owned());
    }

    /// Schedules an update of the select around a node, because its options have changed.
    pub(super) fn options_changed(&mut self, tree: &NodeTree, node: Node) {
        if let Some(select) = tree.closest(node, "select") {
            self.due(select);
        }
    }

    pub(super) fn attribute_changed(&mut self, tree: &NodeTree, node: Node, name: &str) {
        match tree.name(node) {
            "option" | "optgroup" | "select" => self.options_changed(tree, node),
            "input" if matches!(name, "type" | "min" | "max" | "step") => self.due(node),
            _ => {}
        }
    }

    /// Records the value that a control has to show, or whether to check the control. Returns
    /// whether that has changed.
    fn store(&mut self, tree: &NodeTree, node: Node, checks: bool, value: HoleValue<'_>) -> bool {
        let is_select = tree.input(node) == Input::Select;
        let state = self.of(node);
        if checks {
            let on = Some(value.is_on());
            return std::mem::replace(&mut state.on, on) != on;
        }
        let wanted = match value.tag() {
            LIST if is_select || state.kind == Some(CHOICE) => Val::List(shown_items(value.encoded)),
            _ if is_select => Val::List(vec![value.text().into()]),
            _ if state.kind == Some(CHOICE) => Val::List(Vec::new()),
            NULL => Val::Null,
            _ => value.text().into(),
        };
        let changes = state.wanted.as_ref() != Some(&wanted);
        state.wanted = Some(wanted);
        changes
    }

    /// Applies the value of a field to its control.
    pub(super) fn show_field(&mut self, tree: &NodeTree, node: Node, hole: &Hole, value: HoleValue<'_>) {
        let (kind, state) = (hole.bits(0), self.of(node));
        // A checkbox with a `value` is one of several if the field is a list or null.
        let is_one = kind == CHOICE && !matches!(value.tag(), NULL | LIST);
        state.kind = Some(if is_one { CHECKBOX } else { kind });
        state.force = hole.bits(2) & model::FORCE != 0;
        let checks = state.kind == Some(CHECKBOX);
        if self.store(tree, node, checks, value) {
            self.due(node);
        }
    }

    /// Applies an attribute that the user changes too.
    pub(super) fn property(
        &mut self,
        tree: &mut NodeTree,
        mut node: Node,
        name: &str,
        mut value: HoleValue<'_>,
    ) {
        let (mut changes, checks) = (false, name != "value");
        match name {
            "muted" | "open" | "indeterminate" => {
                tree.set_attribute(node, name, value.is_on().then_some(""));
                return;
            }
            "selected" => {
                changes = tree.set_attribute(node, name, value.is_on().then_some(""));
                let Some(select) = tree.closest(node, "select") else { return };
                (node, value) = (select, HoleValue { kind: TRUTHY, encoded: "" });
            }
            "value" if tree.is_fixed(node) => {
                tree.set_attribute(node, name, (value.tag() != NULL).then_some(&*value.text()));
                self.due(node);
                // The selection among several controls is not the control's own value.
                if self.of(node).kind.is_some() {
                    return;
                }
            }
            _ => {}
        }
        let state = self.of(node);
        let is_first = if checks { state.on.is_none() } else { state.wanted.is_none() };
        changes |= self.store(tree, node, checks, value);
        if self.is_firing {
            self.of(node).edit = Edited::No;
            self.edited.remove(&node);
        } else if !is_first && changes && self.of(node).older == 0 {
            self.of(node).moved = true;
        }
        self.due(node);
    }

    /// Marks the controls of a refused edit as invalid. Their text stays.
    pub(super) fn refuse(&mut self, dom: &mut Instances, slot: Slot, property: &str, value: HoleValue<'_>) {
        for node in self.controls_of(dom, slot, property) {
            let checks = self.of(node).kind == Some(CHECKBOX);
            self.store(&dom.tree, node, checks, value);
            self.set_invalid(&mut dom.tree, node, true);
        }
        self.effects.push(EventEffect::Refused(slot, property.to_owned()));
    }

    fn set_invalid(&mut self, tree: &mut NodeTree, node: Node, on: bool) {
        let was = std::mem::replace(&mut self.of(node).invalid, on);
        if on || was {
            tree.set_attribute(node, "aria-invalid", on.then_some("true"));
        }
    }

    /// Updates the controls that are due.
    pub(super) fn show_due(&mut self, tree: &mut NodeTree) {
        for node in std::mem::take(&mut self.due) {
            self.show(tree, node);
        }
    }

    fn show(&mut self, tree: &mut NodeTree, node: Node) {
        let state = self.of(node);
        // A refused edit stays, unless `force` is set.
        if state.edit != Edited::No || state.invalid && !state.force {
            return;
        }
        let (kind, wanted, mut on, own) = (state.kind, state.wanted.clone(), state.on, state.own);
        self.set_invalid(tree, node, false);
        let text = wanted.as_ref().and_then(Val::str);
        let list = wanted.as_ref().and_then(Val::list);
        if tree.input(node) == Input::Select {
            if wanted.is_some() || on == Some(true) || !own {
                tree.choose(node, list);
            }
        } else {
            let value = tree.value(node);
            match kind {
                Some(RADIO) => on = Some(value == text.unwrap_or_default()),
                Some(CHOICE) => on = Some(list.is_some_and(|list| list.contains(&value.into()))),
                _ if wanted.is_none() => {}
                _ if tree.is_fixed(node) => drop(tree.set_attribute(node, "value", text)),
                _ => tree.show_text(node, text),
            }
            if let Some(on) = on {
                tree.ticks.insert(node, on);
                tree.set_attribute(node, "checked", on.then_some(""));
            }
        }
        self.of(node).last = tree.value(node);
    }

    /// Handles an event of a control, before its handlers.
    pub(super) fn handle(&mut self, dom: &mut Instances, node: Node, event: &str) {
        let (is_tick, value) = (dom.tree.is_tick(node), dom.tree.value(node));
        let state = self.of(node);
        match event {
            "click" if is_tick => state.clicked = Some(0),
            "input" => {
                state.has_input = true;
                self.edit(dom, node);
            }
            "change" => {
                // Some autofill is a change without an input.
                let is_missed = if is_tick { !state.has_input } else { value != state.last };
                state.has_input = false;
                if is_missed {
                    self.edit(dom, node);
                }
                self.commit(dom, node, &[model::CHANGE]);
            }
            "blur" => {
                let wanted = state.wanted.clone().unwrap_or_default();
                self.commit(dom, node, &[model::CHANGE, model::BLUR]);
                if wanted.str().is_some_and(|wanted| dom.tree.is_same_number(node, wanted)) {
                    self.show(&mut dom.tree, node);
                }
            }
            _ => {}
        }
    }

    fn edit(&mut self, dom: &mut Instances, node: Node) {
        self.of(node).last = dom.tree.value(node);
        let Some((hole, slot)) = dom.model(node) else { return self.edit_unbound(&dom.tree, node) };
        let kind = self.of(node).kind.unwrap_or(hole.bits(0));
        self.set_invalid(&mut dom.tree, node, false);
        if kind == RADIO && !dom.tree.is_on(node) {
            return;
        }
        let property = self.property_of(node, hole.argument(1));
        let edited = match kind {
            CHECKBOX => Val::Bool(dom.tree.is_on(node)),
            CHOICE => self.ticked(dom, node, slot, &property),
            MULTIPLE => dom.tree.values(node),
            _ => read(&dom.tree.value(node), hole.bits(2)),
        };
        let mut encoded = String::new();
        let value = shown(&edited, &mut encoded);
        self.store(&dom.tree, node, kind == CHECKBOX, HoleValue { kind: value, encoded: &encoded });
        self.effects.push(EventEffect::Edit(slot, property, edited.json()));
        // A debounce pause counts as elapsed.
        self.commit(dom, node, &[model::INPUT]);
    }

    fn edit_unbound(&mut self, tree: &NodeTree, node: Node) {
        let is_tick = tree.is_tick(node);
        let state = self.of(node);
        state.own = true;
        if state.on.is_none() && (is_tick || state.wanted.is_none()) {
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
        self.edited.insert(node);
    }

    /// Lets the engine send the edit of a control with a field, if the field sends edits at one of
    /// these moments.
    fn commit(&mut self, dom: &Instances, node: Node, moments: &[u32]) {
        if let Some((hole, slot)) = dom.model(node)
            && moments.contains(&(hole.bits(2) & model::SEND))
        {
            self.effects.push(EventEffect::Commit(slot, self.property_of(node, hole.argument(1))));
        }
    }

    /// Returns the list of several checkboxes after an edit of one. Items without a checkbox and
    /// the order are kept.
    fn ticked(&mut self, dom: &mut Instances, node: Node, slot: Slot, property: &str) -> Val {
        let mut list = self.of(node).wanted.clone().unwrap_or_default().into_list();
        let own = dom.tree.value(node);
        for other in self.controls_of(dom, slot, property) {
            if self.of(other).kind != Some(CHOICE) {
                continue;
            }
            self.set_invalid(&mut dom.tree, other, false);
            let value = dom.tree.value(other);
            let is_on = dom.tree.is_on(if value == own { node } else { other });
            let item = Val::from(value);
            if !is_on {
                list.retain(|other| *other != item);
            } else if !list.contains(&item) {
                list.push(item);
            }
        }
        Val::List(list)
    }

    /// Returns the engine's name of a control's property: a field, or a path as JSON.
    fn property_of(&self, node: Node, field: &Val) -> String {
        let Val::List(steps) = field else { return field.str().unwrap_or_default().to_owned() };
        let key = |step: &String| self.states.get(&node)?.keys.get(step).cloned();
        let steps = steps.iter().map(Val::json).map(|step| key(&step).unwrap_or(step));
        format!("[{}]", steps.collect::<Vec<_>>().join(","))
    }

    fn controls_of(&self, dom: &Instances, slot: Slot, property: &str) -> Vec<Node> {
        let models = dom.models(slot).filter(|(node, field)| self.property_of(*node, field) == property);
        models.map(|(node, _)| node).collect()
    }

    /// Returns the edits that an event reads: those of a form, and that of the control if the
    /// handler reads its content or the control is a checkbox, a radio button or a select.
    pub(super) fn reads(&self, tree: &NodeTree, node: Node, is_read: bool, form: Option<Node>) -> Reads {
        let is_read = is_read || matches!(tree.input(node), Input::Tick | Input::Select);
        let controls = form.into_iter().flat_map(|form| tree.elements(form)).chain(is_read.then_some(node));
        controls.map(|node| (node, self.states.get(&node).map_or(0, |state| state.count))).collect()
    }

    /// Records that an event with these reads called an action of a root.
    pub(super) fn action_sent(&mut self, dom: &Instances, root: u32, slot: Slot, reads: &Reads) {
        for (node, _) in reads {
            let clicked = self.states.get_mut(node).and_then(|state| state.clicked.as_mut());
            if let Some(clicked @ 0) = clicked {
                *clicked = root;
            }
        }
        for node in self.edited.clone() {
            let element = dom.tree.closest(node, "live-component");
            let state = self.of(node);
            if element.is_none() {
                self.edited.remove(&node);
            } else if reads.contains(&(node, state.count)) {
                (state.edit, state.by) = (Edited::Read, root);
            } else if state.edit != Edited::Read
                && element.and_then(|element| dom.slot(element)) == Some(slot)
            {
                state.moved &= state.edit != Edited::Typed;
                (state.edit, state.by) = (Edited::Passed, root);
            }
        }
    }

    /// Releases the edits of a root that has no unanswered action.
    pub(super) fn action_answered(&mut self, tree: &NodeTree, root: u32, ok: bool) {
        for node in self.edited.clone() {
            let state = self.of(node);
            if state.older == root {
                state.older = 0;
            }
            if state.by != root {
                continue;
            }
            state.by = 0;
            let is_done = ok && (state.edit == Edited::Read || state.moved);
            state.edit = if is_done { Edited::No } else { Edited::Typed };
            if is_done {
                self.edited.remove(&node);
                for one in tree.group(node) {
                    self.due(one);
                }
            }
        }
    }
}

/// Returns the items of a list with their texts as attributes have them: without NUL.
fn shown_items(json: &str) -> Vec<Val> {
    let items = parse(json).unwrap_or_default().into_list().into_iter();
    let shown = |encoded: &str| HoleValue { kind: TEXT, encoded }.text().into();
    items.map(|item| item.str().map(shown).unwrap_or(item)).collect()
}

/// Returns the text of a control as the value of its field.
fn read(text: &str, flags: u32) -> Val {
    let text = if flags & model::TRIM != 0 { text.trim() } else { text };
    if flags & model::NUMBER == 0 {
        return Val::text(text);
    }
    // A number that JavaScript prints differently is sent as text, so that the server reads every
    // digit.
    match parse(text) {
        _ if text.is_empty() => Val::Null,
        Some(number @ (Val::Int(_) | Val::Num(_))) if number.json() == text => number,
        _ => Val::text(text),
    }
}
