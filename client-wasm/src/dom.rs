//! The JavaScript decoder that runs the engine's operations.

use vivaz_engine::{Op, Ops};
use wasm_bindgen::prelude::*;

#[wasm_bindgen(module = "/js/dom.js")]
extern "C" {
    fn run(words: &[u32], text: &str);
    pub(crate) fn number(n: f64) -> String;
    pub(crate) fn float(text: &str) -> f64;
    /// Opens a socket, or returns the one that the capture script has opened.
    #[wasm_bindgen(catch, js_name = openSocket)]
    pub(crate) fn open_socket(url: &str, protocol: &str) -> Result<web_sys::WebSocket, JsValue>;
}

/// Requests another turn, which polls the socket.
pub(crate) fn later() {
    run(&[Op::Turn as u32], "");
}

/// Runs operations. Events fire meanwhile, so the engine must not be borrowed.
pub(crate) fn run_all(ops: &Ops) {
    run(&ops.words, &ops.text);
}
