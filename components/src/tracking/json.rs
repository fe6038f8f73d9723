//! Writing whole values; what changed goes through [`PatchWriter`](vivaz_protocol::PatchWriter).

use serde::Serialize;
use vivaz_protocol::json::{write_json, write_string};

/// What can go wrong: a value that JSON cannot hold, or a `Serialize` that refuses.
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
    /// When the value has no JSON form, or contains NaN or infinity; the object is of no use then.
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
