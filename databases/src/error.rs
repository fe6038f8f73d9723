//! Errors of databases.

use std::error::Error;
use std::sync::Arc;

use crate::RowError;

/// An error of a database.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatabaseError {
    /// The database is closed.
    #[error("the database is closed")]
    Closed,
    /// Too many transactions wait for the database. This one does not take effect.
    #[error("too many transactions wait for the database")]
    Overloaded,
    /// The database cannot be reached, or the connection was lost before the transaction was to be
    /// committed. Nothing of the transaction is kept.
    #[error("the database cannot be reached: {0}")]
    Unavailable(#[source] Arc<dyn Error + Send + Sync>),
    /// The transaction conflicts with a concurrent one: a serialization failure or a deadlock.
    /// Nothing of the transaction is kept; running it again may succeed.
    #[error("the transaction conflicts with a concurrent one: {0}; run it again")]
    Conflict(String),
    /// A statement, or its wait for a lock, took longer than the database allows.
    #[error("a statement took too long: {0}")]
    TimedOut(String),
    /// The tables were made by a newer version of the program.
    #[error(
        "the tables of `{name}` have version {found}; this program supports versions up to {known}; \
         run the newer program or use another database"
    )]
    TooNew {
        /// The name of the migrations.
        name: String,
        /// The version of the tables.
        found: u64,
        /// The newest version that this program supports.
        known: u64,
    },
    /// The database file is damaged, or is not a database.
    #[error("the database is damaged: {0}; restore it from a backup or delete it")]
    Corrupt(String),
    /// A transaction ran a statement that would end it, or change the connection for others.
    /// Nothing of the transaction is kept.
    #[error("a transaction must not run `{0}`: it shares its connection with others")]
    Denied(String),
    /// A statement rolled the whole transaction back: `OR ROLLBACK`, `RAISE(ROLLBACK)`, `ON
    /// CONFLICT ROLLBACK`, or the database itself after an error. Nothing of the transaction is
    /// kept, nor of those that shared it.
    #[error("a statement rolled back the transaction that it was part of")]
    RolledBack,
    /// A transaction left rows that violate a foreign key which is checked at its end (`DEFERRABLE
    /// INITIALLY DEFERRED`). Nothing of the transaction is kept.
    #[error("a transaction left rows that violate a deferred foreign key")]
    ForeignKey,
    /// A row with the same unique value exists.
    #[error("a unique value exists already: {0}")]
    Unique(String),
    /// A statement violates another constraint of its table.
    #[error("a constraint is violated: {0}")]
    Constraint(String),
    /// A statement was given more or fewer parameters than it has.
    #[error("the statement takes {expected} parameters, {given} were given")]
    Parameters {
        /// How many the statement has.
        expected: usize,
        /// How many were given.
        given: usize,
    },
    /// One call was given several statements.
    #[error("one statement at a time; several are a `batch`")]
    SeveralStatements,
    /// A row cannot be read as the type that was asked for.
    #[error("a row cannot be read: {0}")]
    Row(#[from] RowError),
    /// The session store has no database.
    #[error("the session store has no database: give the runtime a store with one")]
    NoDatabase,
    /// The database's connection has another type.
    #[error("the database has no connection of the type {0}")]
    NotNative(&'static str),
    /// The commit failed, or its answer was lost: the transaction may have taken effect or not.
    #[error("it is not known whether the transaction has taken effect: {0}")]
    Unknown(#[source] Arc<dyn Error + Send + Sync>),
    /// Any other error of the database.
    #[error("the database failed: {0}")]
    Failed(#[source] Arc<dyn Error + Send + Sync>),
}

impl DatabaseError {
    /// Wraps an error of the connection to a database.
    pub fn unavailable(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Unavailable(Arc::from(source.into()))
    }

    /// Wraps another error of a database.
    pub fn failed(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Failed(Arc::from(source.into()))
    }
}
