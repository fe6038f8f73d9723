//! The size of saved state.

/// Adds up the size of an object.
#[derive(Default)]
pub(super) struct Size(usize);

impl Size {
    pub(super) fn add(&mut self, name: &str, bytes: u32) {
        // Two quotes, a colon, and the comma or the brace before it.
        self.0 = self.0.saturating_add(name.len() + 4).saturating_add(bytes as usize);
    }

    pub(super) fn total(&self) -> usize {
        // Without fields there are two braces, else one is counted with the first field.
        if self.0 == 0 { 2 } else { self.0 + 1 }
    }
}
