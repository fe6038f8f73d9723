//! What somebody before the page does, and what comes of it.

use scraper::ElementRef;
use serde_json::{Value, json};
use vivaz_protocol::Ref;

use super::control::{is_control, is_tick};
use super::guess::Laid;
use super::scene::{Deed, Doing, Scene};
use super::{View, forget_typed};
use crate::testing::client::Ask;
use crate::testing::page::{Call, State};

/// One thing that somebody does to an element.
pub(super) enum Gesture<'a> {
    /// Clicks it.
    Click,
    /// Lets the control change that a click has reached, where it is one that is ticked.
    Toggle,
    /// Lets an event happen at that control.
    AtTick(&'a str),
    /// Puts a text into it in place of what stands there.
    Put(&'a str),
    /// Lets an event happen that somebody may listen for.
    Event(&'a str),
    /// Lets an event happen that somebody has to listen for.
    Fire(&'a str, Value),
    /// Presses a key in it.
    Press(&'a str),
    /// Submits its form.
    Submit,
}

impl View {
    /// Does one thing after the other, each to the page as the one before has left it. An element that is gone by then
    /// is left alone.
    pub(super) fn gestures(&self, selector: &str, gestures: &[Gesture<'_>]) -> Call {
        let mut sent = Vec::new();
        for (at, gesture) in gestures.iter().enumerate() {
            let doing = self.look(|scene| {
                (at == 0 || scene.all(selector).len() == 1).then(|| gesture.perform(scene, selector))
            });
            if let Some(doing) = doing {
                sent.extend(self.page.with(|state| {
                    let sent = state.perform(doing);
                    forget_typed(&self.page, state, &self.id);
                    sent
                }));
            }
        }
        self.page.calls(sent)
    }
}

impl Gesture<'_> {
    fn perform(&self, scene: &Scene<'_>, selector: &str) -> Doing {
        let mut doing = Doing::default();
        let element = scene.one(selector);
        let nothing = json!({});
        match self {
            Self::Click => {
                scene.check_usable(element, selector);
                scene.happens(element, "click", &nothing, &mut doing);
                let submits = scene.upwards(element).find(|element| is_submit(*element));
                let form = submits.and_then(|button| scene.form(button)).filter(|_| !doing.prevented);
                if let Some(form) = form {
                    scene.happens(form, "submit", &nothing, &mut doing);
                }
                if !doing.heard && ticked(scene, element).is_none() {
                    panic!("nothing listens for a click of `{selector}`");
                }
            }
            Self::Toggle => {
                if let Some(tick) = ticked(scene, element) {
                    let is_radio = tick.attr("type") == Some("radio");
                    if is_radio {
                        let group = tick.attr("name");
                        let radios = scene.root.descendent_elements().filter(|other| {
                            other.attr("type") == Some("radio")
                                && group.is_some()
                                && other.attr("name") == group
                        });
                        radios.for_each(|other| scene.put(other, json!(false), &mut doing));
                    }
                    let now = is_radio || scene.now(tick) == json!(false);
                    scene.put(tick, json!(now), &mut doing);
                }
            }
            Self::AtTick(event) => {
                if let Some(tick) = ticked(scene, element) {
                    scene.happens(tick, event, &nothing, &mut doing);
                }
            }
            Self::Put(text) => {
                scene.check_usable(element, selector);
                if !is_control(element) || is_tick(element) {
                    panic!("nothing can be typed into or chosen from `{selector}`");
                }
                scene.put(element, json!(text), &mut doing);
            }
            Self::Event(event) => scene.happens(element, event, &nothing, &mut doing),
            Self::Fire(event, detail) => {
                scene.happens(element, event, detail, &mut doing);
                if !doing.heard {
                    panic!("nothing listens for `{event}` at `{selector}`");
                }
            }
            Self::Press(key) => {
                let detail = json!({ "key": key });
                scene.happens(element, "keydown", &detail, &mut doing);
                let form = scene.form(element).filter(|_| *key == "Enter" && !doing.prevented);
                if let Some(form) = form.filter(|_| element.value().name() == "input") {
                    scene.happens(form, "submit", &nothing, &mut doing);
                }
                scene.happens(element, "keyup", &detail, &mut doing);
            }
            Self::Submit => {
                let Some(form) = scene.form(element) else { panic!("there is no form around `{selector}`") };
                scene.happens(form, "submit", &nothing, &mut doing);
                if !doing.heard {
                    panic!("nothing listens for `submit` at `{selector}`");
                }
            }
        }
        doing
    }
}

/// A button that submits the form around it.
fn is_submit(element: ElementRef<'_>) -> bool {
    match element.value().name() {
        "button" => element.attr("type").is_none_or(|kind| kind == "submit"),
        "input" => element.attr("type") == Some("submit"),
        _ => false,
    }
}

/// The control that a click ticks: the element, or the one in the label around it.
fn ticked<'a>(scene: &Scene<'a>, element: ElementRef<'a>) -> Option<ElementRef<'a>> {
    if is_tick(element) {
        return Some(element);
    }
    let label = scene.upwards(element).find(|element| element.value().name() == "label")?;
    label.descendent_elements().find(|element| is_tick(*element))
}

impl State {
    /// Does what came of an event; the numbers of what is sent for it.
    fn perform(&mut self, doing: Doing) -> Vec<Ref> {
        let mut sent = Vec::new();
        for deed in doing.deeds {
            match deed {
                Deed::Call { component, action, arguments, handler, guessed } => {
                    let reference = self.call(&component, &action, arguments);
                    let memory = self.memories.entry(component).or_default();
                    memory.guesses.retain(|laid| laid.stands(&self.client));
                    if !guessed.is_empty() {
                        memory.guesses.push(Laid { by: reference, edits: guessed });
                    }
                    memory.running.entry(handler).or_default().push(reference);
                    sent.push(reference);
                }
                Deed::Set { component, local, value } => {
                    self.memories.entry(component).or_default().locals.insert(local, value);
                }
                Deed::Once { component, handler } => {
                    self.memories.entry(component).or_default().once.insert(handler);
                }
                Deed::Typed { component, key, typed } => {
                    self.memories.entry(component).or_default().typed.insert(key, typed);
                }
                Deed::Edit { component, key, field, value, now } => {
                    self.memories.entry(component.clone()).or_default().edit(&key, &field, value);
                    if now {
                        sent.extend(self.commit(&component, &field));
                    }
                }
                Deed::Commit { component, field } => sent.extend(self.commit(&component, &field)),
            }
        }
        sent
    }

    /// Calls an action; edits that wait go along, those of properties inside of a field right before it.
    pub(super) fn call(&mut self, component: &str, action: &str, arguments: Vec<Value>) -> Ref {
        let memory = self.memories.entry(component.to_owned()).or_default();
        let edits = std::mem::take(&mut memory.edits);
        let (before, set): (Vec<_>, _) =
            edits.into_iter().partition(|(property, _)| property.starts_with('['));
        for (property, value) in before {
            self.client.ask(component, Ask::Property { property, value });
        }
        self.client.ask(component, Ask::Action { action: action.to_owned(), arguments, set })
    }

    /// What was typed and refused stays where it was typed, and is shown nowhere else.
    pub(in crate::testing) fn forget_refused(&mut self) {
        for (component, field) in self.client.take_refused_edits() {
            if let Some(memory) = self.memories.get_mut(component.as_str()) {
                memory.refused(&field);
            }
        }
    }

    /// Sends the edit of a field that waits, if there is one.
    fn commit(&mut self, component: &str, field: &str) -> Option<Ref> {
        let edits = &mut self.memories.get_mut(component)?.edits;
        let at = edits.iter().position(|(of, _)| of == field)?;
        let (property, value) = edits.remove(at);
        Some(self.client.ask(component, Ask::Property { property, value }))
    }
}
