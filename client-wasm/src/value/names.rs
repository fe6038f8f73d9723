//! Interned names.

use std::cell::RefCell;

/// A name, as a number. Equal names have equal numbers for as long as the page lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key(u32);

/// All names that were ever seen. A name is never given back: fields of state types are few, and keys of maps are
/// bounded by what the server sends.
struct Names {
    list: Vec<&'static str>,
    /// Open addressing: index into `list` plus one, 0 for an empty place. Its length is a power of two.
    table: Vec<u32>,
}

thread_local! { static NAMES: RefCell<Names> = const { RefCell::new(Names { list: Vec::new(), table: Vec::new() }) }; }

impl Names {
    fn find(&self, name: &str) -> Result<u32, usize> {
        let mask = self.table.len().wrapping_sub(1);
        let hash = name.bytes().fold(0x811c_9dc5_u32, |h, b| (h ^ u32::from(b)).wrapping_mul(0x0100_0193));
        let mut place = (hash ^ (hash >> 15)) as usize & mask;
        while let Some(&entry) = self.table.get(place) {
            let Some(id) = entry.checked_sub(1) else { break };
            if self.list.get(id as usize).is_some_and(|known| *known == name) {
                return Ok(id);
            }
            place = (place + 1) & mask;
        }
        Err(place)
    }

    fn intern(&mut self, name: &str) -> u32 {
        let place = match self.find(name) {
            Ok(id) => return id,
            Err(place) => place,
        };
        let id = self.list.len();
        self.list.push(Box::leak(Box::from(name)));
        if (id + 1) * 2 > self.table.len() {
            self.table = vec![0; (self.table.len() * 2).max(128)];
            for id in 0..self.list.len() {
                self.put(id);
            }
        } else if let Some(entry) = self.table.get_mut(place) {
            *entry = id as u32 + 1;
        }
        id as u32
    }

    fn put(&mut self, id: usize) {
        let Some(name) = self.list.get(id).copied() else { return };
        if let Err(place) = self.find(name)
            && let Some(entry) = self.table.get_mut(place)
        {
            *entry = id as u32 + 1;
        }
    }
}

impl Key {
    /// The key of a name, interned if it is new.
    pub(crate) fn of(name: &str) -> Self {
        Self(NAMES.with_borrow_mut(|names| names.intern(name)))
    }

    /// The key of a name that is known already.
    pub(crate) fn known(name: &str) -> Option<Self> {
        NAMES.with_borrow(|names| names.find(name).ok().map(Self))
    }

    /// The key whose number a template holds.
    pub(crate) fn from_id(id: u32) -> Self {
        Self(id)
    }

    pub(crate) fn id(self) -> u32 {
        self.0
    }

    pub(crate) fn name(self) -> &'static str {
        NAMES.with_borrow(|names| names.list.get(self.0 as usize).copied().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_keeps_its_number_however_many_come() {
        let first = Key::of("first");
        let keys: Vec<Key> = (0..5000).map(|i| Key::of(&format!("name {i}"))).collect();
        assert_eq!(first, Key::of("first"));
        for (i, key) in keys.iter().enumerate() {
            assert_eq!(key.name(), format!("name {i}"));
            assert_eq!(*key, Key::of(key.name()));
        }
        assert_eq!(Key::known("never seen"), None);
    }
}
