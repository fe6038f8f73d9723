//! Converts errors of the driver.

use std::io;

use tokio_postgres::error::{DbError, Severity, SqlState};

use crate::DatabaseError;

/// Checks whether the connection is lost, or no longer understood.
pub(super) fn is_lost(error: &tokio_postgres::Error) -> bool {
    if let Some(error) = error.as_db_error() {
        return is_fatal(error);
    }
    // Values and texts that cannot be encoded or decoded leave the connection as it is.
    std::error::Error::source(error).is_none_or(|source| {
        source.downcast_ref::<io::Error>().is_some_and(|error| error.kind() != io::ErrorKind::InvalidInput)
    })
}

/// Checks whether a failed `COMMIT` has certainly rolled the transaction back.
pub(super) fn is_rolled_back(error: &DbError) -> bool {
    let code = error.code();
    let is_open = [
        SqlState::TRANSACTION_RESOLUTION_UNKNOWN,
        SqlState::T_R_STATEMENT_COMPLETION_UNKNOWN,
        // The handler has ended the transaction through the connection itself.
        SqlState::NO_ACTIVE_SQL_TRANSACTION,
        SqlState::S_E_INVALID_SPECIFICATION,
    ];
    !is_fatal(error) && !is_open.contains(code)
}

fn is_fatal(error: &DbError) -> bool {
    // 08: connection exceptions; 57P: the server shuts down or has ended the connection.
    let is_end = error.code().code().starts_with("08") || error.code().code().starts_with("57P");
    is_end || error.parsed_severity().is_none_or(|severity| severity != Severity::Error)
}

/// Converts the error of a statement.
pub(super) fn convert(error: tokio_postgres::Error) -> DatabaseError {
    match error.as_db_error() {
        None if is_lost(&error) => DatabaseError::unavailable(describe(&error)),
        None => match error.into_source() {
            Some(source) => DatabaseError::failed(source),
            None => DatabaseError::failed("the driver of PostgreSQL failed"),
        },
        Some(error) => convert_answer(error),
    }
}

fn convert_answer(error: &DbError) -> DatabaseError {
    let code = error.code();
    let text = || error.to_string();
    if is_fatal(error) {
        DatabaseError::unavailable(error.clone())
    } else if *code == SqlState::UNIQUE_VIOLATION {
        DatabaseError::Unique(text())
    } else if code.code().starts_with("23") {
        DatabaseError::Constraint(text())
    } else if [SqlState::T_R_SERIALIZATION_FAILURE, SqlState::T_R_DEADLOCK_DETECTED].contains(code) {
        DatabaseError::Conflict(text())
    } else if [SqlState::QUERY_CANCELED, SqlState::LOCK_NOT_AVAILABLE].contains(code) {
        DatabaseError::TimedOut(text())
    } else if *code == SqlState::IN_FAILED_SQL_TRANSACTION {
        DatabaseError::RolledBack
    } else if [SqlState::DATA_CORRUPTED, SqlState::INDEX_CORRUPTED].contains(code) {
        DatabaseError::Corrupt(text())
    } else {
        DatabaseError::failed(error.clone())
    }
}

/// Converts the error of a `COMMIT` that has rolled the transaction back.
pub(super) fn convert_commit(error: tokio_postgres::Error) -> DatabaseError {
    if error.code() == Some(&SqlState::FOREIGN_KEY_VIOLATION) {
        return DatabaseError::ForeignKey;
    }
    convert(error)
}

/// Converts the error of an attempt to connect.
pub(super) fn convert_connect(error: &tokio_postgres::Error) -> DatabaseError {
    DatabaseError::unavailable(describe(error))
}

/// Checks whether the plan of a prepared statement no longer fits the tables.
pub(super) fn is_stale(error: &DatabaseError) -> bool {
    let DatabaseError::Failed(source) = error else { return false };
    // "cached plan must not change result type", and statements that the server has closed.
    let stale = [SqlState::FEATURE_NOT_SUPPORTED, SqlState::INVALID_SQL_STATEMENT_NAME];
    source.downcast_ref::<DbError>().is_some_and(|error| stale.contains(error.code()))
}

/// Describes an error with its causes, which its own text does not contain.
fn describe(error: &tokio_postgres::Error) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}
