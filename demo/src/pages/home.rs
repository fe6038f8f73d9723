//! The first page: an introduction with a running component.

use vivaz::prelude::*;

use super::Page;
use super::layout::Layout;
use crate::components::counter::{Counter, CounterProps};
use crate::user::Visitor;

const TILES: &str = r#"<ul class="tiles">
<li><a class="card" href="/counter"><h2>Counter</h2><p>The whole path of one click, in thirty lines.</p></a></li>
<li><a class="card" href="/chat"><h2>Chat</h2><p>Shared state, presence and typing, kept in SQLite. Best with two windows.</p></a></li>
<li><a class="card" href="/form"><h2>Form</h2><p>Two-way fields, validation on the server, errors beside their fields.</p></a></li>
<li><a class="card" href="/todo"><h2>Todo</h2><p>Changes that are shown at once and undone if the server refuses.</p></a></li>
<li><a class="card" href="/seats"><h2>Seats</h2><p>Two visitors book the same seat; one gets it, and the other sees the owner.</p></a></li>
<li><a class="card" href="/rows"><h2>Rows</h2><p>Twenty thousand rows, to be created, moved and measured.</p></a></li>
<li><a class="card" href="/hook"><h2>Hook</h2><p>A counter that plain JavaScript renders, without a template.</p></a></li>
</ul>
<section class="way"><h2>How it works</h2><ol>
<li><b>The server renders.</b> The first paint is plain HTML, which is visible before any script runs.</li>
<li><b>The page adopts it.</b> A small engine takes over the existing DOM and opens one socket.</li>
<li><b>Events become calls.</b> A click calls a method of your struct. A page can call only actions and write only model fields.</li>
<li><b>State comes back.</b> Changes are sent as a patch, and only the parts of the page that show them are updated.</li>
</ol></section>"#;

/// `GET /`
pub(super) async fn home(live: Live, user: Visitor) -> Page {
    let counter = live
        .render::<Counter>(CounterProps { title: "A number on the server".into(), ..CounterProps::default() })
        .await?;
    let frame = Layout {
        live: Some(&live),
        user: &user,
        path: "",
        title: "Live components in Rust",
        about: "A component is a Rust struct on the server. The page shows it and is updated over one WebSocket.",
    };
    Ok(frame.around(&format!(
        r#"<section class="hero"><div>
<h1>Your struct,<br><em>live</em> in the page.</h1>
<p class="lead">A component is a Rust struct on the server. The page shows it and is updated over one WebSocket. You write Rust and a template; there is no JavaScript to write and no API between the two.</p>
<div class="calls"><a class="button primary" href="/chat">Open the chat</a><a class="button" href="/counter">See how it is made</a></div>
</div>
<figure>{counter}<figcaption>A running component.</figcaption></figure></section>
{TILES}"#
    )))
}
