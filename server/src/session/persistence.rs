//! What a session knows about its copy in the store.

pub(super) mod commit_outcome;
pub(super) mod component_store;
pub(super) mod journal;
pub(super) mod release;
pub(super) mod restore;
pub(super) mod save;
pub(super) mod set_aside;

/// Whether the store has the session, and what the next save has to write.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Persistence {
    row: RowStatus,
    /// Whether the store has something that is no longer true. The next save then writes the
    /// session whole.
    needs_whole: bool,
    /// Whether the keeper was notified of a change since the session was last saved.
    is_marked_changed: bool,
    /// Whether the session ends: its components unmount, new ones are refused, and it is not saved.
    is_ending: bool,
}

/// What is known about the session's row in the store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum RowStatus {
    /// No write has inserted it.
    #[default]
    Absent,
    /// A write that inserts it has begun, with the secrets of that time. The store may have it. A
    /// resume replaces the secrets there too: until the next save, a page that resumes in another
    /// process would otherwise not be recognized.
    Inserting,
    /// The store has had it. From then on commits do not insert it; if the store loses it, the
    /// session is written whole.
    Present,
}

/// What a save has to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SaveKind {
    /// The head and the plain components.
    Snapshot,
    /// All of the session.
    Whole,
}

impl Persistence {
    /// Checks whether the store has had the session.
    pub(super) fn is_stored(self) -> bool {
        self.row == RowStatus::Present
    }

    /// Checks whether the store may have the session: it has had it, or a write that inserts it has
    /// begun.
    pub(super) fn may_be_stored(self) -> bool {
        self.row != RowStatus::Absent
    }

    /// Checks whether the session ends.
    pub(super) fn is_ending(self) -> bool {
        self.is_ending
    }

    /// Checks whether the session has changed since it was last saved.
    pub(super) fn is_marked_changed(self) -> bool {
        self.is_marked_changed
    }

    /// Records that the store has the session.
    pub(super) fn set_stored(&mut self) {
        self.row = RowStatus::Present;
    }

    /// Records that a write begins which may insert the session.
    pub(super) fn begin_insertion(&mut self) {
        if self.row == RowStatus::Absent {
            self.row = RowStatus::Inserting;
        }
    }

    /// Requires the next save to write the session whole, if the store has had it.
    pub(super) fn require_whole(&mut self) {
        self.needs_whole |= self.is_stored();
    }

    /// Records a change. Returns whether the keeper has to be notified: it was not since the last
    /// save, the store may have the session, and the session does not end.
    pub(super) fn mark_changed(&mut self) -> bool {
        let is_new = !self.is_marked_changed && self.may_be_stored() && !self.is_ending;
        self.is_marked_changed |= is_new;
        is_new
    }

    /// Lets the next change notify the keeper again: it may have requested the state while no task
    /// drove the session.
    pub(super) fn forget_notification(&mut self) {
        self.is_marked_changed = false;
    }

    /// Begins a save and returns what it has to write.
    pub(super) fn begin_save(&mut self) -> SaveKind {
        self.is_marked_changed = false;
        if self.needs_whole { SaveKind::Whole } else { SaveKind::Snapshot }
    }

    /// Records that the keeper has the whole state. The keeper holds it until it is written.
    pub(super) fn whole_state_taken(&mut self) {
        self.needs_whole = false;
    }

    /// Records that the session ends.
    pub(super) fn begin_end(&mut self) {
        self.is_ending = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keeper_is_notified_once_for_each_save_and_never_of_an_ending_session() {
        let mut persistence = Persistence::default();
        assert!(!persistence.mark_changed(), "the store never had it");
        persistence.begin_insertion();
        assert!(persistence.mark_changed() && !persistence.mark_changed());
        assert_eq!(persistence.begin_save(), SaveKind::Snapshot);
        assert!(persistence.mark_changed());
        persistence.forget_notification();
        assert!(persistence.mark_changed());
        persistence.begin_save();
        persistence.begin_end();
        assert!(!persistence.mark_changed() && !persistence.is_marked_changed());
    }

    #[test]
    fn a_session_is_saved_whole_until_the_keeper_has_the_whole_state() {
        let mut persistence = Persistence::default();
        persistence.require_whole();
        assert_eq!(persistence.begin_save(), SaveKind::Snapshot, "the store never had it");
        persistence.set_stored();
        persistence.require_whole();
        assert_eq!((persistence.begin_save(), persistence.begin_save()), (SaveKind::Whole, SaveKind::Whole));
        persistence.whole_state_taken();
        assert_eq!(persistence.begin_save(), SaveKind::Snapshot);
    }
}
