//! What a page has of one stream.

use serde_json::Value;
use serde_json::value::RawValue;
use vivaz_protocol::{Epoch, Patch, RawJson, Rev};

/// A component's own state, or a topic's, as far as the page has it.
#[derive(Clone, Debug, PartialEq)]
pub struct Stream {
    /// Which history the revision counts in.
    pub epoch: Epoch,
    /// Its revision.
    pub rev: Rev,
    /// Its fields.
    pub state: Value,
}

impl Stream {
    pub(super) fn new(rev: Rev, epoch: Epoch, state: RawJson<'_>) -> Result<Self, String> {
        let state: Value = serde_json::from_str(state.get()).map_err(|error| error.to_string())?;
        if state.is_object() {
            Ok(Self { epoch, rev, state })
        } else {
            Err("a state is an object".to_owned())
        }
    }

    /// Applies the patch that leads to a revision.
    pub(super) fn patch(&mut self, rev: Rev, patch: RawJson<'_>) -> Result<(), String> {
        if rev != self.rev.next() {
            return Err(format!("a gap: revision {rev} came after {}", self.rev));
        }
        let json = RawValue::from_string(patch.get().to_owned()).map_err(|error| error.to_string())?;
        let patch = Patch::parse(RawJson::from(&*json)).map_err(|error| error.to_string())?;
        patch.apply(&mut self.state).map_err(|error| format!("the patch does not fit: {error}"))?;
        self.rev = rev;
        Ok(())
    }
}
