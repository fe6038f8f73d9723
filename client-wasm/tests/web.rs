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
    #[wasm_bindgen(js_name = run)]
    fn decode(words: &[u32], text: &str);
    fn reset();
    #[wasm_bindgen(thread_local_v2, js_name = effects)]
    static EFFECTS: js_sys::Object;
    #[wasm_bindgen(thread_local_v2, js_name = elements)]
    static ELEMENTS: js_sys::Map;
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
    ELEMENTS.with(|elements| elements.set(&0.into(), &element));
    element
}

/// Runs operations. Returns whether all nodes were where the template says.
fn run(words: &[u32], text: &str) -> bool {
    let unfit = js_sys::Array::new();
    let note = js_sys::Function::new_with_args("unfit, effects", "effects.anew = slot => unfit.push(slot)");
    EFFECTS.with(|effects| note.call2(&JsValue::NULL, &unfit, effects)).expect("an effect is set");
    decode(words, text);
    unfit.length() == 0
}

/// Takes blocks, the first of which is the component's; its element is node 1.
fn templates(blocks: &str) {
    assert!(run(&[1, 0, blocks.encode_utf16().count() as u32, 4, 1, 0, 0, 0], blocks));
}

/// Shows a value in a hole; a kind of 11 is text.
fn set(node: u32, hole: u32, kind: u32, value: &str) {
    assert!(run(&[9, node, hole, kind, value.encode_utf16().count() as u32], value));
}

#[wasm_bindgen_test]
fn a_text_is_found_between_markers_and_made_where_it_was_empty() {
    let element = page("<p>a<!>b<!>c</p><p>a<!><!>c</p>");
    templates(r#"[["<p>a<!> <!>c</p><p>a<!> <!>c</p>",0,[[0,[0],65536],[0,[1],65536]]]]"#);
    set(1, 0, 11, "x");
    set(1, 1, 11, "y");
    assert_eq!(js(&element, "return el.textContent"), "axcayc");
}

const ROWS: &str = r#"[["<ul></ul>",0,[[7,[0],0,-1]]],["<li><input></li>",0,[]]]"#;

#[wasm_bindgen_test]
fn rows_are_adopted_and_a_page_that_differs_is_noticed() {
    page("<ul><li>1</li><li>2</li></ul>");
    templates(ROWS);
    assert!(run(&[3, 1, 0, 10, 2, 1, 1], ""));
    assert!(!run(&[3, 1, 0, 10, 3, 1, 1], ""), "there are two rows, not three");
}

#[wasm_bindgen_test]
fn a_row_that_moves_keeps_focus_and_caret() {
    let element = page("<ul><li><input value=abc></li><li><input></li></ul>");
    templates(ROWS);
    assert!(run(&[3, 1, 0, 10, 2, 1, 1], ""));
    js(&element, "const i = el.querySelector('input'); i.focus(); i.setSelectionRange(1, 2)");
    assert!(run(&[5, 2, 10, 0], ""));
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
    templates(r#"[["<input>",0,[[9,[0],0,"a",0,0]]]]"#);
    set(1, 0, 11, "hello");
    js(&element, "const i = el.firstChild; i.focus(); i.setSelectionRange(5, 5)");
    set(1, 0, 11, "Xhello");
    assert_eq!(js(&element, "const i = el.firstChild; return i.value + i.selectionStart"), "Xhello6");
    // While text is composed nothing is written.
    js(&element, "el.firstChild.$c = 1");
    set(1, 0, 11, "y");
    assert_eq!(js(&element, "return el.firstChild.value"), "Xhello");
}

#[wasm_bindgen_test]
fn the_wire_gives_an_attribute_back_as_it_is_meant_to_be() {
    let element = page("<button>b</button>");
    templates(r#"[["<button>b</button>",0,[[3,[0],"disabled",0],[10,[0],2,"disabled"]]]]"#);
    set(1, 1, 10, "true");
    assert_eq!(js(&element, "return String(el.firstChild.disabled)"), "true");
    // The server disables it meanwhile: that counts when the wire lets go.
    set(1, 0, 10, "true");
    set(1, 1, 1, "false");
    assert_eq!(js(&element, "return String(el.firstChild.disabled)"), "true");
    set(1, 1, 10, "true");
    set(1, 0, 1, "false");
    set(1, 1, 1, "false");
    assert_eq!(js(&element, "return String(el.firstChild.disabled)"), "false");
}

#[wasm_bindgen_test]
fn a_selection_survives_new_options() {
    let element = page("<select></select>");
    templates(
        r#"[["<select></select>",0,[[7,[0],0,-1],[9,[0],4,"a",0,0]]],["<option></option>",0,[[3,[],"value",0]]]]"#,
    );
    // The option comes after the value was set.
    assert!(run(&[9, 1, 1, 11, 1, 2, 20, 1, 9, 20, 0, 11, 1, 5, 2, 20, 0], "bb"));
    assert_eq!(js(&element, "return el.firstChild.value"), "b");
}

/// The same as on the server: `vivaz_template::url`.
#[wasm_bindgen_test]
fn urls_that_run_scripts_are_refused_here_too() {
    let element = page("<a></a><img>");
    templates(r#"[["<a></a><img>",0,[[3,[0],"href",1],[3,[1],"srcset",2]]]]"#);
    for (url, shown) in [
        ("/ok", "/ok"),
        ("JaVaScRiPt:alert(1)", "about:invalid"),
        (" \u{1}java\nscr\tipt:alert(1)", "about:invalid"),
        ("vbscript:x", "about:invalid"),
        ("data:text/html,<script>", "about:invalid"),
        ("data:image/svg+xml,<svg onload=x>", "about:invalid"),
        ("data:image/x+xml,<x>", "about:invalid"),
        ("data:image/png+xml,<x>", "about:invalid"),
        ("DATA:IMAGE/PNG;base64,AAAA", "DATA:IMAGE/PNG;base64,AAAA"),
        ("data:image/png;base64,AAAA", "data:image/png;base64,AAAA"),
        ("https://example.org/javascript:x", "https://example.org/javascript:x"),
        ("x javascript:y", "x javascript:y"),
    ] {
        set(1, 0, 11, url);
        assert_eq!(js(&element, "return el.firstChild.getAttribute('href')"), shown);
    }
    set(1, 1, 11, "/a.png 1x, javascript:b 2x");
    assert_eq!(js(&element, "return el.lastChild.getAttribute('srcset')"), "about:invalid");
    // What is no text has none.
    set(1, 0, 0, "");
    assert_eq!(js(&element, "return String(el.firstChild.hasAttribute('href'))"), "false");
}

/// The same as on the server: `vivaz_template::render`.
#[wasm_bindgen_test]
fn classes_are_set_as_the_server_writes_them() {
    let element = page("<p></p>");
    templates(r#"[["<p></p>",0,[[3,[0],"class",5],[4,[0],"on"]]]]"#);
    let shown = || js(&element, "return String(el.firstChild.getAttribute('class'))");
    for (kind, value, class) in [
        (11, "a\u{a0}b\u{85}c", "a b\u{85}c"),
        (11, "a\u{b}b\u{2003}c\u{feff}d", "a b c d"),
        (11, " a\tb\nc\u{c}d\re  f", "a b c d e f"),
        // What names no class leaves no attribute.
        (10, "true", "null"),
        (11, "a", "a"),
        (0, "", "null"),
        (11, "a", "a"),
        (3, "", "null"),
    ] {
        set(1, 0, kind, value);
        assert_eq!(shown(), class, "{value:?}");
    }
    set(1, 1, 10, "true");
    assert_eq!(shown(), "on");
    set(1, 1, 1, "false");
    assert_eq!(shown(), "null");
}

/// A parser reads none, so the first paint has something else in its place.
#[wasm_bindgen_test]
fn a_nul_is_shown_as_the_server_writes_it() {
    let element = page("<p></p><b></b><i></i>");
    templates(
        r#"[["<p> </p><b></b><i></i>",0,[[0,[0],0],[3,[0],"title",0],[1,[1]],[2,[2]],[3,[0],"data-v",4]]]]"#,
    );
    for hole in 0..5 {
        set(1, hole, 11, "a\0b");
    }
    let shown = js(
        &element,
        "const [p, b, i] = el.children; return [p.textContent, p.title, b.textContent, i.textContent, p.dataset.v].join()",
    );
    assert_eq!(shown, ["a\u{fffd}b"; 5].join(","));
}
