//! Decodes holes of blocks and their values, for a DOM other than the browser's.

use std::sync::Arc;

use vivaz_template::code::DomHole;

use super::value;
use crate::value::Val;

/// A place in a block that shows a value.
#[derive(Debug)]
pub(crate) struct Hole {
    pub(crate) place: DomHole,
    pub(crate) path: Vec<u32>,
    /// The values after the path: see [`DomHole`].
    arguments: Vec<Val>,
}

/// A value for a hole, in the encoding of [`Op::Set`](super::Op::Set).
#[derive(Clone, Copy, Debug)]
pub(crate) struct HoleValue<'a> {
    pub(crate) kind: u32,
    pub(crate) encoded: &'a str,
}

impl Hole {
    /// Reads `[place, path, argument…]`.
    pub(crate) fn new(json: Val) -> Option<Arc<Self>> {
        let mut parts = json.into_list().into_iter();
        let place = *DomHole::ALL.get(parts.next()?.int()? as usize)?;
        let path = parts.next()?.into_list().into_iter().map(|step| step.int().map(|step| step as u32));
        Some(Arc::new(Self { place, path: path.collect::<Option<_>>()?, arguments: parts.collect() }))
    }

    pub(crate) fn argument(&self, at: usize) -> &Val {
        self.arguments.get(at).unwrap_or(&Val::Null)
    }

    /// Returns an argument that is a number; `None` for a negative one.
    pub(crate) fn number(&self, at: usize) -> Option<u32> {
        self.argument(at).int().and_then(|number| u32::try_from(number).ok())
    }

    pub(crate) fn bits(&self, at: usize) -> u32 {
        self.number(at).unwrap_or_default()
    }

    pub(crate) fn text(&self, at: usize) -> &str {
        self.argument(at).str().unwrap_or_default()
    }
}

impl HoleValue<'_> {
    pub(crate) fn tag(self) -> u32 {
        self.kind & value::TYPE
    }

    pub(crate) fn is_on(self) -> bool {
        self.kind & value::TRUTHY != 0
    }

    /// Returns the value as text; empty for lists and objects.
    pub(crate) fn text(self) -> String {
        let text = if self.tag() > value::TEXT { "" } else { self.encoded };
        text.replace('\0', "\u{fffd}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_hole_is_at_its_number() {
        for (at, place) in DomHole::ALL.iter().enumerate() {
            assert_eq!(*place as usize, at);
        }
    }
}
