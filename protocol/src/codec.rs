//! Encodes messages to text and decodes text to messages.

mod decode_client;
mod decode_server;
mod encode_client;
mod encode_server;
pub(crate) mod envelope;

pub use decode_client::{DecodeError, decode_client};
pub use decode_server::{ServerDecodeError, decode_server};
pub use encode_client::encode_client;
pub use encode_server::encode_server;
