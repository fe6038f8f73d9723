//! Parses compiled templates with the page's parser, which accepts or rejects every JSON text.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vivaz_engine::fuzzing::is_template;

fuzz_target!(|text: &str| {
    is_template(text);
});
