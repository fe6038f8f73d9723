//! Why a store refuses a write.

/// The reason why a store refuses a write of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WriteRefusal {
    /// The store does not have the session, the claim with the fence of the write, or a component
    /// that the write changes. The process that holds the session [writes it
    /// whole](super::SessionStore::save_whole).
    #[error("the store does not have the session or one of its components")]
    Absent,
    /// The session has changed hands: its fence is newer than that of the write.
    #[error("the session has changed hands")]
    Taken,
    /// The session has ended and must not be written again.
    #[error("the session has ended")]
    Ended,
}
