//! Writing whole values. Changes are written by [`PatchWriter`](vivaz_protocol::PatchWriter).

use serde::Serialize;
use vivaz_protocol::json::{write_json, write_string};

/// A result with an error for a value that JSON cannot represent, or whose `Serialize` fails.
pub type JsonResult<T = ()> = Result<T, serde_json::Error>;

/// Writes one JSON object, member by member.
#[derive(Debug, Default)]
pub struct StateWriter {
    out: String,
}

impl StateWriter {
    /// Adds a member.
    ///
    /// # Errors
    /// Returns an error if the value has no JSON form, or contains NaN or infinity. The object is
    /// incomplete then.
    pub fn member<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> JsonResult {
        self.out.push(if self.out.is_empty() { '{' } else { ',' });
        write_string(&mut self.out, name);
        self.out.push(':');
        write_json(&mut self.out, value)
    }

    pub(crate) fn finish(mut self) -> String {
        if self.out.is_empty() {
            self.out.push('{');
        }
        self.out.push('}');
        self.out
    }
}
