//! What a server sends, as test clients and load generators read it, and the page's own reader of
//! JSON.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use vivaz_engine::fuzzing as page;
use vivaz_fuzz::{can_hold, same};
use vivaz_protocol::{decode_server, encode_server};

fuzz_target!(|text: &str| {
    let read = page::reread(text);
    if let Ok(message) = decode_server(text) {
        let mut written = String::new();
        encode_server(&mut written, &message);
        let again = decode_server(&written).expect("what was written can be read");
        let mut rewritten = String::new();
        encode_server(&mut rewritten, &again);
        assert_eq!(written, rewritten);
    }
    // Whatever the page reads it writes as JSON, and what a server may send it reads as what it is.
    if let Some(read) = &read {
        serde_json::from_str::<Value>(read).expect("the page writes JSON");
    }
    if let Ok(value) = serde_json::from_str::<Value>(text)
        && can_hold(&value)
    {
        let read = read.expect("the page reads what a server may send");
        // What is written of the value, not the text: a name that stands twice is the server's last
        // and the page's first.
        let plain = page::reread(&value.to_string()).expect("the page reads what serde_json writes");
        let plain: Value = serde_json::from_str(&plain).expect("the page writes JSON");
        assert!(same(&plain, &value), "{plain} is not {value}, read from {read}");
    }
});
