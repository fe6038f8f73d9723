//! Fault injection: calls that fail, are delayed, hang or panic, chosen by a seed.

mod store;

use std::fmt;
use std::future::pending;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

pub use self::store::FaultyStore;
use crate::persist::store::SessionStore;

/// The number of calls of a thousand that have a fault while faults are on.
const FAULTS_PER_MILLE: u64 = 200;

/// Decides for each call of a store or a hook whether it has a fault. The same seed and the same
/// order of calls give the same faults. Clones share the seed, the count of calls and the switch.
///
/// One call in five has a fault. A delayed call takes up to 15 s longer. A call that hangs is ended
/// by [`store_time`](crate::Limits::store_time), [`hello_time`](crate::Limits::hello_time) or
/// [`action_time`](crate::Limits::action_time). Use paused time: `#[tokio::test(start_paused =
/// true)]`.
///
/// Pages of [`testing::Server`](super::Server) have the identity that the test gives them:
/// [`Builder::identity`](crate::Builder::identity) is not called, but
/// [`Builder::hello`](crate::Builder::hello) is. To inject faults into the `load` of a topic, call
/// `cx.state::<Faults>().inject("load").await?` in it, with `.state(faults.clone())` at the
/// builder.
///
/// ```
/// use vivaz::testing::Faults;
/// use vivaz::{MemoryStore, Runtime};
///
/// # /*
/// #[tokio::test(start_paused = true)]
/// async fn a_page_is_identified_in_spite_of_faults() {
/// # */
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// let faults = Faults::new(4711);
/// let (store, hook) = (faults.store(MemoryStore::new()), faults.clone());
/// let runtime = Runtime::builder()
///     .store(store)
///     .hello(move |identity, _auth| {
///         let faults = hook.clone();
///         async move {
///             faults.inject("identity").await?;
///             Ok(identity)
///         }
///     })
///     .build();
/// faults.stop();
/// # assert!(runtime.is_ok());
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Faults(Arc<FaultSchedule>);

/// The state that the clones of [`Faults`] share.
#[derive(Debug)]
struct FaultSchedule {
    seed: u64,
    calls: AtomicU64,
    on: AtomicBool,
    injected: Mutex<Vec<InjectedFault>>,
}

/// The fault of one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FaultKind {
    /// The call has no fault.
    None,
    /// The call has no effect and returns an error.
    Fails,
    /// The call takes effect and returns an error.
    FailsAfterEffect,
    /// The call takes effect after this time.
    Delayed(Duration),
    /// The call has no effect and never completes.
    Hangs,
    /// The call has no effect and panics.
    Panics,
}

/// A call that had a fault.
#[derive(Clone, Debug)]
struct InjectedFault {
    number: u64,
    call: &'static str,
    kind: String,
}

/// What the seed gives for one call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Draw {
    /// The number of the call.
    pub(super) number: u64,
    /// A random number, the same for the same seed and call.
    pub(super) random: u64,
    /// Whether faults are on.
    pub(super) is_on: bool,
    /// Whether the call has a fault.
    pub(super) has_fault: bool,
}

impl Draw {
    /// Returns a random number below `limit`, another one for each `index`.
    pub(super) fn below(&self, index: u64, limit: u64) -> u64 {
        mix(self.random ^ mix(index)) % limit.max(1)
    }
}

/// The error of a call that had a fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{call}` failed: call {number} of the faults with seed {seed}")]
pub struct Fault {
    call: &'static str,
    number: u64,
    seed: u64,
}

impl Faults {
    /// Creates the faults of a seed, turned on.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let (calls, on, injected) = (AtomicU64::new(0), AtomicBool::new(true), Mutex::default());
        Self(Arc::new(FaultSchedule { seed, calls, on, injected }))
    }

    /// Turns faults on.
    pub fn start(&self) {
        self.0.on.store(true, Ordering::SeqCst);
    }

    /// Turns faults off. Calls that are already delayed or hang are not affected.
    pub fn stop(&self) {
        self.0.on.store(false, Ordering::SeqCst);
    }

    /// Wraps a session store so that its calls have these faults.
    pub fn store<S: SessionStore>(&self, store: S) -> FaultyStore<S> {
        FaultyStore::new(store, self.clone())
    }

    /// Injects a fault into a hook of the application. Call it inside of the hook: it returns,
    /// fails, is delayed, hangs or panics.
    ///
    /// # Errors
    /// Returns a [`Fault`] if the call fails.
    ///
    /// # Panics
    /// Panics if the fault is a panic.
    pub async fn inject(&self, call: &'static str) -> Result<(), Fault> {
        let (kind, fault) = self.next(call);
        match kind {
            FaultKind::None => Ok(()),
            FaultKind::Fails | FaultKind::FailsAfterEffect => Err(fault),
            FaultKind::Delayed(by) => {
                tokio::time::sleep(by).await;
                Ok(())
            }
            FaultKind::Hangs => pending().await,
            FaultKind::Panics => panic!("{fault}"),
        }
    }

    /// Returns the fault of the next call.
    fn next(&self, call: &'static str) -> (FaultKind, Fault) {
        let Draw { number, random, has_fault, .. } = self.draw();
        let fault = Fault { call, number, seed: self.0.seed };
        if !has_fault {
            return (FaultKind::None, fault);
        }
        let kind = match (random >> 32) % 8 {
            0..3 => FaultKind::Fails,
            3 => FaultKind::FailsAfterEffect,
            4 | 5 => FaultKind::Delayed(Duration::from_millis((random >> 40) % 15_000)),
            6 => FaultKind::Hangs,
            _ => FaultKind::Panics,
        };
        self.record(number, call, format!("{kind:?}"));
        (kind, fault)
    }

    /// Draws for the next call.
    pub(super) fn draw(&self) -> Draw {
        let FaultSchedule { seed, calls, on, .. } = &*self.0;
        let number = calls.fetch_add(1, Ordering::SeqCst);
        let random = mix(seed.wrapping_mul(0x2545_f491_4f6c_dd1d) ^ mix(number));
        let is_on = on.load(Ordering::SeqCst);
        Draw { number, random, is_on, has_fault: is_on && random % 1_000 < FAULTS_PER_MILLE }
    }

    /// Notes the fault of a call, for the message of a failing test.
    pub(super) fn record(&self, number: u64, call: &'static str, kind: String) {
        let fault = InjectedFault { number, call, kind };
        self.0.injected.lock().unwrap_or_else(PoisonError::into_inner).push(fault);
    }
}

/// Lists the calls that had a fault, for the message of a failing test.
impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "faults of seed {}:", self.0.seed)?;
        for InjectedFault { number, call, kind } in
            &*self.0.injected.lock().unwrap_or_else(PoisonError::into_inner)
        {
            writeln!(f, "  call {number}, `{call}`: {kind}")?;
        }
        Ok(())
    }
}

/// Hashes a number with the finaliser of SplitMix64.
fn mix(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}
