//! The decoder that runs the operations of the engine, in JavaScript.

use vivaz_engine::{Op, Ops};
use wasm_bindgen::prelude::*;

#[wasm_bindgen(module = "/js/dom.js")]
extern "C" {
    fn run(words: &[u32], text: &str);
    pub(crate) fn number(n: f64) -> String;
    pub(crate) fn float(text: &str) -> f64;
}

/// Asks for another turn, in which the socket is looked at.
pub(crate) fn later() {
    run(&[Op::Turn as u32], "");
}

/// Runs operations. While they run events fire, so nothing of the engine may be borrowed.
pub(crate) fn run_all(ops: &Ops) {
    run(&ops.words, &ops.text);
}
