//! The optional modules of the client, as a page fetches them.

use crate::app::{Server, start};
use crate::http::request;

/// Returns the version that `client.js` names: the client fetches modules under it.
async fn version(server: &Server) -> String {
    let (_, script) = request(server, "GET", "/live/client.js", &[]).await;
    let script = String::from_utf8(script).unwrap();
    let is_version = |text: &&str| text.len() == 16 && text.chars().all(|c| c.is_ascii_hexdigit());
    script.split(['"', '\'', '/', '-', '.']).find(is_version).expect("client.js names its version").to_owned()
}

#[tokio::test]
async fn modules_are_cached_permanently_under_the_version_of_the_client() {
    let server = start().await;
    let version = version(&server).await;
    assert_eq!(version.len(), 16, "{version}");
    let modules = ["keep-queue", "warn-unsent"].map(|name| format!("/live/module/{version}/{name}.js"));
    for path in modules.into_iter().chain([format!("/live/capture/{version}.js")]) {
        let (head, plain) = request(&server, "GET", &path, &[]).await;
        assert!(head.starts_with("http/1.1 200") && head.contains("text/javascript"), "{path}: {head}");
        assert!(head.contains("immutable") && head.contains("nosniff"), "{path}: {head}");
        for (encoding, accepted) in [("br", "gzip, br"), ("gzip", "gzip")] {
            let (head, small) = request(&server, "GET", &path, &[("Accept-Encoding", accepted)]).await;
            assert!(head.contains(&format!("content-encoding: {encoding}")), "{path}: {head}");
            assert!(small.len() < plain.len(), "{path}: {} bytes of {}", small.len(), plain.len());
        }
        // A page adds a query when it retries.
        let (head, _) = request(&server, "GET", &format!("{path}?1"), &[]).await;
        assert!(head.starts_with("http/1.1 200"), "{head}");
    }
}

#[tokio::test]
async fn a_module_of_another_version_or_name_is_not_there() {
    let server = start().await;
    let version = version(&server).await;
    for path in [
        "/live/module/0123456789abcdef/keep-queue.js".to_owned(),
        format!("/live/module/{version}/nothing.js"),
        format!("/live/module/{version}/..%2fclient.js"),
        "/live/module/keep-queue.js".to_owned(),
        "/live/capture/0123456789abcdef.js".to_owned(),
        "/live/capture.js".to_owned(),
    ] {
        let (head, _) = request(&server, "GET", &path, &[]).await;
        assert!(head.starts_with("http/1.1 404"), "{path}: {head}");
    }
}

#[tokio::test]
async fn the_capture_script_is_the_one_that_an_application_may_write_into_the_page() {
    let server = start().await;
    let path = format!("/live/capture/{}.js", version(&server).await);
    let (_, script) = request(&server, "GET", &path, &[]).await;
    assert_eq!(String::from_utf8(script).unwrap(), vivaz::CAPTURE);
    assert!(!vivaz::CAPTURE.contains("</"));
}
