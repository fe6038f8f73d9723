//! Interned names.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// A name, as a number. Equal names have equal numbers for as long as the process lives. 0 is the
/// empty name: no field, no component, no topic has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Key(u32);

/// All names that were ever seen. A name is never given back: fields of state types are few, and
/// keys of maps are bounded by what the server sends.
struct Names {
    list: Vec<&'static str>,
    /// Open addressing: index into `list` plus one, which is the key, 0 for an empty place. Its
    /// length is a power of two.
    table: Vec<u32>,
}

// All pages of a process have the same names, so that keys may go from one thread to another.
static NAMES: Mutex<Names> = Mutex::new(Names { list: Vec::new(), table: Vec::new() });

fn names() -> MutexGuard<'static, Names> {
    // Nothing that is done under the lock leaves it half done.
    NAMES.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Names {
    fn get(&self, id: u32) -> &'static str {
        self.list.get((id as usize).wrapping_sub(1)).copied().unwrap_or_default()
    }

    /// The place of a name in the table, and what stands there: its key, or 0.
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
    /// Whether it is the path of a property, in JSON.
    pub(crate) fn is_path(self) -> bool {
        self.name().starts_with('[')
    }

    /// The empty name.
    pub(crate) const NONE: Key = Key(0);

    /// Returns the key of a name, which is interned if it is new.
    pub fn of(name: &str) -> Self {
        Self(names().intern(name))
    }

    /// The key of a name that is known already.
    pub(crate) fn known(name: &str) -> Option<Self> {
        let (_, id) = names().find(name);
        (id != 0 || name.is_empty()).then_some(Self(id))
    }

    /// The key whose number a template holds.
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
