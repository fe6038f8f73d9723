//! The field of a component that holds the errors of its form.

use vivaz_protocol::PatchWriter;
use vivaz_protocol::json::json_len;

use super::{JsonResult, Pick, Print, Seen, StateWriter, TrackedField};
use crate::error::{Errors, SAVED_REFUSALS};
use crate::shown::ShownValue;

struct ErrorsField<'a>(&'a mut Errors);

impl<'a> Pick<'a, Errors> {
    /// Returns the field, which is saved with its refusals.
    pub fn field(self) -> impl TrackedField + 'a {
        ErrorsField(self.0)
    }
}

impl ErrorsField<'_> {
    /// Returns how many bytes the refusals add to the saved state.
    fn refused_len(&self) -> JsonResult<usize> {
        if self.0.saved_refusals().is_empty() {
            return Ok(0);
        }
        // The comma, the name in quotes, and the colon.
        Ok(json_len(self.0.saved_refusals())? + SAVED_REFUSALS.len() + 4)
    }

    fn print(&self) -> JsonResult<Print> {
        match self.0.saved_refusals().is_empty() {
            true => Print::of(&*self.0),
            false => Print::of(&(&*self.0, self.0.saved_refusals())),
        }
    }
}

impl TrackedField for ErrorsField<'_> {
    fn write(&self, name: &str, out: &mut StateWriter) -> JsonResult {
        out.member(name, &*self.0)
    }

    fn shown(&self) -> JsonResult<ShownValue> {
        ShownValue::of(&*self.0)
    }

    fn baseline(&mut self) -> JsonResult<Seen> {
        Ok(Seen::new(self.print()?, json_len(&*self.0)? + self.refused_len()?))
    }

    fn change(&mut self, name: &str, seen: Seen, patch: &mut PatchWriter) -> JsonResult<Option<Seen>> {
        let print = self.print()?;
        if print == seen.print {
            return Ok(None);
        }
        let bytes = patch.set_serialized(name, &*self.0)? + self.refused_len()?;
        Ok(Some(Seen::new(print, bytes)))
    }

    fn save(&self, name: &str, out: &mut StateWriter) -> JsonResult {
        self.write(name, out)?;
        if self.0.saved_refusals().is_empty() {
            return Ok(());
        }
        out.member(SAVED_REFUSALS, self.0.saved_refusals())
    }
}
