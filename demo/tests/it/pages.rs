//! The responses to a browser, without a browser.

use crate::demo::{Demo, Folder};

const PAGES: [(&str, &str); 6] = [
    ("/", "counter"),
    ("/counter", "counter"),
    ("/chat", "chat"),
    ("/form", "form"),
    ("/todo", "todo"),
    ("/rows", "rows"),
];

fn cookie(set_cookie: &str) -> String {
    format!("Cookie: {}\r\n", set_cookie.split(';').next().unwrap())
}

#[test]
fn all_pages_are_rendered_on_the_server() {
    let folder = Folder::new();
    let demo = Demo::start(&folder);
    for (path, component) in PAGES {
        let page = demo.get(path, "");
        assert_eq!(page.status, 200, "{path}");
        assert!(page.body.contains("<live-component"), "{path}");
        assert!(page.body.contains(&format!("name=\"{component}\"")), "{path}");
        assert!(page.body.contains("/live/client-"), "{path}");
        let without_links = page.body.replace(" live:navigate", "");
        assert!(!without_links.contains(" live:") || page.body.contains("class=\"source\""), "{path}");
        assert_eq!(page.header("cache-control"), "private, no-store", "{path}");
        let policy = page.header("content-security-policy");
        assert!(
            policy.contains("script-src 'self' 'wasm-unsafe-eval'") && !policy.contains("unsafe-inline"),
            "{policy}"
        );
    }
}

#[test]
fn a_script_renders_the_counter_of_the_hook_page() {
    let folder = Folder::new();
    let demo = Demo::start(&folder);
    assert!(demo.get("/", "").body.contains("href=\"/hook\""));
    let page = demo.get("/hook", "");
    assert_eq!(page.status, 200);
    assert!(!page.body.contains("<live-component"), "no component is rendered by the server");
    assert!(page.body.contains("src=\"/assets/hook.js\"") && page.body.contains("/live/client-"));
    assert!(!page.header("content-security-policy").contains("unsafe-inline"));
    assert!(demo.get("/assets/hook.js", "").body.contains("live.mount(\"counter\""));
}

#[test]
fn the_first_page_gives_a_cookie_and_later_ones_keep_it() {
    let folder = Folder::new();
    let demo = Demo::start(&folder);
    for (path, _) in PAGES {
        let first = demo.get(path, "");
        let set = first.header("set-cookie");
        assert!(set.contains("HttpOnly") && set.contains("SameSite=Lax") && set.contains("Path=/"), "{set}");
        let again = demo.get(path, &cookie(set));
        assert!(again.headers("set-cookie").is_empty(), "{path}");
    }
    // A cookie with another signature is ignored.
    assert!(
        !demo.get("/", "Cookie: demo_user=WyIxIiwiTWFsbG9yeSJd.AAAA\r\n").headers("set-cookie").is_empty()
    );
}

#[test]
fn the_form_changes_the_name() {
    let folder = Folder::new();
    let demo = Demo::start(&folder);
    let first = demo.get("/counter", "");
    let renamed = demo.post("/user", &cookie(first.header("set-cookie")), "name=%3CAda%3E&back=%2Fform");
    assert_eq!((renamed.status, renamed.header("location")), (303, "/form"));
    let page = demo.get("/form", &cookie(renamed.header("set-cookie")));
    assert!(page.body.contains("value=\"&lt;Ada&gt;\""));
    let elsewhere = demo.post("/user", "", "name=Ada&back=%2F%2Fevil.example");
    assert_eq!(elsewhere.header("location"), "/");
}

#[test]
fn rooms_exist_once_they_are_used() {
    let folder = Folder::new();
    let demo = Demo::start(&folder);
    assert_eq!(demo.get("/chat/rooms/attic", "").status, 404);
    assert_eq!(demo.get("/chat/attic", "").status, 200);
    let room = demo.get("/chat/rooms/attic", "");
    assert_eq!((room.status, room.header("content-type")), (200, "application/json"));
    assert!(room.body.contains("\"id\":\"attic\""), "{}", room.body);

    let made = demo.post("/chat/rooms", "", "");
    assert_eq!(made.status, 201);
    assert_eq!(demo.get(made.header("location"), "").status, 200);
    let from_a_form = demo.post("/chat/rooms", "Accept: text/html\r\n", "");
    assert_eq!(from_a_form.status, 303);
    assert_eq!(demo.get(from_a_form.header("location"), "").status, 200);

    for name in ["%20", "a.b", "a%2Fb", &"x".repeat(65)] {
        assert_eq!(demo.get(&format!("/chat/{name}"), "").status, 404, "{name}");
        assert_eq!(demo.get(&format!("/chat/rooms/{name}"), "").status, 404, "{name}");
    }
}

#[test]
fn files_are_revalidated() {
    let folder = Folder::new();
    let demo = Demo::start(&folder);
    for path in ["/assets/demo.css", "/assets/demo.js", "/assets/hook.js", "/favicon.svg"] {
        let file = demo.get(path, "");
        assert_eq!(file.status, 200, "{path}");
        let known = demo.get(path, &format!("If-None-Match: {}\r\n", file.header("etag")));
        assert_eq!((known.status, known.body.as_str()), (304, ""), "{path}");
    }
    assert_eq!(demo.get("/nowhere", "").status, 404);
}
