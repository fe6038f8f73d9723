//! The decoder of operations in a real browser: `cargo test --package vivaz-client --target wasm32-unknown-unknown`.
//!
//! What the engine writes is tested natively; here it is what `js/dom.js` makes of it, where only a browser knows:
//! adoption of parsed HTML, focus, the caret, what was typed before.

#![cfg(target_arch = "wasm32")]
#![expect(
    clippy::expect_used,
    reason = "everything here is a test; clippy does not know this attribute of tests"
)]

use wasm_bindgen::prelude::*;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

#[wasm_bindgen(module = "/js/dom.js")]
extern "C" {
    fn run(words: &[u32], text: &str) -> bool;
    fn reset();
    #[wasm_bindgen(thread_local_v2, js_name = elements)]
    static ELEMENTS: js_sys::Array;
}

/// Runs JavaScript with the component's element as `el`; what it returns, as text.
fn js(element: &JsValue, code: &str) -> String {
    let function = js_sys::Function::new_with_args("el", code);
    let value = function.call1(&JsValue::NULL, element).expect("the code runs");
    value.as_string().unwrap_or_else(|| format!("{value:?}"))
}

/// A component's element in the page with this content, as component 0.
fn page(html: &str) -> JsValue {
    reset();
    let make = js_sys::Function::new_with_args(
        "html",
        "const el = document.createElement('live-component'); el.innerHTML = html; document.body.append(el); return el",
    );
    let element = make.call1(&JsValue::NULL, &html.into()).expect("an element is made");
    ELEMENTS.with(|elements| elements.set(0, element.clone()));
    element
}

/// `template` 0 is the component, with its element as node 1; `template` 1 a row.
fn templates(component: &str, row: &str) {
    let words = [1, 0, 0, component.len() as u32, 1, 1, 0, row.len() as u32, 10, 1, 0, 0];
    assert!(run(&words, &format!("{component}{row}")));
}

/// A walk: its number, its kind and its steps.
fn path(number: u32, kind: u32, steps: &[u32]) {
    let mut words = vec![2, number, kind, steps.len() as u32];
    words.extend(steps);
    assert!(run(&words, ""));
}

#[wasm_bindgen_test]
fn a_text_is_found_between_markers_and_made_where_it_was_empty() {
    let element = page("<p>a<!>b<!>c</p><p>a<!><!>c</p>");
    templates("<p>a<!> <!>c</p><p>a<!> <!>c</p>", "<i></i>");
    path(1, 1, &[0, 1 << 16]);
    path(2, 1, &[1, 1 << 16]);
    assert!(run(&[16, 1, 1, 1, 16, 1, 2, 1], "xy"));
    assert_eq!(js(&element, "return el.textContent"), "axcayc");
}

#[wasm_bindgen_test]
fn rows_are_adopted_and_a_page_that_differs_is_noticed() {
    page("<ul><li>1</li><li>2</li></ul>");
    templates("<ul></ul>", "<li> </li>");
    path(1, 0, &[0]);
    path(2, 3, &[0]);
    assert!(run(&[8, 1, 1, 2, 9, 2, 2, 10, 2, 1, 1], ""));
    assert!(!run(&[9, 2, 2, 10, 3, 1, 1], ""), "there are two rows, not three");
}

#[wasm_bindgen_test]
fn a_row_that_moves_keeps_focus_and_caret() {
    let element = page("<ul><li><input value=abc></li><li><input></li></ul>");
    templates("<ul></ul>", "<li><input></li>");
    path(1, 0, &[0]);
    path(2, 3, &[0]);
    assert!(run(&[8, 1, 1, 2, 9, 2, 2, 10, 2, 1, 1], ""));
    js(&element, "const i = el.querySelector('input'); i.focus(); i.setSelectionRange(1, 2)");
    assert!(run(&[12, 2, 10, 0], ""));
    assert_eq!(
        js(
            &element,
            "const i = el.querySelectorAll('input')[1]; return [document.activeElement === i, i.selectionStart, i.selectionEnd].join()"
        ),
        "true,1,2"
    );
}

#[wasm_bindgen_test]
fn the_caret_stays_where_it_was_when_the_servers_value_comes() {
    let element = page("<input>");
    templates("<input>", "<i></i>");
    path(1, 0, &[0]);
    assert!(run(&[26, 1, 1, 0, 0, 5], "hello"));
    js(&element, "const i = el.firstChild; i.focus(); i.setSelectionRange(5, 5)");
    assert!(run(&[26, 1, 1, 0, 0, 6], "Xhello"));
    assert_eq!(js(&element, "const i = el.firstChild; return i.value + i.selectionStart"), "Xhello6");
    // While text is composed nothing is written.
    js(&element, "el.firstChild.$c = 1");
    assert!(run(&[26, 1, 1, 0, 0, 1], "y"));
    assert_eq!(js(&element, "return el.firstChild.value"), "Xhello");
}

#[wasm_bindgen_test]
fn the_wire_gives_an_attribute_back_as_it_is_meant_to_be() {
    let element = page("<button>b</button>");
    templates("<button>b</button>", "<i></i>");
    path(1, 0, &[0]);
    assert!(run(&[28, 1, 1, 2, 1, 8], "disabled"));
    assert_eq!(js(&element, "return String(el.firstChild.disabled)"), "true");
    // The server disables it meanwhile: that counts when the wire lets go.
    assert!(run(&[3, 0, 8, 19, 1, 1, 0, 0], "disabled"));
    assert!(run(&[28, 1, 1, 2, 0, 8], "disabled"));
    assert_eq!(js(&element, "return String(el.firstChild.disabled)"), "true");
    assert!(run(&[28, 1, 1, 2, 1, 8, 20, 1, 1, 0, 28, 1, 1, 2, 0, 8], "disableddisabled"));
    assert_eq!(js(&element, "return String(el.firstChild.disabled)"), "false");
}

#[wasm_bindgen_test]
fn a_selection_survives_new_options() {
    let element = page("<select></select>");
    templates("<select></select>", "<option></option>");
    path(1, 0, &[0]);
    assert!(run(&[8, 1, 1, 2, 26, 1, 1, 4, 0, 1], "b"));
    // The option comes after the value was set.
    assert!(run(&[3, 0, 5, 7, 20, 1, 19, 20, 0, 0, 1, 12, 2, 20, 0], "valueb"));
    assert_eq!(js(&element, "return el.firstChild.value"), "b");
}
