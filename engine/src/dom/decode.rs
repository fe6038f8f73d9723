//! Decodes operations, for a DOM other than the browser's. The browser's decoder is
//! `client-wasm/js/dom.js`.

use super::{Op, Ops};

/// Each operation in the order of its number, with the counts of its words and strings.
const SHAPES: [(Op, usize, usize); 25] = [
    (Op::Template, 1, 1),
    (Op::Make, 2, 0),
    (Op::Rows, 6, 0),
    (Op::Root, 4, 0),
    (Op::Insert, 3, 0),
    (Op::Remove, 1, 0),
    (Op::Forget, 2, 0),
    (Op::Clear, 1, 0),
    (Op::Set, 3, 1),
    (Op::Refuse, 2, 2),
    (Op::Status, 3, 1),
    (Op::Settle, 2, 1),
    (Op::Notify, 1, 0),
    (Op::Emit, 1, 1),
    (Op::Phase, 2, 1),
    (Op::Fault, 1, 2),
    (Op::Fetch, 0, 1),
    (Op::Timer, 2, 0),
    (Op::Reload, 0, 0),
    (Op::State, 0, 1),
    (Op::Turn, 0, 0),
    (Op::Forgotten, 0, 1),
    (Op::Build, 0, 1),
    (Op::View, 1, 0),
    (Op::Answered, 2, 0),
];

impl Ops {
    /// Calls `run` with each operation, its words and its strings, in order. Returns `None` at an
    /// operation that is truncated or has an unknown number.
    pub fn each(&self, mut run: impl FnMut(Op, &[u32], &[&str])) -> Option<()> {
        let (mut words, mut text) = (self.words.as_slice(), self.text.as_str());
        while let Some((number, rest)) = words.split_first() {
            let (op, count, strings) = *SHAPES.get((*number as usize).checked_sub(1)?)?;
            let (arguments, rest) = rest.split_at_checked(count)?;
            let (lengths, rest) = rest.split_at_checked(strings)?;
            let mut cut = Vec::with_capacity(strings);
            for length in lengths {
                let (string, after) = split_utf16(text, *length as usize)?;
                cut.push(string);
                text = after;
            }
            run(op, arguments, &cut);
            words = rest;
        }
        Some(())
    }
}

/// Splits a text after `length` UTF-16 code units.
fn split_utf16(text: &str, length: usize) -> Option<(&str, &str)> {
    let mut units = 0;
    for (at, character) in text.char_indices() {
        if units == length {
            return text.split_at_checked(at);
        }
        units += character.len_utf16();
    }
    (units == length).then_some((text, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_shape_is_at_the_number_of_its_operation() {
        for (at, (op, ..)) in SHAPES.iter().enumerate() {
            assert_eq!(*op as usize, at + 1);
        }
    }

    #[test]
    fn strings_are_cut_where_javascript_cuts_them() {
        let mut ops = Ops::default();
        ops.put(Op::Set, &[1, 2, 3], &["a😀é"]);
        ops.put(Op::Fault, &[4], &["漢", "z"]);
        let mut read = Vec::new();
        ops.each(|op, words, strings| read.push((op, words.to_vec(), strings.concat()))).unwrap();
        assert_eq!(read, [(Op::Set, vec![1, 2, 3], "a😀é".into()), (Op::Fault, vec![4], "漢z".into())]);
        ops.words.pop();
        assert_eq!(ops.each(|_, _, _| {}), None);
    }
}
