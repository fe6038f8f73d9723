//! A component as its page shows it.

use serde::Serialize;
use serde_json::Value;

use super::{Call, Page};
use crate::testing::client::Ask;

/// A component that a page shows. Cheap to clone.
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

    /// Its state as the template sees it: its public fields, computed ones, and under the names of its shared fields
    /// what is shared.
    ///
    /// # Panics
    /// If it is not mounted.
    #[must_use]
    pub fn state(&self) -> Value {
        match self.page.client(|client| client.state(&self.id)) {
            Some(state) => state,
            None => panic!("{} is not mounted", self.id),
        }
    }

    /// Calls an action, as the page's own code does. `arguments` is a tuple, an array or a `Vec`: what is positional in
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
        self.page.ask(&self.id, Ask::action(action, arguments))
    }

    /// Writes a field, as the page's own code does.
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
}
