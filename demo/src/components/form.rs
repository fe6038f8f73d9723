//! A form: a page may write four fields and no others.

use garde::Validate;
use serde::{Deserialize, Serialize};
use vivaz::prelude::*;

use crate::names::has_hidden;
use crate::store::{Store, people};

/// Number of entries that are shown.
const SHOWN: u32 = 20;

#[derive(LiveComponent, Clone, Default, Validate)]
#[live(name = "form", template = "form.html", open, durable)]
pub(crate) struct Form {
    #[live(model)]
    #[garde(length(chars, min = 2, max = 60), custom(visible))]
    name: String,
    #[live(model)]
    #[garde(email, length(bytes, max = 254))]
    email: String,
    #[live(model)]
    #[garde(required, range(min = 1, max = 120))]
    age: Option<i64>,
    #[live(model)]
    #[garde(custom(agreed))]
    agree: bool,
    #[live(errors)]
    #[garde(skip)]
    errors: Errors,
    #[garde(skip)]
    saved: List<SavedEntry>,
}

/// A saved entry, as all users see it.
#[derive(LiveState, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub(crate) struct SavedEntry {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) age: i64,
}

fn visible(name: &str, (): &()) -> garde::Result {
    if has_hidden(name) { Err(garde::Error::new("contains invisible characters")) } else { Ok(()) }
}

fn agreed(agree: &bool, (): &()) -> garde::Result {
    if *agree { Ok(()) } else { Err(garde::Error::new("is required to save the form")) }
}

#[actions]
impl Form {
    async fn mount(_props: FormProps, cx: &mut MountContext) -> Result<Self> {
        let saved = cx.state::<Store>().people(SHOWN).await?;
        Ok(Self { saved: saved.into_iter().collect(), ..Self::default() })
    }

    /// Validates one field; called when the user leaves it.
    #[action]
    fn validate_field(&mut self, field: String) {
        let messages = self.problems().get(&field).to_vec();
        self.errors.set(field, messages);
    }

    /// The entry, the emptied form and the reply are committed together, so a repeated message does
    /// not save it again.
    #[action(transaction)]
    fn submit(&mut self, tx: &mut Tx) -> Result<()> {
        self.problems().into_result()?;
        let Some(age) = self.age else { return Ok(()) };
        let saved = people::save(tx, self.name.clone(), self.email.clone(), age)?;
        self.saved.prepend(saved);
        self.saved.keep_first(SHOWN as usize);
        (self.name, self.email, self.age, self.agree) = <_>::default();
        self.errors.clear();
        Ok(())
    }

    /// Returns all problems of all fields.
    fn problems(&self) -> Errors {
        Errors::validate(self)
    }
}
