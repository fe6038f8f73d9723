//! Implements [`Data`] for [`serde_json::Value`].

use serde_json::{Map, Value};

use crate::data::{Data, Kind, Name};

impl Data for Value {
    fn kind(&self) -> Kind<'_, Self> {
        match self {
            Self::Null => Kind::Null,
            Self::Bool(b) => Kind::Bool(*b),
            Self::Number(n) => match n.as_i64() {
                Some(i) => Kind::Int(i),
                None => match n.as_u64() {
                    Some(big) => Kind::Big(big),
                    None => n.as_f64().map_or(Kind::Null, Kind::Num),
                },
            },
            Self::String(s) => Kind::Str(s),
            Self::Array(items) => Kind::List(items),
            Self::Object(_) => Kind::Map(self),
        }
    }

    fn get(&self, key: &str) -> Option<&Self> {
        Value::get(self, key)
    }

    fn entries(&self) -> usize {
        self.as_object().map_or(0, Map::len)
    }

    fn null() -> Self {
        Self::Null
    }

    fn from_bool(b: bool) -> Self {
        Self::Bool(b)
    }

    fn from_int(i: i64) -> Self {
        Self::from(i)
    }

    fn from_num(n: f64) -> Self {
        Self::from(n)
    }

    fn from_text(s: String) -> Self {
        Self::String(s)
    }

    fn from_fields(fields: Vec<(Name, Self)>) -> Self {
        Self::Object(fields.into_iter().map(|(name, value)| (name.text.into_string(), value)).collect())
    }
}
