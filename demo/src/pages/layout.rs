//! The layout of all pages, and the page that shows a component beside its source.

use std::fmt::{Display, Write as _};

use axum::response::{Html, IntoResponse, Response};
use vivaz::escape;
use vivaz::prelude::*;

use super::source::SourceFile;
use crate::highlight::highlight;
use crate::user::Visitor;

const PLACES: [(&str, &str); 6] = [
    ("/counter", "Counter"),
    ("/chat", "Chat"),
    ("/form", "Form"),
    ("/todo", "Todo"),
    ("/seats", "Seats"),
    ("/rows", "Rows"),
];

/// The connection status. The style sheet shows the current word; the script adds the numbers.
const WIRE: &str = r#"<span class="wire"><span role="status"><span class="before">Not live</span><span class="connecting">Connecting</span><span class="connected">Live</span><span class="offline">Offline</span><span class="stopped">Stopped</span> <span class="waiting"></span></span> <span class="tries" aria-hidden="true"></span></span>
<button type="button" class="again" hidden>Try now</button>"#;

/// The layout's parameters for a page.
pub(super) struct Layout<'a> {
    /// `None` if a page has no component, and so no connection.
    pub(super) live: Option<&'a Live>,
    pub(super) user: &'a Visitor,
    /// The page's path in the navigation.
    pub(super) path: &'a str,
    pub(super) title: &'a str,
    pub(super) about: &'a str,
}

/// A component with its sources.
pub(super) struct Exhibit<'a> {
    pub(super) stage: &'a dyn Display,
    /// HTML below the component.
    pub(super) after: &'a str,
    pub(super) sources: &'a [SourceFile],
}

impl Layout<'_> {
    /// Renders the component on one side and its sources on the other.
    pub(super) fn exhibit(&self, exhibit: &Exhibit<'_>) -> Response {
        let Exhibit { stage, after, sources } = exhibit;
        let sources: String = sources.iter().map(panel).collect();
        self.around(&format!(
            "<div class=\"intro\"><h1>{title}</h1><p>{about}</p></div>
<div class=\"columns\">
<div class=\"stage\">{stage}{after}</div>
<div class=\"sources\">{sources}</div>
</div>",
            title = escape::attribute(self.title),
            about = escape::attribute(self.about),
        ))
    }

    /// Renders the whole document.
    pub(super) fn around(&self, main: &str) -> Response {
        let navigation = PLACES.iter().fold(String::new(), |mut html, (path, name)| {
            let current = if *path == self.path { " aria-current=\"page\"" } else { "" };
            // Writing to a string cannot fail.
            let _ = write!(html, "<li><a href=\"{path}\"{current}>{name}</a></li>");
            html
        });
        let back = if self.path.is_empty() { "/" } else { self.path };
        Html(format!(
            r##"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
{capture}
<title>{title} · Vivaz</title>
<meta name="description" content="{about}">
<meta name="theme-color" content="#faf8f4" media="(prefers-color-scheme: light)">
<meta name="theme-color" content="#131210" media="(prefers-color-scheme: dark)">
<link rel="icon" href="/favicon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/assets/demo.css">
{live}
<script type="module" src="/assets/demo.js"></script>
</head>
<body>
<a class="skip" href="#main">Skip to content</a>
<header class="top"><div class="bar">
<a class="brand" href="/"><img src="/favicon.svg" alt="" width="28" height="28">Vivaz</a>
<nav aria-label="Pages"><ul>{navigation}</ul></nav>
<div class="end">
<span class="name">{name}</span>
{wire}
</div>
</div></header>
<main id="main">
{main}
</main>
<footer class="foot"><div>
<span>Live components in Rust. The server keeps the state, the page shows it.</span>
<form method="post" action="/user"><input type="hidden" name="back" value="{back}">
<label for="user-name">Your name</label><input id="user-name" name="name" value="{name}" maxlength="40" autocomplete="nickname" required><button>Change</button></form>
</div></footer>
<div class="notes" role="alert"></div>
</body>
</html>
"##,
            title = escape::attribute(self.title),
            about = escape::attribute(self.about),
            name = escape::attribute(&self.user.name),
            capture = self.live.map(|live| live.capture().to_string()).unwrap_or_default(),
            live = self.live.map(|live| live.script().to_string()).unwrap_or_default(),
            wire = if self.live.is_some() { WIRE } else { "" },
        ))
        .into_response()
    }
}

/// Renders one source file, expanded or collapsed.
fn panel(source: &SourceFile) -> String {
    let (folder, file) = source.path.split_at(source.path.rfind('/').map_or(0, |slash| slash + 1));
    format!(
        "<details class=\"card\" open><summary>{title} <code><span class=\"folder\">{folder}</span>{file}</code></summary>\
         <pre class=\"source\" tabindex=\"0\" role=\"region\" aria-label=\"{path}\"><code>{text}</code></pre></details>",
        title = source.title,
        path = source.path,
        text = highlight(source.text, source.language),
    )
}
