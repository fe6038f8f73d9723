//! The sources that the pages show: the very files that the binary was made of.

use crate::highlight::Language;

/// A file of this crate.
pub(crate) struct Source {
    pub(crate) title: &'static str,
    pub(crate) path: &'static str,
    pub(crate) text: &'static str,
    pub(crate) language: Language,
}

macro_rules! component {
    ($name:literal) => {
        &[
            Source {
                title: "Rust",
                path: concat!("demo/src/components/", $name, ".rs"),
                text: include_str!(concat!("../components/", $name, ".rs")),
                language: Language::Rust,
            },
            Source {
                title: "Template",
                path: concat!("demo/src/components/", $name, ".html"),
                text: include_str!(concat!("../components/", $name, ".html")),
                language: Language::Template,
            },
        ]
    };
}

pub(crate) const COUNTER: &[Source] = component!("counter");
pub(crate) const CHAT: &[Source] = component!("chat");
pub(crate) const FORM: &[Source] = component!("form");
pub(crate) const TODO: &[Source] = component!("todo");
pub(crate) const SEATS: &[Source] = component!("seats");
pub(crate) const ROWS: &[Source] = component!("rows");
pub(crate) const HOOK: &[Source] = &[
    Source {
        title: "JavaScript",
        path: "demo/assets/hook.js",
        text: include_str!("../../assets/hook.js"),
        language: Language::JavaScript,
    },
    Source {
        title: "Rust",
        path: "demo/src/components/counter.rs",
        text: include_str!("../components/counter.rs"),
        language: Language::Rust,
    },
];
