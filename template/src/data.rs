//! What an expression may ask of a value, so that one evaluator serves the server's JSON and the page's own state.

mod number;

/// A field's name as a template writes it, with room for the number under which the page's engine interned it.
///
/// A page keeps the keys of its objects as numbers; [`Name::id`] is filled once, when a template is loaded
/// ([`Template::decode`](crate::compiled::Template::decode)), and is meaningless on the server.
#[derive(Clone, Debug)]
pub struct Name {
    /// The serialised name of the field.
    pub text: Box<str>,
    /// The engine's own number for it; 0 until interned.
    pub id: u32,
}

impl From<&str> for Name {
    fn from(text: &str) -> Self {
        Self { text: text.into(), id: 0 }
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
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
    /// Any other number.
    Num(f64),
    /// Text.
    Str(&'a str),
    /// An ordered list.
    List(&'a [D]),
    /// An object: its fields are asked for with [`Data::field`] and [`Data::get`].
    Map,
}

/// A value that templates can show. Implemented for [`serde_json::Value`] on the server and for the engine's own
/// value type in the page.
pub trait Data: Sized + Clone {
    /// A borrowed look at it.
    fn kind(&self) -> Kind<'_, Self>;
    /// The field of that name, if it is an object that has it. Takes a [`Name`] so that the page compares numbers.
    fn field(&self, name: &Name) -> Option<&Self>;
    /// The entry of a key known only at run time.
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
    /// A list.
    fn from_list(items: Vec<Self>) -> Self;
    /// An object.
    fn from_fields(fields: Vec<(Name, Self)>) -> Self;

    /// A number that is not whole, as text, in JavaScript's form. The page hands this to JavaScript itself, which is
    /// smaller than the formatting of floating-point numbers in wasm.
    fn write_num(n: f64, out: &mut String) {
        number::write(n, out);
    }
}
