//! The compiled form as a page reads it: any JSON is a template or it is not.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vivaz_template::Template;

fuzz_target!(|text: &str| {
    let Ok(json) = serde_json::from_str::<serde_json::Value>(text) else { return };
    let Ok(template) = Template::decode(&json, &mut |name| name.len() as u32) else { return };
    let written = serde_json::from_str::<serde_json::Value>(&template.to_json())
        .expect("a template is written as JSON");
    let again = Template::decode(&written, &mut |name| name.len() as u32);
    assert_eq!(again.as_ref(), Ok(&template));
});
