//! Compiling any source gives a template or errors, and every compiled template can be rendered.

use proptest::prelude::*;
use serde_json::json;
use vivaz_template::{compile, render};

use crate::corpus;

/// Generates parts of the language in any order.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "<p>",
        "</p>",
        "<div ",
        ">",
        "/>",
        "<",
        "</",
        "<li live:for=\"x in xs\" live:key=\"x.id\">",
        "</li>",
        "{{",
        "}}",
        "{{ a }}",
        "{{ a.b[",
        "'",
        "\"",
        "=",
        " live:if=\"",
        "live:else",
        "live:click=\"go(",
        ")",
        ";",
        "<!--",
        "-->",
        "<svg>",
        "</svg>",
        "<table>",
        "<tr>",
        "<td>",
        "</table>",
        "<textarea>",
        "</textarea>",
        "<select live:model=\"a\">",
        "<option>",
        "</option>",
        "</select>",
        "<script>",
        "</script>",
        "<live:x a=\"{{ b }}\">",
        "</live:x>",
        "&amp;",
        "&#x",
        "é",
        "\u{0}",
        "\r\n",
        " ",
        "a",
        "$user",
        "?",
        ":",
        "??",
        "(",
        "style=\"a:{{ b }};c:d\"",
        "class=\"{{ a }} b\"",
        "<input live:model.debounce.=\"a\">",
        "{{ '",
        "{{ {a: 1} }}",
        "<pre>\n",
        "</pre>",
    ]);
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

fn survives(source: &str) {
    let Ok(compiled) = compile(source) else { return };
    let json: serde_json::Value = serde_json::from_str(&compiled.to_json(&|_| false)).unwrap();
    assert_eq!(json.as_array().map(Vec::len), Some(5), "{source:?}");
    for state in corpus::states() {
        render(&compiled, &state, Some(&json!({"id": 1})));
    }
}

proptest! {
    #[test]
    fn any_text_is_survived(source in any::<String>()) {
        survives(&source);
    }

    #[test]
    fn any_mixture_of_the_language_is_survived(source in pieces()) {
        survives(&source);
    }

    #[test]
    fn any_cut_of_a_template_is_survived(which in 0..corpus::TEMPLATES.len(), from in 0..400_usize, length in 0..400_usize) {
        let source: String = corpus::TEMPLATES[which].chars().skip(from).take(length).collect();
        survives(&source);
    }
}

#[test]
fn depth_is_bounded() {
    for source in [
        "<div>".repeat(10_000),
        format!("{{{{ {} }}}}", "(".repeat(10_000)),
        format!("{{{{ {}1 }}}}", "!".repeat(10_000)),
        format!("{{{{ {}1 }}}}", "1+".repeat(10_000)),
        format!("{{{{ a{} }}}}", ".b".repeat(10_000)),
        format!("{{{{ {}a }}}}", "a ? b : ".repeat(10_000)),
        format!("{{{{ a{} }}}}", "[a".repeat(10_000)),
        "x".repeat(2 << 20),
    ] {
        assert!(compile(&source).is_err(), "{}", source.get(..20).unwrap());
    }
}
