//! A form that shows the errors of fields after they were used, until it is reset.

use vivaz::prelude::*;

#[derive(LiveComponent, Clone, Default)]
#[live(name = "signup", template = "signup.html", open)]
pub(crate) struct Signup {
    #[live(model)]
    name: String,
    #[live(model)]
    city: String,
    #[live(errors)]
    errors: Errors,
    ticks: u32,
}

#[actions]
impl Signup {
    #[action]
    fn check(&mut self, field: String) {
        let messages = self.problems().get(&field).to_vec();
        self.errors.set(field, messages);
    }

    #[action]
    fn submit(&mut self) -> Result<()> {
        self.problems().into_result()
    }

    /// Resets the form to its initial state.
    #[action]
    fn start_again(&mut self) {
        *self = Self { ticks: self.ticks, ..Self::default() };
    }

    #[action]
    fn tick(&mut self) {
        self.ticks += 1;
    }

    fn problems(&self) -> Errors {
        let mut errors = Errors::default();
        for (field, text) in [("name", &self.name), ("city", &self.city)] {
            if text.is_empty() {
                errors.set(field, vec![format!("{field} is missing")]);
            }
        }
        errors
    }
}
