//! Each component as a page shows it, without a browser and without a port.

mod chat;
mod counter;
mod form;
mod rows;
mod seats;
mod todo;

use vivaz::Runtime;
use vivaz::testing::Server;

use crate::store::Store;

/// A server with a database of its own, in memory: it outlives a restart, and so do the sessions in it.
async fn server() -> Server {
    server_with(Store::in_memory().await)
}

/// The same, over a database that a test has filled.
fn server_with(store: Store) -> Server {
    Server::new(move || Runtime::builder().store(store.database()).state(store.clone()))
}
