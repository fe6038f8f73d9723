//! Messages to text and back.

mod encode_client;
mod encode_server;

#[cfg(feature = "serde")]
mod decode_client;
#[cfg(feature = "serde")]
mod decode_server;
#[cfg(feature = "serde")]
mod envelope;

#[cfg(feature = "serde")]
pub use decode_client::{DecodeError, decode_client};
#[cfg(feature = "serde")]
pub use decode_server::{ServerDecodeError, decode_server};
pub use encode_client::encode_client;
pub use encode_server::encode_server;
