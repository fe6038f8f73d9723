//! The compiled form as a page reads it: any JSON is a template or it is not.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vivaz_engine::fuzzing::is_template;

fuzz_target!(|text: &str| {
    is_template(text);
});
