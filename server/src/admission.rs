//! Admission of clients: addresses, origins, connection limits, identities and seals.

pub(crate) mod address;
pub(crate) mod browser;
pub(crate) mod connection_limit;
pub(crate) mod cookies;
pub(crate) mod form;
pub(crate) mod identify;
#[cfg(feature = "jwt")]
pub mod jwt;
pub(crate) mod middleware;
pub(crate) mod origin;
pub(crate) mod scheme;
pub(crate) mod seal;
pub(crate) mod secret;
pub(crate) mod ticket;
pub(crate) mod users;
