//! Hands sessions over between the running processes of a store.

use std::sync::{MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::time::Instant;
use vivaz_protocol::SessionId;

use super::{Keeper, RunningSessions};
use crate::persist::store::{
    HolderStatus, ProcessGuard, ReleaseListener, ReleaseRequest, SessionHead, StoreError,
};

/// How often a process that has asked for a session looks whether it is released.
const LOOKS: Duration = Duration::from_millis(20);
/// How often it asks again, because a question may be lost.
const QUESTIONS: Duration = Duration::from_secs(1);

/// The outcome of waiting for a session of another process.
#[derive(Debug)]
pub(crate) enum AwaitedRelease {
    /// The session may be claimed; its current head.
    Claimable(SessionHead),
    /// The session does not exist, or has changed hands.
    Moved,
    /// A page has resumed the session in the process that holds it, so nobody waits for it here.
    Resumed,
}

impl Keeper {
    /// Registers this process in the store, unless it is registered.
    pub(super) async fn register<R: RunningSessions + 'static>(&self, running: &Weak<R>) {
        if self.registration().is_some() {
            return;
        }
        let running = Weak::clone(running);
        let listener = ReleaseListener::new(move |request| {
            if let Some(running) = running.upgrade() {
                running.ask_to_release(&request);
            }
        });
        match self.store.register(&self.process, listener).await {
            Ok(guard) => *self.registration() = Some(guard),
            Err(error) => {
                tracing::error!(
                    %error,
                    "cannot register this process in the store; other processes take its sessions without \
                     asking; retrying later"
                );
            }
        }
    }

    /// Ends the registration of this process: other processes take over its sessions at once.
    pub(crate) fn unregister(&self) {
        let guard = self.registration().take();
        // Dropped outside of the lock, because it calls the store.
        drop(guard);
    }

    /// Waits until a session may be claimed: its holder has released it, does not run, or has not
    /// answered for [`Limits::release_time`](crate::Limits::release_time).
    ///
    /// # Errors
    /// Returns an error if the session cannot be read.
    pub(crate) async fn await_release(
        &self,
        session: &SessionId,
        seen: SessionHead,
    ) -> Result<AwaitedRelease, StoreError> {
        let until = Instant::now() + self.release_time;
        let mut next_question = Instant::now();
        let mut head = seen.clone();
        loop {
            let is_elsewhere = head.status == HolderStatus::Running && head.holder != *self.process;
            let now = Instant::now();
            if !is_elsewhere || now >= until {
                if is_elsewhere {
                    tracing::warn!(
                        %session, holder = head.holder,
                        "the process that holds a session does not release it; taking the session over"
                    );
                }
                return Ok(AwaitedRelease::Claimable(head));
            }
            if now >= next_question {
                next_question = now + QUESTIONS;
                let (session, generation) = (session.clone(), seen.secrets.generation);
                let request = ReleaseRequest { session, fence: head.fence, generation };
                if let Err(error) = self.store.ask_release(request).await {
                    tracing::error!(%error, "cannot ask for a session; retrying");
                }
            }
            tokio::time::sleep(LOOKS.min(until.duration_since(now))).await;
            let Some(found) = self.store.find(session).await? else { return Ok(AwaitedRelease::Moved) };
            if found.fence != seen.fence && found.status != HolderStatus::Released {
                return Ok(AwaitedRelease::Moved);
            }
            let is_renewed = found.secrets.generation != seen.secrets.generation;
            if is_renewed && found.status == HolderStatus::Running {
                return Ok(AwaitedRelease::Resumed);
            }
            head = found;
        }
    }

    fn registration(&self) -> MutexGuard<'_, Option<ProcessGuard>> {
        self.registration.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
