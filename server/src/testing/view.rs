//! A component as its page shows it, and the user's actions on it.

mod gesture;

use serde::Serialize;
use serde_json::Value;
use vivaz_components::url::QUERY;
use vivaz_engine::Val;
use vivaz_engine::testing::{Node, NodeTree};
use vivaz_template::code::POLL_EVENT;

use self::gesture::{Gesture, one};
use super::client::Ask;
use super::page::{Call, Page};

/// A component that a page shows. Cheap to clone.
///
/// Elements are identified by CSS selectors. For a user action, the selector must match exactly one
/// element. The page shows the state confirmed by the server with the edits of `live:model` fields
/// and the optimistic updates of `live:optimistic` applied: until a [`Call`] is awaited, the page
/// shows the optimistic update of the action.
#[derive(Clone, Debug)]
pub struct View {
    page: Page,
    id: String,
}

impl View {
    pub(super) fn new(page: Page, id: String) -> Self {
        Self { page, id }
    }

    /// Returns the page that contains the component.
    #[must_use]
    pub fn page(&self) -> &Page {
        &self.page
    }

    /// Returns the component's id in the page.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Checks whether the component is mounted: neither the page nor the server has unmounted it.
    #[must_use]
    pub fn is_mounted(&self) -> bool {
        let is_shown = self.page.with(|state| state.tab.slot(&self.id).is_some());
        is_shown && self.page.client(|client| client.state(&self.id).is_some())
    }

    /// Returns the state as the template reads it: the public, computed and shared fields, with
    /// edits and optimistic updates applied.
    ///
    /// # Panics
    /// Panics if the component is not mounted.
    #[must_use]
    pub fn state(&self) -> Value {
        match self.page.with(|state| state.tab.state(&self.id)) {
            Some(state) => state,
            None => panic!("{} is not mounted", self.id),
        }
    }

    /// Returns the state confirmed by the server, without edits and optimistic updates.
    ///
    /// # Panics
    /// Panics if the component is not mounted.
    #[must_use]
    pub fn confirmed(&self) -> Value {
        match self.page.client(|client| client.state(&self.id)) {
            Some(state) => state,
            None => panic!("{} is not mounted", self.id),
        }
    }

    /// Returns the component's HTML, including its children.
    ///
    /// # Panics
    /// Panics if the component is not mounted.
    #[must_use]
    pub fn html(&self) -> String {
        self.look(NodeTree::html)
    }

    /// Returns the text of the matching element, with white space collapsed as in a browser.
    ///
    /// # Panics
    /// Panics if the selector does not match exactly one element.
    #[must_use]
    pub fn text(&self, selector: &str) -> String {
        self.look(|tree, root| text_of(tree, one(tree, root, selector)))
    }

    /// Returns the texts of all matching elements.
    #[must_use]
    pub fn texts(&self, selector: &str) -> Vec<String> {
        self.look(|tree, root| tree.all(root, selector).into_iter().map(|node| text_of(tree, node)).collect())
    }

    /// Returns the number of matching elements.
    #[must_use]
    pub fn count(&self, selector: &str) -> usize {
        self.look(|tree, root| tree.all(root, selector).len())
    }

    /// Checks whether a selector matches an element that is not hidden.
    #[must_use]
    pub fn shows(&self, selector: &str) -> bool {
        self.look(|tree, root| {
            tree.all(root, selector).into_iter().any(|node| !gesture::is_hidden(tree, root, node))
        })
    }

    /// Returns an attribute of the matching element.
    ///
    /// # Panics
    /// Panics if the selector does not match exactly one element.
    #[must_use]
    pub fn attribute(&self, selector: &str, name: &str) -> Option<String> {
        self.look(|tree, root| tree.attribute(one(tree, root, selector), name).map(str::to_owned))
    }

    /// Returns the content of a control: its text, the selected value, or `true` or `false` for a
    /// checkbox or a radio button.
    ///
    /// # Panics
    /// Panics if the selector does not match exactly one element.
    #[must_use]
    pub fn value(&self, selector: &str) -> String {
        self.look(|tree, root| match tree.held(one(tree, root, selector)) {
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

    /// Clicks an element: runs the handlers of `click` and then the browser's default action. A
    /// button submits or resets its form, a label clicks its control, a summary opens or closes its
    /// `details`. A checkbox changes before the handlers run, and changes back if one of them
    /// prevents that. A form with an invalid control receives no `submit`, and the control receives
    /// `invalid`.
    ///
    /// # Panics
    /// Panics if the selector does not match exactly one element, if the element is disabled or
    /// hidden, or if the click has no effect.
    pub fn click(&self, selector: &str) -> Call {
        self.gesture(selector, &Gesture::Click)
    }

    /// Replaces the text of a control and leaves the control: `focus`, `input`, `change`, `blur`.
    /// The control keeps what a browser keeps of the text: a number input no letters, and no input
    /// more than its `maxlength`. A text that stays equal causes no `change`.
    ///
    /// # Panics
    /// Panics if the selector does not match exactly one element, or it is disabled, hidden or
    /// readonly.
    pub fn fill(&self, selector: &str, text: &str) -> Call {
        self.gesture(selector, &Gesture::Fill(text))
    }

    /// Replaces the text of a control without leaving the control: `input`. A field with
    /// `live:model.lazy` or `.blur` holds the edit until another request is sent.
    ///
    /// # Panics
    /// Panics if the selector does not match exactly one element, or it is disabled, hidden or
    /// readonly.
    pub fn input(&self, selector: &str, text: &str) -> Call {
        self.gesture(selector, &Gesture::Input(text))
    }

    /// Selects an option of a `select` by its value. For an option that is already selected, there
    /// is no event.
    ///
    /// # Panics
    /// Panics if the selector does not match exactly one element, if the element or the option is
    /// disabled or hidden, or if there is no such option.
    pub fn choose(&self, selector: &str, value: &str) -> Call {
        self.gesture(selector, &Gesture::Choose(value))
    }

    /// Checks a checkbox that is not checked.
    ///
    /// # Panics
    /// Panics if the selector does not match exactly one element, or it is disabled or hidden.
    pub fn check(&self, selector: &str) -> Call {
        self.tick(selector, true)
    }

    /// Unchecks a checkbox that is checked.
    ///
    /// # Panics
    /// Panics if the selector does not match exactly one element, or it is disabled or hidden.
    pub fn uncheck(&self, selector: &str) -> Call {
        self.tick(selector, false)
    }

    /// Submits the matching form, or the form of the matching element, if its controls are valid.
    ///
    /// # Panics
    /// Panics if the selector does not match exactly one element, if there is no form, or if the
    /// submit has no effect.
    pub fn submit(&self, selector: &str) -> Call {
        self.gesture(selector, &Gesture::Submit)
    }

    /// Presses a key in an element: `keydown`, then for Enter `keypress`, then `keyup`. Enter in an
    /// input clicks the default button of its form. Enter on a button or a summary clicks it, and
    /// Space (`" "`) clicks a checkbox or a radio button too. A key types no text.
    ///
    /// # Panics
    /// Panics if the selector does not match exactly one element, or it is disabled or hidden.
    pub fn press(&self, selector: &str, key: &str) -> Call {
        self.gesture(selector, &Gesture::Press(key))
    }

    /// Dispatches any event to an element, with the value of `$event`.
    ///
    /// # Panics
    /// Panics if the selector does not match exactly one element, or if no handler runs.
    pub fn fire(&self, selector: &str, event: &str, detail: Value) -> Call {
        self.gesture(selector, &Gesture::Fire(event, detail))
    }

    /// Lets the interval of the matching element's `live:poll` pass: the page calls the action, if
    /// it is connected and the last call is answered.
    ///
    /// # Panics
    /// Panics if the selector does not match exactly one element, or if it has no `live:poll`.
    pub fn poll(&self, selector: &str) -> Call {
        if !self.page.is_online() {
            return Call::new(self.page.clone(), Vec::new());
        }
        self.gesture(selector, &Gesture::Fire(POLL_EVENT, Value::Null))
    }

    /// Calls an action, as the page's own code does. Unsent edits are sent with it. `arguments` is
    /// a tuple, an array or a `Vec`: a JSON array.
    ///
    /// # Panics
    /// Panics if the arguments have no JSON form, or are not positional.
    pub fn call(&self, action: &str, arguments: impl Serialize) -> Call {
        let arguments = match serde_json::to_value(arguments) {
            Ok(Value::Array(arguments)) => arguments,
            Ok(Value::Null) => Vec::new(),
            Ok(other) => panic!("the arguments of `{action}` are a tuple or an array, not {other}"),
            Err(error) => panic!("the arguments of `{action}` have no JSON form: {error}"),
        };
        self.page.ask(&self.id, Ask::action(action, arguments))
    }

    /// Writes a field, as the page's own code does, or a property inside of one, whose path is a
    /// JSON array: `["items",3,"text"]`.
    ///
    /// # Panics
    /// Panics if the value has no JSON form.
    pub fn set(&self, field: &str, value: impl Serialize) -> Call {
        match serde_json::to_value(value) {
            Ok(value) => self.page.ask(&self.id, Ask::Property { property: field.to_owned(), value }),
            Err(error) => panic!("the value of `{field}` has no JSON form: {error}"),
        }
    }

    /// Returns the query with the component's bound fields, as the page writes it into its URL:
    /// empty if all of them have their defaults, or none is bound.
    ///
    /// # Panics
    /// Panics if the component is not mounted.
    #[must_use]
    pub fn query(&self) -> String {
        self.confirmed().get(QUERY).and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    /// Changes the query of the page's URL for the component, as back and forward do.
    pub fn follow(&self, query: &str) -> Call {
        self.set(QUERY, query)
    }

    /// Removes the component from the page.
    pub fn unmount(&self) -> Call {
        self.page.ask(&self.id, Ask::Unmount)
    }

    /// Waits until `holds` returns `true`, as the result of an event, a task or another page.
    ///
    /// # Panics
    /// Panics if it does not return `true` within a minute.
    pub async fn until(&self, mut holds: impl FnMut(&Self) -> bool) {
        self.page.until(|_| holds(self)).await;
    }

    /// Returns the children with this name, in the order of their mounts.
    #[must_use]
    pub fn children(&self, component: &str) -> Vec<Self> {
        let children = self.page.with(|state| state.tab.children(&self.id, component));
        children.into_iter().map(|id| Self::new(self.page.clone(), id)).collect()
    }

    fn tick(&self, selector: &str, wanted: bool) -> Call {
        let is = self.look(|tree, root| {
            let node = one(tree, root, selector);
            tree.is_tick(node).then(|| tree.held(node) == Val::Bool(true))
        });
        match is {
            Some(is) if is == wanted => Call::new(self.page.clone(), Vec::new()),
            Some(_) => self.click(selector),
            None => panic!("`{selector}` is not something to tick"),
        }
    }

    fn look<R>(&self, look: impl FnOnce(&NodeTree, Node) -> R) -> R {
        self.page.with(|state| match state.tab.element(&self.id) {
            Some(root) => look(state.tab.document.tree(), root),
            None => panic!("{} is not mounted", self.id),
        })
    }
}

/// Returns the text of an element, with white space collapsed as in a browser.
fn text_of(tree: &NodeTree, node: Node) -> String {
    tree.text(node).split_whitespace().collect::<Vec<_>>().join(" ")
}
