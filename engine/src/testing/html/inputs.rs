//! Form controls as a browser keeps them: their values, and what a form sends.

use std::collections::HashSet;

use super::tree::{Node, NodeTree};
use crate::value::{Key, Val};

/// The kinds of elements by their values, after the modes of the attribute `value` in the HTML
/// standard.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::testing) enum Input {
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
    pub(in crate::testing) fn input(&self, node: Node) -> Input {
        let editable = self.attribute(node, "contenteditable").unwrap_or("false");
        match (self.name(node), &*self.kind(node)) {
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

    /// Returns the attribute `type` in lower case.
    pub fn kind(&self, node: Node) -> String {
        self.attribute(node, "type").unwrap_or_default().to_ascii_lowercase()
    }

    pub(in crate::testing) fn is_control(&self, node: Node) -> bool {
        !matches!(self.input(node), Input::Option | Input::Other)
    }

    /// Checks whether the value of a control is only its attribute.
    pub(in crate::testing) fn is_fixed(&self, node: Node) -> bool {
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

    pub(in crate::testing) fn is_radio(&self, node: Node) -> bool {
        self.is_tick(node) && self.kind(node) == "radio"
    }

    /// Returns the value of a control or of an option.
    pub(in crate::testing) fn value(&self, node: Node) -> String {
        let typed = self.texts.get(&node).cloned();
        let attribute = || self.attribute(node, "value").map(str::to_owned);
        match self.input(node) {
            Input::Text => self.sanitized(node, &typed.or_else(attribute).unwrap_or_default()),
            Input::TextArea => self.sanitized(node, &typed.unwrap_or_else(|| self.text(node))),
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
    pub(in crate::testing) fn values(&self, node: Node) -> Val {
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
    pub(in crate::testing) fn is_on(&self, node: Node) -> bool {
        let name = if self.is_tick(node) { "checked" } else { "selected" };
        self.ticks.get(&node).copied().unwrap_or_else(|| self.has(node, name))
    }

    pub(in crate::testing) fn options(&self, select: Node) -> Vec<Node> {
        self.inside(select).filter(|node| self.input(*node) == Input::Option).collect()
    }

    /// Returns the selected values of a select.
    pub(in crate::testing) fn chosen(&self, select: Node) -> Vec<String> {
        self.selection(select).into_iter().map(|option| self.value(option)).collect()
    }

    fn selection(&self, select: Node) -> Vec<Node> {
        let options = self.options(select);
        let mut on: Vec<Node> = options.iter().copied().filter(|option| self.is_on(*option)).collect();
        if !self.has(select, "multiple") {
            let is_list = self.number(select, "size").is_some_and(|size| size > 1.0);
            let first = options.into_iter().find(|option| !is_list && !self.is_disabled(*option));
            on = on.pop().or(first).into_iter().collect();
        }
        on
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
    pub(in crate::testing) fn group(&self, node: Node) -> Vec<Node> {
        let group = |node| (self.attribute(node, "name"), self.form_of(node));
        let is_of_group = |other: &Node| self.is_radio(*other) && group(*other) == group(node);
        if !self.is_radio(node) || !self.has(node, "name") {
            return vec![node];
        }
        self.inside(self.top(node)).filter(is_of_group).collect()
    }

    /// Selects the options with these values, or those that their attributes select, as a browser
    /// does when it parses the same HTML.
    pub(in crate::testing) fn choose(&mut self, select: Node, values: Option<&[Val]>) {
        for option in self.options(select) {
            if let Some(values) = values {
                let on = values.contains(&self.value(option).into());
                self.set_attribute(option, "selected", on.then_some(""));
            }
            self.ticks.remove(&option);
        }
    }

    /// Shows a text in a control, and makes it the default.
    pub(in crate::testing) fn show_text(&mut self, node: Node, text: Option<&str>) {
        let shown = text.unwrap_or_default();
        // An equal number is not rewritten while the user types: 1.0 may become 1.05.
        let is_number = self.kind(node) == "number";
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
    pub(in crate::testing) fn is_same_number(&self, node: Node, text: &str) -> bool {
        let number = |text: &str| text.trim().parse::<f64>().ok();
        number(text).is_some() && number(text) == number(&self.value(node))
    }

    /// Returns the fields of a form by name. A field with several choices is a list, for any number
    /// of selected ones.
    pub(in crate::testing) fn fields(&self, form: Node, submitter: Option<Node>) -> Val {
        let (mut fields, mut boxes) = (Val::Obj(Vec::new()), HashSet::new());
        let mut sent = Vec::new();
        for control in self.elements(form) {
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
            Input::Select if !self.is_disabled(control) => {
                let chosen = self.selection(control).into_iter().filter(|option| !self.is_disabled(*option));
                return chosen.map(|option| self.value(option)).collect();
            }
            Input::Text | Input::TextArea => true,
            Input::Fixed => self.kind(control) != "file",
            Input::Button => submitter == Some(control),
            Input::Tick => self.is_on(control),
            Input::Select | Input::Option | Input::Editable | Input::Other => false,
        };
        let is_sent = is_sent && !self.is_disabled(control);
        is_sent.then(|| self.value(control)).into_iter().collect()
    }
}

/// The states of forms and controls that decide what a user can use and submit.
impl NodeTree {
    /// Returns the type of a button; empty for other elements.
    pub(in crate::testing) fn button(&self, node: Node) -> String {
        match (self.name(node), self.kind(node)) {
            ("button", kind) if matches!(&*kind, "reset" | "button") => kind,
            ("button", _) => "submit".to_owned(),
            (_, kind) if self.input(node) == Input::Button => kind,
            _ => String::new(),
        }
    }

    /// Checks whether an element is an input of one line, of which two prevent a submit by Enter.
    pub(in crate::testing) fn is_line(&self, node: Node) -> bool {
        self.input(node) == Input::Text && !matches!(&*self.kind(node), "range" | "color")
    }

    /// Checks whether a click inside an element has a default action there.
    pub(in crate::testing) fn is_activated(&self, node: Node) -> bool {
        let is_link = self.name(node) == "a" && self.has(node, "href");
        let is_control = matches!(self.name(node), "button" | "input" | "label" | "select" | "textarea");
        is_link || is_control || self.is_summary(node)
    }

    /// Checks whether a control or an option is disabled.
    pub fn is_disabled(&self, node: Node) -> bool {
        // Ancestors with the child of each on the way to the node.
        let around: Vec<Node> = self.upwards(node).collect();
        let mut pairs = around.windows(2).filter_map(|pair| Some((*pair.first()?, *pair.last()?)));
        match self.name(node) {
            "optgroup" => self.has(node, "disabled"),
            "option" => {
                self.has(node, "disabled")
                    || self
                        .parent(node)
                        .is_some_and(|of| self.name(of) == "optgroup" && self.has(of, "disabled"))
            }
            "button" | "input" | "select" | "textarea" | "fieldset" => {
                self.has(node, "disabled")
                    || pairs.any(|(child, around)| {
                        self.name(around) == "fieldset"
                            && self.has(around, "disabled")
                            && self.first_child(around, "legend") != Some(child)
                    })
            }
            _ => false,
        }
    }

    /// Checks whether the user cannot change the text of a control.
    pub fn is_read_only(&self, node: Node) -> bool {
        matches!(self.input(node), Input::Text | Input::TextArea)
            && !matches!(&*self.kind(node), "range" | "color")
            && self.has(node, "readonly")
    }

    /// Returns the option with this value.
    pub fn option(&self, select: Node, value: &str) -> Option<Node> {
        self.options(select).into_iter().find(|option| self.value(*option) == value)
    }

    /// Returns the text that a control keeps of a typed text: at most `maxlength` UTF-16 units.
    pub fn typed(&self, node: Node, text: &str) -> String {
        let limit = self.number(node, "maxlength").filter(|limit| *limit >= 0.0);
        let is_limited =
            matches!(&*self.kind(node), "" | "text" | "search" | "tel" | "password" | "email" | "url")
                || self.input(node) == Input::TextArea;
        let mut units = limit.filter(|_| is_limited).map_or(usize::MAX, |limit| limit as usize);
        let fits = |char: &char| {
            let left = units.checked_sub(char.len_utf16());
            units = left.unwrap_or_default();
            left.is_some()
        };
        self.sanitized(node, text).chars().take_while(fits).collect()
    }

    fn number(&self, node: Node, attribute: &str) -> Option<f64> {
        float(self.attribute(node, attribute)?)
    }

    /// Returns the value that an input keeps of a text: the value sanitization algorithms of the
    /// HTML standard.
    fn sanitized(&self, node: Node, text: &str) -> String {
        let line = || text.replace(['\n', '\r'], "");
        let kept = |is_valid: bool| if is_valid { text.to_owned() } else { String::new() };
        match &*self.kind(node) {
            _ if self.input(node) == Input::TextArea => text.replace("\r\n", "\n").replace('\r', "\n"),
            _ if self.input(node) != Input::Text => text.to_owned(),
            "email" | "url" => line().trim().to_owned(),
            "number" => kept(float(text).is_some()),
            "range" => self.in_range(node, text).to_string(),
            "date" => kept(is_date(text)),
            "month" => kept(is_month(text)),
            "week" => kept(text.split_once("-W").is_some_and(|(year, week)| {
                is_year(year) && digits(week, 2).is_some_and(|week| (1..=53).contains(&week))
            })),
            "time" => kept(is_time(text)),
            "datetime-local" => {
                let parts = text.split_once(['T', ' ']);
                match parts.filter(|(date, time)| is_date(date) && is_time(time)) {
                    Some((date, time)) => format!("{date}T{time}"),
                    None => String::new(),
                }
            }
            "color" => {
                let hex = text.strip_prefix('#').filter(|hex| hex.len() == 6);
                let hex = hex.filter(|hex| hex.bytes().all(|byte| byte.is_ascii_hexdigit()));
                hex.map_or_else(|| "#000000".to_owned(), |hex| format!("#{}", hex.to_ascii_lowercase()))
            }
            _ => line(),
        }
    }

    /// Returns the number of a range input that is nearest to a text.
    fn in_range(&self, node: Node, text: &str) -> f64 {
        let min = self.number(node, "min").unwrap_or(0.0);
        let max = self.number(node, "max").unwrap_or(100.0).max(min);
        let value = float(text).unwrap_or(min + (max - min) / 2.0).clamp(min, max);
        let Some(step) = self.step(node) else { return value };
        let base = self.number(node, "min").or_else(|| self.number(node, "value")).unwrap_or(0.0);
        let nearest = base + ((value - base) / step + 0.5).floor() * step;
        if nearest > max { nearest - step } else { nearest }
    }

    /// Returns the step of a number or range input; `None` for any number.
    fn step(&self, node: Node) -> Option<f64> {
        let is_any = self.attribute(node, "step").is_some_and(|step| step.eq_ignore_ascii_case("any"));
        (!is_any).then(|| self.number(node, "step").filter(|step| *step > 0.0).unwrap_or(1.0))
    }

    /// Checks whether the value of a control prevents the submit of its form.
    pub(in crate::testing) fn is_invalid(&self, node: Node) -> bool {
        let kind = self.kind(node);
        let is_barred =
            matches!(self.input(node), Input::Fixed | Input::Button | Input::Editable | Input::Other)
                || self.is_disabled(node)
                || self.is_read_only(node);
        if is_barred || self.name(node) == "option" {
            return false;
        }
        let is_required = self.group(node).into_iter().any(|one| self.has(one, "required"));
        if is_required && !matches!(&*kind, "range" | "color") && self.is_missing(node) {
            return true;
        }
        let text = self.value(node);
        if text.is_empty() || self.input(node) != Input::Text {
            return false;
        }
        match &*kind {
            "email" if self.has(node, "multiple") => !text.split(',').all(|one| is_email(one.trim())),
            "email" => !is_email(&text),
            "url" => !is_url(&text),
            "number" => float(&text).is_some_and(|number| {
                let base = self.number(node, "min").or_else(|| self.number(node, "value")).unwrap_or(0.0);
                let steps = self.step(node).map_or(0.0, |step| (number - base) / step);
                self.number(node, "min").is_some_and(|min| number < min)
                    || self.number(node, "max").is_some_and(|max| number > max)
                    || (steps - steps.round()).abs() > 1e-9 * steps.abs().max(1.0)
            }),
            // Texts of these types have the order of the times.
            "date" | "month" | "week" | "time" | "datetime-local" => {
                let bound = |name| self.attribute(node, name).filter(|bound| !bound.is_empty());
                bound("min").is_some_and(|min| &*text < min) || bound("max").is_some_and(|max| &*text > max)
            }
            _ => false,
        }
    }

    /// Checks whether a control has no value.
    fn is_missing(&self, node: Node) -> bool {
        if self.is_tick(node) {
            return !self.group(node).into_iter().any(|one| self.is_on(one));
        }
        self.value(node).is_empty()
    }
}

/// Returns a valid floating-point number of the HTML standard.
fn float(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let is_number = unsigned.starts_with(|char: char| char.is_ascii_digit() || char == '.')
        && !unsigned.ends_with('.')
        && !unsigned.contains(".e")
        && !unsigned.contains(".E");
    text.parse().ok().filter(|number: &f64| is_number && number.is_finite())
}

/// Returns the number that exactly `length` digits write.
fn digits(text: &str, length: usize) -> Option<u32> {
    let is_number = text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_number)
}

fn is_year(text: &str) -> bool {
    text.len() >= 4 && digits(text, text.len()).is_some_and(|year| year > 0)
}

fn is_month(text: &str) -> bool {
    let parts = text.rsplit_once('-').filter(|(year, _)| is_year(year));
    parts.and_then(|(_, month)| digits(month, 2)).is_some_and(|month| (1..=12).contains(&month))
}

fn is_date(text: &str) -> bool {
    let Some((month, day)) = text.rsplit_once('-').filter(|(month, _)| is_month(month)) else { return false };
    let (year, number) = month.rsplit_once('-').unwrap_or_default();
    let is_multiple = |of| year.parse().is_ok_and(|year: u32| year.is_multiple_of(of));
    let days = match number {
        "02" if is_multiple(4) && (!is_multiple(100) || is_multiple(400)) => 29,
        "02" => 28,
        "04" | "06" | "09" | "11" => 30,
        _ => 31,
    };
    digits(day, 2).is_some_and(|day| (1..=days).contains(&day))
}

fn is_time(text: &str) -> bool {
    let (time, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let parts: Vec<Option<u32>> = time.split(':').map(|part| digits(part, 2)).collect();
    let is_fraction = digits(fraction, fraction.len()).is_some() && fraction.len() <= 3;
    let is_clock = match *parts.as_slice() {
        [Some(hour), Some(minute)] => hour < 24 && minute < 60 && !text.contains('.'),
        [Some(hour), Some(minute), Some(second)] => hour < 24 && minute < 60 && second < 60,
        _ => false,
    };
    is_clock && is_fraction
}

/// Checks an address as the HTML standard does.
fn is_email(text: &str) -> bool {
    let Some((name, domain)) = text.split_once('@') else { return false };
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b".!#$%&'*+/=?^_`{|}~-".contains(&byte);
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    !name.is_empty() && name.bytes().all(is_name) && domain.split('.').all(is_label)
}

/// Checks whether a text has a scheme and, for a scheme of the web, a host.
fn is_url(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let is_scheme = scheme.starts_with(|char: char| char.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    let is_web = matches!(&*scheme.to_ascii_lowercase(), "http" | "https" | "ws" | "wss" | "ftp");
    let host = rest.trim_start_matches(['/', '\\']).split(['/', '?', '#']).next().unwrap_or_default();
    is_scheme && !(is_web && (host.is_empty() || host.contains(' ')))
}
