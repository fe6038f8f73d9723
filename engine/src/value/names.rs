//! Interned names.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// A name, as a number. Equal names have equal numbers for the lifetime of the process. 0 is the
/// empty name: no field, component or topic has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Key(u32);

/// All interned names. A name is never freed: fields of state types are few, and keys of maps are
/// bounded by the data that the server sends.
struct Names {
    list: Vec<&'static str>,
    /// Open addressing: an index into `list` plus one, which is the key, or 0 for an empty entry.
    /// The length is a power of two.
    table: Vec<u32>,
}

// All pages of a process share the names, so keys may move between threads.
static NAMES: Mutex<Names> = Mutex::new(Names { list: Vec::new(), table: Vec::new() });

fn names() -> MutexGuard<'static, Names> {
    // No operation under the lock can leave the names inconsistent.
    NAMES.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Names {
    fn get(&self, id: u32) -> &'static str {
        self.list.get((id as usize).wrapping_sub(1)).copied().unwrap_or_default()
    }

    /// Returns the index of a name in the table, and the entry there: its key, or 0.
    fn find(&self, name: &str) -> (usize, u32) {
        let mask = self.table.len().wrapping_sub(1);
        let mut hash = 0x811c_9dc5_u32;
        for byte in name.bytes() {
            hash = (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
        }
        let mut place = (hash ^ (hash >> 15)) as usize & mask;
        loop {
            let id = self.table.get(place).copied().unwrap_or(0);
            if id == 0 || self.get(id) == name {
                return (place, id);
            }
            place = (place + 1) & mask;
        }
    }

    fn put(&mut self, name: &str, id: u32) {
        let (place, _) = self.find(name);
        if let Some(entry) = self.table.get_mut(place) {
            *entry = id;
        }
    }

    fn intern(&mut self, name: &str) -> u32 {
        let (_, id) = self.find(name);
        if id != 0 || name.is_empty() {
            return id;
        }
        self.list.push(Box::leak(Box::from(name)));
        let id = self.list.len() as u32;
        if self.list.len() * 2 > self.table.len() {
            self.table = vec![0; (self.table.len() * 2).max(128)];
            for id in 1..id {
                self.put(self.get(id), id);
            }
        }
        self.put(name, id);
        id
    }
}

impl Key {
    /// Checks whether the name is the path of a property, in JSON.
    pub(crate) fn is_path(self) -> bool {
        self.name().starts_with('[')
    }

    /// The empty name.
    pub(crate) const NONE: Key = Key(0);

    /// Returns the key of a name and interns the name if it is new.
    pub fn of(name: &str) -> Self {
        Self(names().intern(name))
    }

    /// Returns the key of a name that is already interned.
    pub(crate) fn known(name: &str) -> Option<Self> {
        let (_, id) = names().find(name);
        (id != 0 || name.is_empty()).then_some(Self(id))
    }

    /// Returns the key with a number from a template.
    pub(crate) fn from_id(id: u32) -> Self {
        Self(id)
    }

    pub(crate) fn id(self) -> u32 {
        self.0
    }

    pub(crate) fn name(self) -> &'static str {
        names().get(self.0)
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
