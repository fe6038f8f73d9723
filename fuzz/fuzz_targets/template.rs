//! Compiles templates. A template that compiles renders with every state, and the page accepts its
//! compiled form.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};
use vivaz_engine::fuzzing::is_template;
use vivaz_template::{compile, render};

static STATES: LazyLock<[Value; 3]> = LazyLock::new(|| {
    let rows = json!([
        { "id": 1, "text": "one", "done": true, "tags": ["p", "q"], "cells": [1, 2] },
        { "id": "z", "text": "th<ree", "done": null, "tags": [], "cells": [] },
    ]);
    [
        json!({}),
        json!({ "a": "A", "b": "B & <b>\"'", "c": "", "n": 3, "f": 1.5, "yes": true, "no": false, "html": "<i>x</i>",
                "url": "javascript:alert(1)", "list": [1, 2], "rows": rows, "obj": { "k": "v" }, "one": ["x"] }),
        json!({ "a": [], "b": { "a": 1 }, "n": i64::MAX, "f": f64::MIN, "yes": 1, "list": "no list", "rows": [1, [2]],
                "obj": null }),
    ]
});

fuzz_target!(|source: &str| {
    let Ok(compiled) = compile(source) else { return };
    assert!(is_template(&compiled.to_json(&|_| false)));
    for state in STATES.iter() {
        let rendered = render(&compiled, state, Some(&json!({ "id": 1, "name": "<Ada>" })));
        for child in &rendered.children {
            assert!(rendered.html.is_char_boundary(child.offset));
        }
    }
});
