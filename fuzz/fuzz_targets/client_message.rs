//! Parses messages of a page. A message that parses has a stable encoding: decoding and encoding it
//! again gives the same text.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vivaz_protocol::{Limits, decode_client, encode_client};

fuzz_target!(|text: &str| {
    let Ok(message) = decode_client(text, &Limits::default()) else { return };
    let mut written = String::new();
    encode_client(&mut written, &message);
    // The encoding may be longer than the input, because escapes in names are normalised. The limit
    // applies to the input only.
    let roomy = Limits { message_bytes: usize::MAX, ..Limits::default() };
    let again = decode_client(&written, &roomy).expect("an encoded message can be decoded");
    let mut rewritten = String::new();
    encode_client(&mut rewritten, &again);
    assert_eq!(written, rewritten);
});
