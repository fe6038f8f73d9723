//! Parses messages of a server, as objects and in the compact form, with the decoder of test
//! clients and load generators, and with the page's parser of JSON.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use vivaz_engine::fuzzing as page;
use vivaz_fuzz::{can_hold, same};
use vivaz_protocol::{compact, decode_server, encode_server};

fuzz_target!(|text: &str| {
    let read = page::reread(text);
    let object = compact::to_object(text, usize::MAX).expect("there is no limit");
    if let Ok(message) = decode_server(object.as_deref().unwrap_or(text)) {
        let mut written = String::new();
        encode_server(&mut written, &message);
        let again = decode_server(&written).expect("an encoded message can be decoded");
        let mut rewritten = String::new();
        encode_server(&mut rewritten, &again);
        assert_eq!(written, rewritten);
        let mut short = String::new();
        compact::from_object(&mut short, &written);
        let object = compact::to_object(&short, usize::MAX).expect("there is no limit").expect("an encoded message has a compact form");
        let again = decode_server(&object).expect("the compact form of a message can be decoded");
        let mut rewritten = String::new();
        encode_server(&mut rewritten, &again);
        assert_eq!(written, rewritten);
    }
    // The page writes each parsed value as JSON, and parses all values that a server may send.
    if let Some(read) = &read {
        serde_json::from_str::<Value>(read).expect("the page writes JSON");
    }
    if let Ok(value) = serde_json::from_str::<Value>(text)
        && can_hold(&value)
    {
        let read = read.expect("the page parses the values of a server");
        // Uses the encoded value, not the input: of a repeated name the server uses the last one
        // and the page the first.
        let plain = page::reread(&value.to_string()).expect("the page parses the output of serde_json");
        let plain: Value = serde_json::from_str(&plain).expect("the page writes JSON");
        assert!(same(&plain, &value), "{plain} is not {value}, read from {read}");
    }
});
