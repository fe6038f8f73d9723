//! Patches as values: parsed from the wire, or computed by [`Patch::diff`].

use serde_json::{Map, Value};

use super::key::{Key, KeyRef};
use super::write::{ListWriter, PatchWriter};
use crate::json::RawJson;
use crate::words::patch;

/// A patch: new values and list operations by field.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Patch {
    /// The changes in their order on the wire; each field occurs once.
    pub fields: Vec<(String, FieldChange)>,
}

/// The change of one field.
#[derive(Clone, Debug, PartialEq)]
pub enum FieldChange {
    /// Replaces the value.
    Set(Value),
    /// Changes the items of a list, in this order.
    List(Vec<ListOp>),
}

/// One operation on a keyed list.
#[derive(Clone, Debug, PartialEq)]
pub enum ListOp {
    /// Inserts an item at an index.
    Insert {
        /// At most the list's length.
        index: usize,
        /// An object with its key in `id`; the list must not have that key.
        item: Value,
    },
    /// Removes an item.
    Remove(Key),
    /// Changes fields of an item.
    Change {
        /// The item's key.
        key: Key,
        /// A patch of the item; it does not touch `id`.
        fields: Patch,
    },
    /// Removes an item and inserts it again at an index.
    Move {
        /// The item's key.
        key: Key,
        /// Counted without the item: less than the list's length.
        index: usize,
    },
    /// Puts all items into a new order.
    Order(Vec<Key>),
}

/// The reason why a text is not a patch.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PatchError {
    /// The text is not JSON.
    #[error("not JSON")]
    Json(#[from] serde_json::Error),
    /// The text is not an object.
    #[error("a patch must be an object")]
    NotAnObject,
    /// An object's only key starts with `$` and is unknown.
    #[error("unknown change `{0}`")]
    UnknownChange(String),
    /// The operation at this index is not a list operation.
    #[error("operation {0} is not a list operation")]
    UnknownOperation(usize),
}

impl Patch {
    /// Parses a patch.
    ///
    /// # Errors
    /// Returns an error if the text is not a patch.
    pub fn parse(json: RawJson<'_>) -> Result<Self, PatchError> {
        let Value::Object(fields) = serde_json::from_str(json.get())? else {
            return Err(PatchError::NotAnObject);
        };
        Self::from_fields(fields)
    }

    /// Encodes the patch; `{}` if it changes nothing.
    pub fn to_json(&self) -> String {
        let mut writer = PatchWriter::new();
        for (field, change) in &self.fields {
            match change {
                FieldChange::Set(value) => writer.set(field, RawJson::trusted(&value.to_string())),
                FieldChange::List(ops) => {
                    let mut list = writer.list(field);
                    ops.iter().for_each(|op| op.write(&mut list));
                    list.end();
                }
            }
        }
        writer.finish().unwrap_or_else(|| RawJson::EMPTY_OBJECT.get().to_owned())
    }

    /// Returns whether the patch changes nothing.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    fn from_fields(fields: Map<String, Value>) -> Result<Self, PatchError> {
        let fields = fields.into_iter().map(|(field, value)| Ok((field, FieldChange::from_value(value)?)));
        Ok(Self { fields: fields.collect::<Result<_, PatchError>>()? })
    }
}

impl FieldChange {
    fn from_value(value: Value) -> Result<Self, PatchError> {
        let Value::Object(mut object) = value else { return Ok(Self::Set(value)) };
        let only = match object.keys().next() {
            Some(key) if object.len() == 1 && key.starts_with('$') => key.clone(),
            Some(_) | None => return Ok(Self::Set(Value::Object(object))),
        };
        match (only.as_str(), object.remove(&only)) {
            (patch::VALUE, Some(value)) => Ok(Self::Set(value)),
            (patch::LIST, Some(Value::Array(ops))) => {
                let ops = ops.into_iter().enumerate();
                let ops = ops.map(|(at, op)| ListOp::from_value(op, at));
                Ok(Self::List(ops.collect::<Result<_, _>>()?))
            }
            (_, _) => Err(PatchError::UnknownChange(only)),
        }
    }
}

impl ListOp {
    fn from_value(op: Value, at: usize) -> Result<Self, PatchError> {
        let unknown = || PatchError::UnknownOperation(at);
        let Value::Array(parts) = op else { return Err(unknown()) };
        let mut parts = parts.into_iter();
        let word = parts.next();
        let (first, second, more) = (parts.next(), parts.next(), parts.next());
        let word = word.as_ref().and_then(Value::as_str).ok_or_else(unknown)?;
        match (word, first, second, more) {
            (patch::INSERT, Some(index), Some(item), None) => {
                Ok(Self::Insert { index: to_index(&index).ok_or_else(unknown)?, item })
            }
            (patch::REMOVE, Some(key), None, None) => Ok(Self::Remove(to_key(&key).ok_or_else(unknown)?)),
            (patch::CHANGE, Some(key), Some(Value::Object(fields)), None) => Ok(Self::Change {
                key: to_key(&key).ok_or_else(unknown)?,
                fields: Patch::from_fields(fields)?,
            }),
            (patch::MOVE, Some(key), Some(index), None) => Ok(Self::Move {
                key: to_key(&key).ok_or_else(unknown)?,
                index: to_index(&index).ok_or_else(unknown)?,
            }),
            (patch::ORDER, Some(Value::Array(keys)), None, None) => {
                let keys = keys.iter().map(to_key).collect::<Option<_>>();
                Ok(Self::Order(keys.ok_or_else(unknown)?))
            }
            (_, _, _, _) => Err(unknown()),
        }
    }

    fn write(&self, list: &mut ListWriter<'_>) {
        match self {
            Self::Insert { index, item } => list.insert(*index, RawJson::trusted(&item.to_string())),
            Self::Remove(key) => list.remove(key.as_ref()),
            Self::Change { key, fields } => list.change(key.as_ref(), RawJson::trusted(&fields.to_json())),
            Self::Move { key, index } => list.move_to(key.as_ref(), *index),
            Self::Order(keys) => list.order(keys.iter().map(Key::as_ref)),
        }
    }
}

fn to_key(value: &Value) -> Option<Key> {
    KeyRef::of(value).map(KeyRef::to_key)
}

fn to_index(value: &Value) -> Option<usize> {
    value.as_u64().and_then(|index| usize::try_from(index).ok())
}

#[cfg(test)]
mod tests {
    use super::{Patch, PatchError};
    use crate::json::RawJson;

    fn parse(json: &str) -> Result<Patch, PatchError> {
        Patch::parse(RawJson::trusted(json))
    }

    #[test]
    fn parsed_values_are_written_in_their_original_form() {
        for json in [
            "{}",
            r#"{"a":1,"b":{"x":{"$list":[]}},"c":{"$value":{"$list":1}}}"#,
            r#"{"l":{"$list":[["+",0,{"id":1}],["-","a"],["~",1,{"m":{"$list":[[">",2,0]]}}],["=",[1,"b"]]]}}"#,
        ] {
            assert_eq!(parse(json).unwrap().to_json(), json);
        }
    }

    #[test]
    fn an_invalid_patch_is_refused() {
        assert!(matches!(parse("[]"), Err(PatchError::NotAnObject)));
        assert!(matches!(parse("{"), Err(PatchError::Json(_))));
        for change in [r#"{"$lists":[]}"#, r#"{"$list":{}}"#, r#"{"$":1}"#] {
            assert!(
                matches!(parse(&format!(r#"{{"f":{change}}}"#)), Err(PatchError::UnknownChange(_))),
                "{change}"
            );
        }
        for op in [
            "1",
            "[]",
            "[\"+\",0]",
            "[\"+\",-1,{}]",
            "[\"+\",0,{},1]",
            "[\"-\",null]",
            "[\"-\",1.5]",
            "[\"~\",1,[]]",
            "[\">\",1,\"0\"]",
            "[\"=\",1]",
            "[\"=\",[{}]]",
            "[\"?\",1]",
        ] {
            let json = format!(r#"{{"f":{{"$list":[["-",1],{op}]}}}}"#);
            assert!(matches!(parse(&json), Err(PatchError::UnknownOperation(1))), "{op}");
        }
    }
}
