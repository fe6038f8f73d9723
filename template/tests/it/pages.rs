//! Templates of pages: whole documents that only the server renders.

use serde_json::{Value, json};
use vivaz_template::{
    Compiled, PageRequest, PartialFile, TemplateKind, TemplateLibrary, compile, compile_page, compile_with,
    render, render_page,
};

/// A page around this content of its body.
fn around(body: &str) -> String {
    format!("<html lang='en'><head><title>T</title></head><body>{body}</body></html>")
}

fn rendered(compiled: &Compiled, values: &Value, here: &str) -> String {
    render_page(compiled, values, &PageRequest { path: here, user: None, flash: None }).html
}

/// Returns the errors of the body of a page, without their positions.
fn refused(body: &str) -> Vec<String> {
    compile_page(&around(body)).unwrap_err().into_iter().map(|error| error.message).collect()
}

#[test]
fn a_page_is_a_document_without_markers() {
    let source = "<!DOCTYPE html>\n<html lang='{{ lang }}'>\n<head>\n  <meta charset='utf-8'>\n  <title>{{ title }} · Site</title>\n  <link rel='icon' href='{{ icon }}'>\n</head>\n<body>\n  <p live:for='word in words'>{{ $index }}{{ word }}</p>\n  <b>end</b>\n</body>\n</html>\n";
    let compiled = compile_page(source).unwrap();
    let values = json!({ "lang": "de", "title": "a < b", "icon": "javascript:x", "words": ["x", "<y>"] });
    let page = render_page(&compiled, &values, &PageRequest { path: "/", user: None, flash: None });
    let before =
        "<!DOCTYPE html><html lang=\"de\"><head><meta charset=\"utf-8\"><title>a &lt; b · Site</title>";
    let after = "<link rel=\"icon\" href=\"about:invalid\"></head><body><p>0x</p><p>1&lt;y&gt;</p><b>end</b></body></html>";
    assert_eq!(page.html, format!("{before}{after}"));
    // The client is loaded before the first resource.
    assert_eq!(page.head, Some(before.len()));
}

#[test]
fn the_template_can_place_the_client() {
    let page = |place: &str| {
        let source = format!(
            "<html lang='en'><head><title>T</title><link rel='icon' href='/i'>{place}</head><body></body></html>"
        );
        let compiled = compile_page(&source).unwrap();
        [true, false].map(|live| {
            let page = render_page(
                &compiled,
                &json!({ "live": live }),
                &PageRequest { path: "/", user: None, flash: None },
            );
            page.head.map(|at| page.html[at..].starts_with("</head>"))
        })
    };
    assert_eq!(page("<live:head></live:head>"), [Some(true), Some(true)]);
    assert_eq!(page("<live:head live:if='live'></live:head>"), [Some(true), None]);
    assert_eq!(page(""), [Some(false), Some(false)]);
}

#[test]
fn a_document_is_complete() {
    for (source, message) in [
        (
            "<p>x</p>",
            "a page is a whole document: `<html lang=\"en\"><head><title>…</title></head><body>…</body></html>`",
        ),
        (
            "<html><head><title>x</title></head><body></body></html>",
            "`<html>` needs a `lang`, such as `lang=\"en\"`, which screen readers require",
        ),
        ("<html lang='en'><head></head><body></body></html>", "the page has no `<title>`"),
        ("<html lang='en'><head><title>x</title></head></html>", "the page has no `<body>`"),
        ("<html lang='en'><body></body></html>", "the page has no `<head>`"),
        (
            "<html lang='en'><head><title>x</title></head><body></body></html><p>x</p>",
            "a page has no content outside its `<html>`",
        ),
        (
            "<html lang='en'><head><title>x</title></head><head></head><body></body></html>",
            "a page has one `<head>`",
        ),
        (
            "<html lang='en'><head><title>x</title><p>x</p></head><body></body></html>",
            "`<p>` is not allowed in `<head>`, and a browser moves or drops it: allowed are `<title>`, `<meta>`, `<link>`, `<noscript>`, `<live:head>`",
        ),
        (
            "<html lang='en'><head><title>x</title>text</head><body></body></html>",
            "text is not allowed in `<head>`: a browser moves it into the `<body>`",
        ),
        (
            "<html lang='en'><head><title>x</title><live:head></live:head><live:head></live:head></head><body></body></html>",
            "a page has one `<live:head>`",
        ),
    ] {
        let errors = compile_page(source).unwrap_err();
        assert!(errors.iter().any(|error| error.message == message), "{source}: {errors:?}");
    }
    let in_body = refused("<live:head></live:head>");
    assert_eq!(in_body, ["`<live:head>` must be in `<head>`: a browser drops it anywhere else"]);
}

#[test]
fn a_page_has_no_directives_of_the_engine() {
    for directive in [
        "live:click='go()'",
        "live:on:custom='go()'",
        "live:submit='go()'",
        "live:model='x'",
        "live:local='x = 1'",
        "live:ref='x'",
        "live:hook='x'",
        "live:ignore",
        "live:loading",
        "live:dirty",
        "live:offline",
        "live:optimistic='x = 1'",
    ] {
        let name = directive.split('=').next().unwrap();
        let expected = format!(
            "`{name}` needs a component: a page is rendered once, and only the components in it are live"
        );
        assert_eq!(refused(&format!("<input {directive}>"))[0], expected);
    }
    for style in ["style='color: red'", "style='color: {{ x }}'", "live:style:color='x'"] {
        let expected =
            "a page has no styles in attributes, because a strict content policy forbids them: use a class";
        assert_eq!(refused(&format!("<p {style}></p>")), [expected]);
    }
}

#[test]
fn a_page_has_the_directives_of_navigation() {
    let html = |body: &str| rendered(&compile_page(&around(body)).unwrap(), &json!({}), "/");
    let body = "<a href=\"/a\" live:navigate>a</a><a href=\"/b\" live:navigate=\"replace keep-scroll\">b</a><div live:persist=\"player\"></div>";
    assert!(html(body).contains(body), "{}", html(body));
    assert_eq!(
        refused("<a href='/a' live:navigate='replcae'>a</a>"),
        ["`live:navigate` has no option `replcae`; did you mean `replace`?"]
    );
    assert_eq!(
        refused("<div live:persist></div>"),
        ["`live:persist` needs a name: `live:persist=\"player\"`"]
    );
    assert_eq!(
        refused("<div live:persist='{{ x }}'></div>"),
        ["`live:persist` needs a name: `live:persist=\"player\"`"]
    );
    assert_eq!(
        compile("<div live:persist='a'></div>").unwrap_err().remove(0).message,
        "`live:persist` belongs into a page's template: what is inside a component stays with it"
    );
}

#[test]
fn scripts_take_no_values_except_their_address() {
    let page = |script: &str| compile_page(&around(script));
    assert!(page("<script nonce='{{ nonce }}' src='/assets/{{ file }}'></script>").is_ok());
    for script in [
        "<script>{{ x }}</script>",
        "<style>{{ x }}</style>",
        "<script src='{{ x }}'></script>",
        "<script src='/{{ x }}'></script>",
        "<script src='//{{ x }}'></script>",
        "<script src='https://example.org/{{ x }}'></script>",
        "<script type='{{ x }}'></script>",
        "<iframe srcdoc='{{ x }}'></iframe>",
    ] {
        assert!(page(script).is_err(), "{script}");
    }
}

/// The routes of the tests, without partials.
struct TestRoutes;

impl TemplateLibrary for TestRoutes {
    fn partial(&mut self, _: &str) -> Option<PartialFile> {
        None
    }

    fn routes(&self) -> Vec<(String, String)> {
        vec![("routes::Item".to_owned(), "/items/{id}".to_owned())]
    }
}

#[test]
fn links_are_built_from_routes() {
    let source = around(
        "<a href='{{ routes::Item { id } }}' live:current>1</a><a href='{{ routes::Item { id: 2, page: id } }}#top' live:current.within>2</a>",
    );
    let compiled = compile_with(&source, TemplateKind::Page, &mut TestRoutes).unwrap();
    assert_eq!(compiled.routes(), ["routes::Item".into()]);
    let html = rendered(&compiled, &json!({ "id": "a/\"b" }), "/items/a%2F%22b");
    let first = "<a href=\"/items/a%2F%22b\" aria-current=\"page\">1</a>";
    assert!(html.contains(&format!("{first}<a href=\"/items/2?page=a%2F%22b#top\">2</a>")), "{html}");
    let html = rendered(&compiled, &json!({ "id": ".." }), "/items/2/edit");
    assert!(html.contains("<a href=\"about:invalid\">1</a>"), "{html}");
    assert!(html.contains("<a href=\"/items/2?page=..#top\" aria-current=\"true\">2</a>"), "{html}");
}

#[test]
fn a_component_writes_the_same_links() {
    let link = |route: &str| format!("<a href='{{{{ {route} }}}}'></a>");
    let routes = ["routes::Item { id }", "routes::Item { id, page }", "routes::Item { id, page, sort }"];
    let values = ["7", "a b/c?d#e%f\"<>'&", "ä\u{202e}", "..", ".", "", "~a-b_c.d"].map(Value::from);
    for route in routes {
        let page = compile_with(&around(&link(route)), TemplateKind::Page, &mut TestRoutes).unwrap();
        let component = compile_with(&link(route), TemplateKind::Component, &mut TestRoutes).unwrap();
        for id in values.iter().chain([&json!(-7), &json!(true), &Value::Null]) {
            for (page_number, sort) in
                [(json!(2), json!("a&b")), (Value::Null, json!("")), (json!(1), Value::Null)]
            {
                let state = json!({ "id": id, "page": page_number, "sort": sort });
                let html = rendered(&page, &state, "/");
                let written = render(&component, &state, None).html;
                assert!(html.contains(&written), "{route} of {state}: {written} is not in {html}");
            }
        }
    }
}

#[test]
fn messages_are_for_pages() {
    let compiled =
        compile_page(&around("<p live:for='m in $flash' class='{{ m.kind }}'>{{ m.text }}</p>")).unwrap();
    let messages = json!([{ "kind": "info", "text": "<Saved>" }]);
    let request = PageRequest { path: "/", user: None, flash: Some(&messages) };
    let html = render_page(&compiled, &json!({}), &request).html;
    assert!(html.contains("<body><p class=\"info\">&lt;Saved&gt;</p></body>"), "{html}");
    assert_eq!(
        compile("<p live:if='$flash'>x</p>").unwrap_err().remove(0).message,
        "`$flash` belongs into a page's template: the messages are those of the page"
    );
}

#[test]
fn current_links_are_for_pages() {
    let message = |source: &str| compile(source).unwrap_err().remove(0).message;
    assert_eq!(
        message("<a href='/' live:current>x</a>"),
        "`live:current` belongs into a page's template, which knows the page's path"
    );
    assert_eq!(refused("<p live:current>x</p>"), ["`live:current` belongs on an `<a>` with a `href`"]);
    assert_eq!(
        refused("<a href='{{ routes::Item { id: 1, id: 2 } }}'>x</a>"),
        ["the parameter `id` is given twice"]
    );
}
