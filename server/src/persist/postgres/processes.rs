//! The processes that use the database, and the requests that they send each other.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use vivaz_databases::Tx;
use vivaz_databases::postgres::{Database, Heard, Listening};
use vivaz_protocol::SessionId;

use crate::persist::store::{Fence, ReleaseListener, ReleaseRequest, StoreError};

/// The channel of the requests. Each is read by all processes; there is one for each page that
/// comes back to another node.
const CHANNEL: &str = "vivaz_release";

/// The runtimes of this process. Those that share a store find each other in memory.
#[derive(Debug, Default)]
pub(super) struct PostgresProcesses {
    /// A runtime whose registration has ended stays, without a value: the server may not have
    /// noticed yet.
    here: Mutex<HashMap<String, Option<ListeningRuntime>>>,
}

#[derive(Debug)]
struct ListeningRuntime {
    listener: ReleaseListener,
    /// Holds the lock of the runtime and receives the requests of other processes.
    _listening: Listening,
}

/// The registration of a runtime. It ends when this is dropped.
pub(super) struct ProcessRegistration {
    processes: Weak<PostgresProcesses>,
    name: String,
}

impl PostgresProcesses {
    /// Registers a runtime of this process.
    ///
    /// # Errors
    /// Returns an error if the server cannot be reached, or if another process has this name.
    pub(super) async fn register(
        self: Arc<Self>,
        database: &Database,
        name: String,
        listener: ReleaseListener,
    ) -> Result<ProcessRegistration, StoreError> {
        let quoted = name.replace('\'', "''");
        let set_up = format!("LISTEN {CHANNEL}; SELECT pg_advisory_lock(vivaz_process_key('{quoted}'))");
        let (own, asked) = (name.clone(), listener.clone());
        let listening = database.listen(&set_up, move |heard| {
            if let Heard::Notification { payload, .. } = heard {
                match read_request(&payload) {
                    Ok((holder, request)) if holder == own => asked.ask(request),
                    Ok(_) => {}
                    Err(error) => tracing::warn!(%error, "a request for a session cannot be read"),
                }
            }
        });
        let runtime = ListeningRuntime { listener, _listening: listening.await? };
        self.here().insert(name.clone(), Some(runtime));
        Ok(ProcessRegistration { processes: Arc::downgrade(&self), name })
    }

    /// Checks whether a process runs. `is_locked`: whether the server says so.
    pub(super) fn is_running(&self, name: &str, is_locked: bool) -> bool {
        self.here().get(name).map_or(is_locked, Option::is_some)
    }

    /// Passes a request to a holder.
    pub(super) fn ask(&self, tx: &mut Tx, holder: &str, request: ReleaseRequest) -> Result<(), StoreError> {
        let listener = match self.here().get(holder) {
            Some(Some(runtime)) => runtime.listener.clone(),
            Some(None) => return Ok(()),
            None => {
                let ReleaseRequest { session, fence, generation } = request;
                let payload = serde_json::to_string(&(holder, session.as_str(), fence, generation));
                tx.execute("SELECT pg_notify(?1, ?2)", (CHANNEL, payload.map_err(StoreError::failed)?))?;
                return Ok(());
            }
        };
        listener.ask(request);
        Ok(())
    }

    /// Ends the registration of a runtime.
    pub(super) fn remove(&self, name: &str) {
        let removed = self.here().get_mut(name).and_then(Option::take);
        // Dropped without the lock.
        drop(removed);
    }

    fn here(&self) -> MutexGuard<'_, HashMap<String, Option<ListeningRuntime>>> {
        self.here.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for ProcessRegistration {
    fn drop(&mut self) {
        if let Some(processes) = self.processes.upgrade() {
            processes.remove(&self.name);
        }
    }
}

/// Reads a request with the process that it is for.
fn read_request(payload: &str) -> Result<(String, ReleaseRequest), StoreError> {
    let unreadable = |error: &dyn std::fmt::Display| StoreError::Unreadable(error.to_string());
    let (holder, session, fence, generation): (String, String, Fence, u64) =
        serde_json::from_str(payload).map_err(|error| unreadable(&error))?;
    let session = SessionId::new(&session).map_err(|error| unreadable(&error))?;
    Ok((holder, ReleaseRequest { session, fence, generation }))
}
