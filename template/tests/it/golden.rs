//! Golden files: the compiled and rendered form of each template of the corpus, and the errors of
//! each incorrect template. `UPDATE_GOLDEN=1 cargo test -p vivaz-template` writes them; review the
//! difference before committing it.

use std::fmt::Write;
use std::path::Path;

use serde_json::json;
use vivaz_template::{compile, render};

use crate::corpus;

fn compare(file: &str, found: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(file);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, found).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap();
    for (line, (found, expected)) in found.lines().zip(expected.lines()).enumerate() {
        assert_eq!(found, expected, "{file}:{}", line + 1);
    }
    assert_eq!(found.len(), expected.len(), "{file} has another length");
}

#[test]
fn templates() {
    let mut out = String::new();
    let state = &corpus::states()[1];
    for source in corpus::TEMPLATES {
        let compiled = compile(source).unwrap();
        let rendered = render(&compiled, state, Some(&json!({"id": 7, "name": "Ada"})));
        writeln!(out, "{source}\n--- compiled\n{}\n--- rendered", compiled.to_json(&|_| false)).unwrap();
        writeln!(out, "{}\n--- shape {:?}", rendered.html, rendered.shape).unwrap();
        for child in rendered.children {
            writeln!(out, "--- child {child:?}").unwrap();
        }
        out.push_str("==========\n");
    }
    compare("templates.txt", &out);
}

/// Checks one source per line, with its errors indented below it.
#[test]
fn mistakes() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/mistakes.txt");
    let mut out = String::new();
    for source in std::fs::read_to_string(path).unwrap().lines().filter(|line| !line.starts_with("  ")) {
        let errors = compile(source).expect_err(source);
        writeln!(out, "{source}").unwrap();
        for error in errors {
            writeln!(out, "  {error}").unwrap();
        }
    }
    compare("mistakes.txt", &out);
}

#[test]
fn all_errors_are_reported_with_line_and_column() {
    let source = "<ul>\n  <li live:for=\"x in xs\">{{ x. }}</li>\n</ul>\n<p>é {{ a ~ b }}</p>\n<buton live:clik=\"go()\">x</buton>\n";
    let errors: Vec<String> = compile(source).unwrap_err().iter().map(ToString::to_string).collect();
    assert_eq!(
        errors,
        [
            "2:3: `live:for` needs a `live:key` that identifies the row, such as `live:key=\"item.id\"`",
            "2:31: expected the name of a field, not the end",
            "4:11: `~` is not allowed in an expression",
            "5:1: unknown element `<buton>` (a custom element's name has a hyphen); did you mean `button`?",
            "5:8: unknown attribute `live:clik`; did you mean `live:click`?",
        ]
    );
}
