//! Transactions of the databases that Vivaz keeps sessions in.
//!
//! A handler of a durable component writes through a [`Tx`]: its rows, the component's state, the
//! reply and the record that the message was handled commit together or not at all. `Tx` is the
//! same for every database. The connection of the database itself is [`Tx::native`].
//!
//! | module | contents |
//! | --- | --- |
//! | `tx` | the transaction that handlers write through, and the trait that a database implements |
//! | `value`, `params`, `row` | values, parameters of a statement, and rows read by serde |
//! | `error` | errors of databases |
//! | `order` | work that waits for a transaction, and its result |
//! | [`sqlite`] | an embedded SQLite database (feature `sqlite`) |
//! | [`postgres`] | a PostgreSQL database (feature `postgres`) |

mod error;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod order;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod panics;
mod params;
#[cfg(feature = "postgres")]
pub mod postgres;
mod row;
#[cfg(feature = "sqlite")]
pub mod sqlite;
mod tx;
mod value;

pub use self::error::DatabaseError;
pub use self::params::Params;
pub use self::row::{Row, RowError};
pub use self::tx::{Driver, SqlStatement, Tx};
pub use self::value::Value;
