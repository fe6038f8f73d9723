//! The processes that use the database, and the questions that they ask each other.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use vivaz_databases::Tx;
use vivaz_databases::postgres::{Database, Heard, Listening};
use vivaz_protocol::SessionId;

use crate::persist::store::{Fence, ReleaseListener, StoreError};

/// The channel of the questions. Each is read by all processes; there is one for each page that
/// comes back to another node.
const CHANNEL: &str = "vivaz_release";

/// The runtimes of this process. Those that share a store find each other in memory.
#[derive(Debug, Default)]
pub(super) struct Processes {
    /// A runtime whose registration has ended stays, without a value: the server may not have
    /// noticed yet.
    here: Mutex<HashMap<String, Option<RegisteredRuntime>>>,
}

#[derive(Debug)]
struct RegisteredRuntime {
    listener: ReleaseListener,
    /// Holds the lock of the runtime and receives the questions of other processes.
    _listening: Listening,
}

/// The registration of a runtime. It ends when this is dropped.
pub(super) struct Registration {
    processes: Weak<Processes>,
    name: String,
}

impl Processes {
    /// Registers a runtime of this process.
    ///
    /// # Errors
    /// Returns an error if the server cannot be reached, or if another process has this name.
    pub(super) async fn register(
        self: Arc<Self>,
        database: &Database,
        name: String,
        listener: ReleaseListener,
    ) -> Result<Registration, StoreError> {
        let quoted = name.replace('\'', "''");
        let set_up = format!("LISTEN {CHANNEL}; SELECT pg_advisory_lock(vivaz_process_key('{quoted}'))");
        let (own, asked) = (name.clone(), listener.clone());
        let listening = database.listen(&set_up, move |heard| {
            if let Heard::Notification { payload, .. } = heard {
                match serde_json::from_str::<(String, String, Fence)>(&payload) {
                    Ok((holder, session, fence)) if holder == own => match SessionId::new(&session) {
                        Ok(session) => asked.ask(&session, fence),
                        Err(error) => tracing::warn!(%error, "a question names no session"),
                    },
                    Ok(_) => {}
                    Err(error) => tracing::warn!(%error, "a question for a session cannot be read"),
                }
            }
        });
        let runtime = RegisteredRuntime { listener, _listening: listening.await? };
        self.here().insert(name.clone(), Some(runtime));
        Ok(Registration { processes: Arc::downgrade(&self), name })
    }

    /// Checks whether a process runs. `is_locked`: whether the server says so.
    pub(super) fn is_running(&self, name: &str, is_locked: bool) -> bool {
        self.here().get(name).map_or(is_locked, Option::is_some)
    }

    /// Asks a holder for the copy of a session with this fence.
    pub(super) fn ask(
        &self,
        tx: &mut Tx,
        holder: &str,
        session: &SessionId,
        fence: Fence,
    ) -> Result<(), StoreError> {
        let listener = match self.here().get(holder) {
            Some(Some(runtime)) => runtime.listener.clone(),
            Some(None) => return Ok(()),
            None => {
                let question =
                    serde_json::to_string(&(holder, session.as_str(), fence)).map_err(StoreError::failed)?;
                tx.execute("SELECT pg_notify(?1, ?2)", (CHANNEL, question))?;
                return Ok(());
            }
        };
        listener.ask(session, fence);
        Ok(())
    }

    /// Ends the registration of a runtime.
    pub(super) fn remove(&self, name: &str) {
        let removed = self.here().get_mut(name).and_then(Option::take);
        // Dropped without the lock.
        drop(removed);
    }

    fn here(&self) -> MutexGuard<'_, HashMap<String, Option<RegisteredRuntime>>> {
        self.here.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        if let Some(processes) = self.processes.upgrade() {
            processes.remove(&self.name);
        }
    }
}
