//! Patches. The input is three lines of JSON. The patch between the first two converts one to the
//! other, in the server and in the page. The third is an untrusted patch, which both apply or both
//! reject.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use vivaz_engine::fuzzing as page;
use vivaz_fuzz::{can_hold, same};
use vivaz_protocol::{Patch, RawJson};

fuzz_target!(|text: &str| {
    let mut lines = text.split('\n');
    let mut value = || serde_json::from_str::<Value>(lines.next()?).ok().filter(can_hold);
    let (Some(before), Some(after)) = (value(), value()) else { return };
    if let Ok(patch) = Patch::diff(&before, &after) {
        let wire = patch.to_json();
        let read = Patch::parse(RawJson::trusted(&wire)).expect("an encoded patch can be parsed");
        let mut state = before.clone();
        read.apply(&mut state).expect("a patch applies to its first state");
        assert_eq!(state, after);
        assert_page(&before, &wire, &after);
    }
    let Some(foreign) = value() else { return };
    let wire = foreign.to_string();
    let Ok(patch) = Patch::parse(RawJson::trusted(&wire)) else { return };
    let mut state = before.clone();
    if patch.apply(&mut state).is_ok() && can_hold(&state) {
        assert_page(&before, &wire, &state);
    }
});

fn assert_page(before: &Value, patch: &str, after: &Value) {
    let page = page::patched(&before.to_string(), patch);
    let page: Option<Value> = page.map(|text| serde_json::from_str(&text).expect("the page writes JSON"));
    assert!(
        page.as_ref().is_some_and(|page| same(page, after)),
        "{before} with the patch {patch} is {after} in the server and {page:?} in the page"
    );
}
