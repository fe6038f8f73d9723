//! Maps component slots to values.

/// Identifies a component in this page. The page assigns it and never reuses it for another
/// component.
pub type Slot = u32;

/// A map from slots to values. A page has at most a hundred components, unless its server allows
/// more: a linear search is fast enough, and its code is smaller than that of sorting or hashing.
#[derive(Debug)]
pub(crate) struct Slots<T>(Vec<(Slot, T)>);

impl<T> Slots<T> {
    pub(crate) fn new() -> Self {
        Self(Vec::new())
    }

    // Not inlined: there are many callers.
    #[inline(never)]
    pub(crate) fn get(&self, slot: Slot) -> Option<&T> {
        self.iter().find(|(known, _)| *known == slot).map(|(_, value)| value)
    }

    #[inline(never)]
    pub(crate) fn get_mut(&mut self, slot: Slot) -> Option<&mut T> {
        self.iter_mut().find(|(known, _)| *known == slot).map(|(_, value)| value)
    }

    /// Adds the value of a slot that has none yet.
    pub(crate) fn insert(&mut self, slot: Slot, value: T) {
        self.0.push((slot, value));
    }

    pub(crate) fn remove(&mut self, slot: Slot) -> Option<T> {
        let at = self.iter().position(|(known, _)| *known == slot)?;
        Some(self.0.remove(at).1)
    }

    pub(crate) fn iter(&self) -> std::slice::Iter<'_, (Slot, T)> {
        self.0.iter()
    }

    pub(crate) fn iter_mut(&mut self) -> std::slice::IterMut<'_, (Slot, T)> {
        self.0.iter_mut()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_removed_slot_is_free_of_its_value_and_others_keep_theirs() {
        let mut slots = Slots::new();
        for slot in [3, 1, 8] {
            slots.insert(slot, slot * 10);
        }
        assert_eq!(slots.remove(3), Some(30));
        assert_eq!(slots.remove(3), None);
        assert_eq!(slots.get(3), None);
        assert!(slots.get_mut(2).is_none());
        assert_eq!((slots.get(1), slots.get(8)), (Some(&10), Some(&80)));
    }
}
