//! The sources that the pages show: the same files that the binary is built from.

use crate::highlight::Language;

/// A file of this crate.
pub(crate) struct SourceFile {
    pub(crate) title: &'static str,
    pub(crate) path: &'static str,
    pub(crate) text: &'static str,
    pub(crate) language: Language,
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
