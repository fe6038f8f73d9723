//! Cross-site requests.

use axum::Router;
use axum::routing::any;
use tokio::net::TcpListener;
use vivaz::{Limits, Runtime};

use crate::app::Server;
use crate::http::request;

/// An application with a handler at `/change` behind the layer.
async fn protected() -> Server {
    let runtime = Runtime::builder().allow_origin("https://friend.example").limits(Limits::default());
    let runtime = runtime.build().unwrap();
    let app = Router::new().route("/change", any(async || "changed")).merge(runtime.router());
    let app = app.layer(runtime.cross_origin_protection());
    Server::serve(TcpListener::bind("127.0.0.1:0").await.unwrap(), app, runtime)
}

#[tokio::test]
async fn a_page_of_another_site_cannot_change_state() {
    let server = protected().await;
    let own = format!("http://{}", server.address);
    let own = own.as_str();
    let foreign = [
        &[("Origin", "https://evil.example")][..],
        &[("Origin", "null")],
        &[("Sec-Fetch-Site", "cross-site")],
        &[("Sec-Fetch-Site", "same-site"), ("Origin", own)],
        &[("Sec-Fetch-Site", "cross-site"), ("Origin", own)],
        &[("Sec-Fetch-Site", "same-origin"), ("Sec-Fetch-Site", "same-origin")],
        &[("Origin", own), ("Origin", own)],
    ];
    let ours = [
        &[][..],
        &[("Origin", own)],
        &[("Sec-Fetch-Site", "same-origin"), ("Origin", own)],
        &[("Sec-Fetch-Site", "none")],
        &[("Sec-Fetch-Site", "cross-site"), ("Origin", "https://friend.example")],
    ];
    for method in ["POST", "PUT", "PATCH", "DELETE"] {
        for headers in foreign {
            let (head, body) = request(&server, method, "/change", headers).await;
            assert!(head.starts_with("http/1.1 403") && body != b"changed", "{method} {headers:?}: {head}");
        }
        for headers in ours {
            let (head, _) = request(&server, method, "/change", headers).await;
            assert!(head.starts_with("http/1.1 200"), "{method} {headers:?}: {head}");
        }
    }
    assert_eq!(server.runtime.stats().refused.cross_origin, 4 * foreign.len() as u64);
    for headers in foreign {
        let (head, _) = request(&server, "GET", "/change", headers).await;
        assert!(head.starts_with("http/1.1 200"), "{headers:?}: {head}");
    }
}
