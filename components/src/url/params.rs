//! The parameters of a URL.

use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::form;
use crate::shape::{Shape, ShapeRef};

/// The parameters in the query of the page's URL, in their order. Cheap to clone.
///
/// The visitor determines them: every text may occur in them.
///
/// ```
/// use vivaz_components::UrlParams;
///
/// let params = UrlParams::parse("tab=all&tag=red&tag=dark%20blue");
/// assert_eq!(params.get("tab"), Some("all"));
/// assert_eq!(params.all("tag").collect::<Vec<_>>(), ["red", "dark blue"]);
/// assert_eq!(params.get("page"), None);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UrlParams(Arc<[(String, String)]>);

impl UrlParams {
    /// Parses the query of a URL, without its question mark. Every text is a query: what is not
    /// valid UTF-8 is replaced by U+FFFD.
    #[must_use]
    pub fn parse(query: &str) -> Self {
        Self(form_urlencoded::parse(query.as_bytes()).into_owned().collect())
    }

    /// Returns the value of a parameter: the first one, if it occurs several times.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// Returns all values of a parameter.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.iter().filter(move |(known, _)| *known == name).map(|(_, value)| value)
    }

    /// Returns all parameters in their order, each as name and value.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }

    /// Returns the parameters as a query, without a question mark.
    #[must_use]
    pub fn to_query(&self) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(self.iter());
        query.finish()
    }

    /// Decodes a parameter, a list from all of its values. `None` if the parameter is absent, or
    /// its text does not fit the type.
    pub(crate) fn read<T: DeserializeOwned>(&self, name: &str, shape: ShapeRef) -> Option<T> {
        let first = self.get(name)?;
        let json = if matches!(shape.get(), Shape::List(_)) {
            let mut all: Vec<&str> = self.all(name).collect();
            // An empty list is written as one empty text, because no text is the default.
            all.retain(|text| !text.is_empty());
            Value::from(all)
        } else {
            Value::from(first)
        };
        form::decode(&json.to_string()).ok()
    }
}
