//! Writes patches directly as text, without an intermediate tree.

use crate::json::{RawJson, write_string, write_u64};
use crate::patch::KeyRef;
use crate::words::patch;

/// Writes one patch, field by field.
///
/// ```
/// use vivaz_protocol::{KeyRef, PatchWriter, RawJson};
///
/// let mut patch = PatchWriter::new();
/// patch.set("count", RawJson::trusted("6"));
/// let mut items = patch.list("items");
/// items.remove(KeyRef::Int(3));
/// items.insert(0, RawJson::trusted(r#"{"id":9}"#));
/// items.end();
/// assert_eq!(patch.finish().unwrap(), r#"{"count":6,"items":{"$list":[["-",3],["+",0,{"id":9}]]}}"#);
/// ```
#[derive(Debug, Default)]
pub struct PatchWriter {
    out: String,
}

impl PatchWriter {
    /// Creates an empty patch. The first field allocates.
    pub const fn new() -> Self {
        Self { out: String::new() }
    }

    /// Returns whether no field has been written.
    pub fn is_empty(&self) -> bool {
        self.out.is_empty()
    }

    /// Sets a field to a new value.
    pub fn set(&mut self, field: &str, value: RawJson<'_>) {
        self.key(field);
        write_value(&mut self.out, value);
    }

    /// Sets a field to a value that the closure appends: exactly one JSON value. A value that could
    /// be read as a list change is wrapped afterwards, so a serialiser can write directly into the
    /// patch.
    ///
    /// # Errors
    /// Returns the closure's error; the patch is then unchanged.
    pub fn set_with<E>(
        &mut self,
        field: &str,
        write: impl FnOnce(&mut String) -> Result<(), E>,
    ) -> Result<(), E> {
        let before = self.out.len();
        self.key(field);
        let start = self.out.len();
        if let Err(error) = write(&mut self.out) {
            self.out.truncate(before);
            return Err(error);
        }
        if self.out.get(start..).is_some_and(looks_like_a_change) {
            let value = self.out.split_off(start);
            write_value(&mut self.out, RawJson::trusted(&value));
        }
        Ok(())
    }

    /// Serialises a field's new value directly into the patch and returns the length of its JSON,
    /// in bytes.
    ///
    /// # Errors
    /// Returns an error if the value does not serialise or contains NaN or infinity; the patch is
    /// then unchanged.
    pub fn set_serialized<T: serde::Serialize + ?Sized>(
        &mut self,
        field: &str,
        value: &T,
    ) -> Result<usize, serde_json::Error> {
        let mut bytes = 0;
        self.set_with(field, |out| {
            let before = out.len();
            crate::json::write_json(out, value)?;
            bytes = out.len() - before;
            Ok::<_, serde_json::Error>(())
        })?;
        Ok(bytes)
    }

    /// Starts the changes of a keyed list. [`ListWriter::end`] ends them.
    pub fn list(&mut self, field: &str) -> ListWriter<'_> {
        self.key(field);
        ListWriter::open(&mut self.out)
    }

    /// Returns the patch as one JSON object, or `None` if it changes nothing.
    pub fn finish(mut self) -> Option<String> {
        if self.out.is_empty() {
            return None;
        }
        self.out.push('}');
        Some(self.out)
    }

    fn key(&mut self, field: &str) {
        self.out.push(if self.out.is_empty() { '{' } else { ',' });
        write_string(&mut self.out, field);
        self.out.push(':');
    }
}

/// Writes the operations on one keyed list, in the order in which they are applied.
#[derive(Debug)]
#[must_use = "call `end` to close the list"]
pub struct ListWriter<'o> {
    out: &'o mut String,
    first: bool,
}

impl<'o> ListWriter<'o> {
    fn open(out: &'o mut String) -> Self {
        out.push_str("{\"$list\":[");
        Self { out, first: true }
    }

    /// Inserts an item at an index.
    pub fn insert(&mut self, index: usize, item: RawJson<'_>) {
        self.op(patch::INSERT);
        write_u64(self.out, index as u64);
        self.out.push(',');
        self.out.push_str(item.get());
        self.out.push(']');
    }

    /// Removes an item.
    pub fn remove(&mut self, key: KeyRef<'_>) {
        self.op(patch::REMOVE);
        write_key(self.out, key);
        self.out.push(']');
    }

    /// Changes fields of an item; `fields` is a patch as [`PatchWriter::finish`] returns it.
    pub fn change(&mut self, key: KeyRef<'_>, fields: RawJson<'_>) {
        self.op(patch::CHANGE);
        write_key(self.out, key);
        self.out.push(',');
        self.out.push_str(fields.get());
        self.out.push(']');
    }

    /// Removes an item and inserts it again at an index.
    pub fn move_to(&mut self, key: KeyRef<'_>, index: usize) {
        self.op(patch::MOVE);
        write_key(self.out, key);
        self.out.push(',');
        write_u64(self.out, index as u64);
        self.out.push(']');
    }

    /// Puts all items into a new order.
    pub fn order<'k>(&mut self, keys: impl IntoIterator<Item = KeyRef<'k>>) {
        self.op(patch::ORDER);
        self.out.push('[');
        for (at, key) in keys.into_iter().enumerate() {
            if at > 0 {
                self.out.push(',');
            }
            write_key(self.out, key);
        }
        self.out.push_str("]]");
    }

    /// Ends the list.
    pub fn end(self) {
        self.out.push_str("]}");
    }

    fn op(&mut self, word: &str) {
        if !self.first {
            self.out.push(',');
        }
        self.first = false;
        self.out.push_str("[\"");
        self.out.push_str(word);
        self.out.push_str("\",");
    }
}

/// Appends a key as JSON.
pub(crate) fn write_key(out: &mut String, key: KeyRef<'_>) {
    match key {
        KeyRef::Int(number) => {
            if number < 0 {
                out.push('-');
            }
            write_u64(out, number.unsigned_abs());
        }
        KeyRef::Text(text) => write_string(out, text),
    }
}

/// Writes a field's new value, wrapped if it could be read as a change.
fn write_value(out: &mut String, value: RawJson<'_>) {
    if looks_like_a_change(value.get()) {
        out.push_str("{\"$value\":");
        out.push_str(value.get());
        out.push('}');
    } else {
        out.push_str(value.get());
    }
}

/// Returns whether a value is an object whose only key starts with `$`.
fn looks_like_a_change(json: &str) -> bool {
    let Some(first) = json.trim_ascii_start().strip_prefix('{').map(str::trim_ascii_start) else {
        return false;
    };
    let dollar =
        first.starts_with("\"$") || first.get(..7).is_some_and(|s| s.eq_ignore_ascii_case("\"\\u0024"));
    dollar && has_one_entry(first)
}

/// Returns whether an object has no comma of its own. `rest` starts behind its opening brace.
fn has_one_entry(mut rest: &str) -> bool {
    let mut depth = 0_usize;
    while let Some(at) = rest.find(['"', '{', '[', '}', ']', ',']) {
        let (_, tail) = rest.split_at(at);
        let mut characters = tail.chars();
        match characters.next() {
            Some('"') => {
                while let Some(c) = characters.next() {
                    match c {
                        '"' => break,
                        '\\' => {
                            characters.next();
                        }
                        _ => {}
                    }
                }
            }
            Some('{' | '[') => depth += 1,
            Some(',') if depth == 0 => return false,
            Some('}' | ']') => match depth.checked_sub(1) {
                Some(less) => depth = less,
                None => return true,
            },
            Some(_) | None => {}
        }
        rest = characters.as_str();
    }
    true
}

#[cfg(test)]
mod tests {
    use super::{KeyRef, PatchWriter};
    use crate::json::RawJson;

    fn set(json: &str) -> String {
        let mut patch = PatchWriter::new();
        patch.set("f", RawJson::trusted(json));
        let mut with = PatchWriter::new();
        with.set_with("f", |out| {
            out.push_str(json);
            Ok::<(), ()>(())
        })
        .unwrap();
        let (patch, with) = (patch.finish().unwrap(), with.finish().unwrap());
        assert_eq!(patch, with);
        patch
    }

    #[test]
    fn values_that_look_like_changes_are_wrapped() {
        for plain in ["1", "{}", r#"{"a":1}"#, r#"{"$a":1,"b":2}"#, r#"["$list"]"#, r#"{"a":{"$list":[]}}"#] {
            assert_eq!(set(plain), format!(r#"{{"f":{plain}}}"#));
        }
        for wrapped in [
            r#"{"$list":[]}"#,
            r#"{"$a":{"x":[1,2],"y":"},"}}"#,
            r#"{"$a":"x\",\"y"}"#,
            r#" { "\u0024x" : [1,2] } "#,
            r#"{"$value":1}"#,
        ] {
            assert_eq!(set(wrapped), format!(r#"{{"f":{{"$value":{wrapped}}}}}"#));
        }
    }

    #[test]
    fn a_field_that_fails_to_serialise_leaves_no_trace() {
        let mut patch = PatchWriter::new();
        let write = |out: &mut String| {
            out.push_str("[1,");
            Err("broken")
        };
        assert_eq!(patch.set_with("a", write), Err("broken"));
        assert!(patch.is_empty());
        patch.set("b", RawJson::NULL);
        assert_eq!(patch.set_with("a", write), Err("broken"));
        assert_eq!(patch.finish().unwrap(), r#"{"b":null}"#);
    }

    #[test]
    fn a_serialised_field_is_written_or_leaves_no_trace() {
        let mut patch = PatchWriter::new();
        let unserialisable = std::collections::HashMap::from([(vec![0], 0)]);
        patch.set_serialized("a", &unserialisable).unwrap_err();
        assert!(patch.is_empty());
        patch.set_serialized("b", &[1, 2]).unwrap();
        assert!(!patch.is_empty());
        assert_eq!(patch.finish().unwrap(), r#"{"b":[1,2]}"#);
    }

    #[test]
    fn every_operation_on_a_list() {
        let mut patch = PatchWriter::new();
        let mut list = patch.list("l");
        list.insert(2, RawJson::trusted(r#"{"id":"a"}"#));
        list.remove(KeyRef::Text("q\"uote"));
        list.change(KeyRef::Int(i64::MIN), RawJson::trusted(r#"{"done":true}"#));
        list.move_to(KeyRef::Int(0), 0);
        list.order([KeyRef::Int(1), KeyRef::Text("a")]);
        list.end();
        let mut second = patch.list("m");
        second.remove(KeyRef::Int(1));
        second.end();
        let expected = concat!(
            r#"{"l":{"$list":[["+",2,{"id":"a"}],["-","q\"uote"],["~",-9223372036854775808,{"done":true}],"#,
            r#"[">",0,0],["=",[1,"a"]]]},"m":{"$list":[["-",1]]}}"#
        );
        assert_eq!(patch.finish().unwrap(), expected);
    }
}
