//! What one visitor can do to the demo and to other visitors.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use serde_json::json;

use crate::demo::{Demo, Folder, program};
use crate::socket::{Page, reply};

const POSTS: [(&str, &str); 2] = [("/user", "name=Mallory&back=%2F"), ("/chat/rooms", "")];

#[test]
fn posts_of_other_sites_are_refused() {
    let folder = Folder::new();
    let demo = Demo::start(&folder);
    let own = format!("http://{}", demo.addr);
    for (path, body) in POSTS {
        for headers in [
            "Origin: https://evil.example\r\n",
            "Origin: null\r\n",
            "Sec-Fetch-Site: cross-site\r\n",
            "Sec-Fetch-Site: same-site\r\n",
        ] {
            let refused = demo.post(path, headers, body);
            assert_eq!(refused.status, 403, "{path} {headers}");
            assert!(refused.headers("set-cookie").is_empty(), "{path} {headers}");
        }
        for headers in
            ["", &format!("Origin: {own}\r\n"), &format!("Sec-Fetch-Site: same-origin\r\nOrigin: {own}\r\n")]
        {
            assert!([201, 303].contains(&demo.post(path, headers, body).status), "{path} {headers}");
        }
    }
}

#[test]
fn forms_with_unusual_characters_are_answered() {
    let folder = Folder::new();
    let demo = Demo::start(&folder);
    for byte in (0..0x20).chain([0x7f, 0x80, 0xff]) {
        let renamed = demo.post("/user", "", &format!("name=A%{byte:02x}B&back=%2Fchat%{byte:02x}"));
        assert_ne!(renamed.status, 500, "%{byte:02x}");
        // Browsers drop some characters of a URL.
        let back = if [0x09, 0x0a, 0x0d].contains(&byte) { "/chat" } else { "/" };
        let is_text = byte < 0x80;
        if is_text {
            assert_eq!((renamed.status, renamed.header("location")), (303, back), "%{byte:02x}");
        }
    }
    let long = demo.post("/user", "", &format!("name={}", "x".repeat(20_000)));
    assert_eq!(long.status, 413);
    // U+202E reverses the direction of the following text.
    let renamed = demo.post("/user", "", "name=%E2%80%AEAda&back=%2Fchat");
    let cookie = format!("Cookie: {}\r\n", renamed.header("set-cookie").split(';').next().unwrap());
    let page = demo.get("/chat", &cookie);
    assert!(page.body.contains("value=\"Ada\"") && !page.body.contains('\u{202e}'));
}

#[test]
fn behind_tls_the_cookie_is_secure() {
    let folder = Folder::new();
    let demo = Demo::start(&folder);
    let https = "X-Forwarded-Proto: https\r\n";
    for response in [demo.get("/counter", https), demo.post("/user", https, "name=Ada")] {
        assert!(response.header("set-cookie").contains("; Secure"), "{}", response.header("set-cookie"));
    }
    for response in [demo.get("/counter", ""), demo.post("/user", "", "name=Ada")] {
        assert!(!response.header("set-cookie").contains("Secure"), "{}", response.header("set-cookie"));
    }
}

#[tokio::test]
async fn names_of_probes_are_reserved() {
    let folder = Folder::new();
    let demo = Demo::start(&folder);
    for (path, status) in [("/chat/health", "ok"), ("/chat/live", "ok"), ("/chat/ready", "ready")] {
        let probe = demo.get(path, "");
        assert_eq!((probe.status, probe.body), (200, json!({ "status": status }).to_string()), "{path}");
    }
    let cookie = demo.get("/", "").header("set-cookie").split(';').next().unwrap().to_owned();
    let mut page = Page::open(&demo, Some(&cookie)).await;
    for (at, name) in ["health", "live", "ready", "rooms"].into_iter().enumerate() {
        assert_eq!(demo.get(&format!("/chat/rooms/{name}"), "").status, 404, "{name}");
        let mounted = page.mount(&format!("c{at}"), "chat", json!({ "room": name })).await;
        assert_eq!(reply(&mounted)["payload"]["code"], "bad_props", "{name}: {mounted:?}");
    }
}

#[test]
fn probes_fail_while_the_server_drains() {
    let folder = Folder::new();
    let demo = Demo::start_with(&folder, &["--drain", "600"]);
    demo.signal("-TERM");
    while demo.get("/ready", "").status == 200 {}
    for (path, status) in
        [("/ready", 503), ("/chat/ready", 503), ("/health", 200), ("/chat/live", 200), ("/counter", 200)]
    {
        assert_eq!(demo.get(path, "").status, status, "{path}");
    }
}

/// 150 half-sent bodies and 128 descriptors.
#[test]
fn incomplete_bodies_do_not_block_other_clients() {
    let folder = Folder::new();
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", "ulimit -n 128 && exec \"$0\" \"$@\""]).arg(program().get_program());
    let demo = Demo::start_by(shell, &folder, &[]);
    let mut streams = Vec::new();
    for _ in 0..150 {
        let mut stream = TcpStream::connect(demo.addr).unwrap();
        let head = "POST /user HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n\
                    Content-Length: 100\r\n\r\nname=";
        let _closed = stream.write_all(head.as_bytes());
        streams.push(stream);
    }
    for path in ["/health", "/ready", "/counter"] {
        assert_eq!(demo.get(path, "").status, 200, "{path}");
    }
    // The closed connections made room, and most are still open.
    let mut closed = 0;
    for stream in &mut streams {
        stream.set_nonblocking(true).unwrap();
        let read = stream.read(&mut [0_u8; 1]);
        closed += usize::from(!matches!(read, Err(error) if error.kind() == std::io::ErrorKind::WouldBlock));
    }
    assert!((54..150).contains(&closed), "{closed}");
}
