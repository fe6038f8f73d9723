//! Hostile addresses, at each place of the server where an address is used.

use axum::Router;
use axum::extract::Query;
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;
use vivaz::prelude::*;
use vivaz::testing::{Browser, Server, View};
use vivaz::{Flash, RenderError};

/// A place where the application uses an address that it was given.
#[derive(Clone, Copy, Debug)]
enum Place {
    /// `cx.navigate`.
    Navigate,
    /// `cx.redirect`.
    Redirect,
    /// An attribute of a component's template, in the first paint.
    Painted,
    /// The same attribute after a change.
    Patched,
    /// An attribute of a page template.
    Page,
    /// `cx.flash`, on the next page.
    Flash,
    /// The parameter of a typed route.
    Route,
    /// A field that is bound to a parameter of the URL.
    Parameter,
}

const PLACES: [Place; 8] = [
    Place::Navigate,
    Place::Redirect,
    Place::Painted,
    Place::Patched,
    Place::Page,
    Place::Flash,
    Place::Route,
    Place::Parameter,
];

/// What an address is, as browsers read it.
#[derive(Clone, Copy, Debug)]
enum Kind {
    /// A path of the application.
    Path,
    /// A page of another host, and that is plain to see.
    Absolute,
    /// A page of another host that looks like a path or like an address of this one.
    Disguised,
    /// An address with a user name.
    UserName,
    /// A scheme that runs a script.
    Script,
    /// Any other scheme.
    Scheme,
}

const ADDRESSES: &[(Kind, &[&str])] = &[
    (
        Kind::Path,
        &[
            "/items",
            "/it\tems",
            "\t/items",
            "/items\r\n",
            "/%2F/example.org",
            "/%5Cexample.org",
            "/%09/a",
            "/%6a",
        ],
    ),
    (Kind::Absolute, &["https://example.org/", "HTTP://example.org", "ht\ntps://example.org/"]),
    (
        Kind::Disguised,
        &[
            "//example.org",
            "/\t/example.org",
            "/\n/example.org",
            "/\r/example.org",
            "/\r\n\t/example.org",
            "\t//example.org",
            "/\\example.org",
            "/\t\\example.org",
            "\\\\example.org",
            "\\/example.org",
            "\\\t\\example.org",
            "///example.org",
            "https:\\\\example.org",
            "https:/example.org",
            "https:example.org",
            "https://example.org\\@app.example/",
        ],
    ),
    (
        Kind::UserName,
        &[
            "https://ada@example.org/",
            "https://ada:b@example.org/",
            "https://app.example@example.org",
            "http://@a/",
        ],
    ),
    (
        Kind::Script,
        &[
            "javascript:alert(1)",
            "JaVaScRiPt:alert(1)",
            "java\tscript:alert(1)",
            "java\r\nscript:alert(1)",
            "\u{1}javascript:alert(1)",
            " \u{1f}javascript:alert(1)",
            "javascript\t:alert(1)",
            "javascript://example.org/%0aalert(1)",
            "vbscript:x",
            "data:text/html,<script>alert(1)</script>",
            "data:text/html;base64,AAAA",
        ],
    ),
    (
        Kind::Scheme,
        &["file:///etc/passwd", "blob:https://example.org/1", "ftp://example.org/", "about:blank"],
    ),
];

/// What the place does with an address.
#[derive(Debug, PartialEq)]
enum Outcome {
    /// The address is used as it is, except for tabs and line breaks.
    Kept,
    /// The handler gets an error, and the page gets nothing.
    Refused,
    /// Another address replaces it.
    Replaced,
    /// It is a text, and no address.
    Text,
}

fn expected(place: Place, kind: Kind) -> Outcome {
    match (place, kind) {
        (Place::Navigate | Place::Redirect, Kind::Path) | (Place::Redirect, Kind::Absolute) => Outcome::Kept,
        (Place::Navigate, Kind::Absolute)
        | (
            Place::Navigate | Place::Redirect,
            Kind::Disguised | Kind::UserName | Kind::Script | Kind::Scheme,
        ) => Outcome::Refused,
        // A link may lead anywhere. The visitor decides to follow it.
        (
            Place::Painted | Place::Patched | Place::Page,
            Kind::Path | Kind::Absolute | Kind::Disguised | Kind::UserName | Kind::Scheme,
        ) => Outcome::Kept,
        (Place::Painted | Place::Patched | Place::Page, Kind::Script) => Outcome::Replaced,
        (
            Place::Flash | Place::Route | Place::Parameter,
            Kind::Path | Kind::Absolute | Kind::Disguised | Kind::UserName | Kind::Script | Kind::Scheme,
        ) => Outcome::Text,
    }
}

mod routes {
    use super::*;

    #[derive(LiveRoute)]
    #[live(path = "/named/{name}")]
    pub(super) struct Named {
        pub(super) name: String,
    }
}

#[derive(LiveComponent, Clone)]
#[live(name = "signpost", inline = "<a href='{{ to }}'>there</a>")]
struct Signpost {
    #[live(prop)]
    to: String,
    #[live(url)]
    place: String,
}

#[actions]
impl Signpost {
    #[action]
    fn turn(&mut self, to: String) {
        self.to = to;
    }

    #[action]
    fn name(&mut self, place: String) {
        self.place = place;
    }

    #[action]
    fn navigate(&mut self, cx: &mut Context, to: String) -> Result {
        Ok(cx.navigate(&to)?)
    }

    #[action]
    fn redirect(&mut self, cx: &mut Context, to: String) -> Result {
        Ok(cx.redirect(&to)?)
    }

    #[action]
    fn flash(&mut self, cx: &mut Context, text: String) -> Result {
        cx.flash("info", text)?;
        Ok(cx.navigate("/")?)
    }
}

#[derive(LivePage)]
#[live(
    inline = r#"<!DOCTYPE html><html lang="en"><head><title>Signpost</title></head><body>
        <a id="of-page" href="{{ to }}">there</a><a id="named" href="{{ routes::Named { name: to } }}">there</a>
        <p live:for="text in messages">[{{ text }}]</p>
        <live:signpost to="{{ to }}"></live:signpost></body></html>"#,
    children(Signpost)
)]
struct SignpostPage {
    to: String,
    messages: Vec<String>,
}

#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    to: String,
}

async fn page(live: Live, Query(Asked { to }): Query<Asked>) -> Result<Response, RenderError> {
    let messages = live.flash().iter().map(|Flash { text, .. }| text.clone()).collect();
    live.render_page(SignpostPage { to, messages }).await
}

/// Returns the attribute `href` of the element with that beginning, as a browser reads it.
fn href(html: &str, before: &str) -> String {
    let (_, rest) = html.split_once(before).unwrap();
    let (_, rest) = rest.split_once("href=\"").unwrap();
    let (href, _) = rest.split_once('"').unwrap();
    unescape(href)
}

fn unescape(text: &str) -> String {
    let entities =
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&#13;", "\r"), ("&amp;", "&")];
    entities.iter().fold(text.to_owned(), |text, (entity, character)| text.replace(entity, character))
}

/// Removes what browsers remove from an address.
fn cleaned(address: &str) -> String {
    address.chars().filter(|c| !matches!(c, '\t' | '\n' | '\r')).collect()
}

fn link(address: &str, href: &str) -> Outcome {
    match href {
        "about:invalid" => Outcome::Replaced,
        href => {
            assert_eq!(cleaned(href), cleaned(address));
            Outcome::Kept
        }
    }
}

/// Uses an address at a place.
async fn outcome(browser: &Browser, place: Place, address: &str) -> Outcome {
    let query = form_urlencoded::Serializer::new(String::new()).append_pair("to", address).finish();
    let path = format!("/?{query}");
    let html = browser.get(&path).await.into_body();
    let page = browser.open("/").await.unwrap();
    let signpost: View = page.component("signpost");
    match place {
        Place::Navigate | Place::Redirect => {
            let action = if matches!(place, Place::Navigate) { "navigate" } else { "redirect" };
            let result = signpost.call(action, (address,)).await;
            let effects = page.effects();
            let Some(requested) = effects.navigate.or(effects.redirect) else {
                assert!(result.is_err());
                return Outcome::Refused;
            };
            assert_eq!(requested, cleaned(address));
            Outcome::Kept
        }
        Place::Painted => link(address, &href(&html, "<live-component")),
        Place::Page => link(address, &href(&html, "of-page")),
        Place::Patched => {
            signpost.call("turn", (address,)).await.unwrap();
            link(address, &signpost.attribute("a", "href").unwrap())
        }
        Place::Flash => {
            signpost.call("flash", (address,)).await.unwrap();
            let next = page.follow().await.unwrap();
            assert_eq!(page.effects().flashes[0].text, address);
            assert!(!next.component("signpost").html().contains("example"));
            Outcome::Text
        }
        Place::Route => {
            let href = href(&html, "id=\"named\"");
            let name = href.strip_prefix("/named/").unwrap();
            assert!(
                name.bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=:@".contains(&byte))
            );
            Outcome::Text
        }
        Place::Parameter => {
            signpost.call("name", (address,)).await.unwrap();
            let query = signpost.query();
            let value = query.strip_prefix("place=").unwrap();
            assert!(
                value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._*+%".contains(&byte)),
                "{value}"
            );
            Outcome::Text
        }
    }
}

#[tokio::test]
async fn every_place_has_an_answer_to_every_kind_of_address() {
    let server = Server::with_router(Runtime::builder, |runtime| {
        Router::new().route("/", get(page)).with_state(runtime.clone()).merge(runtime.router())
    });
    let browser = server.browser();
    for (kind, addresses) in ADDRESSES {
        for address in *addresses {
            for place in PLACES {
                let outcome = outcome(&browser, place, address).await;
                assert_eq!(outcome, expected(place, *kind), "{place:?}, {kind:?}: {address:?}");
            }
        }
    }
}
