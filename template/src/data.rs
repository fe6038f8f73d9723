//! The operations of expressions on values, so that one evaluator serves the server's JSON and the
//! page's values.

#[cfg(feature = "serde_json")]
mod json_value;
mod number;

/// A field's name in a template.
#[derive(Clone, Debug, PartialEq)]
pub struct Name {
    /// The serialised name of the field.
    pub text: Box<str>,
}

impl From<&str> for Name {
    fn from(text: &str) -> Self {
        Self { text: text.into() }
    }
}

/// A borrowed view of a value.
#[derive(Debug)]
pub enum Kind<'a, D> {
    /// JSON's `null`, and the value of each path that does not exist.
    Null,
    /// A boolean.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// An integer from 2^63 to 2^64 - 1.
    Big(u64),
    /// Any other number.
    Num(f64),
    /// Text.
    Str(&'a str),
    /// An ordered list.
    List(&'a [D]),
    /// An object; [`Data::get`] returns its entries.
    Map(&'a D),
}

/// A value that templates can show. Implemented for the values that the server shows, for
/// [`serde_json::Value`], and for the engine's own value type in the page.
pub trait Data: Sized + Clone {
    /// Returns a borrowed view.
    fn kind(&self) -> Kind<'_, Self>;
    /// Returns the entry with that name, if the value is an object that has it.
    fn get(&self, key: &str) -> Option<&Self>;
    /// Returns the number of an object's entries; 0 for any other value.
    fn entries(&self) -> usize;
    /// Calls `visit` with each item of a list, in order; not at all for any other value. A list
    /// that is read only in this way need not exist as a whole.
    fn each_item(&self, visit: &mut dyn FnMut(&Self)) {
        if let Kind::List(items) = self.kind() {
            items.iter().for_each(visit);
        }
    }

    /// Creates `null`.
    fn null() -> Self;
    /// Creates a boolean.
    fn from_bool(b: bool) -> Self;
    /// Creates an integer.
    fn from_int(i: i64) -> Self;
    /// Creates a number; null if it is not finite.
    fn from_num(n: f64) -> Self;
    /// Creates a text.
    fn from_text(s: String) -> Self;
    /// Creates an object.
    fn from_fields(fields: Vec<(Name, Self)>) -> Self;

    /// Appends a number that is not an integer as text, in JavaScript's form. The page calls
    /// JavaScript for this, which is smaller than float formatting in WebAssembly.
    fn write_num(n: f64, out: &mut String) {
        number::write(n, out);
    }
}
