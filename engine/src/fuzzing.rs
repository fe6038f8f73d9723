//! What only the fuzz targets reach: how the page reads JSON and templates and applies patches, as
//! texts.

use crate::patch;
use crate::render::{Blueprint, Stage};
use crate::value::{Key, parse};

/// Reads JSON and writes it again; `None` if the page refuses it.
pub fn reread(text: &str) -> Option<String> {
    parse(text).map(|value| value.json())
}

/// The state after a patch; `None` if one of them is no JSON or they do not fit each other.
pub fn patched(state: &str, patch: &str) -> Option<String> {
    let mut state = parse(state)?;
    for (field, change) in parse(patch)?.into_fields() {
        patch::apply(state.slot(field)?, change)?;
    }
    Some(state.json())
}

/// Whether the page takes this for a template.
pub fn is_template(text: &str) -> bool {
    parse(text).is_some_and(|json| Blueprint::new(Key::NONE, json, &mut Stage::new()).is_some())
}
