//! Seals. A seal of this server opens unchanged and for its holder only; no other text opens.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use vivaz::fuzzing::Seals;

static SEALS: LazyLock<Seals> = LazyLock::new(|| Seals::new(&"k".repeat(32)));

fuzz_target!(|input: (&str, &str, u16, u8)| {
    let (text, holder, at, with) = input;
    assert!(SEALS.open(text, holder).is_none());

    let token = SEALS.seal(text, holder).expect("the system has randomness");
    assert_eq!(SEALS.open(&token, holder).as_deref(), Some(text));
    assert!(SEALS.open(&token, &format!("{holder}.")).is_none());

    let mut forged = token.clone().into_bytes();
    let at = usize::from(at) % forged.len();
    forged[at] = with;
    match String::from_utf8(forged) {
        Ok(forged) if forged != token => assert!(SEALS.open(&forged, holder).is_none()),
        Ok(_) | Err(_) => {}
    }
    assert!(SEALS.open(&token[..at], holder).is_none());
});
