//! A component as its page shows it, and what the user of the page does to it.

mod gesture;

use serde::Serialize;
use serde_json::Value;
use vivaz_engine::Val;
use vivaz_engine::testing::{Document, Node};

use self::gesture::Gesture::{AtTick, Click, Event, Fire, Press, Put, Submit, Toggle};
use self::gesture::one;
use super::client::Ask;
use super::page::{Call, Page};

/// A component that a page shows. Cheap to clone.
///
/// Elements are named by CSS selectors, which have to find exactly one where something is done to
/// it. What is shown is what the server has confirmed, and over it what was typed into `live:model`
/// fields and the guesses of `live:optimistic`: until a [`Call`] is awaited, the page shows what
/// the action is guessed to do.
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
        let is_shown = self.page.with(|state| state.tab.slot(&self.id).is_some());
        is_shown && self.page.client(|client| client.state(&self.id).is_some())
    }

    /// Its state as the template sees it: its public fields, computed ones, and under the names of
    /// its shared fields what is shared. Edits and guesses are laid over it.
    ///
    /// # Panics
    /// If it is not mounted.
    #[must_use]
    pub fn state(&self) -> Value {
        match self.page.with(|state| state.tab.state(&self.id)) {
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
        self.look(Document::html)
    }

    /// The text of the element that a selector finds, white space as a browser shows it.
    ///
    /// # Panics
    /// If the selector does not find exactly one element.
    #[must_use]
    pub fn text(&self, selector: &str) -> String {
        self.look(|document, root| document.text_of(one(document, root, selector)))
    }

    /// The texts of all elements that a selector finds.
    #[must_use]
    pub fn texts(&self, selector: &str) -> Vec<String> {
        self.look(|document, root| {
            document.all(root, selector).into_iter().map(|node| document.text_of(node)).collect()
        })
    }

    /// How many elements a selector finds.
    #[must_use]
    pub fn count(&self, selector: &str) -> usize {
        self.look(|document, root| document.all(root, selector).len())
    }

    /// Whether a selector finds anything that is not hidden.
    #[must_use]
    pub fn shows(&self, selector: &str) -> bool {
        self.look(|document, root| {
            document.all(root, selector).into_iter().any(|node| !gesture::is_hidden(document, root, node))
        })
    }

    /// An attribute of the element that a selector finds.
    ///
    /// # Panics
    /// If the selector does not find exactly one element.
    #[must_use]
    pub fn attribute(&self, selector: &str, name: &str) -> Option<String> {
        self.look(|document, root| document.attribute(one(document, root, selector), name).map(str::to_owned))
    }

    /// What stands in a control: its text, the value that is chosen, or `true` and `false` where it
    /// is ticked.
    ///
    /// # Panics
    /// If the selector does not find exactly one element.
    #[must_use]
    pub fn value(&self, selector: &str) -> String {
        self.look(|document, root| match document.held(one(document, root, selector)) {
            Val::Str(text) => text,
            other @ (Val::Null
            | Val::Bool(_)
            | Val::Int(_)
            | Val::Big(_)
            | Val::Num(_)
            | Val::List(_)
            | Val::Obj(_)) => other.json(),
        })
    }

    /// Clicks: handlers of `click` run, and whatever a browser does by itself follows. A button
    /// submits its form, a checkbox changes.
    ///
    /// # Panics
    /// If the selector does not find exactly one element, if that is disabled or hidden, or if
    /// nothing comes of it.
    pub fn click(&self, selector: &str) -> Call {
        self.gestures(selector, &[Click, Toggle, AtTick("input"), AtTick("change")])
    }

    /// Types a text into a control in place of what stands there, and leaves it: `input`, `change`,
    /// `blur`.
    ///
    /// # Panics
    /// If the selector does not find exactly one element, or that is disabled or hidden.
    pub fn fill(&self, selector: &str, text: &str) -> Call {
        let whole = [Put(text), Event("focus"), Event("input"), Event("change"), Event("blur")];
        self.gestures(selector, &whole)
    }

    /// Types a text into a control in place of what stands there, and stays in it: `input`. A field
    /// with `live:model.lazy` or `.blur` keeps the edit back until something else is sent.
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
    /// If the selector does not find exactly one element, or there is no form, or nothing comes of
    /// it.
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

    /// Calls an action, as the page's own code does; edits that wait go along. `arguments` is a
    /// tuple, an array or a `Vec`: what is positional in JSON.
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
        self.page.ask(&self.id, Ask::action(action, arguments))
    }

    /// Writes a field, as the page's own code does; or a property inside of one, whose path is a
    /// JSON array: `["items",3,"text"]`.
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
        let children = self.page.with(|state| state.tab.children(&self.id, component));
        children.into_iter().map(|id| Self::new(self.page.clone(), id)).collect()
    }

    fn tick(&self, selector: &str, wanted: bool) -> Call {
        let is = self.look(|document, root| {
            let node = one(document, root, selector);
            document.is_tick(node).then(|| document.held(node) == Val::Bool(true))
        });
        match is {
            Some(is) if is == wanted => Call::new(self.page.clone(), Vec::new()),
            Some(_) => self.click(selector),
            None => panic!("`{selector}` is not something to tick"),
        }
    }

    fn look<R>(&self, look: impl FnOnce(&Document, Node) -> R) -> R {
        self.page.with(|state| match state.tab.element(&self.id) {
            Some(root) => look(&state.tab.document, root),
            None => panic!("{} is not mounted", self.id),
        })
    }
}
