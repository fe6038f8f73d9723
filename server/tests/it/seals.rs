//! The binding of seals.

use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use serde_json::json;
use tokio::net::TcpListener;
use vivaz::{Limits, Live, RenderError, Runtime, Secret};

use crate::app::{Counter, CounterProps, Server, limited, start, start_with};
use crate::client::{Client, assert_error};
use crate::http::request;
use crate::paint::attributes;

type Headers<'a> = &'a [(&'a str, &'a str)];

/// The seals in the page that is rendered for a request with these headers.
async fn seals(server: &Server, headers: &[(&str, &str)]) -> Vec<String> {
    let (_, body) = request(server, "GET", "/page", headers).await;
    attributes(&String::from_utf8(body).unwrap(), "seal")
}

/// The cookie that the page sets for a browser without one.
async fn cookie(server: &Server) -> String {
    let (head, _) = request(server, "GET", "/page", &[]).await;
    let set = head.lines().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap().to_owned();
    assert!(set.contains("; httponly") && set.contains("; samesite=lax"), "{set}");
    set.split(';').next().unwrap().to_owned()
}

/// The reply to a mount with a seal.
async fn mount(server: &Server, headers: &[(&str, &str)], seal: &str) -> serde_json::Value {
    let mut client = Client::hello_with(server, headers, json!({})).await;
    let mount = client.message("COMPONENT_MOUNT", "c", json!({ "seal": seal }));
    client.ask(mount).await
}

#[tokio::test]
async fn a_seal_is_valid_only_for_its_user_in_its_tenant() {
    let server = start().await;
    let ada: &[_] = &[("x-user", "ada"), ("x-tenant", "acme")];
    let seal = seals(&server, ada).await.remove(0);
    assert_eq!(mount(&server, ada, &seal).await["type"], "COMPONENT_MOUNTED");
    for other in [
        &[("x-user", "bob"), ("x-tenant", "acme")][..],
        &[("x-user", "ada"), ("x-tenant", "other")],
        &[("x-user", "ada")],
        &[("x-tenant", "acme")],
        &[],
    ] {
        assert_error(&mount(&server, other, &seal).await, "bad_seal");
    }
}

#[tokio::test]
async fn a_seal_is_valid_until_it_expires() {
    let server = limited(Limits { seal_time: Duration::ZERO, ..Limits::default() }).await;
    let ada: &[_] = &[("x-user", "ada")];
    let seal = seals(&server, ada).await.remove(0);
    assert_error(&mount(&server, ada, &seal).await, "bad_seal");
}

#[tokio::test]
async fn a_seal_changed_anywhere_is_no_seal() {
    let server = start().await;
    let ada: &[_] = &[("x-user", "ada")];
    let seal = seals(&server, ada).await.remove(0);
    let mut client = Client::hello_with(&server, ada, json!({})).await;
    for at in [0, 10, 31, 32, 40, seal.len() / 2, seal.len() - 2] {
        let mut forged = seal.clone().into_bytes();
        forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
        let forged = String::from_utf8(forged).unwrap();
        let mount = client.message("COMPONENT_MOUNT", "c", json!({ "seal": forged }));
        assert_error(&client.ask(mount).await, "bad_seal");
    }
    let mount = client.message("COMPONENT_MOUNT", "c", json!({ "seal": seal }));
    assert_eq!(client.ask(mount).await["type"], "COMPONENT_MOUNTED");
}

#[tokio::test]
async fn the_keys_of_a_server_can_be_rotated_under_open_pages() {
    let (old, new) = ("the old key of thirty-two characters", "the new key of thirty-two characters");
    let keyed = async |list: String| start_with(|builder| builder.secret(Secret::new(&list).unwrap())).await;
    let before = keyed(old.to_owned()).await;
    let rotated = keyed(format!("{new},{old}")).await;
    let after = keyed(new.to_owned()).await;
    // The browser's cookie is signed with the same keys.
    let old = cookie(&before).await;
    let old: Headers<'_> = &[("cookie", &old)];
    let seal = seals(&before, old).await.remove(0);
    assert_eq!(mount(&rotated, old, &seal).await["type"], "COMPONENT_MOUNTED");
    assert_error(&mount(&after, old, &seal).await, "bad_seal");
    let new = cookie(&rotated).await;
    let new: Headers<'_> = &[("cookie", &new)];
    let fresh = seals(&rotated, new).await.remove(0);
    assert_eq!(mount(&after, new, &fresh).await["type"], "COMPONENT_MOUNTED", "the first key seals");
    assert_error(&mount(&before, new, &fresh).await, "bad_seal");
}

#[tokio::test]
async fn a_seal_without_a_user_is_valid_in_its_browser() {
    let server = start().await;
    let (mine, theirs) = (cookie(&server).await, cookie(&server).await);
    let (mine, theirs): (Headers<'_>, Headers<'_>) = (&[("cookie", &mine)], &[("cookie", &theirs)]);
    let seal = seals(&server, mine).await.remove(0);
    assert_eq!(mount(&server, mine, &seal).await["type"], "COMPONENT_MOUNTED");
    let with_tenant = [mine[0], ("x-tenant", "acme")];
    for other in [theirs, &[], &with_tenant, &[("cookie", "vivaz_browser=1.2")]] {
        assert_error(&mount(&server, other, &seal).await, "bad_seal");
    }
    // A known browser receives no other cookie, and a user receives none.
    for headers in [mine, &[("x-user", "ada")]] {
        let (head, _) = request(&server, "GET", "/page", headers).await;
        assert!(!head.contains("set-cookie"), "{head}");
    }
    // The first page already sets the cookie.
    let (head, body) = request(&server, "GET", "/page", &[]).await;
    let set = head.lines().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap();
    let first = attributes(&String::from_utf8(body).unwrap(), "seal").remove(0);
    let given: &[_] = &[("cookie", set.split(';').next().unwrap())];
    assert_eq!(mount(&server, given, &first).await["type"], "COMPONENT_MOUNTED");
    assert_error(&mount(&server, mine, &first).await, "bad_seal");
}

/// Answers without [`Live::page`].
async fn own_response(live: Live) -> std::result::Result<impl IntoResponse, RenderError> {
    let counter = live.render::<Counter>(CounterProps { title: String::new(), count: 1 }).await?;
    Ok((StatusCode::NOT_FOUND, live.headers(), Html(counter.to_string())))
}

async fn page(live: Live) -> std::result::Result<Response, RenderError> {
    Ok(live.page(live.render::<Counter>(CounterProps { title: String::new(), count: 1 }).await?.to_string()))
}

/// Renders with two extractors.
async fn two(one: Live, other: Live) -> std::result::Result<Response, RenderError> {
    let props = || CounterProps { title: String::new(), count: 1 };
    let (first, second) = (one.render::<Counter>(props()).await?, other.render::<Counter>(props()).await?);
    Ok(one.page(format!("{first}{second}")))
}

/// Takes the headers before it renders.
async fn early(live: Live) -> std::result::Result<impl IntoResponse, RenderError> {
    let headers = live.headers();
    let counter = live.render::<Counter>(CounterProps { title: String::new(), count: 1 }).await?;
    Ok((headers, Html(counter.to_string())))
}

#[tokio::test]
async fn a_browser_gets_its_cookie_once_from_any_server() {
    for serve in [Server::serve, Server::serve_by_axum] {
        let secret = Secret::new("a secret of thirty-two characters").unwrap();
        let runtime = Runtime::builder().secret(secret).build().unwrap();
        let app = Router::new()
            .route("/page", get(page))
            .route("/own", get(own_response))
            .route("/two", get(two))
            .route("/early", get(early))
            .with_state(runtime.clone())
            .merge(runtime.router());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = serve(listener, app, runtime);
        for path in ["/page", "/own", "/two", "/early"] {
            let (head, body) = request(&server, "GET", path, &[]).await;
            let set: Vec<_> = head.lines().filter_map(|line| line.strip_prefix("set-cookie: ")).collect();
            assert_eq!(set.len(), 1, "{path}: {head}");
            assert!(head.contains("cache-control: private, no-store"), "{path}: {head}");
            let cookie: Headers<'_> = &[("cookie", set[0].split(';').next().unwrap())];
            for seal in attributes(&String::from_utf8(body).unwrap(), "seal") {
                assert_eq!(mount(&server, cookie, &seal).await["type"], "COMPONENT_MOUNTED", "{path}");
                assert_error(&mount(&server, &[], &seal).await, "bad_seal");
            }
        }
    }
}

#[tokio::test]
async fn an_application_may_allow_seals_for_any_user() {
    let server = start_with(vivaz::Builder::allow_unbound_seals).await;
    let (head, body) = request(&server, "GET", "/page", &[]).await;
    assert!(!head.contains("set-cookie"), "{head}");
    let seal = attributes(&String::from_utf8(body).unwrap(), "seal").remove(0);
    assert_eq!(mount(&server, &[], &seal).await["type"], "COMPONENT_MOUNTED");
    assert_error(&mount(&server, &[("x-user", "ada")], &seal).await, "bad_seal");
}

#[tokio::test]
async fn a_session_takes_the_seals_of_the_browser_that_resumes_it() {
    let server = start().await;
    let (before, now) = (cookie(&server).await, cookie(&server).await);
    let (before, now): (Headers<'_>, Headers<'_>) = (&[("cookie", &before)], &[("cookie", &now)]);
    let (former, current) = (seals(&server, before).await.remove(0), seals(&server, now).await.remove(0));
    let client = Client::hello_with(&server, before, json!({})).await;
    let hello = json!({ "session": client.welcome["session"], "resume": client.welcome["resume"] });
    client.cut();
    let mut client = Client::hello_with(&server, now, hello).await;
    assert_eq!(client.welcome["resumed"], true);
    let mount = client.message("COMPONENT_MOUNT", "a", json!({ "seal": former }));
    assert_error(&client.ask(mount).await, "bad_seal");
    let mount = client.message("COMPONENT_MOUNT", "b", json!({ "seal": current }));
    assert_eq!(client.ask(mount).await["type"], "COMPONENT_MOUNTED");
}

/// Another host of the site has set a cookie that the runtime gave to another browser.
#[tokio::test]
async fn a_page_with_two_cookies_gets_a_third_and_works() {
    let server = start().await;
    let (mine, theirs) = (cookie(&server).await, cookie(&server).await);
    for both in [format!("{mine}; {theirs}"), format!("{theirs}; {mine}")] {
        let (head, body) = request(&server, "GET", "/page", &[("cookie", &both)]).await;
        let set = head.lines().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap();
        let new = set.split(';').next().unwrap();
        assert!(new != mine && new != theirs);
        let seal = attributes(&String::from_utf8(body).unwrap(), "seal").remove(0);
        // The other cookie has the path of the page, or it is sent with the socket's request too.
        for sent in [new, &format!("{new}; {theirs}"), &format!("{theirs}; {new}")] {
            assert_eq!(
                mount(&server, &[("cookie", sent)], &seal).await["type"],
                "COMPONENT_MOUNTED",
                "{sent}"
            );
        }
        for other in [&mine, &theirs, &both] {
            assert_error(&mount(&server, &[("cookie", other)], &seal).await, "bad_seal");
        }
    }
}

#[tokio::test]
async fn over_https_only_this_host_can_set_the_cookie() {
    let server = start().await;
    let theirs = cookie(&server).await;
    let https = ("x-forwarded-proto", "https");
    let (head, body) = request(&server, "GET", "/page", &[https, ("cookie", &theirs)]).await;
    let set = head.lines().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap();
    assert!(set.starts_with("__host-vivaz_browser=") && set.ends_with("; secure"), "{set}");
    assert!(set.contains("; path=/;") && !set.contains("domain"), "{set}");
    let mine = set.split(';').next().unwrap().replace("__host-", "__Host-");
    let seal = attributes(&String::from_utf8(body).unwrap(), "seal").remove(0);
    let both = format!("{theirs}; {mine}");
    let (theirs, mine, both) = (("cookie", &*theirs), ("cookie", &*mine), ("cookie", &*both));
    for (headers, code) in [
        // A proxy may forward the scheme of the socket in another way than that of the page.
        (&[https, mine][..], None),
        (&[mine][..], None),
        (&[("x-forwarded-proto", "ws"), both][..], None),
        (&[https, theirs][..], Some("bad_seal")),
    ] {
        let reply = mount(&server, headers, &seal).await;
        assert_eq!(reply["payload"]["code"].as_str(), code, "{headers:?}: {reply}");
    }
    let (head, _) = request(&server, "GET", "/page", &[https, both]).await;
    assert!(!head.contains("set-cookie"), "the browser is known: {head}");
}
