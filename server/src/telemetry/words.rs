//! The values of labels.
#![cfg_attr(not(feature = "prometheus"), allow(dead_code, reason = "only the Prometheus text reads it"))]

use vivaz_components::UnmountReason;

use super::labels::{LabelSet, label};

label! {
    /// Why a session is no longer in this process.
    SessionEnd = "vivaz.reason" {
        /// The page was closed.
        Left = "left",
        /// It was disconnected for too long.
        Expired = "expired",
        /// The server is shutting down and keeps no sessions.
        Shutdown = "shutdown",
        /// The server ended it.
        Closed = "closed",
        /// The user's access was revoked.
        Revoked = "revoked",
        /// Another process owns it, or the store has a newer state.
        Moved = "moved",
    }
}

impl From<UnmountReason> for SessionEnd {
    fn from(reason: UnmountReason) -> Self {
        match reason {
            UnmountReason::Left => Self::Left,
            UnmountReason::Expired => Self::Expired,
            UnmountReason::Shutdown => Self::Shutdown,
            UnmountReason::Revoked => Self::Revoked,
            UnmountReason::Closed | UnmountReason::Removed | _ => Self::Closed,
        }
    }
}

label! {
    /// Whose state a patch changes.
    StreamKind = "vivaz.stream" {
        Component = "component",
        Topic = "topic",
    }
}

label! {
    /// The queues of the keeper.
    KeeperQueue = "vivaz.queue" {
        /// Changed sessions whose state is not taken yet.
        Changed = "changed",
        /// States to save.
        Save = "save",
        /// Sessions to write whole.
        Whole = "whole",
        /// Ended sessions to delete.
        Delete = "delete",
        /// Sessions to release.
        Release = "release",
        /// Users whose sessions are to be deleted.
        Revoke = "revoke",
    }
}

label! {
    /// An operation of the session store.
    StoreOperation = "vivaz.operation" {
        Find = "find",
        Claim = "claim",
        Save = "save",
        SaveWhole = "save_whole",
        Commit = "commit",
        Renew = "renew",
        Release = "release",
        Delete = "delete",
        ForgetUser = "forget_user",
        RenewLease = "renew_lease",
        Expire = "expire",
        Register = "register",
        AskRelease = "ask_release",
        Close = "close",
    }
}

label! {
    /// How a call of the session store ended.
    StoreOutcome = "vivaz.outcome" {
        Done = "done",
        /// The store refused the write, or it conflicts with an earlier one.
        Refused = "refused",
        /// The application's own writes failed.
        Aborted = "aborted",
        Failed = "failed",
        TimedOut = "timed_out",
    }
}

/// A call of the session store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StoreCall(StoreOperation, StoreOutcome);

impl StoreCall {
    pub(crate) fn new(operation: StoreOperation, outcome: StoreOutcome) -> Self {
        Self(operation, outcome)
    }
}

impl LabelSet for StoreCall {
    const NAMES: &'static [&'static str] = &["vivaz.operation", "vivaz.outcome"];

    fn all() -> Vec<Self> {
        let outcomes =
            |operation| StoreOutcome::all().into_iter().map(move |outcome| Self(operation, outcome));
        StoreOperation::all().into_iter().flat_map(outcomes).collect()
    }

    fn position(self) -> usize {
        self.0.position() * StoreOutcome::all().len() + self.1.position()
    }

    fn values(self) -> Vec<&'static str> {
        [self.0.values(), self.1.values()].concat()
    }
}
