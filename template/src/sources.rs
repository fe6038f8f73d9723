//! The sources of one template: its own text, and the files of the partials in it.
//!
//! Each use of a partial has a region of offsets of its own, so that an offset alone identifies the
//! use. Names in a partial are resolved by the use that contains their offset.

use crate::error::{ErrorList, Lines, Position, TemplateError};
use crate::syntax::Ast;

/// The file of a partial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartialFile {
    /// The path of the file, for messages.
    pub file: String,
    /// The text.
    pub text: String,
}

/// A parameter of a partial in one use.
#[derive(Debug)]
pub(crate) struct PartialParameter {
    pub(crate) name: String,
    pub(crate) kind: ParameterKind,
    /// The given expression, with offsets of the template that uses the partial, or the default.
    pub(crate) value: Ast,
}

/// The kinds of values that a partial requires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ParameterKind {
    Text,
    Number,
    Bool,
    List,
    Any,
}

/// One use of a partial.
#[derive(Debug)]
struct PartialUse {
    /// Its first offset.
    base: u32,
    /// The position of its file among the files.
    file: usize,
    /// The offset of the element that uses the partial.
    at: u32,
    parameters: Vec<PartialParameter>,
}

/// The sources, and the uses of partials in the order of their offsets.
#[derive(Debug)]
pub(crate) struct Sources {
    files: Vec<PartialFile>,
    uses: Vec<PartialUse>,
    /// The first offset of the next use.
    next: u32,
}

impl Sources {
    /// Creates the sources of a template of that length.
    pub(crate) fn new(length: usize) -> Self {
        // `compile` limits sources to 32 bits. The offset behind the end belongs to the text.
        Self { files: Vec::new(), uses: Vec::new(), next: length as u32 + 1 }
    }

    /// Adds a file and returns its position.
    pub(crate) fn add_file(&mut self, file: PartialFile) -> usize {
        self.files.push(file);
        self.files.len() - 1
    }

    pub(crate) fn file(&self, file: usize) -> Option<&PartialFile> {
        self.files.get(file)
    }

    /// Adds a use of a partial by the element at the offset `at`. Returns the number of the use,
    /// and its first offset, if the sources do not become longer than `limit`.
    pub(crate) fn add_use(&mut self, file: usize, at: u32, limit: u32) -> Option<(usize, u32)> {
        let length = u32::try_from(self.files.get(file)?.text.len()).ok()?;
        let base = self.next;
        self.next = base.checked_add(length)?.checked_add(1).filter(|next| *next <= limit)?;
        self.uses.push(PartialUse { base, file, at, parameters: Vec::new() });
        Some((self.uses.len(), base))
    }

    pub(crate) fn set_parameters(&mut self, number: usize, parameters: Vec<PartialParameter>) {
        if let Some(of) = number.checked_sub(1).and_then(|number| self.uses.get_mut(number)) {
            of.parameters = parameters;
        }
    }

    /// Returns the number of the use that contains the offset; 0 is the template itself.
    pub(crate) fn use_at(&self, at: u32) -> usize {
        self.uses.partition_point(|of| of.base <= at)
    }

    fn of(&self, number: usize) -> Option<&PartialUse> {
        number.checked_sub(1).and_then(|number| self.uses.get(number))
    }

    /// Returns the parameters of a use.
    pub(crate) fn parameters(&self, number: usize) -> &[PartialParameter] {
        self.of(number).map_or(&[], |of| &of.parameters)
    }

    /// Returns the value of the parameter with that name of the use that contains the offset.
    pub(crate) fn argument(&self, at: u32, name: &str) -> Option<&Ast> {
        let parameters = self.parameters(self.use_at(at));
        parameters.iter().find(|parameter| parameter.name == name).map(|parameter| &parameter.value)
    }
}

/// Converts offsets into positions.
pub(crate) struct Positions<'s> {
    sources: &'s Sources,
    own: Lines<'s>,
    files: Vec<Lines<'s>>,
}

impl<'s> Positions<'s> {
    pub(crate) fn of(template: &'s str, sources: &'s Sources) -> Self {
        let files = sources.files.iter().map(|file| Lines::of(&file.text)).collect();
        Self { sources, own: Lines::of(template), files }
    }

    pub(crate) fn position(&self, at: u32) -> Position {
        let number = self.sources.use_at(at);
        let Some(of) = self.sources.of(number) else { return self.own.position(at) };
        let Some(lines) = self.files.get(of.file) else { return self.own.position(0) };
        let position = lines.position(at - of.base);
        // The files and the uses are limited.
        Position { source: of.file as u32 + 1, partial_use: number as u32, ..position }
    }

    /// Returns the position of the element that uses each partial.
    pub(crate) fn uses(&self) -> Vec<Position> {
        self.sources.uses.iter().map(|of| self.position(of.at)).collect()
    }

    /// Returns the errors in source order, without duplicates.
    pub(crate) fn errors(&self, list: ErrorList) -> Vec<TemplateError> {
        let mut errors = Vec::<TemplateError>::new();
        for (at, message) in list.sorted() {
            let error = self.error(at, message);
            // A partial that is used twice has each of its errors twice.
            let is_known = |known: &TemplateError| {
                known.message == error.message
                    && (known.at.source, known.at.line, known.at.column)
                        == (error.at.source, error.at.line, error.at.column)
            };
            if !errors.iter().any(is_known) {
                errors.push(error);
            }
        }
        errors
    }

    fn error(&self, at: u32, message: String) -> TemplateError {
        let number = self.sources.use_at(at);
        let (mut uses, mut next) = (Vec::new(), self.sources.of(number));
        let file = next.and_then(|of| self.sources.file(of.file)).map(|file| file.file.as_str().into());
        while let Some(of) = next {
            uses.push(self.position(of.at));
            next = self.sources.of(self.sources.use_at(of.at));
        }
        TemplateError { at: self.position(at), message, file, uses }
    }
}
