//! The parameters that the bound fields of a component require.

use form_urlencoded::Serializer as QueryWriter;
use serde::ser::Error;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use vivaz_protocol::json::to_raw_json;

/// The query with the bound fields of a component. Fields that have their default are left out.
///
/// Serialised as a text without a question mark. Fails for a field that is neither a text, a
/// number, a truth value, null, nor a list of these.
#[derive(Debug, Default)]
pub struct UrlQuery {
    text: String,
    refused: Option<String>,
}

impl UrlQuery {
    /// Adds a field, unless it has its default.
    pub fn add<T: Serialize>(&mut self, param: &str, field: &T, default: impl FnOnce() -> T) {
        match texts_of(field).and_then(|texts| Ok((texts_of(&default())? != texts).then_some(texts))) {
            Ok(Some(texts)) => {
                let mut query = QueryWriter::for_suffix(std::mem::take(&mut self.text), 0);
                // Without a value the parameter would mean the default.
                let none = texts.is_empty().then(String::new);
                for text in texts.iter().chain(&none) {
                    query.append_pair(param, text);
                }
                self.text = query.finish();
            }
            Ok(None) => {}
            Err(error) => {
                self.refused.get_or_insert_with(|| format!("the parameter `{param}`: {error}"));
            }
        }
    }
}

impl Serialize for UrlQuery {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.refused {
            Some(error) => Err(S::Error::custom(error)),
            None => serializer.serialize_str(&self.text),
        }
    }
}

/// Returns the values of a field as texts: none for null.
fn texts_of<T: Serialize>(field: &T) -> serde_json::Result<Vec<String>> {
    let json = to_raw_json(field)?;
    if json.get().starts_with('[') {
        let items: Vec<&RawValue> = serde_json::from_str(json.get())?;
        return items.into_iter().map(text_of).collect();
    }
    if json.get() == "null" { Ok(Vec::new()) } else { Ok(vec![text_of(&json)?]) }
}

/// Returns the text of a value. A number keeps its digits.
fn text_of(json: &RawValue) -> serde_json::Result<String> {
    match json.get().as_bytes().first() {
        Some(b'"') => serde_json::from_str(json.get()),
        Some(b'[' | b'{' | b'n') => {
            Err(Error::custom("only a text, a number or a truth value fits into a URL"))
        }
        _ => Ok(json.get().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::UrlParams;
    use crate::shape::{LiveShape, ShapeRef};

    fn written<T: Serialize>(value: &T, default: T) -> String {
        let mut query = UrlQuery::default();
        query.add("x", value, || default);
        serde_json::to_value(query).unwrap().as_str().unwrap().to_owned()
    }

    fn read<T: serde::de::DeserializeOwned + LiveShape>(query: &str) -> Option<T> {
        const { assert!(crate::url::not_bound("", "", T::SHAPE).is_none()) };
        let shape: ShapeRef = T::SHAPE;
        UrlParams::parse(query).read("x", shape)
    }

    #[test]
    fn a_value_is_written_unless_it_is_the_default() {
        assert_eq!(written(&7, 1), "x=7");
        assert_eq!(written(&1, 1), "");
        assert_eq!(written(&"a b&c".to_owned(), String::new()), "x=a+b%26c");
        assert_eq!(written(&Some(3), None), "x=3");
        assert_eq!(written(&None, Some(3)), "x=");
        assert_eq!(written(&vec!["a", "b"], Vec::new()), "x=a&x=b");
        assert_eq!(written(&Vec::new(), vec!["a"]), "x=");
        assert_eq!(written(&0.1_f32, 0.0), "x=0.1");
    }

    #[test]
    fn several_fields_are_one_query() {
        let mut query = UrlQuery::default();
        query.add("a", &1, || 0);
        query.add("b", &true, || false);
        assert_eq!(serde_json::to_value(query).unwrap(), "a=1&b=true");
    }

    #[test]
    fn an_object_is_refused_by_name() {
        let mut query = UrlQuery::default();
        query.add("x", &serde_json::json!({"a": 1}), || serde_json::Value::Null);
        let error = serde_json::to_value(query).unwrap_err().to_string();
        assert!(error.contains("`x`"), "{error}");
    }

    #[test]
    fn a_bad_or_absent_value_is_none() {
        assert_eq!(read::<u8>("x=300"), None);
        assert_eq!(read::<u8>("x=three"), None);
        assert_eq!(read::<u8>("y=3"), None);
        assert_eq!(read::<u8>("x=3&x=4"), Some(3));
        assert_eq!(read::<bool>("x=maybe"), None);
        assert_eq!(read::<Vec<u8>>("x=1&x=2"), Some(vec![1, 2]));
        assert_eq!(read::<Vec<u8>>("x=1&x=no"), None);
        assert_eq!(read::<Option<u8>>("x="), Some(None));
        assert_eq!(read::<Vec<u8>>("x="), Some(Vec::new()));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(text in any::<String>(), number in any::<i64>(), list in proptest::collection::vec("[a-z&=+% ]{1,8}", 0..5)) {
            prop_assert_eq!(read::<String>(&written(&text, "\u{1}default".into())), Some(text));
            prop_assert_eq!(read::<i64>(&format!("x={number}")), Some(number));
            prop_assert_eq!(read::<Vec<String>>(&written(&list, vec!["\u{1}".into()])), Some(list));
        }

        #[test]
        fn every_text_is_a_query(text in any::<String>()) {
            let params = UrlParams::parse(&text);
            prop_assert!(params.iter().all(|(name, value)| params.all(name).any(|one| one == value)));
        }
    }
}
