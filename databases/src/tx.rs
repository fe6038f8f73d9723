//! The transaction that a handler writes through.

use std::any::{Any, type_name};
use std::fmt;

use serde::de::DeserializeOwned;

use crate::{DatabaseError, Params, Row, Value};

/// The interface that a database implements for a [`Tx`].
///
/// A transaction is used by one thread at a time and is synchronous to the handler. A database
/// whose driver is asynchronous runs the handler on a thread where it may block.
pub trait Driver: Any {
    /// Runs one statement and returns how many rows it changed.
    ///
    /// # Errors
    /// Returns the error of the database. The transaction goes on unless that is
    /// [`DatabaseError::RolledBack`].
    fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64, DatabaseError>;

    /// Runs one statement and returns all of its rows.
    ///
    /// # Errors
    /// As [`execute`](Self::execute).
    fn query(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>, DatabaseError>;

    /// Runs one statement and returns its first row, if it has rows.
    ///
    /// # Errors
    /// As [`execute`](Self::execute).
    fn query_first(&mut self, sql: &str, params: &[Value]) -> Result<Option<Row>, DatabaseError> {
        Ok(self.query(sql, params)?.into_iter().next())
    }

    /// Runs statements in their order and returns how many rows each one changed. A database on
    /// another machine receives them together.
    ///
    /// # Errors
    /// Returns the error of the first statement that fails. Those before it have taken effect in
    /// the transaction.
    fn batch(&mut self, statements: &[SqlStatement]) -> Result<Vec<u64>, DatabaseError> {
        statements.iter().map(|statement| self.execute(&statement.sql, &statement.params)).collect()
    }

    /// Runs several statements without parameters, separated by semicolons: the tables of an
    /// application.
    ///
    /// # Errors
    /// Returns the error of the first statement that fails.
    fn script(&mut self, sql: &str) -> Result<(), DatabaseError>;

    /// Returns the connection of the database's own driver.
    fn native(&self) -> &dyn Any;
}

/// A statement of a [`batch`](Tx::batch) with its parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct SqlStatement {
    /// The statement.
    pub sql: String,
    /// Its parameters; the first one is `?1`.
    pub params: Vec<Value>,
}

impl SqlStatement {
    /// Creates a statement.
    pub fn new(sql: impl Into<String>, params: impl Params) -> Self {
        Self { sql: sql.into(), params: params.into_values() }
    }
}

/// A transaction, the same for every database.
///
/// It is committed if the handler succeeds. An error or a panic of the handler rolls it back. A
/// statement that begins, commits or rolls back a transaction is refused.
///
/// ```
/// use vivaz_databases::{DatabaseError, Tx};
///
/// #[derive(serde::Deserialize)]
/// struct Seat {
///     id: String,
///     taken: bool,
/// }
///
/// fn reserve(tx: &mut Tx, seat: &str, user: &str) -> Result<bool, DatabaseError> {
///     let sql = "UPDATE seats SET user = ?2 WHERE id = ?1 AND user IS NULL";
///     Ok(tx.execute(sql, (seat, user))? == 1)
/// }
///
/// fn seats(tx: &mut Tx) -> Result<Vec<Seat>, DatabaseError> {
///     tx.query("SELECT id, user IS NOT NULL AS taken FROM seats ORDER BY id", ())
/// }
/// ```
pub struct Tx {
    driver: Option<Box<dyn Driver>>,
}

impl Tx {
    /// Creates a transaction of a database.
    pub fn new(driver: impl Driver) -> Self {
        Self { driver: Some(Box::new(driver)) }
    }

    /// Creates a transaction of a session store without a database: each call fails with
    /// [`DatabaseError::NoDatabase`].
    #[must_use]
    pub fn without_database() -> Self {
        Self { driver: None }
    }

    /// Checks whether the session store has a database.
    #[must_use]
    pub fn has_database(&self) -> bool {
        self.driver.is_some()
    }

    /// Runs one statement and returns how many rows it changed.
    ///
    /// # Errors
    /// Returns the error of the database, such as [`DatabaseError::Unique`]. The transaction goes
    /// on: a handler may handle the error and commit.
    pub fn execute(&mut self, sql: &str, params: impl Params) -> Result<u64, DatabaseError> {
        self.driver()?.execute(sql, &params.into_values())
    }

    /// Runs one statement and reads each of its rows as an `R`: a struct whose fields are named as
    /// the columns, a tuple in the order of the columns, or a single value for a single column.
    ///
    /// # Errors
    /// Returns the error of the database, and [`DatabaseError::Row`] if a row is no `R`.
    pub fn query<R: DeserializeOwned>(
        &mut self,
        sql: &str,
        params: impl Params,
    ) -> Result<Vec<R>, DatabaseError> {
        let rows = self.driver()?.query(sql, &params.into_values())?;
        rows.into_iter().map(|row| Ok(row.read()?)).collect()
    }

    /// Runs one statement and reads its first row, if it has rows.
    ///
    /// # Errors
    /// As [`query`](Self::query).
    pub fn query_first<R: DeserializeOwned>(
        &mut self,
        sql: &str,
        params: impl Params,
    ) -> Result<Option<R>, DatabaseError> {
        let row = self.driver()?.query_first(sql, &params.into_values())?;
        Ok(row.map(Row::read).transpose()?)
    }

    /// Runs statements in their order and returns how many rows each one changed. With a database
    /// on another machine this costs one round trip.
    ///
    /// # Errors
    /// Returns the error of the first statement that fails. Those before it have taken effect in
    /// the transaction, which goes on.
    pub fn batch(
        &mut self,
        statements: impl IntoIterator<Item = SqlStatement>,
    ) -> Result<Vec<u64>, DatabaseError> {
        let statements: Vec<SqlStatement> = statements.into_iter().collect();
        self.driver()?.batch(&statements)
    }

    /// Runs several statements without parameters, separated by semicolons: the tables of an
    /// application.
    ///
    /// # Errors
    /// Returns the error of the first statement that fails.
    pub fn script(&mut self, sql: &str) -> Result<(), DatabaseError> {
        self.driver()?.script(sql)
    }

    /// Returns the connection of the database's own driver inside of the transaction: for SQLite a
    /// `rusqlite::Connection`.
    ///
    /// # Errors
    /// Returns [`DatabaseError::NotNative`] if the connection has another type.
    pub fn native<T: Any>(&self) -> Result<&T, DatabaseError> {
        let driver = self.driver.as_ref().ok_or(DatabaseError::NoDatabase)?;
        driver.native().downcast_ref().ok_or(DatabaseError::NotNative(type_name::<T>()))
    }

    fn driver(&mut self) -> Result<&mut dyn Driver, DatabaseError> {
        self.driver.as_deref_mut().ok_or(DatabaseError::NoDatabase)
    }
}

impl fmt::Debug for Tx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tx").field("has_database", &self.has_database()).finish()
    }
}
