//! The claims of components that make users present at a topic.

use std::collections::BTreeMap;
use std::sync::Arc;

/// The components that are present.
#[derive(Default)]
pub(in crate::topic) struct PresenceClaims {
    pub(super) all: BTreeMap<u64, Claimed>,
    /// The number of components of each user.
    pub(super) counts: BTreeMap<Arc<str>, usize>,
}

pub(super) struct Claimed {
    pub(super) user: Arc<str>,
    /// The timer that ends the claim, if one runs.
    pub(super) timer: Option<u64>,
}

impl PresenceClaims {
    pub(super) fn insert(&mut self, id: u64, user: Arc<str>, timer: Option<u64>) {
        *self.counts.entry(Arc::clone(&user)).or_default() += 1;
        self.all.insert(id, Claimed { user, timer });
    }

    /// Removes a claim; if `timer` is given, only if that timer still ends it.
    pub(super) fn remove(&mut self, id: u64, timer: Option<u64>) -> Option<Arc<str>> {
        let claim = self.all.get(&id)?;
        if timer.is_some() && claim.timer != timer {
            return None;
        }
        let user = self.all.remove(&id)?.user;
        if let Some(count) = self.counts.get_mut(&user) {
            *count -= 1;
            if *count == 0 {
                self.counts.remove(&user);
            }
        }
        Some(user)
    }
}
