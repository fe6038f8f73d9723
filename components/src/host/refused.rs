//! Values of the page that did not fit their types, as the component's `errors` show them.

use crate::component::Return;
use crate::{ActionError, ErrorCode, Errors};

/// The messages that were put into the `errors` field, by what was refused: an action or a field.
#[derive(Default)]
pub(super) struct Refused(Vec<(String, Errors)>);

impl Refused {
    /// Shows why an action's arguments or a field's value were refused, in place of the messages before.
    pub(super) fn show(&mut self, what: &str, error: &ActionError, mut field: Option<&mut Errors>) {
        self.withdraw(what, field.as_deref_mut());
        let (Some(said), Some(field)) = (error.errors(), field) else { return };
        for (name, messages) in said.iter() {
            field.set(name, messages.to_vec());
        }
        self.0.push((what.to_owned(), said.clone()));
    }

    /// Takes the messages back. What the component says itself stays.
    pub(super) fn withdraw(&mut self, what: &str, field: Option<&mut Errors>) {
        let Some(at) = self.0.iter().position(|(of, _)| of == what) else { return };
        let (_, said) = self.0.swap_remove(at);
        let Some(field) = field else { return };
        for (name, messages) in said.iter() {
            let mut left = field.get(name).to_vec();
            left.retain(|message| !messages.contains(message));
            field.set(name, left);
        }
    }

    /// Shows or takes back what is wrong with an action's arguments, once the action was called.
    pub(super) fn called(&mut self, action: &str, result: &Return, field: Option<&mut Errors>) {
        match result {
            Err(error) if error.code() == ErrorCode::BadArguments => self.show(action, error, field),
            Ok(_) | Err(_) => self.withdraw(action, field),
        }
    }
}
