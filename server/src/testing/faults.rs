//! Calls that fail, come late, hang or panic, chosen by a seed.

mod store;

use std::fmt;
use std::future::pending;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

pub use self::store::FaultyStore;
use crate::persist::store::SessionStore;

/// Of a thousand calls, how many have a fault while faults are on.
const PER_MILLE: u64 = 200;

/// Decides for each call of a store or a hook whether it has a fault. The same seed and the same
/// order of calls give the same faults. Clones share everything.
///
/// One call in five has a fault. A late one takes up to 15 s. One that hangs is ended by
/// [`store_time`](crate::Limits::store_time), [`hello_time`](crate::Limits::hello_time) or
/// [`action_time`](crate::Limits::action_time). Use paused time:
/// `#[tokio::test(start_paused = true)]`.
///
/// Pages of [`testing::Server`](super::Server) are given their identity:
/// [`Builder::identity`](crate::Builder::identity) is not called,
/// [`Builder::hello`](crate::Builder::hello) is. In a topic's `load`:
/// `cx.state::<Faults>().strike("load").await?`, with `.state(faults.clone())` at the builder.
///
/// ```
/// use vivaz::testing::Faults;
/// use vivaz::{MemoryStore, Runtime};
///
/// # /*
/// #[tokio::test(start_paused = true)]
/// async fn a_page_is_recognised_in_spite_of_faults() {
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
///             faults.strike("identity").await?;
///             Ok(identity)
///         }
///     })
///     .build();
/// faults.stop();
/// # assert!(runtime.is_ok());
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Faults(Arc<Source>);

#[derive(Debug)]
struct Source {
    seed: u64,
    calls: AtomicU64,
    on: AtomicBool,
    struck: Mutex<Vec<Struck>>,
}

/// What happens to one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// It does what it is there for.
    Passes,
    /// It does nothing and fails.
    Fails,
    /// It does what it is there for and fails.
    FailsAfterwards,
    /// It does what it is there for after a while.
    IsLate(Duration),
    /// It does nothing and never answers.
    Hangs,
    /// It does nothing and panics.
    Panics,
}

/// A call that had a fault.
#[derive(Clone, Debug)]
struct Struck {
    number: u64,
    call: &'static str,
    fate: Fate,
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
    /// Creates the faults of a seed. They are on.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let (calls, on, struck) = (AtomicU64::new(0), AtomicBool::new(true), Mutex::default());
        Self(Arc::new(Source { seed, calls, on, struck }))
    }

    /// Turns faults on.
    pub fn start(&self) {
        self.0.on.store(true, Ordering::SeqCst);
    }

    /// Turns faults off: from now on every call does what it is there for. Calls that are late or
    /// hang stay so.
    pub fn stop(&self) {
        self.0.on.store(false, Ordering::SeqCst);
    }

    /// Gives a session store these faults.
    pub fn store<S: SessionStore>(&self, store: S) -> FaultyStore<S> {
        FaultyStore::new(store, self.clone())
    }

    /// A call of a hook of the application's, made in that hook: passes, fails, comes late, never
    /// returns, or panics.
    ///
    /// # Errors
    /// If the call has the fault to fail.
    ///
    /// # Panics
    /// If the call has the fault to panic.
    pub async fn strike(&self, call: &'static str) -> Result<(), Fault> {
        let (fate, fault) = self.next(call);
        match fate {
            Fate::Passes => Ok(()),
            Fate::Fails | Fate::FailsAfterwards => Err(fault),
            Fate::IsLate(by) => {
                tokio::time::sleep(by).await;
                Ok(())
            }
            Fate::Hangs => pending().await,
            Fate::Panics => panic!("{fault}"),
        }
    }

    /// Chooses what happens to the next call.
    fn next(&self, call: &'static str) -> (Fate, Fault) {
        let Source { seed, calls, on, struck } = &*self.0;
        let number = calls.fetch_add(1, Ordering::SeqCst);
        let fault = Fault { call, number, seed: *seed };
        let random = mix(seed.wrapping_mul(0x2545_f491_4f6c_dd1d) ^ mix(number));
        if !on.load(Ordering::SeqCst) || random % 1_000 >= PER_MILLE {
            return (Fate::Passes, fault);
        }
        let fate = match (random >> 32) % 8 {
            0..3 => Fate::Fails,
            3 => Fate::FailsAfterwards,
            4 | 5 => Fate::IsLate(Duration::from_millis((random >> 40) % 15_000)),
            6 => Fate::Hangs,
            _ => Fate::Panics,
        };
        struck.lock().unwrap_or_else(PoisonError::into_inner).push(Struck { number, call, fate });
        (fate, fault)
    }
}

/// Lists the calls that had a fault, for the message of a test that fails.
impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "faults of seed {}:", self.0.seed)?;
        for Struck { number, call, fate } in &*self.0.struck.lock().unwrap_or_else(PoisonError::into_inner) {
            writeln!(f, "  call {number}, `{call}`: {fate:?}")?;
        }
        Ok(())
    }
}

/// SplitMix64's finaliser: spreads the bits of a number over the whole word.
fn mix(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}
