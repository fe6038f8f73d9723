//! Limits on the bytes of state of a session, and of all sessions of a user.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::{ActionError, ErrorCode, Result};

/// A limit on bytes of state, shared by several accounts. Bytes count against its parent too.
#[derive(Debug)]
pub struct Budget {
    used: AtomicUsize,
    limit: usize,
    /// Names the owner in error messages.
    of: &'static str,
    parent: Option<Arc<Self>>,
}

impl Budget {
    /// Creates a budget of that many bytes. `of` names its owner in error messages: `session`,
    /// `user`.
    #[must_use]
    pub fn new(of: &'static str, limit: usize) -> Self {
        Self { used: AtomicUsize::new(0), limit, of, parent: None }
    }

    /// Makes it a part of another budget.
    #[must_use]
    pub fn within(mut self, parent: Arc<Self>) -> Self {
        self.parent = Some(parent);
        self
    }

    /// Returns how many bytes are used.
    #[must_use]
    pub fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// Counts bytes of state that were admitted before, regardless of the limit, until the account
    /// is dropped.
    #[must_use]
    pub fn known(self: &Arc<Self>, bytes: usize) -> Account {
        let account = Account { budget: Some(Arc::clone(self)), bytes: Mutex::new(0) };
        account.restore(bytes);
        account
    }

    /// Counts `to` bytes instead of `from`. Always accepts a size that does not grow, so that an
    /// owner above a lowered limit can shrink.
    ///
    /// # Errors
    /// Returns `too_large` if the limit would be exceeded; nothing is counted then.
    fn replace(&self, from: usize, to: usize) -> Result {
        if to <= from {
            self.force(from, to);
            return Ok(());
        }
        let counted = self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
            let used = used.saturating_sub(from).saturating_add(to);
            (used <= self.limit).then_some(used)
        });
        if counted.is_err() {
            return Err(too_large(self.of, self.limit));
        }
        if let Some(parent) = &self.parent
            && let Err(error) = parent.replace(from, to)
        {
            self.count(to, from);
            return Err(error);
        }
        Ok(())
    }

    /// Counts `to` bytes instead of `from`, regardless of the limit.
    fn force(&self, from: usize, to: usize) {
        self.count(from, to);
        if let Some(parent) = &self.parent {
            parent.force(from, to);
        }
    }

    fn count(&self, from: usize, to: usize) {
        let counted = self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
            Some(used.saturating_sub(from).saturating_add(to))
        });
        debug_assert!(counted.is_ok(), "an update that always has a value");
    }
}

/// Returns the error for state that is too large. Pages may read it.
pub(crate) fn too_large(of: &str, limit: usize) -> ActionError {
    ActionError::new(
        ErrorCode::TooLarge,
        format!("the {of} would exceed its limit of {limit} bytes of state; nothing was changed"),
    )
}

/// The bytes that one component counts against a budget. Released on drop.
#[derive(Debug, Default)]
pub struct Account {
    budget: Option<Arc<Budget>>,
    /// Held during an addition.
    bytes: Mutex<usize>,
}

/// Whether a budget may refuse state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Admission {
    /// It may refuse.
    #[default]
    Bounded,
    /// It only counts: for state that was admitted before, in a session that is restored.
    Known,
}

impl Account {
    pub(crate) fn open(budget: Option<Arc<Budget>>, admission: Admission, bytes: usize) -> Result<Self> {
        let account = Self { budget, bytes: Mutex::new(0) };
        match admission {
            Admission::Bounded => account.set(bytes)?,
            Admission::Known => account.restore(bytes),
        }
        Ok(account)
    }

    /// Sets the size of the component.
    ///
    /// # Errors
    /// Returns `too_large` if the limit would be exceeded; the old size is counted then.
    pub(crate) fn set(&self, bytes: usize) -> Result {
        let Some(budget) = &self.budget else { return Ok(()) };
        let mut counted = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        if *counted != bytes {
            budget.replace(*counted, bytes)?;
            *counted = bytes;
        }
        Ok(())
    }

    /// Checks whether the budget has that many bytes left.
    ///
    /// # Errors
    /// Returns `too_large` if it does not.
    pub(crate) fn has_left(&self, bytes: usize) -> Result {
        let Some(budget) = &self.budget else { return Ok(()) };
        budget.replace(0, bytes)?;
        budget.force(bytes, 0);
        Ok(())
    }

    /// Sets the component back to a size that it had before.
    pub(crate) fn restore(&self, bytes: usize) {
        let Some(budget) = &self.budget else { return };
        let mut counted = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        budget.force(*counted, bytes);
        *counted = bytes;
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        self.restore(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(budget: &Arc<Budget>, bytes: usize) -> Result<Account> {
        Account::open(Some(Arc::clone(budget)), Admission::Bounded, bytes)
    }

    #[test]
    fn the_bound_itself_is_allowed_and_one_more_is_not() {
        let budget = Arc::new(Budget::new("session", 100));
        let one = account(&budget, 60).unwrap();
        let other = account(&budget, 40).unwrap();
        assert_eq!(account(&budget, 1).unwrap_err().code(), ErrorCode::TooLarge);
        assert_eq!(other.set(41).unwrap_err().code(), ErrorCode::TooLarge);
        assert_eq!(budget.used(), 100);
        one.set(59).unwrap();
        other.set(41).unwrap();
        drop(one);
        assert_eq!(budget.used(), 41);
        drop(other);
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn children_that_the_parent_refuses_are_not_counted() {
        let user = Arc::new(Budget::new("user", 100));
        let sessions = [1, 2].map(|_| Arc::new(Budget::new("session", 80).within(Arc::clone(&user))));
        let one = account(&sessions[0], 80).unwrap();
        let error = account(&sessions[1], 21).unwrap_err();
        assert!(error.message().contains("the user"), "{error}");
        assert_eq!((sessions[1].used(), user.used()), (0, 80));
        let other = account(&sessions[1], 20).unwrap();
        assert!(other.set(21).is_err());
        assert_eq!((sessions[1].used(), user.used()), (20, 100));
        drop((one, other));
        assert_eq!((sessions[0].used(), sessions[1].used(), user.used()), (0, 0, 0));
    }

    #[test]
    fn a_state_above_the_limit_may_shrink_but_not_grow() {
        let budget = Arc::new(Budget::new("session", 100));
        let known = Account::open(Some(Arc::clone(&budget)), Admission::Known, 150).unwrap();
        assert!(known.set(151).is_err());
        known.set(149).unwrap();
        assert!(known.set(150).is_err());
        known.set(150 - 50).unwrap();
        assert!(known.set(101).is_err());
        known.restore(120);
        assert_eq!(budget.used(), 120);
    }
}
