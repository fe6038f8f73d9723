//! Tests of each component in a page, without a browser and without a port.

mod chat;
mod counter;
mod form;
mod rows;
mod seats;
mod todo;

use vivaz::Runtime;
use vivaz::testing::Server;

use crate::store::Store;

/// Creates a server with a database in memory, which outlives a restart together with its sessions.
async fn server() -> Server {
    server_with(Store::in_memory().await)
}

/// Does the same with a database that a test has filled.
fn server_with(store: Store) -> Server {
    Server::new(move || Runtime::builder().store(store.database()).state(store.clone()))
}
