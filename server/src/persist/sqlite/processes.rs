//! The processes that use a file, and the questions that they ask each other.
//!
//! Each process holds a lock on a file beside the database for as long as it runs. The system
//! releases the lock when the process ends, however it ends, so that its sessions can be claimed
//! at once. Runtimes of one process that share a [`Sqlite`](super::Sqlite) find each other in
//! memory.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs::{File, OpenOptions, TryLockError};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::task::JoinHandle;
use vivaz_databases::sqlite::Connection;

use crate::persist::store::{ReleaseListener, StoreError};

/// The processes that use a database.
#[derive(Debug)]
pub(super) struct Processes {
    /// The path of the database; `None` for one in memory.
    database: Option<PathBuf>,
    /// The runtimes of this process.
    here: Mutex<HashMap<String, RegisteredRuntime>>,
}

/// A runtime of this process.
#[derive(Debug)]
struct RegisteredRuntime {
    listener: ReleaseListener,
    /// Locked while the runtime is registered. `None` for a database in memory.
    _lock: Option<File>,
    /// Looks for questions of other processes.
    looking: Option<JoinHandle<()>>,
}

/// The registration of a runtime. It ends when this is dropped.
pub(super) struct RuntimeRegistration {
    processes: Weak<Processes>,
    name: String,
}

impl Processes {
    pub(super) fn new(connection: &Connection) -> Arc<Self> {
        let database = connection.path().filter(|path| !path.is_empty()).map(PathBuf::from);
        Arc::new(Self { database, here: Mutex::default() })
    }

    /// Registers a runtime of this process. `look` starts the task that looks for questions.
    ///
    /// # Errors
    /// Returns an error if the file of the runtime cannot be created or locked.
    pub(super) fn register(
        self: &Arc<Self>,
        name: &str,
        listener: ReleaseListener,
        look: impl FnOnce() -> JoinHandle<()>,
    ) -> Result<RuntimeRegistration, StoreError> {
        let lock = self.file_of(name).map(|path| lock(&path)).transpose()?;
        let looking = lock.is_some().then(look);
        let runtime = RegisteredRuntime { listener, _lock: lock, looking };
        self.here().insert(name.to_owned(), runtime);
        Ok(RuntimeRegistration { processes: Arc::downgrade(self), name: name.to_owned() })
    }

    /// Ends the registration of a runtime. Returns the task that looked for questions, which is
    /// about to end.
    pub(super) fn remove(&self, name: &str) -> Option<JoinHandle<()>> {
        let removed = self.here().remove(name)?;
        if let Some(path) = self.file_of(name)
            && let Err(error) = std::fs::remove_file(&path)
        {
            tracing::debug!(%error, path = %path.display(), "cannot remove the lock file of a process");
        }
        removed.looking.inspect(JoinHandle::abort)
    }

    /// Checks whether a process runs. One whose lock cannot be examined counts as running.
    pub(super) fn is_running(&self, name: &str) -> bool {
        if self.here().contains_key(name) {
            return true;
        }
        let Some(path) = self.file_of(name) else { return false };
        match File::open(path) {
            // Shared, so that two examinations at the same time do not take each other for the
            // process.
            Ok(file) => file.try_lock_shared().is_err(),
            Err(error) => error.kind() != std::io::ErrorKind::NotFound,
        }
    }

    /// Returns the listener of a runtime of this process.
    pub(super) fn listener(&self, name: &str) -> Option<ReleaseListener> {
        self.here().get(name).map(|runtime| runtime.listener.clone())
    }

    /// Removes the lock file of a process that has been killed.
    pub(super) fn clean_up(&self, name: &str) {
        let Some(path) = self.file_of(name) else { return };
        let Ok(file) = File::open(&path) else { return };
        if file.try_lock().is_ok()
            && let Err(error) = std::fs::remove_file(&path)
        {
            tracing::debug!(%error, path = %path.display(), "cannot remove the lock file of a process");
        }
    }

    /// Returns the path of the lock file of a process.
    fn file_of(&self, name: &str) -> Option<PathBuf> {
        let mut path = self.database.clone()?.into_os_string();
        let hex = name.bytes().fold(String::new(), |mut hex, byte| {
            // Writing to a string does not fail.
            let _ = write!(hex, "{byte:02x}");
            hex
        });
        path.push(format!("-process-{hex}"));
        Some(path.into())
    }

    fn here(&self) -> MutexGuard<'_, HashMap<String, RegisteredRuntime>> {
        self.here.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for RuntimeRegistration {
    fn drop(&mut self) {
        if let Some(processes) = self.processes.upgrade() {
            processes.remove(&self.name);
        }
    }
}

/// Creates a file and locks it.
fn lock(path: &PathBuf) -> Result<File, StoreError> {
    let file = OpenOptions::new().create(true).append(true).open(path).map_err(StoreError::failed)?;
    file.try_lock().map_err(|error| match error {
        TryLockError::WouldBlock => StoreError::failed("another process has the name of this one"),
        TryLockError::Error(error) => StoreError::failed(error),
    })?;
    Ok(file)
}
