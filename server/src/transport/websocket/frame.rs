//! Frames of RFC 6455: their headers and their masks.

use super::Violation;

/// The largest payload of a control frame, in bytes.
pub(super) const MAX_CONTROL: usize = 125;

const FINAL: u8 = 0x80;
const RESERVED: u8 = 0x70;
const MASKED: u8 = 0x80;

/// The kind of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opcode {
    Continuation,
    Text,
    Binary,
    Close,
    Ping,
    Pong,
}

impl Opcode {
    const fn byte(self) -> u8 {
        match self {
            Self::Continuation => 0x0,
            Self::Text => 0x1,
            Self::Binary => 0x2,
            Self::Close => 0x8,
            Self::Ping => 0x9,
            Self::Pong => 0xa,
        }
    }

    fn of(byte: u8) -> Option<Self> {
        let all = [Self::Continuation, Self::Text, Self::Binary, Self::Close, Self::Ping, Self::Pong];
        all.into_iter().find(|opcode| opcode.byte() == byte)
    }

    const fn is_control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }
}

/// The header of a client's frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) opcode: Opcode,
    /// Whether the frame is the last one of its message.
    pub(super) is_last: bool,
    /// The size of the header itself, in bytes.
    pub(super) size: usize,
    /// The size of the payload, in bytes.
    pub(super) length: usize,
    pub(super) mask: [u8; 4],
}

impl Header {
    /// Parses the header at the start of `bytes`. Returns `None` if it is incomplete.
    ///
    /// # Errors
    /// Fails on a header that RFC 6455 does not permit to clients.
    pub(super) fn parse(bytes: &[u8]) -> Result<Option<Self>, Violation> {
        let [first, second, rest @ ..] = bytes else { return Ok(None) };
        let opcode = Opcode::of(first & 0x0f).ok_or(Violation::Protocol)?;
        let is_last = first & FINAL != 0;
        if first & RESERVED != 0 || second & MASKED == 0 || opcode.is_control() && !is_last {
            return Err(Violation::Protocol);
        }
        let (length, extended) = match (second & !MASKED, rest) {
            (126, [a, b, ..]) => (u64::from(u16::from_be_bytes([*a, *b])), 2),
            (127, [a, b, c, d, e, f, g, h, ..]) => (u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h]), 8),
            (126 | 127, _) => return Ok(None),
            (short, _) => (u64::from(short), 0),
        };
        let Some([a, b, c, d, ..]) = rest.get(extended..) else { return Ok(None) };
        if length > i64::MAX as u64 {
            return Err(Violation::Protocol);
        }
        let length = usize::try_from(length).map_err(|_| Violation::TooLarge)?;
        if opcode.is_control() && length > MAX_CONTROL {
            return Err(Violation::Protocol);
        }
        Ok(Some(Self { opcode, is_last, size: 2 + extended + 4, length, mask: [*a, *b, *c, *d] }))
    }
}

/// Appends the header of a server's frame, which is a complete message.
pub(super) fn write_header(out: &mut Vec<u8>, opcode: Opcode, length: usize) {
    out.push(FINAL | opcode.byte());
    if let Ok(short @ 0..=125) = u8::try_from(length) {
        out.push(short);
    } else if let Ok(medium) = u16::try_from(length) {
        out.push(126);
        out.extend_from_slice(&medium.to_be_bytes());
    } else {
        out.push(127);
        out.extend_from_slice(&(length as u64).to_be_bytes());
    }
}

/// Removes the mask of a payload.
pub(super) fn unmask(payload: &mut [u8], mask: [u8; 4]) {
    let (chunks, rest) = payload.as_chunks_mut::<4>();
    for chunk in chunks {
        *chunk = (u32::from_ne_bytes(*chunk) ^ u32::from_ne_bytes(mask)).to_ne_bytes();
    }
    for (byte, mask) in rest.iter_mut().zip(mask) {
        *byte ^= mask;
    }
}
