//! A JSON value as a tree whose nodes have identities.

use std::cell::Cell;
use std::fmt;

use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::error::ReadError;
use super::{FieldError, Unread, text};

/// Deeper values are refused; the protocol's own limit is lower.
const DEPTH: usize = 128;
/// The first of the characters that represent nodes while their type is unknown. Texts do not use
/// them.
pub(super) const PROBES: u32 = 0xf_0000;

pub(super) struct FormTree<'a> {
    pub(super) root: FormNode<'a>,
    /// The number of the next node.
    next: usize,
    /// The node that the last attempt read as `None`.
    pub(super) tried: Option<usize>,
    /// Texts that do not have the form that their types expect.
    pub(super) unread: Vec<Unread>,
}

pub(super) struct FormNode<'a> {
    pub(super) id: usize,
    /// The JSON of the node; `null` for a node that is not in the JSON.
    pub(super) json: &'a str,
    pub(super) kind: FormNodeKind<'a>,
    /// How the node is read by a type that asks for any value.
    pub(super) reading: AnyReading,
    /// Whether a type has asked for any value.
    pub(super) is_asked: Cell<bool>,
}

pub(super) enum FormNodeKind<'a> {
    Null,
    Bool(bool),
    Number,
    Text(Text),
    List(Vec<FormNode<'a>>),
    Object(Object<'a>),
    /// A field that the form does not have.
    Missing,
}

pub(super) struct Object<'a> {
    pub(super) entries: Vec<(FormNode<'a>, FormNode<'a>)>,
    /// Whether a form can have sent it: texts and lists of texts.
    pub(super) is_form: bool,
}

/// A text. An empty text has a unique address too.
pub(super) struct Text(String);

const END: char = '\0';

impl Text {
    pub(super) fn new(mut text: String) -> Self {
        text.push(END);
        Self(text)
    }

    pub(super) fn get(&self) -> &str {
        self.0.strip_suffix(END).unwrap_or_default()
    }
}

/// How a node is read by a type that asks for any value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum AnyReading {
    /// A text is read as it is. An empty text and a missing field are read as a character that
    /// represents them, so that the error names the node.
    None,
    /// Every text is read as it is.
    Text,
    /// An empty text is read as `None`.
    Nothing,
    Unsigned(u64),
    Signed(i64),
    Single(f32),
    Double(f64),
}

impl FormNodeKind<'_> {
    pub(super) fn text(text: &str) -> Self {
        Self::Text(Text::new(text.to_owned()))
    }
}

impl<'a> FormTree<'a> {
    pub(super) fn parse(json: &'a str) -> Result<Self, String> {
        let mut next = 0;
        let root = FormNode::parse(json, DEPTH, &mut next)?;
        Ok(Self { root, next, tried: None, unread: Vec::new() })
    }

    /// Returns the number of nodes.
    pub(super) fn len(&self) -> usize {
        self.next.max(1)
    }

    /// Creates a node that is not in the JSON.
    pub(super) fn node(next: &mut usize, kind: FormNodeKind<'a>) -> FormNode<'a> {
        FormNode::new("null", kind, next)
    }

    /// Borrows the number of the next node together with the tree's root.
    pub(super) fn parts(&mut self) -> (&mut FormNode<'a>, &mut usize) {
        (&mut self.root, &mut self.next)
    }

    /// Returns the name that a form uses for a node: names of fields joined by dots, without
    /// positions in lists.
    pub(super) fn name_of(&self, id: usize) -> String {
        let mut names = Vec::new();
        self.root.path_to(id, &mut names);
        names.reverse();
        let names: Vec<&str> =
            names.into_iter().map(|name| name.strip_suffix("[]").unwrap_or(name)).collect();
        names.join(".")
    }

    pub(super) fn error_of(&self, error: &ReadError) -> FieldError {
        use super::error::{Got, ReadErrorKind};
        let node = match &error.cause {
            ReadErrorKind::Type(Got::Text(address), _) => {
                self.root.find(&|node| node.address() == Some(*address))
            }
            ReadErrorKind::Type(Got::Probe(id), _) => self.root.find(&|node| node.id == *id),
            ReadErrorKind::Type(..)
            | ReadErrorKind::Missing(_)
            | ReadErrorKind::Regroup(_)
            | ReadErrorKind::Other(_) => None,
        };
        let node = node.or_else(|| self.root.find(&|node| Some(node.id) == error.node));
        let mut field = node.map(|node| self.name_of(node.id)).unwrap_or_default();
        if let ReadErrorKind::Missing(name) = error.cause {
            if !field.is_empty() {
                field.push('.');
            }
            field.push_str(name);
        }
        let is_missing =
            node.is_some_and(|node| matches!(node.kind, FormNodeKind::Null | FormNodeKind::Missing));
        let message = if is_missing { text::MISSING.to_owned() } else { error.message() };
        FieldError { field, message }
    }
}

impl<'a> FormNode<'a> {
    fn new(json: &'a str, kind: FormNodeKind<'a>, next: &mut usize) -> Self {
        let id = *next;
        *next += 1;
        Self { id, json, kind, reading: AnyReading::None, is_asked: Cell::new(false) }
    }

    pub(super) fn parse(json: &'a str, depth: usize, next: &mut usize) -> Result<Self, String> {
        let error = |error: serde_json::Error| crate::error::without_place(&error);
        let json = json.trim_matches([' ', '\t', '\r', '\n']);
        let within = || depth.checked_sub(1).ok_or("is nested too deep");
        let kind = match json.as_bytes().first() {
            Some(b'n') => serde_json::from_str(json).map(|()| FormNodeKind::Null).map_err(error)?,
            Some(b't' | b'f') => FormNodeKind::Bool(serde_json::from_str(json).map_err(error)?),
            Some(b'"') => FormNodeKind::Text(Text::new(serde_json::from_str(json).map_err(error)?)),
            Some(b'[') => {
                let items: Vec<&RawValue> = serde_json::from_str(json).map_err(error)?;
                let depth = within()?;
                let items = items.into_iter().map(|item| FormNode::parse(item.get(), depth, next));
                FormNodeKind::List(items.collect::<Result<_, _>>()?)
            }
            Some(b'{') => {
                let ObjectEntries(pairs) = serde_json::from_str(json).map_err(error)?;
                let depth = within()?;
                let mut entries = Vec::with_capacity(pairs.len());
                for (key, value) in pairs {
                    let key = FormNode::new("null", FormNodeKind::Text(Text::new(key)), next);
                    entries.push((key, FormNode::parse(value.get(), depth, next)?));
                }
                let is_form = entries.iter().all(|(_, value)| value.is_of_form());
                FormNodeKind::Object(Object { entries, is_form })
            }
            _ => serde_json::from_str(json).map(|_: &RawValue| FormNodeKind::Number).map_err(error)?,
        };
        Ok(Self::new(json, kind, next))
    }

    fn is_of_form(&self) -> bool {
        match &self.kind {
            FormNodeKind::Text(_) => true,
            FormNodeKind::List(items) => items.iter().all(|item| matches!(item.kind, FormNodeKind::Text(_))),
            FormNodeKind::Null
            | FormNodeKind::Bool(_)
            | FormNodeKind::Number
            | FormNodeKind::Object(_)
            | FormNodeKind::Missing => false,
        }
    }

    /// Returns the text of a key.
    pub(super) fn name(&self) -> &str {
        match &self.kind {
            FormNodeKind::Text(text) => text.get(),
            FormNodeKind::Null
            | FormNodeKind::Bool(_)
            | FormNodeKind::Number
            | FormNodeKind::List(_)
            | FormNodeKind::Object(_)
            | FormNodeKind::Missing => "",
        }
    }

    /// Returns the address of its text.
    pub(super) fn address(&self) -> Option<usize> {
        match &self.kind {
            FormNodeKind::Text(text) => Some(text.get().as_ptr().addr()),
            FormNodeKind::Null
            | FormNodeKind::Bool(_)
            | FormNodeKind::Number
            | FormNodeKind::List(_)
            | FormNodeKind::Object(_)
            | FormNodeKind::Missing => None,
        }
    }

    pub(super) fn find(&self, is_it: &dyn Fn(&Self) -> bool) -> Option<&Self> {
        if is_it(self) {
            return Some(self);
        }
        match &self.kind {
            FormNodeKind::List(items) => items.iter().find_map(|item| item.find(is_it)),
            FormNodeKind::Object(object) => object.entries.iter().find_map(|(_, value)| value.find(is_it)),
            FormNodeKind::Null
            | FormNodeKind::Bool(_)
            | FormNodeKind::Number
            | FormNodeKind::Text(_)
            | FormNodeKind::Missing => None,
        }
    }

    pub(super) fn each(&mut self, visit: &mut dyn FnMut(&mut Self)) {
        visit(self);
        match &mut self.kind {
            FormNodeKind::List(items) => items.iter_mut().for_each(|item| item.each(visit)),
            FormNodeKind::Object(object) => {
                object.entries.iter_mut().for_each(|(_, value)| value.each(visit));
            }
            FormNodeKind::Null
            | FormNodeKind::Bool(_)
            | FormNodeKind::Number
            | FormNodeKind::Text(_)
            | FormNodeKind::Missing => {}
        }
    }

    pub(super) fn find_mut(&mut self, is_it: &dyn Fn(&Self) -> bool) -> Option<&mut Self> {
        if is_it(self) {
            return Some(self);
        }
        match &mut self.kind {
            FormNodeKind::List(items) => items.iter_mut().find_map(|item| item.find_mut(is_it)),
            FormNodeKind::Object(object) => {
                object.entries.iter_mut().find_map(|(_, value)| value.find_mut(is_it))
            }
            FormNodeKind::Null
            | FormNodeKind::Bool(_)
            | FormNodeKind::Number
            | FormNodeKind::Text(_)
            | FormNodeKind::Missing => None,
        }
    }

    /// Collects the names that lead to a node, the last one first. A key belongs to its value.
    fn path_to<'n>(&'n self, id: usize, names: &mut Vec<&'n str>) -> bool {
        match &self.kind {
            _ if self.id == id => true,
            FormNodeKind::List(items) => items.iter().any(|item| item.path_to(id, names)),
            FormNodeKind::Object(object) => object.entries.iter().any(|(key, value)| {
                let is_there = key.id == id || value.path_to(id, names);
                if is_there {
                    names.push(key.name());
                }
                is_there
            }),
            FormNodeKind::Null
            | FormNodeKind::Bool(_)
            | FormNodeKind::Number
            | FormNodeKind::Text(_)
            | FormNodeKind::Missing => false,
        }
    }
}

/// The entries of an object in their order, also those with the same name.
struct ObjectEntries<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> serde::Deserialize<'de> for ObjectEntries<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct All;
        impl<'de> Visitor<'de> for All {
            type Value = Vec<(String, &'de RawValue)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(entries)
            }
        }
        deserializer.deserialize_map(All).map(ObjectEntries)
    }
}
