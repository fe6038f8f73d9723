//! The first paint, and how a page continues from it.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use serde_json::json;
use vivaz::Limits;

use crate::app::{limited, start};
use crate::client::{Client, assert_error};
use crate::http::request;

/// The values of an attribute in the order of the elements.
pub(crate) fn attributes(html: &str, name: &str) -> Vec<String> {
    html.split(&format!(" {name}=\""))
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap().to_owned())
        .collect()
}

/// A user: pages rendered for an anonymous visitor are bound to a browser.
const ADA: &[(&str, &str)] = &[("x-user", "ada")];

#[tokio::test]
async fn a_page_comes_with_its_components_painted_and_no_cache_keeps_it() {
    let server = start().await;
    let (head, body) = request(&server, "GET", "/page", &[]).await;
    let html = String::from_utf8(body).unwrap();
    assert!(head.starts_with("http/1.1 200"), "{head}");
    assert!(head.contains("private, no-store"), "{head}");
    assert!(html.contains("&lt;b&gt;"), "{html}");
    assert_eq!(attributes(&html, "name"), ["counter", "closed", "counter"]);
    assert_eq!(attributes(&html, "seal").len(), 3);
    assert_eq!(attributes(&html, "shape"), ["", "", ""]);
    let (_, script) = html.split_once(r#"<script type="module" src="/live/client-"#).unwrap();
    assert!(script[16..].starts_with(r#".js" live-build="test"></script>"#), "{script}");
    // Before the client, and neither `async` nor `defer`.
    let capture = format!("<script>{}</script><script type=\"module\"", vivaz::CAPTURE);
    assert!(html.contains(&capture), "{html}");
    // A state without topics is carried by the page, in single quotes.
    assert!(html.contains(r#" state='{"title":"&lt;b&gt;&amp;\"","count":3}'>"#), "{html}");
    assert!(html.contains("<live-component id=\"shut\""));
}

#[tokio::test]
async fn the_head_requests_each_template_of_the_page_once() {
    let server = start().await;
    let (_, body) = request(&server, "GET", "/page", &[]).await;
    let html = String::from_utf8(body).unwrap();
    let used = BTreeSet::from_iter(attributes(&html, "template"));
    assert!(used.len() > 1);
    let links = attributes(&html, "href").into_iter().filter(|path| path.contains("/template/"));
    let links = Vec::from_iter(links);
    assert_eq!(links, Vec::from_iter(used.iter().map(|hash| format!("/live/template/{hash}.json"))));
    for link in links {
        assert!(html.contains(&format!(r#"<link rel="preload" href="{link}" as="fetch" crossorigin>"#)));
        let (head, _) = request(&server, "GET", &link, &[]).await;
        assert!(head.starts_with("http/1.1 200"), "{head}");
    }
}

#[tokio::test]
async fn the_client_s_tag_names_the_user_without_saying_who_it_is() {
    let server = start().await;
    let mut names = Vec::new();
    for headers in [ADA, &[("x-user", "bob")], &[("x-user", "ada"), ("x-tenant", "acme")], ADA] {
        let (_, body) = request(&server, "GET", "/page", headers).await;
        let name = attributes(&String::from_utf8(body).unwrap(), "data-visitor").pop().unwrap();
        assert!(!name.contains("ada"));
        names.push(name);
    }
    assert_eq!(names.pop().as_ref(), names.first());
    assert!(names[0] != names[1] && names[0] != names[2] && names[1] != names[2], "{names:?}");
}

#[tokio::test]
async fn mount_runs_once_for_the_paint_and_the_page_together() {
    let server = start().await;
    let (_, body) = request(&server, "GET", "/page", ADA).await;
    let html = String::from_utf8(body).unwrap();
    assert_eq!(server.bench.runs.load(Ordering::SeqCst), 1);
    let seals = attributes(&html, "seal");
    let mut client = Client::hello_with(&server, ADA, json!({})).await;
    let mount = client.message("COMPONENT_MOUNT", "a", json!({ "seal": seals[0] }));
    let mounted = client.ask(mount).await;
    assert_eq!(mounted["payload"]["state"], json!({ "title": "<b>&\"", "count": 3 }));
    let mount = client.message("COMPONENT_MOUNT", "b", json!({ "seal": seals[1] }));
    let mounted = client.ask(mount).await;
    assert_eq!(mounted["payload"]["state"], json!({ "text": "hello" }));
    assert_eq!(mounted["payload"]["template"], attributes(&html, "template")[1].as_str());
    assert_eq!(client.act("b", "mounts", json!([])).await["payload"], 1, "the seal includes private state");
    assert_eq!(server.bench.runs.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_page_that_has_the_state_gets_it_only_if_it_has_changed() {
    for (painted_state_bytes, seal_state_bytes, omits) in
        [(4096, 4096, true), (4, 4096, false), (4096, 4, true)]
    {
        let limits = Limits { painted_state_bytes, seal_state_bytes, ..Limits::default() };
        let server = limited(limits).await;
        let (_, body) = request(&server, "GET", "/page", ADA).await;
        let html = String::from_utf8(body).unwrap();
        assert_eq!(html.contains(" state='"), painted_state_bytes > 4);
        let seals = attributes(&html, "seal");
        let mut client = Client::hello_with(&server, ADA, json!({})).await;
        let mount = client.message("COMPONENT_MOUNT", "a", json!({ "seal": seals[0], "painted": true }));
        let mounted = client.ask(mount).await;
        assert_eq!(mounted["payload"]["component"], "counter");
        let state = (!omits).then(|| json!({ "title": "<b>&\"", "count": 3 }));
        assert_eq!(
            mounted["payload"].get("state"),
            state.as_ref(),
            "{painted_state_bytes} {seal_state_bytes}"
        );
        // A page that does not have the state, or does not say so, gets it.
        let mount = client.message("COMPONENT_MOUNT", "b", json!({ "seal": seals[0] }));
        assert_eq!(client.ask(mount).await["payload"]["state"]["count"], 3);
        let mount = client.message("COMPONENT_MOUNT", "c", json!({ "seal": seals[0], "painted": false }));
        assert_eq!(client.ask(mount).await["payload"]["state"]["count"], 3);
    }
}

#[tokio::test]
async fn state_too_large_for_a_seal_is_mounted_again() {
    let server = limited(Limits { seal_state_bytes: 4, ..Limits::default() }).await;
    let (_, body) = request(&server, "GET", "/page", ADA).await;
    let seals = attributes(&String::from_utf8(body).unwrap(), "seal");
    let mut client = Client::hello_with(&server, ADA, json!({})).await;
    let mount = client.message("COMPONENT_MOUNT", "b", json!({ "seal": seals[1] }));
    let mounted = client.ask(mount).await;
    assert_eq!(mounted["payload"]["state"], json!({ "text": "hello" }));
    assert_eq!(client.act("b", "mounts", json!([])).await["payload"], 2);
}

#[tokio::test]
async fn a_seal_is_good_for_the_user_it_was_made_for() {
    let server = start().await;
    let (_, body) = request(&server, "GET", "/page", &[("x-user", "ada")]).await;
    let seals = attributes(&String::from_utf8(body).unwrap(), "seal");
    let mut bob = Client::hello_with(&server, &[("x-user", "bob")], json!({})).await;
    let mount = bob.message("COMPONENT_MOUNT", "a", json!({ "seal": seals[0] }));
    assert_error(&bob.ask(mount).await, "bad_seal");
    let mut ada = Client::hello_with(&server, &[("x-user", "ada")], json!({})).await;
    let mount = ada.message("COMPONENT_MOUNT", "a", json!({ "seal": seals[0] }));
    assert_eq!(ada.ask(mount).await["type"], "COMPONENT_MOUNTED");
}

#[tokio::test]
async fn a_failed_first_paint_reveals_no_details() {
    let server = start().await;
    let (head, body) = request(&server, "GET", "/broken", &[]).await;
    assert!(head.starts_with("http/1.1 500"), "{head}");
    assert!(!String::from_utf8(body).unwrap().contains("4711"));
    let (head, _) = request(&server, "GET", "/members", &[]).await;
    assert!(head.starts_with("http/1.1 401"), "{head}");
    let (head, _) = request(&server, "GET", "/members", &[("x-refuse", "1")]).await;
    assert!(head.starts_with("http/1.1 401"), "{head}");
    let (head, _) = request(&server, "GET", "/page", &[]).await;
    assert!(head.starts_with("http/1.1 200"), "{head}");
}
