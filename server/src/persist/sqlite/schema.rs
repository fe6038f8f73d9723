//! The versions of the tables for sessions.

use vivaz_databases::sqlite::rusqlite::{Connection, OptionalExtension, TransactionBehavior};

use crate::persist::store::{SavedTime, StoreError};

/// The migrations, each from one version of the tables to the next. The first one does not change
/// existing tables: versions of this crate without `vivaz_schema` created them.
const MIGRATIONS: &[&str] = &[
    include_str!("schema/1.sql"),
    include_str!("schema/2.sql"),
    include_str!("schema/3.sql"),
    include_str!("schema/4.sql"),
    include_str!("schema/5.sql"),
    include_str!("schema/6.sql"),
    include_str!("schema/7.sql"),
    include_str!("schema/8.sql"),
    include_str!("schema/9.sql"),
];

/// Makes the tables, or brings them to the version that is known here.
///
/// # Errors
/// Returns [`StoreError::TooNew`] if they have a higher version.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    // Another process may be migrating at the same time.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch("CREATE TABLE IF NOT EXISTS vivaz_schema (version INTEGER NOT NULL) STRICT")?;
    let found = transaction.query_row("SELECT version FROM vivaz_schema", [], |row| row.get(0)).optional()?;
    let found: u64 = found.map_or(0, i64::cast_unsigned);
    let known = MIGRATIONS.len() as u64;
    if found > known {
        return Err(StoreError::TooNew { found, known });
    }
    for migration in MIGRATIONS.iter().skip(usize::try_from(found).unwrap_or(usize::MAX)) {
        transaction.execute_batch(migration)?;
    }
    if found != known {
        transaction.execute("DELETE FROM vivaz_schema", [])?;
        transaction.execute("INSERT INTO vivaz_schema (version) VALUES (?1)", [known.cast_signed()])?;
    }
    Ok(transaction.commit()?)
}

/// Returns the store time that a process saved last.
pub(super) fn last_time(connection: &Connection) -> Result<Option<SavedTime>, StoreError> {
    let last = connection.query_row("SELECT time, wall FROM vivaz_clock", [], |row| {
        Ok(SavedTime {
            time: row.get::<_, i64>(0)?.cast_unsigned(),
            wall: row.get::<_, i64>(1)?.cast_unsigned(),
        })
    });
    Ok(last.optional()?)
}
