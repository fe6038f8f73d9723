//! A transaction on SQLite's connection.

use std::any::Any;
use std::rc::Rc;
use std::sync::Arc;

use rusqlite::fallible_iterator::FallibleIterator as _;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Batch, CachedStatement, Connection, ErrorCode, Statement, ToSql, ffi, params_from_iter};

use crate::{DatabaseError, Driver, Row, Value};

/// The connection of the writer thread. Transactions begin and end around it.
pub(super) struct SqliteDriver {
    /// The thread itself holds prepared statements of the connection.
    connection: Rc<Connection>,
}

impl SqliteDriver {
    pub(super) fn new(connection: Rc<Connection>) -> Self {
        Self { connection }
    }

    fn prepare(&self, sql: &str, params: &[Value]) -> Result<CachedStatement<'_>, DatabaseError> {
        // SQLite would run the first statement and ignore the others.
        if sql.trim_end().trim_end_matches(';').contains(';') {
            let mut batch = Batch::new(&self.connection, sql);
            if batch.next()?.is_some() && batch.next()?.is_some() {
                return Err(DatabaseError::SeveralStatements);
            }
        }
        let statement = self.connection.prepare_cached(sql)?;
        let (expected, given) = (statement.parameter_count(), params.len());
        if expected == given { Ok(statement) } else { Err(DatabaseError::Parameters { expected, given }) }
    }
}

impl Driver for SqliteDriver {
    fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64, DatabaseError> {
        let mut statement = self.prepare(sql, params)?;
        // A statement that returns rows runs to its end.
        let changed = if statement.column_count() > 0 {
            let mut rows = statement.query(params_from_iter(params))?;
            while rows.next()?.is_some() {}
            drop(rows);
            if statement.readonly() { 0 } else { self.connection.changes() }
        } else {
            statement.execute(params_from_iter(params))? as u64
        };
        Ok(changed)
    }

    fn query(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>, DatabaseError> {
        let mut statement = self.prepare(sql, params)?;
        let columns = columns(&statement);
        let mut rows = statement.query(params_from_iter(params))?;
        let mut read = Vec::new();
        while let Some(row) = rows.next()? {
            read.push(read_row(&columns, row)?);
        }
        Ok(read)
    }

    fn query_first(&mut self, sql: &str, params: &[Value]) -> Result<Option<Row>, DatabaseError> {
        let mut statement = self.prepare(sql, params)?;
        let columns = columns(&statement);
        // `RETURNING`, too, has made all of its changes when the first row is there.
        let mut rows = statement.query(params_from_iter(params))?;
        rows.next()?.map(|row| read_row(&columns, row)).transpose()
    }

    fn script(&mut self, sql: &str) -> Result<(), DatabaseError> {
        Ok(self.connection.execute_batch(sql)?)
    }

    fn native(&self) -> &dyn Any {
        &*self.connection
    }
}

fn columns(statement: &Statement<'_>) -> Arc<[String]> {
    statement.column_names().into_iter().map(str::to_owned).collect()
}

fn read_row(columns: &Arc<[String]>, row: &rusqlite::Row<'_>) -> Result<Row, DatabaseError> {
    let values = (0..columns.len()).map(|column| value(row.get_ref(column)?));
    Ok(Row { columns: Arc::clone(columns), values: values.collect::<Result<_, _>>()? })
}

fn value(value: ValueRef<'_>) -> Result<Value, DatabaseError> {
    Ok(match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Integer(number),
        ValueRef::Real(number) => Value::Real(number),
        ValueRef::Text(text) => Value::Text(String::from_utf8(text.to_vec()).map_err(DatabaseError::failed)?),
        ValueRef::Blob(bytes) => Value::Blob(bytes.to_vec()),
    })
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Integer(number) => ValueRef::Integer(*number),
            Self::Real(number) => ValueRef::Real(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Blob(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

impl From<rusqlite::Error> for DatabaseError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error() {
            Some(failure) if matches!(failure.code, ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                DatabaseError::Corrupt(error.to_string())
            }
            Some(failure)
                if [ffi::SQLITE_CONSTRAINT_UNIQUE, ffi::SQLITE_CONSTRAINT_PRIMARYKEY]
                    .contains(&failure.extended_code) =>
            {
                DatabaseError::Unique(error.to_string())
            }
            Some(failure) if failure.code == ErrorCode::ConstraintViolation => {
                DatabaseError::Constraint(error.to_string())
            }
            _ => DatabaseError::failed(error),
        }
    }
}
