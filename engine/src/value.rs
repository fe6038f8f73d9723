//! The page's representation of state.
//!
//! Keys of objects are interned numbers: a binding compares integers, and ten thousand rows do not
//! hold ten thousand copies of `"user_name"`.

#![expect(clippy::wildcard_enum_match_arm, reason = "who asks for text has no use for the other kinds")]

mod names;
#[cfg(target_arch = "wasm32")]
mod numbers;
mod parse;
mod write;

pub use names::Key;
#[cfg(target_arch = "wasm32")]
pub use numbers::Numbers;
pub use parse::parse;
pub(crate) use write::{write_count, write_json, write_string};

use vivaz_template::data::{Data, Kind, Name};

/// A value of the state: the JSON data model.
#[derive(Debug, Default, PartialEq)]
pub enum Val {
    /// `null`.
    #[default]
    Null,
    /// A Boolean.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// An integer greater than `i64::MAX`.
    Big(u64),
    /// Any other number.
    Num(f64),
    /// A string.
    Str(String),
    /// An array.
    List(Vec<Val>),
    /// An object; the fields keep their order.
    Obj(Vec<(Key, Val)>),
}

/// Written by hand: the derived code is three times as large.
impl Clone for Val {
    fn clone(&self) -> Self {
        match self {
            Val::Null => Val::Null,
            Val::Bool(b) => Val::Bool(*b),
            Val::Int(i) => Val::Int(*i),
            Val::Big(n) => Val::Big(*n),
            Val::Num(n) => Val::Num(*n),
            Val::Str(s) => Val::text(s),
            Val::List(items) => {
                let mut list = Vec::with_capacity(items.len());
                for item in items {
                    list.push(item.clone());
                }
                Val::List(list)
            }
            Val::Obj(fields) => {
                let mut object = Vec::with_capacity(fields.len());
                for (key, value) in fields {
                    object.push((*key, value.clone()));
                }
                Val::Obj(object)
            }
        }
    }
}

impl Val {
    /// Returns the field of an object.
    pub(crate) fn at(&self, key: Key) -> Option<&Val> {
        match self {
            Val::Obj(fields) => fields.iter().find(|(k, _)| *k == key).map(|(_, v)| v),
            _ => None,
        }
    }

    /// Returns the field of an object by its name.
    pub(crate) fn named(&self, name: &str) -> Option<&Val> {
        self.at(Key::of(name))
    }

    pub(crate) fn at_mut(&mut self, key: Key) -> Option<&mut Val> {
        match self {
            Val::Obj(fields) => fields.iter_mut().find(|(k, _)| *k == key).map(|(_, v)| v),
            _ => None,
        }
    }

    /// Returns the field of an object; a missing field is added as null. Returns `None` for any
    /// other value.
    pub(crate) fn slot(&mut self, key: Key) -> Option<&mut Val> {
        let Val::Obj(fields) = self else { return None };
        let at = fields.iter().position(|(k, _)| *k == key).unwrap_or_else(|| {
            fields.push((key, Val::Null));
            fields.len() - 1
        });
        fields.get_mut(at).map(|(_, v)| v)
    }

    /// Sets the field of an object; any other value is unchanged.
    pub(crate) fn set(&mut self, key: Key, value: Val) {
        if let Some(old) = self.slot(key) {
            *old = value;
        }
    }

    /// Removes and returns a field of an object.
    pub(crate) fn remove(&mut self, key: Key) -> Option<Val> {
        let Val::Obj(fields) = self else { return None };
        let at = fields.iter().position(|(k, _)| *k == key)?;
        Some(fields.remove(at).1)
    }

    /// Takes the value of an object's field and leaves null in its place.
    pub(crate) fn take(&mut self, name: &str) -> Val {
        self.at_mut(Key::of(name)).map(std::mem::take).unwrap_or_default()
    }

    /// Returns the text of an object's field; empty if there is none.
    pub(crate) fn text_of(&self, name: &str) -> &str {
        self.named(name).and_then(Val::str).unwrap_or_default()
    }

    /// Returns the name in an object's field.
    pub(crate) fn key_of(&self, name: &str) -> Key {
        Key::of(self.text_of(name))
    }

    /// Returns the number in an object's field.
    pub(crate) fn int_of(&self, name: &str) -> Option<u64> {
        self.named(name).and_then(Val::int)
    }

    pub(crate) fn str(&self) -> Option<&str> {
        match self {
            Val::Str(s) => Some(s),
            _ => None,
        }
    }

    pub(crate) fn int(&self) -> Option<u64> {
        match self {
            Val::Int(i) => u64::try_from(*i).ok(),
            _ => None,
        }
    }

    pub(crate) fn list(&self) -> Option<&[Val]> {
        match self {
            Val::List(items) => Some(items),
            _ => None,
        }
    }

    pub(crate) fn into_list(self) -> Vec<Val> {
        match self {
            Val::List(items) => items,
            _ => Vec::new(),
        }
    }

    pub(crate) fn into_fields(self) -> Vec<(Key, Val)> {
        match self {
            Val::Obj(fields) => fields,
            _ => Vec::new(),
        }
    }

    pub(crate) fn text(s: &str) -> Val {
        Val::Str(s.into())
    }

    /// Replaces every occurrence of a value by another one. Returns whether there was any.
    pub(crate) fn rename(&mut self, old: &Val, new: &Val) -> bool {
        let mut any = self == old;
        if any {
            *self = new.clone();
        }
        match self {
            Val::List(items) => {
                for item in items {
                    any |= item.rename(old, new);
                }
            }
            Val::Obj(fields) => {
                for (_, value) in fields {
                    any |= value.rename(old, new);
                }
            }
            _ => {}
        }
        any
    }

    /// Returns the value as JSON text.
    pub fn json(&self) -> String {
        let mut out = String::new();
        write_json(self, &mut out);
        out
    }
}

impl From<String> for Val {
    fn from(text: String) -> Self {
        Val::Str(text)
    }
}

impl Data for Val {
    fn kind(&self) -> Kind<'_, Self> {
        match self {
            Val::Null => Kind::Null,
            Val::Bool(b) => Kind::Bool(*b),
            Val::Int(i) => Kind::Int(*i),
            Val::Big(n) => Kind::Big(*n),
            Val::Num(n) => Kind::Num(*n),
            Val::Str(s) => Kind::Str(s),
            Val::List(items) => Kind::List(items),
            Val::Obj(_) => Kind::Map(self),
        }
    }

    fn get(&self, key: &str) -> Option<&Self> {
        self.at(Key::known(key)?)
    }

    fn entries(&self) -> usize {
        match self {
            Val::Obj(fields) => fields.len(),
            _ => 0,
        }
    }

    fn null() -> Self {
        Val::Null
    }

    fn from_bool(b: bool) -> Self {
        Val::Bool(b)
    }

    fn from_int(i: i64) -> Self {
        Val::Int(i)
    }

    fn from_num(n: f64) -> Self {
        if n.is_finite() { Val::Num(n) } else { Val::Null }
    }

    fn from_text(s: String) -> Self {
        Val::Str(s)
    }

    fn from_fields(fields: Vec<(Name, Self)>) -> Self {
        Val::Obj(fields.into_iter().map(|(name, value)| (Key::of(&name.text), value)).collect())
    }

    #[cfg(target_arch = "wasm32")]
    fn write_num(n: f64, out: &mut String) {
        out.push_str(&numbers::write(n));
    }
}
