//! The buffer of operations, and the decoder that runs them.

use wasm_bindgen::prelude::*;

use super::{Dom, Op};

#[wasm_bindgen(module = "/js/dom.js")]
extern "C" {
    fn run(words: &[u32], text: &str);
    #[cfg(target_arch = "wasm32")]
    pub(crate) fn number(n: f64) -> String;
    #[cfg(target_arch = "wasm32")]
    pub(crate) fn float(text: &str) -> f64;
}

/// Asks for another turn, in which the socket is looked at.
pub(crate) fn later() {
    run(&[Op::Turn as u32], "");
}

/// The real page's [`Dom`].
#[derive(Default)]
pub(crate) struct Ops {
    words: Vec<u32>,
    text: String,
}

impl Dom for Ops {
    fn put(&mut self, op: Op, words: &[u32], strings: &[&str]) {
        self.words.push(op as u32);
        self.words.extend_from_slice(words);
        for text in strings {
            self.text.push_str(text);
            // The decoder cuts a JavaScript string, which counts in UTF-16: one for each character, and one more for
            // those that take four bytes.
            let mut length = 0;
            for byte in text.bytes() {
                length += u32::from(byte & 0xC0 != 0x80) + u32::from(byte >= 0xF0);
            }
            self.words.push(length);
        }
    }
}

impl Ops {
    pub(crate) fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// Runs the operations. While it runs events fire, so nothing of the engine may be borrowed.
    pub(crate) fn run(&self) {
        run(&self.words, &self.text);
    }
}
