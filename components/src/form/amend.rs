//! Changing the tree after a failed decoding.

use super::Unread;
use super::error::{Got, ReadError, ReadErrorKind};
use super::node::{AnyReading, FormNode, FormNodeKind, FormTree, Object};
use super::text::{self, last_word, number_for};

/// A name with more dots is not the name of a nested field.
const DOTS: usize = 16;

impl FormTree<'_> {
    /// Changes the tree as the error requires. Returns whether another attempt makes sense.
    pub(super) fn amend(&mut self, error: &ReadError) -> bool {
        match &error.cause {
            ReadErrorKind::Missing(name) => self.add_missing(error.node, name),
            ReadErrorKind::Regroup(fields) => self.regroup(error.node, fields),
            ReadErrorKind::Type(Got::Text(address), expected) => self.convert(*address, expected),
            ReadErrorKind::Type(Got::Probe(id), expected) => self.answer_probe(*id, expected),
            ReadErrorKind::Type(Got::Nothing, _) => {
                // The last attempt failed, and everything before it is read as before: the type is
                // not an `Option`.
                let tried = self.tried.take();
                self.set_reading(tried, AnyReading::Text)
            }
            ReadErrorKind::Type(Got::Other(_), _) | ReadErrorKind::Other(_) => false,
        }
    }

    /// Ends the search for types: remaining probes are read as texts. Returns whether there were
    /// any.
    pub(super) fn settle(&mut self) -> bool {
        let mut any = false;
        self.root.each(&mut |node| {
            if node.is_asked.get()
                && node.reading == AnyReading::None
                && (node.is_empty_text() || node.is_missing())
            {
                node.reading = AnyReading::Text;
                any = true;
            }
        });
        any
    }

    fn set_reading(&mut self, id: Option<usize>, reading: AnyReading) -> bool {
        let node = self.root.find_mut(&|node| Some(node.id) == id);
        node.map(|node| node.reading = reading).is_some()
    }

    fn add_missing(&mut self, id: Option<usize>, name: &'static str) -> bool {
        let (root, next) = self.parts();
        let Some(node) = root.find_mut(&|node| Some(node.id) == id) else { return false };
        if node.is_missing() {
            node.kind = FormNodeKind::Object(Object { entries: Vec::new(), is_form: true });
        }
        let FormNodeKind::Object(object) = &mut node.kind else { return false };
        if !object.is_form {
            return false;
        }
        if object.regroup(&[name], next) {
            return true;
        }
        let is_there = object.has(name);
        if !is_there {
            let key = FormTree::node(next, FormNodeKind::text(name));
            object.entries.push((key, FormTree::node(next, FormNodeKind::Missing)));
        }
        !is_there
    }

    fn regroup(&mut self, id: Option<usize>, fields: &[&'static str]) -> bool {
        let (root, next) = self.parts();
        match root.find_mut(&|node| Some(node.id) == id).map(|node| &mut node.kind) {
            Some(FormNodeKind::Object(object)) => object.regroup(fields, next),
            _ => false,
        }
    }

    /// Converts a text that a type does not accept.
    fn convert(&mut self, address: usize, expected: &str) -> bool {
        let (root, next) = self.parts();
        let is_it = |node: &FormNode<'_>| node.address() == Some(address) && node.is_asked.get();
        let Some(node) = root.find_mut(&is_it) else { return false };
        let (id, text) = (node.id, node.name().to_owned());
        let unread = match (last_word(expected), number_for(&text, expected)) {
            ("sequence", _) => {
                node.kind = FormNodeKind::List(vec![FormTree::node(next, FormNodeKind::text(&text))]);
                None
            }
            ("boolean", _) => {
                let read = text::bool(&text);
                node.kind = FormNodeKind::Bool(*read.as_ref().unwrap_or(&false));
                read.err()
            }
            (_, Some(read)) => {
                node.reading = *read.as_ref().unwrap_or(&AnyReading::Unsigned(1));
                read.err()
            }
            (_, None) => return false,
        };
        self.unread.extend(unread.map(|message| Unread { node: id, message }));
        true
    }

    /// Converts a probe for an empty text or a missing field that a type has received.
    fn answer_probe(&mut self, id: usize, expected: &str) -> bool {
        let (root, next) = self.parts();
        let Some(node) = root.find_mut(&|node| node.id == id) else { return false };
        match last_word(expected) {
            "sequence" if node.is_missing() => node.kind = FormNodeKind::List(Vec::new()),
            "boolean" if node.is_missing() => node.kind = FormNodeKind::Bool(false),
            "sequence" => node.kind = FormNodeKind::List(vec![FormTree::node(next, FormNodeKind::text(""))]),
            _ if node.is_missing() => return false,
            _ => {
                node.reading = AnyReading::Nothing;
                self.tried = Some(id);
            }
        }
        true
    }
}

impl FormNode<'_> {
    pub(super) fn is_missing(&self) -> bool {
        matches!(self.kind, FormNodeKind::Missing)
    }

    pub(super) fn is_empty_text(&self) -> bool {
        matches!(&self.kind, FormNodeKind::Text(text) if text.get().is_empty())
    }
}

impl<'a> Object<'a> {
    fn has(&self, name: &str) -> bool {
        self.entries.iter().any(|(key, _)| key.name() == name)
    }

    /// Returns the field to which an entry belongs, if its name is not that of a field, and the
    /// rest of the name.
    fn place<'n>(&self, name: &'n str, fields: &[&'static str]) -> Option<(&'n str, Option<&'n str>)> {
        if fields.contains(&name) || name.matches('.').count() > DOTS {
            return None;
        }
        let list = name.strip_suffix("[]").map(|field| (field, None));
        let nested = || name.split_once('.').map(|(field, rest)| (field, Some(rest)));
        let is_free = |(field, _): &(&str, _)| fields.contains(field) && !self.has(field);
        list.filter(is_free).or_else(|| nested().filter(is_free))
    }

    /// Returns whether names of the form have to be read as parts of these fields.
    pub(super) fn is_to_regroup(&self, fields: &[&'static str]) -> bool {
        self.is_form && self.entries.iter().any(|(key, _)| self.place(key.name(), fields).is_some())
    }

    /// Creates the field `tags` from `tags[]`, and `address` with the field `city` from
    /// `address.city`.
    fn regroup(&mut self, fields: &[&'static str], next: &mut usize) -> bool {
        let places: Vec<Option<(String, Option<String>)>> = self
            .entries
            .iter()
            .map(|(key, _)| self.place(key.name(), fields))
            .map(|place| place.map(|(field, rest)| (field.to_owned(), rest.map(str::to_owned))))
            .collect();
        if places.iter().all(Option::is_none) {
            return false;
        }
        let mut entries: Vec<(FormNode<'a>, FormNode<'a>)> = Vec::new();
        for ((key, value), place) in std::mem::take(&mut self.entries).into_iter().zip(places) {
            let Some((field, rest)) = place else {
                entries.push((key, value));
                continue;
            };
            let Some(rest) = rest else {
                entries.push((FormTree::node(next, FormNodeKind::text(&field)), value));
                continue;
            };
            let inner = (FormTree::node(next, FormNodeKind::text(&rest)), value);
            let group = entries.iter_mut().find(|(key, _)| key.name() == field);
            if let Some((_, FormNode { kind: FormNodeKind::Object(group), .. })) = group {
                group.entries.push(inner);
            } else {
                let group = FormNodeKind::Object(Object { entries: vec![inner], is_form: true });
                entries.push((FormTree::node(next, FormNodeKind::text(&field)), FormTree::node(next, group)));
            }
        }
        self.entries = entries;
        true
    }
}
