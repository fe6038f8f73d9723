//! The nonces of the forms that were sent to this process.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use blake3::Hash;
use tokio::sync::watch;

use super::outcome::{FormOutcome, NotRun};
use super::seal::FormSeal;

/// The type of the channel on which the outcome of a form is published.
type OutcomeReceiver = watch::Receiver<Option<Arc<FormOutcome>>>;

/// Maximum number of nonces that are remembered.
const MAX_NONCES: usize = 100_000;
/// Maximum size of the remembered outcomes, in bytes.
const MAX_BYTES: usize = 64 * 1024 * 1024;

/// The nonces of the forms that were sent to this process. A form is run by the caller that
/// [begins](Self::begin) it; every other caller gets that outcome.
///
/// The memory is bounded: if there are too many nonces, the oldest are forgotten, and forms that
/// were rendered at that time or before are refused from then on.
#[derive(Debug, Default)]
pub(crate) struct UsedForms(Mutex<NonceTable>);

#[derive(Debug, Default)]
struct NonceTable {
    /// By the time at which the form was rendered, and by the nonce.
    forms: BTreeMap<(u64, String), UsedForm>,
    bytes: usize,
    /// Forms that were rendered at this time or before are refused if they are not in the map.
    forgotten: u64,
}

#[derive(Debug)]
struct UsedForm {
    expires: u64,
    /// The hash of the values that it was sent with.
    values: Hash,
    outcome: OutcomeReceiver,
    /// The size of the outcome; 0 while the form is being run.
    bytes: usize,
}

/// What a caller does with a form.
pub(crate) enum Beginning {
    /// The caller runs it, and finishes the guard when it is done.
    First(RunningForm),
    /// Another caller runs it, or has run it.
    Again(OutcomeReceiver),
    /// Another caller runs it with other values, or has run it with them.
    Changed,
    /// It is too old to know whether it was run.
    Forgotten,
}

/// The right to run a form once. If it is dropped, because the task that runs the form has panicked
/// or was aborted, the form counts as interrupted.
pub(crate) struct RunningForm {
    used: Arc<UsedForms>,
    key: (u64, String),
    outcome: watch::Sender<Option<Arc<FormOutcome>>>,
    is_finished: bool,
}

impl UsedForms {
    /// Begins a form, unless it was begun before. `values` is the hash of what it was sent with.
    pub(crate) fn begin(self: &Arc<Self>, form: &FormSeal, values: Hash, now: u64) -> Beginning {
        let key = (form.issued, form.nonce.clone());
        let mut table = self.lock();
        if let Some(known) = table.forms.get(&key) {
            let is_same = known.values == values;
            return if is_same { Beginning::Again(known.outcome.clone()) } else { Beginning::Changed };
        }
        table.make_room(now);
        if form.issued <= table.forgotten {
            return Beginning::Forgotten;
        }
        let (outcome, receiver) = watch::channel(None);
        let used = UsedForm { expires: form.expires, values, outcome: receiver, bytes: 0 };
        table.forms.insert(key.clone(), used);
        Beginning::First(RunningForm { used: Arc::clone(self), key, outcome, is_finished: false })
    }

    fn lock(&self) -> MutexGuard<'_, NonceTable> {
        // No code that can panic runs under the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl NonceTable {
    /// Removes expired forms, then the oldest, until there is room for another one.
    fn make_room(&mut self, now: u64) {
        if self.forms.len() < MAX_NONCES && self.bytes < MAX_BYTES {
            return;
        }
        self.forms.retain(|_, used| now < used.expires);
        self.bytes = self.forms.values().map(|used| used.bytes).sum();
        while self.forms.len() >= MAX_NONCES || self.bytes >= MAX_BYTES {
            let Some(((issued, _), used)) = self.forms.pop_first() else { return };
            self.bytes -= used.bytes;
            self.forgotten = self.forgotten.max(issued);
        }
    }
}

impl RunningForm {
    /// Returns a receiver of the outcome.
    pub(crate) fn subscribe(&self) -> OutcomeReceiver {
        self.outcome.subscribe()
    }

    /// Publishes the outcome to the callers that wait for it, and remembers it.
    pub(crate) fn finish(mut self, outcome: Arc<FormOutcome>) {
        self.is_finished = true;
        self.publish(outcome);
    }

    fn publish(&self, outcome: Arc<FormOutcome>) {
        // Those that wait for the outcome get all of it.
        let shortened = outcome.shortened();
        let bytes = shortened.as_ref().map_or_else(|| outcome.bytes(), FormOutcome::bytes);
        let mut table = self.used.lock();
        if let Some(used) = table.forms.get_mut(&self.key) {
            used.bytes = bytes;
            if let Some(shortened) = shortened {
                (_, used.outcome) = watch::channel(Some(Arc::new(shortened)));
            }
            table.bytes += bytes;
        }
        drop(table);
        self.outcome.send_replace(Some(outcome));
    }

    /// Publishes the outcome and forgets the form, because the store remembers it or because it was
    /// not run.
    pub(crate) fn finish_and_forget(mut self, outcome: Option<Arc<FormOutcome>>) {
        self.is_finished = true;
        self.used.lock().forms.remove(&self.key);
        self.outcome.send_replace(outcome);
    }
}

impl Drop for RunningForm {
    fn drop(&mut self) {
        if !self.is_finished {
            self.publish(Arc::new(FormOutcome::not_run(NotRun::Interrupted, None)));
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;

    use super::*;
    use crate::admission::form::seal::RootKey;

    const VALUES: Hash = Hash::from_bytes([1; 32]);

    fn form(nonce: &str, issued: u64) -> FormSeal {
        let root = RootKey { id: None, props: "{}".into(), nth: 0, is_only: true };
        let (nonce, place) = (nonce.to_owned(), "[0]".to_owned());
        FormSeal { nonce, process: None, issued, expires: issued + 100, root, chain: Vec::new(), place }
    }

    fn first(used: &Arc<UsedForms>, form: &FormSeal) -> RunningForm {
        match used.begin(form, VALUES, form.issued) {
            Beginning::First(running) => running,
            Beginning::Again(_) | Beginning::Changed | Beginning::Forgotten => {
                panic!("the form was not begun before")
            }
        }
    }

    #[test]
    fn a_form_whose_task_panics_is_interrupted() {
        let used = Arc::new(UsedForms::default());
        drop(first(&used, &form("a", 1)));
        let Beginning::Again(outcome) = used.begin(&form("a", 1), VALUES, 1) else { panic!("begun twice") };
        let interrupted = FormOutcome::not_run(NotRun::Interrupted, None);
        assert_eq!(outcome.borrow().as_deref(), Some(&interrupted));
    }

    #[test]
    fn large_typed_values_are_kept_only_for_the_callers_that_wait() {
        let used = Arc::new(UsedForms::default());
        let running = first(&used, &form("a", 1));
        let waiting = running.subscribe();
        let typed = serde_json::json!({ "text": "x".repeat(100_000) });
        let outcome = FormOutcome::not_run(NotRun::Gone, Some(typed));
        running.finish(Arc::new(outcome.clone()));
        assert_eq!(waiting.borrow().as_deref(), Some(&outcome));
        let Beginning::Again(again) = used.begin(&form("a", 1), VALUES, 1) else { panic!("begun twice") };
        assert_eq!(again.borrow().as_deref(), Some(&FormOutcome { typed: None, ..outcome }));
        assert!(used.lock().bytes < 1_000);
    }

    #[test]
    fn a_form_is_begun_once() {
        let used = Arc::new(UsedForms::default());
        let running = first(&used, &form("a", 1));
        let Beginning::Again(outcome) = used.begin(&form("a", 1), VALUES, 1) else { panic!("begun twice") };
        assert!(outcome.borrow().is_none());
        running.finish(Arc::new(FormOutcome::with_status(StatusCode::OK)));
        assert!(outcome.borrow().is_some());
        let Beginning::Again(again) = used.begin(&form("a", 1), VALUES, 50) else { panic!("begun twice") };
        assert_eq!(again.borrow().as_ref().map(|outcome| outcome.status), Some(200));
        first(&used, &form("b", 1)).finish_and_forget(None);
        first(&used, &form("b", 1));
    }

    #[test]
    fn what_was_forgotten_is_refused() {
        let used = Arc::new(UsedForms::default());
        for nonce in 0..MAX_NONCES {
            let issued = 1 + u64::from(nonce >= 10);
            first(&used, &form(&nonce.to_string(), issued))
                .finish(Arc::new(FormOutcome::with_status(StatusCode::OK)));
        }
        first(&used, &form("more", 2));
        assert!(matches!(used.begin(&form("0", 1), VALUES, 2), Beginning::Forgotten));
        assert!(matches!(used.begin(&form("new", 1), VALUES, 2), Beginning::Forgotten));
        assert!(matches!(used.begin(&form("10", 2), VALUES, 2), Beginning::Again(_)));
        let others = Hash::from_bytes([2; 32]);
        assert!(matches!(used.begin(&form("10", 2), others, 2), Beginning::Changed));
        first(&used, &form("new", 3));
        // Expired forms make room without being refused as forgotten.
        first(&used, &form("later", 200));
        assert_eq!(used.lock().forgotten, 1);
    }
}
