//! Protects the writer's transaction and connection while a job runs in them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::hooks::{AuthAction, AuthContext, Authorization, TransactionOperation};
use rusqlite::{Connection, ffi};

use crate::persist::store::StoreError;

/// The name of the savepoint of a job.
pub(super) const SAVEPOINT: &str = "vivaz_order";

/// The pragmas that a job may call with a value: they read, write data that the transaction can
/// undo, or only change how much memory the connection uses.
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

/// Refuses statements that would end the transaction of a job or change the connection for later
/// jobs. Shared with the hooks of the connection.
#[derive(Clone, Default)]
pub(super) struct Guard(Arc<GuardState>);

#[derive(Default)]
struct GuardState {
    /// Whether a job runs.
    is_active: AtomicBool,
    /// The first refused statement.
    denied: Mutex<Option<String>>,
}

impl Guard {
    /// Creates a guard and sets the hooks of the connection.
    pub(super) fn of(connection: &Connection) -> rusqlite::Result<Self> {
        let guard = Self::default();
        let authorizer = guard.clone();
        connection.authorizer(Some(move |cx: AuthContext<'_>| authorizer.authorize(&cx.action)))?;
        // After a rollback, each further statement would be its own transaction; the hook refuses
        // the commit.
        let committing = guard.clone();
        connection.commit_hook(Some(move || committing.0.is_active.load(Ordering::Relaxed)))?;
        Ok(guard)
    }

    /// Runs a job. Returns its result, and whether its writes may be kept.
    ///
    /// # Errors
    /// The second value is [`StoreError::Denied`] if a statement of the job was refused, and
    /// [`StoreError::RolledBack`] if the transaction has ended.
    pub(super) fn run<T>(
        &self,
        connection: &Connection,
        job: impl FnOnce() -> T,
    ) -> (T, Result<(), StoreError>) {
        self.0.is_active.store(true, Ordering::Relaxed);
        let result = job();
        self.0.is_active.store(false, Ordering::Relaxed);
        let kept = match self.denied().take() {
            Some(statement) => Err(StoreError::Denied(statement)),
            None if connection.is_autocommit() => Err(StoreError::RolledBack),
            None => Ok(()),
        };
        (result, kept)
    }

    fn authorize(&self, action: &AuthAction<'_>) -> Authorization {
        if self.0.is_active.load(Ordering::Relaxed)
            && let Some(statement) = denied(action)
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

/// Checks the deferred foreign keys of a job: releasing its savepoint does not check them, and the
/// `COMMIT` would fail for all jobs of the transaction.
///
/// # Errors
/// Returns [`StoreError::ForeignKey`] if rows violate one.
pub(super) fn check_deferred(connection: &Connection) -> Result<(), StoreError> {
    let (mut violated, mut highest) = (0, 0);
    #[expect(
        unsafe_code,
        reason = "rusqlite does not wrap this function; `PRAGMA foreign_key_check` reads all tables"
    )]
    // SAFETY: the connection is open, so its handle is valid. SQLite writes two integers and does
    // not keep the pointers.
    let status = unsafe {
        ffi::sqlite3_db_status(
            connection.handle(),
            ffi::SQLITE_DBSTATUS_DEFERRED_FKS,
            &raw mut violated,
            &raw mut highest,
            0,
        )
    };
    if status == ffi::SQLITE_OK && violated == 0 { Ok(()) } else { Err(StoreError::ForeignKey) }
}

/// Returns the name of a statement that a job must not run; `None` if it may run.
#[expect(clippy::wildcard_enum_match_arm, reason = "both enums are non-exhaustive")]
fn denied(action: &AuthAction<'_>) -> Option<String> {
    match action {
        AuthAction::Transaction { operation } => Some(match operation {
            TransactionOperation::Begin => "BEGIN".to_owned(),
            TransactionOperation::Rollback => "ROLLBACK".to_owned(),
            // rusqlite reports `COMMIT` as an unknown operation.
            _ => "COMMIT".to_owned(),
        }),
        AuthAction::Savepoint { savepoint_name, .. } if savepoint_name.eq_ignore_ascii_case(SAVEPOINT) => {
            Some(format!("SAVEPOINT {savepoint_name}"))
        }
        AuthAction::Attach { .. } => Some("ATTACH".to_owned()),
        AuthAction::Detach { .. } => Some("DETACH".to_owned()),
        AuthAction::Pragma { pragma_name, pragma_value: Some(_) }
            if !PRAGMAS.iter().any(|name| pragma_name.eq_ignore_ascii_case(name)) =>
        {
            Some(format!("PRAGMA {pragma_name}"))
        }
        _ => None,
    }
}
