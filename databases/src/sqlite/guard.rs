//! Keeps the writer's transaction and connection as they are while an order runs in them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::hooks::{AuthAction, AuthContext, Authorization, TransactionOperation};
use rusqlite::{Connection, ffi};

use crate::DatabaseError;

/// The savepoint of an order.
pub(super) const SAVEPOINT: &str = "vivaz_order";

/// Pragmas that may be given a value: they read, write content of the file that a transaction
/// undoes, or only change how much memory the connection uses.
const PRAGMAS: &[&str] = &[
    "analysis_limit",
    "application_id",
    "cache_size",
    "cache_spill",
    "foreign_key_check",
    "foreign_key_list",
    "index_info",
    "index_list",
    "index_xinfo",
    "integrity_check",
    "mmap_size",
    "optimize",
    "quick_check",
    "table_info",
    "table_list",
    "table_xinfo",
    "user_version",
];

/// Refuses statements that would end the transaction of an order or change the connection for the
/// orders after it. Shared with the hooks of the connection.
#[derive(Clone, Default)]
pub(super) struct Guard(Arc<GuardState>);

#[derive(Default)]
struct GuardState {
    /// Whether an order runs.
    is_on: AtomicBool,
    /// The first statement that was refused.
    denied: Mutex<Option<String>>,
}

impl Guard {
    /// Creates a guard and sets the hooks of the connection.
    pub(super) fn of(connection: &Connection) -> rusqlite::Result<Self> {
        let guard = Self::default();
        let authorizer = guard.clone();
        connection.authorizer(Some(move |cx: AuthContext<'_>| authorizer.authorize(&cx)))?;
        // After a statement has rolled the transaction back, each further one would be a
        // transaction of its own.
        let committing = guard.clone();
        connection.commit_hook(Some(move || committing.0.is_on.load(Ordering::Relaxed)))?;
        Ok(guard)
    }

    /// Runs an order.
    pub(super) fn watch<T>(&self, order: impl FnOnce() -> T) -> T {
        self.0.is_on.store(true, Ordering::Relaxed);
        let done = order();
        self.0.is_on.store(false, Ordering::Relaxed);
        done
    }

    /// Checks what the order that has just run did to the transaction.
    ///
    /// # Errors
    /// Returns [`DatabaseError::Denied`] if a statement of it was refused, and
    /// [`DatabaseError::RolledBack`] if the transaction has ended.
    pub(super) fn check(&self, connection: &Connection) -> Result<(), DatabaseError> {
        match self.denied().take() {
            Some(statement) => Err(DatabaseError::Denied(statement)),
            None if connection.is_autocommit() => Err(DatabaseError::RolledBack),
            None => Ok(()),
        }
    }

    fn authorize(&self, cx: &AuthContext<'_>) -> Authorization {
        if self.0.is_on.load(Ordering::Relaxed)
            && let Some(statement) = denied(cx)
        {
            self.denied().get_or_insert(statement);
            return Authorization::Deny;
        }
        Authorization::Allow
    }

    fn denied(&self) -> MutexGuard<'_, Option<String>> {
        self.0.denied.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Checks the deferred foreign keys of an order: the release of its savepoint does not, and the
/// `COMMIT` would fail for all orders of the transaction.
///
/// # Errors
/// Returns [`DatabaseError::ForeignKey`] if rows violate one.
pub(super) fn check_deferred(connection: &Connection) -> Result<(), DatabaseError> {
    let (mut violated, mut highest) = (0, 0);
    #[expect(
        unsafe_code,
        reason = "rusqlite has no call for it; `PRAGMA foreign_key_check` reads all tables"
    )]
    // SAFETY: the connection is open, so its handle is valid; SQLite writes two integers and keeps
    // neither pointer.
    let status = unsafe {
        ffi::sqlite3_db_status(
            connection.handle(),
            ffi::SQLITE_DBSTATUS_DEFERRED_FKS,
            &raw mut violated,
            &raw mut highest,
            0,
        )
    };
    if status == ffi::SQLITE_OK && violated == 0 { Ok(()) } else { Err(DatabaseError::ForeignKey) }
}

/// Names a statement that an order may not run.
#[expect(clippy::wildcard_enum_match_arm, reason = "both enums are non-exhaustive")]
fn denied(cx: &AuthContext<'_>) -> Option<String> {
    match &cx.action {
        AuthAction::Transaction { operation } => Some(match operation {
            TransactionOperation::Begin => "BEGIN".to_owned(),
            TransactionOperation::Rollback => "ROLLBACK".to_owned(),
            // rusqlite has no name for it.
            _ => "COMMIT".to_owned(),
        }),
        AuthAction::Savepoint { savepoint_name, .. } if savepoint_name.eq_ignore_ascii_case(SAVEPOINT) => {
            Some(format!("SAVEPOINT {savepoint_name}"))
        }
        AuthAction::Attach { .. } => Some("ATTACH".to_owned()),
        AuthAction::Detach { .. } => Some("DETACH".to_owned()),
        // Temporary objects belong to the connection, so they outlive the order. A temporary
        // trigger or view would also change what the statements of later orders do. Each is a row
        // of the temporary schema; `CREATE TRIGGER temp.name` is reported as a trigger of another
        // schema.
        AuthAction::Insert { .. } if cx.database_name == Some("temp") => Some("CREATE TEMP".to_owned()),
        AuthAction::Pragma { pragma_name, pragma_value: Some(_) }
            if !PRAGMAS.iter().any(|name| pragma_name.eq_ignore_ascii_case(name)) =>
        {
            Some(format!("PRAGMA {pragma_name}"))
        }
        _ => None,
    }
}
