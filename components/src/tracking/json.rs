//! Writing whole values. Changes are written by [`PatchWriter`](vivaz_protocol::PatchWriter).

use serde::Serialize;
use vivaz_protocol::json::{to_json_within, write_json, write_string};

/// A result with an error for a value that JSON cannot represent, or whose `Serialize` fails.
pub type JsonResult<T = ()> = Result<T, serde_json::Error>;

/// Writes one JSON object, member by member.
#[derive(Debug, Default)]
pub struct StateWriter {
    out: String,
    /// The largest size of the object that is written, in bytes.
    limit: Option<usize>,
    /// Whether a member was left out because of the limit.
    is_exceeded: bool,
}

impl StateWriter {
    /// Creates a writer that stops when the object has more bytes than `limit`.
    pub(crate) fn bounded(limit: usize) -> Self {
        Self { limit: Some(limit), ..Self::default() }
    }

    /// Adds a member.
    ///
    /// # Errors
    /// Returns an error if the value has no JSON form, or contains NaN or infinity. The object is
    /// incomplete then.
    pub fn member<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> JsonResult {
        if self.is_exceeded {
            return Ok(());
        }
        self.out.push(if self.out.is_empty() { '{' } else { ',' });
        write_string(&mut self.out, name);
        self.out.push(':');
        let Some(limit) = self.limit else { return write_json(&mut self.out, value) };
        match to_json_within(value, limit.saturating_sub(self.out.len()))? {
            Some(json) => self.out.push_str(&json),
            None => self.is_exceeded = true,
        }
        Ok(())
    }

    /// Returns the object of a writer without a limit.
    pub(crate) fn finish(mut self) -> String {
        if self.out.is_empty() {
            self.out.push('{');
        }
        self.out.push('}');
        self.out
    }

    /// Returns the object, or `None` if it has more bytes than the limit.
    pub(crate) fn finish_within(self) -> Option<String> {
        let (limit, is_exceeded) = (self.limit, self.is_exceeded);
        let json = self.finish();
        (!is_exceeded && limit.is_none_or(|limit| json.len() <= limit)).then_some(json)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_returned_only_within_its_limit() {
        let write = |mut out: StateWriter| {
            out.member("a", &[1, 2]).unwrap();
            out.member("b", "text").unwrap();
            out
        };
        let whole = write(StateWriter::default()).finish();
        for limit in 0..whole.len() + 2 {
            let json = write(StateWriter::bounded(limit)).finish_within();
            assert_eq!(json, (limit >= whole.len()).then(|| whole.clone()), "{limit}");
        }
        assert_eq!(StateWriter::bounded(2).finish_within().as_deref(), Some("{}"));
        assert_eq!(StateWriter::bounded(1).finish_within(), None);
    }
}
