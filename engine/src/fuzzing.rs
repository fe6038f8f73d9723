//! Entry points of the fuzz targets: how the page parses JSON and templates and applies patches,
//! with text as input and output.

use crate::patch;
use crate::render::{Blueprint, Stage};
use crate::value::{Key, parse};

/// Parses JSON and writes it again. Returns `None` if the page rejects it.
pub fn reread(text: &str) -> Option<String> {
    parse(text).map(|value| value.json())
}

/// Returns the state after a patch. Returns `None` if either text is not JSON or the patch does not
/// fit.
pub fn patched(state: &str, patch: &str) -> Option<String> {
    let mut state = parse(state)?;
    for (field, change) in parse(patch)?.into_fields() {
        patch::apply(state.slot(field)?, change)?;
    }
    Some(state.json())
}

/// Checks whether the page accepts a text as a template.
pub fn is_template(text: &str) -> bool {
    parse(text).is_some_and(|json| Blueprint::new(Key::NONE, json, &mut Stage::new()).is_some())
}
