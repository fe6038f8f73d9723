//! Numbers that are not whole, as texts. The code that reads and writes them is 5 kB in
//! WebAssembly, and every browser has it: the caller passes it.

use std::cell::Cell;

/// Writes and reads numbers as JavaScript does.
#[derive(Clone, Copy)]
pub struct Numbers {
    /// Writes a finite number.
    pub write: fn(f64) -> String,
    /// Reads a number; NaN for a text that is none.
    pub read: fn(&str) -> f64,
}

thread_local! {
    static NUMBERS: Cell<Numbers> = const { Cell::new(Numbers { write: |_| String::new(), read: |_| f64::NAN }) };
}

impl Numbers {
    /// Uses these functions from now on. To be called before any page is made.
    pub fn install(self) {
        NUMBERS.set(self);
    }
}

pub(super) fn write(n: f64) -> String {
    (NUMBERS.get().write)(n)
}

pub(super) fn read(text: &str) -> f64 {
    (NUMBERS.get().read)(text)
}
