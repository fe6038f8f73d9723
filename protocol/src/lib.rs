//! Messages, ids, patches and codecs of the protocol between a live page and its server.
//!
//! The path of a message: text → [`decode_client`] → [`ClientMessage`] → the server's handler →
//! [`ServerMessage`] → [`encode_server`] → text. Encoders and decoders for the other direction
//! serve test clients and load generators. Values of the application (arguments, props, state,
//! patches) travel as [`RawJson`]: JSON text that is copied into and out of messages and is parsed
//! only by the code that knows its type.
//!
//! `docs/protocol.md` is the published contract. This crate does no I/O and keeps no state.

mod client;
mod code;
mod codec;
pub mod compact;
mod field;
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
    Arguments, ClientBody, ClientMessage, Hello, MountChild, PropertyPath, PropsUpdate, Request, Resume,
};
pub use code::{AfterClose, CLOSE_LEFT, CloseCode, ErrorCode};
pub use codec::{DecodeError, ServerDecodeError, decode_client, decode_server, encode_client, encode_server};
pub use id::{Author, ComponentId, ConnectionId, Epoch, IdError, Ref, Rev, SessionId, StreamId, TopicName};
pub use json::RawJson;
pub use kind::{ClientType, ServerType};
pub use limits::{Limits, MAX_PLACE, MAX_STEPS, MAX_STREAMS};
pub use patch::{
    ApplyError, DiffError, FieldChange, Key, KeyRef, ListOp, ListWriter, Patch, PatchError, PatchWriter,
};
pub use secret::{ResumeSecret, Seal};
pub use server::{DeclaredLimits, ErrorMessage, FieldTopics, Mounted, ServerMessage, Update, Welcome};
pub use words::{
    DEFAULT_PATH, OFFER_HELLO, PROTOCOL_VERSION, SUBPROTOCOL_COMPACT, SUBPROTOCOL_COMPACT_MESSAGE_PACK,
    SUBPROTOCOL_JSON, SUBPROTOCOL_MESSAGE_PACK,
};
