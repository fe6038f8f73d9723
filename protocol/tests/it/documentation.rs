//! Checks docs/protocol.md against the code.

use std::collections::BTreeSet;

use serde_json::Value;
use vivaz_protocol::{
    CLOSE_LEFT, ClientType, CloseCode, ErrorCode, Limits, Patch, RawJson, SUBPROTOCOL_JSON, ServerType,
    compact, decode_client, decode_server,
};

use crate::golden::golden;

const DOCUMENT: &str = include_str!("../../../docs/protocol.md");

/// Returns the lines of all code blocks with this language mark.
fn blocks(mark: &str) -> Vec<&'static str> {
    let mut blocks = Vec::new();
    let mut inside = None;
    for line in DOCUMENT.lines() {
        match (inside, line.strip_prefix("```")) {
            (None, Some(opened)) => inside = Some(opened == mark),
            (Some(_), Some(_)) => inside = None,
            (Some(true), None) => blocks.push(line),
            (Some(false) | None, None) => {}
        }
    }
    assert!(inside.is_none(), "a block is not closed");
    blocks
}

#[test]
fn examples_are_valid() {
    for line in blocks("json client") {
        decode_client(line, &Limits::default()).unwrap_or_else(|error| panic!("{line}: {error}"));
    }
    for line in blocks("json server") {
        decode_server(line).unwrap_or_else(|error| panic!("{line}: {error}"));
    }
    for line in blocks("json patch") {
        Patch::parse(RawJson::trusted(line)).unwrap_or_else(|error| panic!("{line}: {error}"));
    }
}

#[test]
fn examples_equal_the_golden_files() {
    for direction in ["client", "server"] {
        let examples: BTreeSet<_> = blocks(&format!("json {direction}")).into_iter().collect();
        let captured = golden(direction);
        let captured: BTreeSet<_> = captured.iter().map(|(_, text)| text.as_str()).collect();
        assert_eq!(examples, captured, "{direction}");
    }
}

#[test]
fn compact_examples_and_tables_are_those_of_the_code() {
    let lines = blocks("json compact");
    assert!(!lines.is_empty() && lines.len().is_multiple_of(2));
    for example in lines.chunks(2) {
        let [object, text] = example else { panic!("an example has two lines") };
        let mut compacted = String::new();
        compact::from_object(&mut compacted, object);
        assert_eq!(compacted, *text);
    }
    let layouts = compact::layouts().enumerate();
    let rows: Vec<_> = layouts
        .map(|(code, (kind, fields))| {
            format!("| {code} | {kind} | {} |", fields.join(", ")).replace("|  |", "| |")
        })
        .collect();
    assert!(DOCUMENT.contains(&rows.join("\n")), "the table is not\n{}", rows.join("\n"));
    let fields: Vec<_> = compact::fields().collect();
    assert!(DOCUMENT.contains(&format!("| field | {} |", fields.join(" | "))));
}

#[test]
fn patch_examples_give_the_documented_state() {
    let lines = blocks("json patched");
    assert!(!lines.is_empty() && lines.len().is_multiple_of(3));
    for example in lines.chunks(3) {
        let [before, patch, after] = example else { panic!("an example has three lines") };
        let mut state: Value = serde_json::from_str(before).unwrap();
        Patch::parse(RawJson::trusted(patch)).unwrap().apply(&mut state).unwrap();
        assert_eq!(state, serde_json::from_str::<Value>(after).unwrap(), "{patch}");
    }
}

#[test]
fn tables_contain_all_words() {
    let row = |cell: &str| DOCUMENT.lines().any(|line| line.starts_with(&format!("| {cell} |")));
    for kind in ClientType::ALL {
        assert!(row(&format!("`{kind}`")), "{kind}");
    }
    for kind in ServerType::ALL {
        assert!(row(&format!("`{kind}`")), "{kind}");
    }
    for code in ErrorCode::ALL {
        assert!(row(&format!("`{code}`")), "{code}");
    }
    for code in CloseCode::ALL {
        assert!(row(&code.as_u16().to_string()), "{}", code.as_u16());
    }
    assert!(row(&CLOSE_LEFT.to_string()));
    assert!(DOCUMENT.contains(&format!("`{SUBPROTOCOL_JSON}`")));
}

#[test]
fn tables_contain_only_known_words() {
    let cells = DOCUMENT.lines().filter_map(|line| line.strip_prefix("| ")?.split(" |").next());
    for word in cells.filter_map(|cell| cell.strip_prefix('`')?.strip_suffix('`')) {
        let message = ClientType::parse(word).is_some() || ServerType::parse(word).is_some();
        let shouted = word.chars().all(|c| c.is_ascii_uppercase() || c == '_');
        assert!(!shouted || message, "{word}");
        let snake = word.contains('_') && word.chars().all(|c| c.is_ascii_lowercase() || c == '_');
        assert!(!snake || ErrorCode::parse(word).is_some(), "{word}");
    }
}
