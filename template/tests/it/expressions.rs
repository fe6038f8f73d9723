//! Evaluation of expressions.

use serde_json::{Value, json};
use vivaz_template::{compile, render};

fn shown(expression: &str, state: &Value) -> String {
    let compiled = compile(&format!("<p data-x=\"{{{{ {expression} }}}}\"></p>"))
        .unwrap_or_else(|errors| panic!("{expression}: {errors:?}"));
    let html = render(&compiled, state, Some(&json!({"id": 7, "name": "Ada"}))).html;
    html.strip_prefix("<p")
        .unwrap()
        .strip_suffix("></p>")
        .unwrap()
        .trim_start()
        .replace("data-x=", "")
        .replace('"', "")
}

#[test]
fn values() {
    let state = json!({
        "n": 7, "f": 2.5, "s": "text", "e": "", "t": true, "l": [1, "a", null], "o": {"k": "v", "1": "one"}, "big": i64::MAX,
        "empty": [], "none": null, "u": "Grüße"
    });
    for (expression, expected) in [
        ("n + 1", "8"),
        ("n - 10", "-3"),
        ("n * 2", "14"),
        ("n / 2", "3.5"),
        ("n / 7", "1"),
        ("n / 0", ""),
        ("n % 0", ""),
        ("n % 4", "3"),
        ("-n % 4", "-3"),
        ("f % 2", "0.5"),
        ("big + 1", "9223372036854776000"),
        ("1 + 2 * 3", "7"),
        ("(1 + 2) * 3", "9"),
        ("2 - 1 - 1", "0"),
        ("s + n", "text7"),
        ("none + s", "text"),
        ("none + 1", ""),
        ("!n", "false"),
        ("!!s", "true"),
        ("!e", "true"),
        ("!empty", "true"),
        ("!o", "false"),
        ("!none", "true"),
        ("n == 7.0", "true"),
        ("s == 'text'", "true"),
        ("s != 'text'", "false"),
        ("none == missing", "true"),
        ("l == l", "false"),
        ("t == 1", "false"),
        ("n &lt; 8", "true"),
        ("n <= 7 && n >= 7", "true"),
        ("'a' < 'b'", "true"),
        ("'a' < 1", "false"),
        ("none < 1", "false"),
        ("e || s", "text"),
        ("e ?? s", ""),
        ("none ?? s", "text"),
        ("s && n", "7"),
        ("e && n", ""),
        ("t ? 'y' : 'n'", "y"),
        ("e ? 1 : t ? 2 : 3", "2"),
        ("l[0]", "1"),
        ("l[9]", ""),
        ("l[-1]", ""),
        ("o['k']", "v"),
        ("o.k", "v"),
        ("o[1]", "one"),
        ("o[s]", ""),
        ("s.k.deep[3].er", ""),
        ("l.len()", "3"),
        ("u.len()", "5"),
        ("o.len()", "2"),
        ("none.len()", "0"),
        ("n.len()", "0"),
        ("empty.is_empty()", "true"),
        ("s.contains('ex')", "true"),
        ("s.contains('')", "true"),
        ("s.contains('no')", "false"),
        ("l.contains('a')", "true"),
        ("l.contains(none)", "true"),
        ("l.contains(1.0)", "true"),
        ("o.contains('k')", "true"),
        ("o.contains('v')", "false"),
        ("n.contains(7)", "false"),
        ("$user.name", "Ada"),
        ("'it\\'s \\\\ \\n'", "it's \\ \n"),
        ("0.1 + 0.2", "0.30000000000000004"),
        ("1.0", "1"),
        ("-1.5", "-1.5"),
    ] {
        assert_eq!(shown(expression, &state), expected, "{expression}");
    }
}

#[test]
fn attributes_by_kind() {
    let state = json!({"t": true, "f": false, "s": "x", "n": null, "url": " java\nscript:x"});
    for (source, expected) in [
        ("<i title='{{ t }}'></i>", "<i title=\"\"></i>"),
        ("<i title='{{ f }}'></i>", "<i></i>"),
        ("<i title='{{ n }}'></i>", "<i></i>"),
        ("<i title='a{{ n }}'></i>", "<i title=\"a\"></i>"),
        ("<i aria-busy='{{ f }}'></i>", "<i aria-busy=\"false\"></i>"),
        ("<i aria-busy='{{ n }}'></i>", "<i></i>"),
        ("<input disabled='{{ t }}' checked='{{ f }}'>", "<input disabled=\"\">"),
        ("<a href='{{ url }}'></a>", "<a href=\"about:invalid\"></a>"),
        ("<a href='{{ s }}?{{ url }}'></a>", "<a href=\"x? java\nscript:x\"></a>"),
        ("<a href='java{{ \"script:\" }}{{ s }}'></a>", "<a href=\"about:invalid\"></a>"),
        ("<img srcset='{{ s }} 1x, {{ \"data:text/html,x\" }} 2x'>", "<img srcset=\"about:invalid\">"),
        (
            "<form action='{{ url }}'><button formaction='{{ url }}'></button></form>",
            "<form action=\"about:invalid\"><button formaction=\"about:invalid\"></button></form>",
        ),
        (
            "<svg><a xlink:href='{{ url }}' href='{{ url }}'/><set to='{{ url }}'/></svg>",
            "<svg><a xlink:href=\"about:invalid\" href=\"about:invalid\"></a><set to=\"about:invalid\"></set></svg>",
        ),
        ("<p style='color: {{ s }}'></p>", "<p></p>"),
        ("<i class='{{ n }}'></i>", "<i></i>"),
    ] {
        let compiled = compile(source).unwrap_or_else(|errors| panic!("{source}: {errors:?}"));
        assert_eq!(render(&compiled, &state, None).html, expected, "{source}");
    }
}
