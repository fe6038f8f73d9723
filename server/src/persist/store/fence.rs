//! Fences: which copy of a session may write it.

use serde::{Deserialize, Serialize};

use super::refusal::WriteRefusal;

/// The number of times that a session has changed hands. [`claim`](super::SessionStore::claim) and
/// [`release`](super::SessionStore::release) raise it, and each write carries the fence of the copy
/// that it comes from: a copy that has lost the session can write nothing, even if its process has
/// the session again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fence(u64);

impl Fence {
    /// The fence of a session that no process has claimed yet.
    pub const FIRST: Self = Self(1);

    /// Creates a fence from its number, for stores.
    #[must_use]
    pub fn new(number: u64) -> Self {
        Self(number)
    }

    /// Returns the number.
    #[must_use]
    pub fn get(self) -> u64 {
        self.0
    }

    /// Returns the fence after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// Checks whether a process may write a stored session with this fence. The names are compared
    /// because two processes may insert the same session, both with the first fence.
    ///
    /// # Errors
    /// Returns [`Taken`](WriteRefusal::Taken) if the stored fence is newer, or equal and of another
    /// process, and [`Absent`](WriteRefusal::Absent) if it is older: the store has lost the claim,
    /// as after the restore of a backup.
    pub fn check(self, by: &str, stored: Self, holder: &str) -> Result<(), WriteRefusal> {
        match self.cmp(&stored) {
            std::cmp::Ordering::Equal if by == holder => Ok(()),
            std::cmp::Ordering::Less | std::cmp::Ordering::Equal => Err(WriteRefusal::Taken),
            std::cmp::Ordering::Greater => Err(WriteRefusal::Absent),
        }
    }
}

/// How the process stands that holds a stored session, or held it last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HolderStatus {
    /// It has released the session, or has [closed](super::SessionStore::close).
    Released,
    /// It does not run any more, its lease has ended, or it was never
    /// [registered](super::SessionStore::register).
    Gone,
    /// It runs.
    Running,
}

/// What a process that releases a session knows about the stored state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReleasedAs {
    /// It is the state that the page has: the session was saved, and nothing has run since.
    Exact,
    /// The process has not changed it since it claimed the session. It stays as
    /// [exact](super::StoredSession::exact) as it is.
    Unchanged,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_newest_copy_may_write() {
        let (old, new) = (Fence::FIRST, Fence::FIRST.next());
        assert_eq!(new.check("a", new, "a"), Ok(()));
        assert_eq!(old.check("a", new, "a"), Err(WriteRefusal::Taken));
        assert_eq!(new.check("a", new, "b"), Err(WriteRefusal::Taken));
        assert_eq!(new.check("a", old, "b"), Err(WriteRefusal::Absent));
        assert_eq!(Fence::new(u64::MAX).next().get(), u64::MAX);
        assert_eq!(serde_json::to_string(&new).unwrap(), "2");
    }
}
