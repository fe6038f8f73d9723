//! The sources that the pages show: the same files that the binary is built from.

use serde::Serialize;
use vivaz::prelude::*;

use crate::highlight::{Language, highlight};

/// A file of this crate.
pub(crate) struct SourceFile {
    pub(crate) title: &'static str,
    pub(crate) path: &'static str,
    pub(crate) text: &'static str,
    pub(crate) language: Language,
}

/// A file as a page shows it.
#[derive(Clone, LiveState, Serialize)]
pub(crate) struct SourcePanel {
    title: &'static str,
    /// The folder, with a slash at the end.
    folder: &'static str,
    file: &'static str,
    /// The text with colours.
    html: String,
}

pub(crate) fn panels(files: &[SourceFile]) -> Vec<SourcePanel> {
    let panel = |source: &SourceFile| {
        let (folder, file) = source.path.split_at(source.path.rfind('/').map_or(0, |slash| slash + 1));
        SourcePanel { title: source.title, folder, file, html: highlight(source.text, source.language) }
    };
    files.iter().map(panel).collect()
}

macro_rules! component {
    ($name:literal) => {
        &[
            SourceFile {
                title: "Rust",
                path: concat!("demo/src/components/", $name, ".rs"),
                text: include_str!(concat!("../components/", $name, ".rs")),
                language: Language::Rust,
            },
            SourceFile {
                title: "Template",
                path: concat!("demo/src/components/", $name, ".html"),
                text: include_str!(concat!("../components/", $name, ".html")),
                language: Language::Template,
            },
        ]
    };
}

pub(crate) const COUNTER: &[SourceFile] = component!("counter");
pub(crate) const CHAT: &[SourceFile] = component!("chat");
pub(crate) const FORM: &[SourceFile] = component!("form");
pub(crate) const TODO: &[SourceFile] = component!("todo");
pub(crate) const SEATS: &[SourceFile] = component!("seats");
pub(crate) const ROWS: &[SourceFile] = component!("rows");
pub(crate) const HOOK: &[SourceFile] = &[
    SourceFile {
        title: "JavaScript",
        path: "demo/assets/hook.js",
        text: include_str!("../../assets/hook.js"),
        language: Language::JavaScript,
    },
    SourceFile {
        title: "Rust",
        path: "demo/src/components/counter.rs",
        text: include_str!("../components/counter.rs"),
        language: Language::Rust,
    },
];
