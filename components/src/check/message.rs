//! Text that a constant can build: what rustc shows of a template that does not fit its component.

#![expect(
    clippy::indexing_slicing,
    reason = "evaluated by rustc while it compiles the application: an index out of bounds fails the build"
)]

/// A message of bounded length.
#[derive(Debug)]
pub struct ConstMessage {
    bytes: [u8; Self::ROOM],
    len: usize,
}

impl ConstMessage {
    const ROOM: usize = 6144;

    pub(crate) const fn new() -> Self {
        Self { bytes: [0; Self::ROOM], len: 0 }
    }

    /// Returns the text.
    #[must_use]
    pub const fn as_str(&self) -> &str {
        match std::str::from_utf8(self.bytes.split_at(self.len).0) {
            Ok(text) => text,
            // A character was cut at the end of the room.
            Err(error) => match std::str::from_utf8(self.bytes.split_at(error.valid_up_to()).0) {
                Ok(text) => text,
                Err(_) => "the template does not fit its component",
            },
        }
    }

    pub(crate) const fn text(self, text: &str) -> Self {
        let bytes = text.as_bytes();
        self.bytes(bytes, 0, bytes.len())
    }

    pub(super) const fn number(self, number: usize) -> Self {
        if number >= 10 {
            return self.number(number / 10).number(number % 10);
        }
        self.bytes(b"0123456789", number, number + 1)
    }

    const fn bytes(mut self, bytes: &[u8], from: usize, to: usize) -> Self {
        let mut at = from;
        while at < to && self.len < Self::ROOM {
            self.bytes[self.len] = bytes[at];
            self.len += 1;
            at += 1;
        }
        self
    }
}

/// Returns how many bytes have to be changed, inserted or deleted.
const fn distance(a: &str, b: &str) -> usize {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len() > 62 || b.len() > 62 {
        return usize::MAX;
    }
    let mut row = [0; 64];
    let mut at = 0;
    while at <= b.len() {
        row[at] = at;
        at += 1;
    }
    let mut i = 0;
    while i < a.len() {
        let mut corner = row[0];
        row[0] = i + 1;
        let mut j = 0;
        while j < b.len() {
            let mut best = if a[i] == b[j] { corner } else { corner + 1 };
            if row[j] + 1 < best {
                best = row[j] + 1;
            }
            if row[j + 1] + 1 < best {
                best = row[j + 1] + 1;
            }
            corner = row[j + 1];
            row[j + 1] = best;
            j += 1;
        }
        i += 1;
    }
    row[b.len()]
}

/// Searches for the name that was probably meant.
#[derive(Clone, Copy)]
pub(super) struct Nearest {
    wanted: &'static str,
    best: Option<&'static str>,
    distance: usize,
}

impl Nearest {
    pub(super) const fn to(wanted: &'static str) -> Self {
        Self { wanted, best: None, distance: wanted.len() / 3 + 2 }
    }

    pub(super) const fn or(self, candidate: &'static str) -> Self {
        let distance = distance(self.wanted, candidate);
        if distance < self.distance { Self { best: Some(candidate), distance, ..self } } else { self }
    }

    /// Appends the most similar name as a literal text.
    pub(super) const fn ask_for_text(self, message: ConstMessage) -> ConstMessage {
        match self.best {
            Some(name) => message.text("; did you mean '").text(name).text("'?"),
            None => message,
        }
    }

    pub(super) const fn ask(self, message: ConstMessage) -> ConstMessage {
        match self.best {
            Some(name) => message.text("; did you mean `").text(name).text("`?"),
            None => message,
        }
    }
}
