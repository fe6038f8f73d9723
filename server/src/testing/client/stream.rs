//! The page's copy of a stream.

use serde_json::Value;
use serde_json::value::RawValue;
use vivaz_protocol::{Epoch, Patch, RawJson, Rev};

/// The page's copy of the state of a component or a topic.
#[derive(Clone, Debug, PartialEq)]
pub struct Stream {
    /// The epoch of the revision.
    pub epoch: Epoch,
    /// The revision of the state.
    pub rev: Rev,
    /// The fields.
    pub state: Value,
}

impl Stream {
    pub(super) fn new(rev: Rev, epoch: Epoch, state: RawJson<'_>) -> Result<Self, String> {
        let state: Value = serde_json::from_str(state.get()).map_err(|error| error.to_string())?;
        if state.is_object() {
            Ok(Self { epoch, rev, state })
        } else {
            Err("the state is not an object".to_owned())
        }
    }

    /// Applies the patch to revision `rev`.
    ///
    /// # Errors
    /// Returns a description if `rev` is not the next revision, or the patch does not apply.
    pub(super) fn patch(&mut self, rev: Rev, patch: RawJson<'_>) -> Result<(), String> {
        if rev != self.rev.next() {
            return Err(format!("a gap: received revision {rev} after {}", self.rev));
        }
        let json = RawValue::from_string(patch.get().to_owned()).map_err(|error| error.to_string())?;
        let patch = Patch::parse(RawJson::from(&*json)).map_err(|error| error.to_string())?;
        patch.apply(&mut self.state).map_err(|error| format!("the patch does not apply: {error}"))?;
        self.rev = rev;
        Ok(())
    }
}
