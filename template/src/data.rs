//! What an expression may ask of a value, so that one evaluator serves the server's JSON and the page's own state.

mod number;

/// A field's name as a template writes it.
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

/// A borrowed look at a value.
#[derive(Debug)]
pub enum Kind<'a, D> {
    /// Nothing: JSON's `null`, and every path that leads nowhere.
    Null,
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A whole number of 2^63 or more that has 64 bits.
    Big(u64),
    /// Any other number.
    Num(f64),
    /// Text.
    Str(&'a str),
    /// An ordered list.
    List(&'a [D]),
    /// An object: its entries are asked for with [`Data::get`].
    Map(&'a D),
}

/// A value that templates can show. Implemented for [`serde_json::Value`] on the server and for the engine's own
/// value type in the page.
pub trait Data: Sized + Clone {
    /// A borrowed look at it.
    fn kind(&self) -> Kind<'_, Self>;
    /// The entry of that name, if it is an object that has it.
    fn get(&self, key: &str) -> Option<&Self>;
    /// How many entries an object has; 0 for anything else.
    fn entries(&self) -> usize;

    /// `null`.
    fn null() -> Self;
    /// A truth value.
    fn from_bool(b: bool) -> Self;
    /// A whole number.
    fn from_int(i: i64) -> Self;
    /// Any number; one that is not finite becomes null.
    fn from_num(n: f64) -> Self;
    /// Text.
    fn from_text(s: String) -> Self;
    /// An object.
    fn from_fields(fields: Vec<(Name, Self)>) -> Self;

    /// A number that is not whole, as text, in JavaScript's form. The page hands this to JavaScript itself, which is
    /// smaller than the formatting of floating-point numbers in wasm.
    fn write_num(n: f64, out: &mut String) {
        number::write(n, out);
    }
}
