//! A component as its page shows it, and what somebody before the page does to it.

mod control;
mod gesture;
mod guess;
mod memory;
mod picture;
mod scene;
mod scope;
mod tend;

use scraper::ElementRef;
use serde::Serialize;
use serde_json::{Value, json};

use self::control::is_tick;
use self::gesture::Gesture::{AtTick, Click, Event, Fire, Press, Put, Submit, Toggle};
pub(super) use self::memory::Memory;
use self::scene::{Actor, Scene, Stage};
use super::client::Ask;
use super::page::{Call, Page, State};
use super::property;

/// A component that a page shows. Cheap to clone.
///
/// Elements are named by CSS selectors, which have to find exactly one where something is done to it. What is shown is what
/// the server has confirmed, and over it what was typed into `live:model` fields and the guesses of `live:optimistic`: until a
/// [`Call`] is awaited, the page shows what the action is guessed to do.
#[derive(Clone, Debug)]
pub struct View {
    page: Page,
    id: String,
}

impl View {
    pub(super) fn new(page: Page, id: String) -> Self {
        Self { page, id }
    }

    /// The page that it is in.
    #[must_use]
    pub fn page(&self) -> &Page {
        &self.page
    }

    /// Its id in the page.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Whether it is mounted: not yet unmounted, and not taken away by the server.
    #[must_use]
    pub fn is_mounted(&self) -> bool {
        self.page.client(|client| client.state(&self.id).is_some())
    }

    /// Its state as the template sees it: its public fields, computed ones, and under the names of its shared fields
    /// what is shared. Edits and guesses are laid over it.
    ///
    /// # Panics
    /// If it is not mounted.
    #[must_use]
    pub fn state(&self) -> Value {
        match self.page.with(|state| shown(state, &self.id)) {
            Some(state) => state,
            None => panic!("{} is not mounted", self.id),
        }
    }

    /// Its state as the server has confirmed it, without edits and guesses.
    ///
    /// # Panics
    /// If it is not mounted.
    #[must_use]
    pub fn confirmed(&self) -> Value {
        match self.page.client(|client| client.state(&self.id)) {
            Some(state) => state,
            None => panic!("{} is not mounted", self.id),
        }
    }

    /// Its HTML, with that of its children inside.
    ///
    /// # Panics
    /// If it is not mounted.
    #[must_use]
    pub fn html(&self) -> String {
        self.look(|_| ());
        self.stage().content
    }

    /// The text of the element that a selector finds, white space as a browser shows it.
    ///
    /// # Panics
    /// If the selector does not find exactly one element.
    #[must_use]
    pub fn text(&self, selector: &str) -> String {
        self.look(|scene| text(scene.one(selector)))
    }

    /// The texts of all elements that a selector finds.
    #[must_use]
    pub fn texts(&self, selector: &str) -> Vec<String> {
        self.look(|scene| scene.all(selector).into_iter().map(text).collect())
    }

    /// How many elements a selector finds.
    #[must_use]
    pub fn count(&self, selector: &str) -> usize {
        self.look(|scene| scene.all(selector).len())
    }

    /// Whether a selector finds anything that is not hidden.
    #[must_use]
    pub fn shows(&self, selector: &str) -> bool {
        self.look(|scene| {
            let hidden = |element: ElementRef<'_>| element.attr("hidden").is_some();
            scene.all(selector).into_iter().any(|element| !scene.upwards(element).any(hidden))
        })
    }

    /// An attribute of the element that a selector finds.
    ///
    /// # Panics
    /// If the selector does not find exactly one element.
    #[must_use]
    pub fn attribute(&self, selector: &str, name: &str) -> Option<String> {
        self.look(|scene| scene.one(selector).attr(name).map(str::to_owned))
    }

    /// What stands in a control: its text, the value that is chosen, or `true` and `false` where it is ticked.
    ///
    /// # Panics
    /// If the selector does not find exactly one element.
    #[must_use]
    pub fn value(&self, selector: &str) -> String {
        self.look(|scene| match scene.now(scene.one(selector)) {
            Value::String(text) => text,
            Value::Null => String::new(),
            other @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
                other.to_string()
            }
        })
    }

    /// Clicks: handlers of `click` run, and whatever a browser does by itself follows. A button submits its form, a
    /// checkbox changes.
    ///
    /// # Panics
    /// If the selector does not find exactly one element, if that is disabled or hidden, or if nothing comes of it.
    pub fn click(&self, selector: &str) -> Call {
        self.gestures(selector, &[Click, Toggle, AtTick("input"), AtTick("change")])
    }

    /// Types a text into a control in place of what stands there, and leaves it: `input`, `change`, `blur`.
    ///
    /// # Panics
    /// If the selector does not find exactly one element, or that is disabled or hidden.
    pub fn fill(&self, selector: &str, text: &str) -> Call {
        let whole = [Put(text), Event("focus"), Event("input"), Event("change"), Event("blur")];
        self.gestures(selector, &whole)
    }

    /// Types a text into a control in place of what stands there, and stays in it: `input`. A field with
    /// `live:model.lazy` or `.blur` keeps the edit back until something else is sent.
    ///
    /// # Panics
    /// If the selector does not find exactly one element, or that is disabled or hidden.
    pub fn input(&self, selector: &str, text: &str) -> Call {
        self.gestures(selector, &[Put(text), Event("input")])
    }

    /// Chooses an option of a `select` by its value.
    ///
    /// # Panics
    /// If the selector does not find exactly one element, or that is disabled or hidden.
    pub fn choose(&self, selector: &str, value: &str) -> Call {
        self.gestures(selector, &[Put(value), Event("input"), Event("change")])
    }

    /// Ticks a checkbox, if it is not ticked.
    ///
    /// # Panics
    /// If the selector does not find exactly one element, or that is disabled or hidden.
    pub fn check(&self, selector: &str) -> Call {
        self.tick(selector, true)
    }

    /// Takes the tick out of a checkbox, if it has one.
    ///
    /// # Panics
    /// If the selector does not find exactly one element, or that is disabled or hidden.
    pub fn uncheck(&self, selector: &str) -> Call {
        self.tick(selector, false)
    }

    /// Submits the form that a selector finds, or the one around the element that it finds.
    ///
    /// # Panics
    /// If the selector does not find exactly one element, or there is no form, or nothing comes of it.
    pub fn submit(&self, selector: &str) -> Call {
        self.gestures(selector, &[Submit])
    }

    /// Presses a key in an element: `keydown`, in a form's input Enter submits, then `keyup`.
    ///
    /// # Panics
    /// If the selector does not find exactly one element.
    pub fn press(&self, selector: &str, key: &str) -> Call {
        self.gestures(selector, &[Press(key)])
    }

    /// Lets any event happen at an element, with what `$event` is.
    ///
    /// # Panics
    /// If the selector does not find exactly one element, or if nothing listens.
    pub fn fire(&self, selector: &str, event: &str, detail: Value) -> Call {
        self.gestures(selector, &[Fire(event, detail)])
    }

    /// Calls an action, as the page's own code does; edits that wait go along. `arguments` is a tuple, an array or a `Vec`: what is positional in
    /// JSON.
    ///
    /// # Panics
    /// If the arguments have no JSON form, or are not positional.
    pub fn call(&self, action: &str, arguments: impl Serialize) -> Call {
        let arguments = match serde_json::to_value(arguments) {
            Ok(Value::Array(arguments)) => arguments,
            Ok(Value::Null) => Vec::new(),
            Ok(other) => panic!("the arguments of `{action}` are a tuple or an array, not {other}"),
            Err(error) => panic!("the arguments of `{action}` have no JSON form: {error}"),
        };
        let sent = self.page.with(|state| state.call(&self.id, action, arguments));
        self.page.calls(vec![sent])
    }

    /// Writes a field, as the page's own code does; or a property inside of one, whose path is a JSON array:
    /// `["items",3,"text"]`.
    ///
    /// # Panics
    /// If the value has no JSON form.
    pub fn set(&self, field: &str, value: impl Serialize) -> Call {
        match serde_json::to_value(value) {
            Ok(value) => self.page.ask(&self.id, Ask::Property { property: field.to_owned(), value }),
            Err(error) => panic!("the value of `{field}` has no JSON form: {error}"),
        }
    }

    /// Takes it out of the page.
    pub fn unmount(&self) -> Call {
        self.page.ask(&self.id, Ask::Unmount)
    }

    /// Waits until something holds that an event, a task or another page is about to make hold.
    ///
    /// # Panics
    /// If it does not within a minute.
    pub async fn until(&self, mut holds: impl FnMut(&Self) -> bool) {
        self.page.until(|_| holds(self)).await;
    }

    /// Its children of that name, in the order in which they were mounted.
    #[must_use]
    pub fn children(&self, component: &str) -> Vec<Self> {
        let children = self.page.with(|state| {
            let memory = state.memories.get(&self.id);
            let ids =
                memory.into_iter().flat_map(|memory| memory.children.values().map(|(id, _)| id.clone()));
            let named = ids.filter(|id| state.client.template(id).is_some_and(|(_, name)| name == component));
            named.collect::<Vec<_>>()
        });
        children.into_iter().map(|id| Self::new(self.page.clone(), id)).collect()
    }

    fn tick(&self, selector: &str, wanted: bool) -> Call {
        let is = self.look(|scene| {
            let element = scene.one(selector);
            is_tick(element).then(|| scene.now(element) == json!(true))
        });
        match is {
            Some(is) if is == wanted => self.page.calls(Vec::new()),
            Some(_) => self.click(selector),
            None => panic!("`{selector}` is not something to tick"),
        }
    }

    /// Renders it as it is now.
    fn stage(&self) -> Stage {
        self.page.with(|state| stage(&self.page, state, &self.id))
    }

    fn look<R>(&self, look: impl FnOnce(&Scene<'_>) -> R) -> R {
        match self.stage().scene() {
            Some(scene) => look(&scene),
            None => panic!("{} is not mounted", self.id),
        }
    }
}

/// Forgets what was typed where something else is shown by now.
fn forget_typed(page: &Page, state: &mut State, id: &str) {
    let news = stage(page, state, id).scene().map(|scene| scene.news_of_typed()).unwrap_or_default();
    for (component, key, says) in news {
        let Some(memory) = state.memories.get_mut(&component) else { continue };
        match (memory.typed.get_mut(&key), says) {
            (Some(typed), Some(says)) => typed.rendered = Some(says),
            (Some(_), None) => drop(memory.typed.remove(&key)),
            (None, _) => {}
        }
    }
}

/// Renders a component of a page.
fn stage(page: &Page, state: &State, id: &str) -> Stage {
    Stage::new(id, state.user(), &|id| actor(page, state, id))
}

fn actor(page: &Page, state: &State, id: &str) -> Option<Actor> {
    let (hash, _) = state.client.template(id)?;
    let mut memory = state.memories.get(id).cloned().unwrap_or_default();
    memory.running.retain(|_, sent| sent.iter().any(|one| state.client.answer(*one).is_none()));
    Some(Actor { id: id.to_owned(), template: page.template(hash)?, state: shown(state, id)?, memory })
}

/// What a component's template sees: what is confirmed, and over it what was typed and what is guessed, in order.
fn shown(state: &State, id: &str) -> Option<Value> {
    let mut shown = state.client.state(id)?;
    let memory = state.memories.get(id);
    let mut edits = state.client.edits(id).peekable();
    for laid in memory.into_iter().flat_map(|memory| &memory.guesses) {
        while let Some((_, field, value)) = edits.next_if(|(by, ..)| *by <= laid.by) {
            put(&mut shown, field, value);
        }
        if laid.stands(&state.client) {
            laid.over(&mut shown);
        }
    }
    for (_, field, value) in edits {
        put(&mut shown, field, value);
    }
    for (field, value) in memory.into_iter().flat_map(|memory| &memory.edits) {
        put(&mut shown, field, value);
    }
    Some(shown)
}

fn put(state: &mut Value, field: &str, value: &Value) {
    if let Some(place) = property::find_mut(state, field) {
        *place = value.clone();
    }
}

/// An element's text as a browser shows it.
fn text(element: ElementRef<'_>) -> String {
    let text: String = element.text().collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
