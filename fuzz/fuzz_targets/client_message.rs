//! What a page sends: read or refused, never more; what was read is written and read again as the
//! same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vivaz_protocol::{Limits, decode_client, encode_client};

fuzz_target!(|text: &str| {
    let Ok(message) = decode_client(text, &Limits::default()) else { return };
    let mut written = String::new();
    encode_client(&mut written, &message);
    // Whitespace inside of a payload is kept, escapes in names may become longer or shorter: the
    // limit is for what comes.
    let roomy = Limits { message_bytes: usize::MAX, ..Limits::default() };
    let again = decode_client(&written, &roomy).expect("what was written can be read");
    let mut rewritten = String::new();
    encode_client(&mut rewritten, &again);
    assert_eq!(written, rewritten);
});
