//! Conversion between numbers that are not integers and text. That code is 5 kB in WebAssembly, and
//! every browser has it, so the caller provides it.

use std::cell::Cell;

/// Formats and parses numbers as JavaScript does.
#[derive(Clone, Copy)]
pub struct Numbers {
    /// Formats a finite number.
    pub write: fn(f64) -> String,
    /// Parses a number; NaN if the text is not a number.
    pub read: fn(&str) -> f64,
}

thread_local! {
    static NUMBERS: Cell<Numbers> = const { Cell::new(Numbers { write: |_| String::new(), read: |_| f64::NAN }) };
}

impl Numbers {
    /// Installs these functions for this thread. Must be called before any page is created.
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
