//! Which history the revisions of a component count in.

use vivaz_protocol::Epoch;

/// A history. Most begin in this process and are a number, because there is one for each component of each session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum History {
    /// Begun here.
    Own(u64),
    /// Begun in a process that is gone, and goes on here.
    Kept(Epoch),
}
