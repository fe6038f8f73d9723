//! The words on the wire between a live page and its server.
//!
//! The way of a message: text → [`decode_client`] → [`ClientMessage`] → (the server's work) → [`ServerMessage`] →
//! [`encode_server`] → text. The other direction is there too, for test clients and load generators.
//! What an application makes of it (arguments, props, state, patches) travels as [`RawJson`]: text that is spliced in
//! and out, and parsed only by who knows its type.
//!
//! The contract itself is published in `docs/protocol.md`. This crate does no I/O and keeps no state. Without its
//! default feature `serde` it has no dependency but an error derive, for the page: words, codes, ids, messages and
//! the encoders.

mod client;
mod code;
mod codec;
mod id;
pub mod json;
mod kind;
mod limits;
pub mod log;
mod patch;
mod secret;
mod server;
pub mod words;

pub use client::{
    Arguments, ClientBody, ClientMessage, GivenProps, Hello, MountChild, PropertyPath, Request, Resume,
};
pub use code::{AfterClose, CLOSE_LEFT, CloseCode, ErrorCode};
#[cfg(feature = "serde")]
pub use codec::{DecodeError, ServerDecodeError, decode_client, decode_server};
pub use codec::{encode_client, encode_server};
pub use id::{Author, ComponentId, ConnectionId, Epoch, IdError, Ref, Rev, SessionId, StreamId, TopicName};
pub use json::RawJson;
pub use kind::{ClientType, ServerType};
pub use limits::{Limits, MAX_PLACE, MAX_STEPS};
#[cfg(feature = "serde")]
pub use patch::{ApplyError, Change, DiffError, ListOp, Patch, PatchError};
pub use patch::{Key, KeyRef, ListWriter, PatchWriter};
pub use secret::{ResumeSecret, Seal};
pub use server::{DeclaredLimits, ErrorMessage, FieldTopics, Mounted, ServerMessage, Update, Welcome};
pub use words::{DEFAULT_PATH, PROTOCOL_VERSION, SUBPROTOCOL_JSON, SUBPROTOCOL_MESSAGE_PACK};
