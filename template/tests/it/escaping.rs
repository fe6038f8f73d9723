//! No value can leave the place where the template puts it.

use proptest::prelude::*;
use serde_json::json;
use vivaz_template::{compile, render};

use crate::dom::{Element, Node, parsed};

/// Generates text with characters that end contexts, more often than random text.
fn nasty() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        any::<String>(),
        "[<>&\"'/=!-]{1,4}",
        Just("</script>".to_owned()),
        Just("</textarea>".to_owned()),
        Just("</title></style>".to_owned()),
        Just("-->".to_owned()),
        Just("<!--".to_owned()),
        Just("&amp;".to_owned()),
        Just("&#60;".to_owned()),
        Just("\r\n".to_owned()),
        Just("\n".to_owned()),
        Just("]]>".to_owned()),
        Just("\" onload=\"x".to_owned()),
    ];
    prop::collection::vec(part, 0..6).prop_map(|parts| parts.concat())
}

fn only<'a>(element: &'a Element, name: &str) -> &'a Element {
    let found = element.children.iter().find_map(|node| match node {
        Node::Element(element) if element.name == name => Some(element),
        _ => None,
    });
    found.unwrap_or_else(|| panic!("{name} in {element:#?}"))
}

fn page(source: &str, value: &str) -> Element {
    let compiled = compile(source).unwrap();
    let html = render(&compiled, &json!({"v": value}), None).html;
    parsed(&format!("<live-component>{html}</live-component>"), "live-component")
}

proptest! {
    #[test]
    fn text_and_attributes_read_back_as_they_were(value in nasty()) {
        // Parsers replace or drop NUL, however it is written.
        let expected = value.replace('\0', "\u{fffd}");
        let source = "<p title='{{ v }}' data-v='a{{ v }}b' class='k'>{{ v }}</p><textarea>{{ v }}</textarea><pre>{{ v }}</pre><title>{{ v }}</title><input value='{{ v }}'>";
        let root = page(source, &value);
        prop_assert_eq!(root.children.len(), 5);
        let p = only(&root, "p");
        prop_assert_eq!(p.attributes.len(), 3);
        prop_assert_eq!(&p.attributes["title"], &expected);
        prop_assert_eq!(&p.attributes["data-v"], &format!("a{expected}b"));
        for name in ["p", "textarea", "pre", "title"] {
            let element = only(&root, name);
            prop_assert!(element.children.iter().all(|node| matches!(node, Node::Text(_))));
            prop_assert_eq!(element.text(), expected.as_str(), "in {}", name);
        }
        prop_assert_eq!(&only(&root, "input").attributes["value"], &expected);
    }

    #[test]
    fn options_tables_and_drawings_hold(value in nasty()) {
        let expected = value.replace('\0', "\u{fffd}");
        let source = "<select><option>{{ v }}</option></select><table><tr><td>{{ v }}</td></tr></table><svg><text x='{{ v }}'>{{ v }}</text></svg>";
        let root = page(source, &value);
        prop_assert_eq!(root.children.len(), 3);
        for path in [&["select", "option"][..], &["table", "tbody", "tr", "td"], &["svg", "text"]] {
            let element = path.iter().fold(&root, |element, name| only(element, name));
            prop_assert_eq!(element.text(), expected.as_str(), "in {:?}", path);
        }
    }

    #[test]
    fn a_url_never_runs_a_script(value in nasty(), scheme in "(?i)[ \\t\\n\\x01]{0,2}(java[\\t\\n]?script|vbscript|data)[\\t]?:") {
        let url = format!("{scheme}{value}");
        let root = page("<a href='{{ v }}'>x</a><img src='{{ v }}'>", &url);
        for name in ["a", "img"] {
            let written = only(&root, name).attributes.values().next().cloned().unwrap_or_default();
            let plain: String = written.chars().filter(|c| !matches!(c, '\t' | '\n' | '\r')).collect();
            let plain = plain.trim_start_matches(|c| c <= ' ').to_ascii_lowercase();
            let bitmap = plain.starts_with("data:image/") && !plain.starts_with("data:image/svg");
            prop_assert!(bitmap || !["javascript:", "vbscript:", "data:"].iter().any(|s| plain.starts_with(s)), "{:?}", written);
        }
    }
}

#[test]
fn only_live_html_writes_raw_html() {
    let root = page("<div live:html='v'></div><div live:text='v'></div>", "<b>x</b>");
    let html: Vec<&Node> = root.children.iter().collect();
    let Node::Element(first) = html[0] else { panic!("{root:#?}") };
    let Node::Element(second) = html[1] else { panic!("{root:#?}") };
    assert!(matches!(&first.children[..], [Node::Element(b)] if b.name == "b"));
    assert!(matches!(&second.children[..], [Node::Text(text)] if text == "<b>x</b>"));
}

/// Split as in the page, by `\s`.
#[test]
fn classes_equal_those_of_the_page() {
    let class = |value: serde_json::Value| {
        let compiled = compile("<p class='{{ v }}' live:class:on='false'></p>").unwrap();
        let html = render(&compiled, &json!({ "v": value }), None).html;
        let root = parsed(&format!("<main>{html}</main>"), "main");
        only(&root, "p").attributes.get("class").cloned()
    };
    for (value, expected) in [
        (json!("a\u{a0}b\u{85}c"), Some("a b\u{85}c")),
        (json!("a\u{b}b\u{2003}c\u{feff}d"), Some("a b c d")),
        (json!("a\tb\nc\u{c}d\re  f"), Some("a b c d e f")),
        (json!(true), None),
        (json!(false), None),
        (json!(null), None),
        (json!(""), None),
        (json!(["a"]), None),
        (json!(12), Some("12")),
    ] {
        assert_eq!(class(value.clone()).as_deref(), expected, "{value:?}");
    }
}
