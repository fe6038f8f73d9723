//! Forms that are refused, and actions that fail.

use std::time::Duration;

use axum::body::Body;
use axum::http::{StatusCode, header};
use vivaz::{ActionError, Call, Limits};

use super::Site;

const URLENCODED: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

/// The fields of a form that is accepted.
fn signed<'a>(seal: &'a str, note: &'a str) -> [(&'a str, &'a str); 3] {
    [("name", "Ada"), ("note", note), ("live:form", seal)]
}

#[tokio::test]
async fn requests_of_other_sites_are_refused() {
    let mut site = Site::new();
    let seal = site.get("/").await.seal();
    let body = super::encoded(&signed(&seal, "hi"));
    for headers in [
        &[("sec-fetch-site", "cross-site")][..],
        &[("sec-fetch-site", "same-site")],
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
        &[("sec-fetch-site", "cross-site"), ("origin", "https://site.example")],
    ] {
        let headers = [&[URLENCODED][..], headers].concat();
        let page = site.send("POST", "/", &headers, Body::from(body.clone())).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{headers:?}");
        page.shows("another site");
    }
    assert_eq!(site.runs.count(), 0);
    for headers in [&[("origin", "https://site.example")][..], &[("sec-fetch-site", "same-origin")], &[]] {
        let headers = [&[URLENCODED][..], headers].concat();
        let page = site.send("POST", "/", &headers, Body::from(body.clone())).await;
        assert_eq!(page.status, StatusCode::OK, "{headers:?}");
    }
    assert_eq!(site.runs.count(), 1);
}

#[tokio::test]
async fn a_seal_of_someone_else_is_refused() {
    let mut site = Site::new();
    let mut ada = site.signed_in("ada");
    let anonymous = site.get("/").await.seal();
    let of_ada = ada.get("/").await.seal();
    // Another user, no user, another tenant, another browser.
    let mut in_tenant = ada.clone();
    in_tenant.headers.push(("x-tenant", "other".to_owned()));
    let mut fresh = Site { cookies: std::collections::BTreeMap::new(), ..site.clone() };
    for (other, seal) in [
        (&mut site.signed_in("bob"), &of_ada),
        (&mut site.clone(), &of_ada),
        (&mut in_tenant, &of_ada),
        (&mut ada.clone(), &anonymous),
        (&mut fresh, &anonymous),
    ] {
        let page = other.post("/", &signed(seal, "hi")).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN);
        page.shows("another user");
    }
    assert_eq!(site.runs.count(), 0);
    assert_eq!(ada.post("/", &signed(&of_ada, "hi")).await.status, StatusCode::OK);
    assert_eq!(site.post("/", &signed(&anonymous, "hi")).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_forged_seal_is_refused() {
    let mut site = Site::new();
    let page = site.get("/").await;
    let seal = page.seal();
    for at in [0, 10, 40, seal.len() / 2, seal.len() - 1] {
        let mut forged = seal.clone().into_bytes();
        forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
        let forged = String::from_utf8(forged).unwrap();
        let page = site.post("/", &signed(&forged, "hi")).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{at}");
    }
    // A seal of the component is not one of a form.
    let component = crate::paint::attributes(&page.html, "seal").remove(0);
    assert_eq!(site.post("/", &signed(&component, "hi")).await.status, StatusCode::FORBIDDEN);
    assert_eq!(site.post("/", &[("name", "Ada")]).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(site.runs.count(), 0);
}

#[tokio::test]
async fn an_expired_form_is_shown_again_with_the_typed_values() {
    let limits = || Limits { seal_time: Duration::ZERO, ..Limits::default() };
    let mut site = Site::with(|builder| builder.limits(limits()));
    let seal = site.get("/").await.seal();
    let page = site.post("/", &signed(&seal, "a long note")).await;
    assert_eq!(page.status, StatusCode::CONFLICT);
    page.shows("was open for too long");
    page.shows("a long note");
    assert!(page.control("name").contains(r#"value="Ada""#), "{}", page.html);
    assert_eq!(site.runs.count(), 0);
}

#[tokio::test]
async fn a_form_of_another_process_is_shown_again() {
    let mut one = Site::new();
    let mut other = Site::new();
    let seal = one.get("/").await.seal();
    other.cookies = one.cookies.clone();
    let page = other.post("/", &signed(&seal, "hi")).await;
    assert_eq!(page.status, StatusCode::CONFLICT);
    page.shows("It is not known whether this form was accepted.");
    let again = page.seal();
    assert!(page.control("name").contains(r#"value="Ada""#), "{}", page.html);
    assert_eq!(other.post("/", &signed(&again, "hi")).await.status, StatusCode::OK);
    assert_eq!((one.runs.count(), other.runs.count()), (0, 1));
}

#[tokio::test]
async fn bodies_of_other_types_and_sizes_are_refused() {
    let limits = Limits { form_bytes: 4_000, ..Limits::default() };
    let mut site = Site::with(move |builder| builder.limits(limits));
    let seal = site.get("/").await.seal();
    let body = super::encoded(&signed(&seal, "hi"));
    for kind in ["text/plain", "application/json", "multipart/mixed; boundary=x"] {
        let page = site.send("POST", "/", &[("content-type", kind)], Body::from(body.clone())).await;
        assert_eq!(page.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{kind}");
    }
    let large = format!("{body}&more={}", "x".repeat(4_000));
    let page = site.send("POST", "/", &[URLENCODED], Body::from(large)).await;
    assert_eq!(page.status, StatusCode::PAYLOAD_TOO_LARGE);
    let file =
        "--x\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.txt\"\r\n\r\ntext\r\n--x--\r\n";
    let multipart = ("content-type", "multipart/form-data; boundary=x");
    let page = site.send("POST", "/", &[multipart], Body::from(file)).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    page.shows("Files cannot be sent without JavaScript.");
    let page = site.send("POST", "/", &[multipart], Body::from("no parts")).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    assert_eq!(site.runs.count(), 0);
    assert_eq!(site.post("/", &signed(&seal, "hi")).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_multipart_form_is_accepted() {
    let mut site = Site::new();
    let seal = site.get("/").await.seal();
    let parts = signed(&seal, "hi").map(|(name, text)| {
        format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n")
    });
    let body = format!("{}--x--\r\n", parts.concat());
    let headers = [("content-type", "multipart/form-data; boundary=x")];
    let page = site.send("POST", "/", &headers, Body::from(body)).await;
    assert_eq!(page.status, StatusCode::OK);
    page.shows("1 by Ada (hi, false, 1)");
}

#[tokio::test]
async fn an_action_that_fails_shows_its_message_and_the_typed_values() {
    for (note, status, message) in [
        ("refuse", StatusCode::UNPROCESSABLE_ENTITY, "not today"),
        ("fail", StatusCode::INTERNAL_SERVER_ERROR, "the action failed"),
        ("panic", StatusCode::INTERNAL_SERVER_ERROR, "internal server error"),
        ("forbid", StatusCode::FORBIDDEN, "members only"),
    ] {
        let mut site = Site::new();
        let seal = site.get("/").await.seal();
        for _ in 0..2 {
            let page = site.post("/", &signed(&seal, note)).await;
            assert_eq!(page.status, status, "{note}");
            let alert = page.html.split("role=\"alert\">").nth(1).unwrap().split('<').next().unwrap();
            assert!(alert.contains(message), "{note}: {alert}");
            page.shows(&format!("\n{note}</textarea>"));
            assert!(page.control("name").contains(r#"value="Ada""#), "{}", page.html);
            page.shows("0 by ");
        }
        assert_eq!(site.runs.count(), 1, "{note}");
    }
}

#[tokio::test]
async fn middleware_may_refuse_a_form() {
    let mut site = Site::with(|builder| {
        builder.middleware(|call: Call| async move {
            match call.request.action() {
                Some("sign") => Err(ActionError::forbidden("banned")),
                _ => Ok(()),
            }
        })
    });
    let seal = site.get("/").await.seal();
    let page = site.post("/", &signed(&seal, "hi")).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    page.shows("banned");
    assert_eq!(site.runs.count(), 0);
}

#[tokio::test]
async fn the_rate_of_forms_is_limited() {
    let limits =
        Limits { upgrade_burst: 3, upgrades_per_second: 1, loopback_is_limited: true, ..Limits::default() };
    let mut site = Site::with(move |builder| builder.limits(limits));
    let peer: std::net::SocketAddr = "192.0.2.7:4000".parse().unwrap();
    site.router = site.router.clone().layer(axum::Extension(axum::extract::ConnectInfo(peer)));
    let mut statuses = Vec::new();
    for _ in 0..5 {
        let seal = site.get("/").await.seal();
        let page = site.post("/", &signed(&seal, "hi")).await;
        statuses.push(page.status.as_u16());
        if page.status == StatusCode::TOO_MANY_REQUESTS {
            assert!(page.headers.contains_key(header::RETRY_AFTER));
        }
    }
    assert_eq!(statuses, [200, 200, 200, 429, 429]);
    assert_eq!(site.runs.count(), 3);
}

#[tokio::test]
async fn a_server_that_has_shut_down_runs_no_forms() {
    let mut site = Site::new();
    let seal = site.get("/").await.seal();
    site.runtime.drain();
    assert_eq!(site.post("/", &signed(&seal, "hi")).await.status, StatusCode::OK, "pages are still served");
    let seal = site.get("/").await.seal();
    site.runtime.shutdown().await;
    let page = site.post("/", &signed(&seal, "hi")).await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(page.headers[header::RETRY_AFTER], "1");
    assert_eq!(site.runs.count(), 1);
}
