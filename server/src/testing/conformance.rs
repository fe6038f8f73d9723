//! Checks that session stores and engines keep their contracts.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a check fails by a panic"
)]

mod clock;
mod cluster;
mod components;
mod fences;
mod leases;
mod rows;
mod transactions;
mod writes;

use std::sync::Arc;

use vivaz_components::instance::BoxFuture;

pub use self::clock::ManualClock;
pub use self::cluster::{
    ClusterCase, ClusterTransaction, ClusterUnderTest, bus_cases, log_cases, log_transaction_cases,
};
use crate::persist::store::SessionStore;

/// One check of the contract.
#[derive(Clone, Copy)]
pub struct StoreCase {
    /// The statement that it checks.
    pub name: &'static str,
    run: fn(Arc<dyn SessionStore>, Arc<ManualClock>) -> BoxFuture<()>,
}

impl StoreCase {
    /// Runs the check on a new, empty store that measures leases with the clock.
    ///
    /// # Panics
    /// Panics if the store breaks the contract.
    pub async fn run(&self, store: Arc<dyn SessionStore>, clock: Arc<ManualClock>) {
        (self.run)(store, clock).await;
    }
}

/// Makes cases of functions.
macro_rules! cases {
    ($($check:ident,)+) => {
        &[$(StoreCase { name: stringify!($check), run: |store, clock| Box::pin($check(store, clock)) },)+]
    };
}
use cases;

/// Returns all checks of the contract of [`SessionStore`].
///
/// ```
/// use std::sync::Arc;
///
/// use vivaz::MemoryStore;
/// use vivaz::testing::{ManualClock, store_cases};
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// for case in store_cases() {
///     let clock = ManualClock::new();
///     let store = MemoryStore::with_clock(clock.clone());
///     case.run(Arc::new(store), clock).await;
/// }
/// # });
/// ```
pub fn store_cases() -> impl Iterator<Item = StoreCase> {
    let all = [leases::CASES, fences::CASES, writes::CASES, components::CASES, transactions::CASES];
    all.into_iter().flatten().copied()
}
