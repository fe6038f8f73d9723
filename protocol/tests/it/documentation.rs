//! The published contract, held against the code.

use std::collections::BTreeSet;

use serde_json::Value;
use vivaz_protocol::{
    CLOSE_LEFT, ClientType, CloseCode, ErrorCode, Limits, Patch, RawJson, SUBPROTOCOL_JSON, ServerType,
    decode_client, decode_server,
};

use crate::golden::golden;

const DOCUMENT: &str = include_str!("../../../docs/protocol.md");

/// The lines of each block of code that is marked so.
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
fn every_example_is_a_message() {
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
fn every_message_has_its_example() {
    for direction in ["client", "server"] {
        let examples: BTreeSet<_> = blocks(&format!("json {direction}")).into_iter().collect();
        let captured = golden(direction);
        let captured: BTreeSet<_> = captured.iter().map(|(_, text)| text.as_str()).collect();
        assert_eq!(examples, captured, "{direction}");
    }
}

#[test]
fn every_example_of_a_patch_leads_where_it_says() {
    let lines = blocks("json patched");
    assert!(!lines.is_empty() && lines.len().is_multiple_of(3));
    for example in lines.chunks(3) {
        let [before, patch, after] = example else { panic!("three lines an example") };
        let mut state: Value = serde_json::from_str(before).unwrap();
        Patch::parse(RawJson::trusted(patch)).unwrap().apply(&mut state).unwrap();
        assert_eq!(state, serde_json::from_str::<Value>(after).unwrap(), "{patch}");
    }
}

#[test]
fn every_word_is_in_its_table() {
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
fn no_table_names_what_does_not_exist() {
    let cells = DOCUMENT.lines().filter_map(|line| line.strip_prefix("| ")?.split(" |").next());
    for word in cells.filter_map(|cell| cell.strip_prefix('`')?.strip_suffix('`')) {
        let message = ClientType::parse(word).is_some() || ServerType::parse(word).is_some();
        let shouted = word.chars().all(|c| c.is_ascii_uppercase() || c == '_');
        assert!(!shouted || message, "{word}");
        let snake = word.contains('_') && word.chars().all(|c| c.is_ascii_lowercase() || c == '_');
        assert!(!snake || ErrorCode::parse(word).is_some(), "{word}");
    }
}
