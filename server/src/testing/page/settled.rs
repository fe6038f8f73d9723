//! Waits for the state that a page reaches without further events.

use std::time::Duration;

use tokio::sync::oneshot;

use super::{Page, PageState};
use crate::session::port::mail::Mail;

/// How long [`Page::settled`] waits for running jobs.
const JOB_PATIENCE: Duration = Duration::from_secs(1);

impl Page {
    /// Waits until the page's session has handled the events that it has now, and the page has
    /// received every frame that the server has for it, and every component is mounted.
    ///
    /// It waits at most a second for handlers that run. It does not wait for `cx.spawn` and timers:
    /// use [`until`](Self::until).
    ///
    /// # Panics
    /// Panics if the server does not reply within a minute.
    pub async fn settled(&self) {
        loop {
            let is_connected = self.with(|state| state.referee.is_welcomed());
            if is_connected {
                self.wait_for_jobs().await;
            }
            self.wait_for_frames().await;
            // The jobs of a page that has just connected are waited for now.
            if is_connected {
                return;
            }
        }
    }

    /// Waits until the page has received every frame that was sent before now, and every component
    /// is mounted.
    async fn wait_for_frames(&self) {
        let number = {
            let mut state = self.shared().lock();
            let (number, frame) = state.referee.ping();
            if state.referee.is_welcomed() {
                state.extra.push(frame);
            }
            number
        };
        self.shared().work.notify_one();
        let arrived = |state: &PageState| {
            let is_mounting = state.tab.is_mounting() || state.referee.is_mounting();
            !state.referee.is_waiting_for_pong(number) && !is_mounting
        };
        self.wait("a sign of life", |state| arrived(state).then_some(())).await;
    }

    /// Waits until no job of the page's session runs, or [`JOB_PATIENCE`] is over.
    async fn wait_for_jobs(&self) {
        for _ in 0..JOB_PATIENCE.as_millis() {
            let session = self.client(|client| client.session().map(str::to_owned));
            let id = session.and_then(|id| id.parse().ok());
            let runtime = self.0.shared.server().current_runtime();
            let port = runtime.zip(id).and_then(|(runtime, id)| runtime.supervisor().sessions.port(&id));
            let Some(port) = port else { return };
            let (sender, receiver) = oneshot::channel();
            port.post_and_wake(Mail::IsIdle(sender));
            // A session that ends drops the sender.
            if receiver.await.unwrap_or(true) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}
