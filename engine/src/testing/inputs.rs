//! Form controls as a browser keeps them: their values, and what a form sends.

use std::collections::HashSet;

use super::tree::{Node, NodeTree};
use crate::value::{Key, Val};

/// The kinds of elements by their values, after the modes of the attribute `value` in the HTML
/// standard.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Input {
    /// A text, of which the attribute is the default.
    Text,
    /// A text, of which the content is the default.
    TextArea,
    /// The content.
    Editable,
    /// The attribute alone.
    Fixed,
    /// The attribute alone, and only sent by the button that submits the form.
    Button,
    /// A checkbox or a radio button: the attribute, or `on`.
    Tick,
    /// The values of the selected options.
    Select,
    /// The attribute, or the text.
    Option,
    /// No control.
    Other,
}

impl NodeTree {
    pub(super) fn input(&self, node: Node) -> Input {
        let editable = self.attribute(node, "contenteditable").unwrap_or("false");
        match (self.name(node), self.attribute(node, "type").unwrap_or_default()) {
            ("input", "checkbox" | "radio") => Input::Tick,
            ("input", "submit" | "button" | "reset" | "image") | ("button", _) => Input::Button,
            ("input", "hidden" | "file") => Input::Fixed,
            ("input", _) => Input::Text,
            ("textarea", _) => Input::TextArea,
            ("select", _) => Input::Select,
            ("option", _) => Input::Option,
            _ if !editable.eq_ignore_ascii_case("false") => Input::Editable,
            _ => Input::Other,
        }
    }

    pub(super) fn is_control(&self, node: Node) -> bool {
        !matches!(self.input(node), Input::Option | Input::Other)
    }

    /// Checks whether the value of a control is only its attribute.
    pub(super) fn is_fixed(&self, node: Node) -> bool {
        matches!(self.input(node), Input::Fixed | Input::Button | Input::Tick)
    }

    /// Checks whether an element is a text control or a select.
    pub fn is_typed(&self, node: Node) -> bool {
        self.is_control(node) && !self.is_tick(node)
    }

    /// Checks whether an element is a checkbox or a radio button.
    pub fn is_tick(&self, node: Node) -> bool {
        self.input(node) == Input::Tick
    }

    pub(super) fn is_radio(&self, node: Node) -> bool {
        self.is_tick(node) && self.attribute(node, "type") == Some("radio")
    }

    /// Returns the value of a control or of an option.
    pub(super) fn value(&self, node: Node) -> String {
        let typed = self.texts.get(&node).cloned();
        let attribute = || self.attribute(node, "value").map(str::to_owned);
        match self.input(node) {
            Input::Text => typed.or_else(attribute).unwrap_or_default(),
            Input::TextArea => typed.unwrap_or_else(|| self.text(node)),
            // The line break at the end is not visible.
            Input::Editable => {
                let text = self.text(node);
                text.strip_suffix('\n').unwrap_or(&text).to_owned()
            }
            Input::Tick => attribute().unwrap_or_else(|| "on".to_owned()),
            Input::Select => self.chosen(node).into_iter().next().unwrap_or_default(),
            Input::Option => attribute().unwrap_or_else(|| self.text(node).trim().to_owned()),
            Input::Fixed | Input::Button | Input::Other => attribute().unwrap_or_default(),
        }
    }

    /// Returns the value of an element: a list for a select of several options, null for no value.
    pub(super) fn values(&self, node: Node) -> Val {
        if self.input(node) == Input::Other {
            self.attribute(node, "value").map_or(Val::Null, Val::text)
        } else if self.input(node) == Input::Select && self.has(node, "multiple") {
            Val::List(self.chosen(node).into_iter().map(Val::from).collect())
        } else {
            self.value(node).into()
        }
    }

    /// Returns the content of a control: a boolean, a list of the selected values, or a text.
    pub fn held(&self, node: Node) -> Val {
        if self.is_tick(node) { Val::Bool(self.is_on(node)) } else { self.values(node) }
    }

    /// Checks whether a control is checked, or an option is selected.
    pub(super) fn is_on(&self, node: Node) -> bool {
        let name = if self.is_tick(node) { "checked" } else { "selected" };
        self.ticks.get(&node).copied().unwrap_or_else(|| self.has(node, name))
    }

    pub(super) fn options(&self, select: Node) -> Vec<Node> {
        self.inside(select).filter(|node| self.input(*node) == Input::Option).collect()
    }

    /// Returns the selected values of a select.
    pub(super) fn chosen(&self, select: Node) -> Vec<String> {
        let options = self.options(select);
        let mut on: Vec<Node> = options.iter().copied().filter(|option| self.is_on(*option)).collect();
        if !self.has(select, "multiple") {
            let first = options.into_iter().find(|option| !self.has(*option, "disabled"));
            on = on.pop().or(first).into_iter().collect();
        }
        on.into_iter().map(|option| self.value(option)).collect()
    }

    /// Replaces the text of a control, or selects the option with this value.
    pub fn put(&mut self, node: Node, text: &str) {
        if self.input(node) == Input::Select {
            for option in self.options(node) {
                let on = self.value(option) == text;
                self.ticks.insert(option, on);
            }
        } else if self.input(node) == Input::Editable {
            let end = if text.ends_with('\n') { "\n" } else { "" };
            self.set_text(node, &format!("{text}{end}"));
        } else {
            self.texts.insert(node, text.to_owned());
        }
    }

    /// Checks or unchecks a control. The other radio buttons of its group are unchecked.
    pub fn tick(&mut self, node: Node, on: bool) {
        for other in self.group(node) {
            self.ticks.insert(other, on && other == node);
        }
    }

    /// Returns the control; for a radio button, all buttons of its group.
    pub(super) fn group(&self, node: Node) -> Vec<Node> {
        let group = |node| (self.attribute(node, "name"), self.closest(node, "form"));
        let is_of_group = |other: &Node| self.is_radio(*other) && group(*other) == group(node);
        if !self.is_radio(node) || !self.has(node, "name") {
            return vec![node];
        }
        let top = self.upwards(node).last().unwrap_or(node);
        self.inside(top).filter(is_of_group).collect()
    }

    /// Selects the options with these values, or those that their attributes select, as a browser
    /// does when it parses the same HTML.
    pub(super) fn choose(&mut self, select: Node, values: Option<&[Val]>) {
        for option in self.options(select) {
            if let Some(values) = values {
                let on = values.contains(&self.value(option).into());
                self.set_attribute(option, "selected", on.then_some(""));
            }
            self.ticks.remove(&option);
        }
    }

    /// Shows a text in a control, and makes it the default.
    pub(super) fn show_text(&mut self, node: Node, text: Option<&str>) {
        let shown = text.unwrap_or_default();
        // An equal number is not rewritten while the user types: 1.0 may become 1.05.
        let is_number = self.attribute(node, "type") == Some("number");
        if self.value(node) != shown && !(is_number && self.is_same_number(node, shown)) {
            self.put(node, shown);
        }
        if self.input(node) == Input::TextArea {
            self.set_text(node, shown);
        } else if self.input(node) == Input::Text {
            self.set_attribute(node, "value", text);
        }
    }

    /// Checks whether an input holds the same number as a text.
    pub(super) fn is_same_number(&self, node: Node, text: &str) -> bool {
        let number = |text: &str| text.trim().parse::<f64>().ok();
        number(text).is_some() && number(text) == number(&self.value(node))
    }

    /// Returns the fields of a form by name. A field with several choices is a list, for any number
    /// of selected ones.
    pub(super) fn fields(&self, form: Node, submitter: Option<Node>) -> Val {
        let (mut fields, mut boxes) = (Val::Obj(Vec::new()), HashSet::new());
        let mut sent = Vec::new();
        for control in self.inside(form) {
            let name = self.attribute(control, "name").unwrap_or_default();
            if name.is_empty() {
                continue;
            }
            let is_multiple = self.input(control) == Input::Select && self.has(control, "multiple");
            let is_box = self.is_tick(control) && !self.is_radio(control);
            if is_multiple || is_box && !boxes.insert(name) {
                fields.set(Key::of(name), Val::List(Vec::new()));
            }
            sent.extend(self.submitted(control, submitter).into_iter().map(|value| (Key::of(name), value)));
        }
        for (name, value) in sent {
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
        fields
    }

    /// Returns the values that a form sends for a control. It sends no files.
    fn submitted(&self, control: Node, submitter: Option<Node>) -> Vec<String> {
        let is_sent = match self.input(control) {
            Input::Select if !self.has(control, "disabled") => return self.chosen(control),
            Input::Text | Input::TextArea => true,
            Input::Fixed => self.attribute(control, "type") != Some("file"),
            Input::Button => submitter == Some(control),
            Input::Tick => self.is_on(control),
            Input::Select | Input::Option | Input::Editable | Input::Other => false,
        };
        let is_sent = is_sent && !self.has(control, "disabled");
        is_sent.then(|| self.value(control)).into_iter().collect()
    }
}
