//! A patch as a value: what a follower reads from the wire, and what a difference of two states is.

use serde_json::{Map, Value};

use super::key::{Key, KeyRef};
use super::write::{ListWriter, PatchWriter};
use crate::json::RawJson;
use crate::words::patch;

/// New values and list changes by field.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Patch {
    /// In the order in which they stood; each field once.
    pub fields: Vec<(String, Change)>,
}

/// What happens to one field.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// It has this value now.
    Set(Value),
    /// Its items change, one operation after the other.
    List(Vec<ListOp>),
}

/// One operation on a keyed list.
#[derive(Clone, Debug, PartialEq)]
pub enum ListOp {
    /// Puts an item so that it has that index.
    Insert {
        /// At most the list's length.
        index: usize,
        /// An object with its key in `id`, one that the list does not have.
        item: Value,
    },
    /// Takes an item out.
    Remove(Key),
    /// Changes fields of an item.
    Change {
        /// The item.
        key: Key,
        /// A patch of its own; it never touches `id`.
        fields: Patch,
    },
    /// Takes an item out and puts it so that it has that index.
    Move {
        /// The item.
        key: Key,
        /// Counted without the item: less than the list's length.
        index: usize,
    },
    /// Gives all items a new order.
    Order(Vec<Key>),
}

/// Why a text is not a patch.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PatchError {
    /// It is not JSON.
    #[error("not JSON")]
    Json(#[from] serde_json::Error),
    /// It is not an object.
    #[error("a patch is an object")]
    NotAnObject,
    /// An object's only key starts with `$` and is none that is known.
    #[error("`{0}` is not a change")]
    UnknownChange(String),
    /// An operation on a list is not one of the five.
    #[error("operation {0} is not one on a list")]
    UnknownOperation(usize),
}

impl Patch {
    /// Reads a patch from the wire.
    ///
    /// # Errors
    /// If it is not one.
    pub fn parse(json: RawJson<'_>) -> Result<Self, PatchError> {
        let Value::Object(fields) = serde_json::from_str(json.get())? else {
            return Err(PatchError::NotAnObject);
        };
        Self::from_fields(fields)
    }

    /// The patch as the wire has it; `{}` if it changes nothing.
    pub fn to_json(&self) -> String {
        let mut writer = PatchWriter::new();
        for (field, change) in &self.fields {
            match change {
                Change::Set(value) => writer.set(field, RawJson::trusted(&value.to_string())),
                Change::List(ops) => {
                    let mut list = writer.list(field);
                    ops.iter().for_each(|op| op.write(&mut list));
                    list.end();
                }
            }
        }
        writer.finish().unwrap_or_else(|| RawJson::EMPTY_OBJECT.get().to_owned())
    }

    /// Whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    fn from_fields(fields: Map<String, Value>) -> Result<Self, PatchError> {
        let fields = fields.into_iter().map(|(field, value)| Ok((field, Change::from_value(value)?)));
        Ok(Self { fields: fields.collect::<Result<_, PatchError>>()? })
    }
}

impl Change {
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
    fn what_was_read_is_written_again_as_it_stood() {
        for json in [
            "{}",
            r#"{"a":1,"b":{"x":{"$list":[]}},"c":{"$value":{"$list":1}}}"#,
            r#"{"l":{"$list":[["+",0,{"id":1}],["-","a"],["~",1,{"m":{"$list":[[">",2,0]]}}],["=",[1,"b"]]]}}"#,
        ] {
            assert_eq!(parse(json).unwrap().to_json(), json);
        }
    }

    #[test]
    fn what_is_no_patch_is_refused() {
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
