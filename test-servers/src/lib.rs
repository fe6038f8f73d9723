//! Starts the servers that tests need, each with its data in a temporary folder.
//!
//! A server ends with the process of the test, however that ends. A server that is not installed
//! fails the test with a message that names the package.

#![expect(clippy::expect_used, reason = "a test whose server does not start has failed")]

mod postgres;
mod process;

pub use postgres::PostgresServer;
