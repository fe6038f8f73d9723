//! Transactions: of a component that is not durable, without a connection, and one that waits.

use vivaz_components::{LiveComponent, Result, actions};

struct Connection;

#[derive(LiveComponent, Clone)]
#[live(name = "plain", inline = "<p>{{ n }}</p>")]
struct Plain {
    #[live(default)]
    n: u32,
}

#[actions]
impl Plain {
    #[action(transaction)]
    fn book(&mut self, db: &Connection) -> Result {
        let _ = db;
        self.n += 1;
        Ok(())
    }
}

#[derive(LiveComponent, Clone)]
#[live(name = "lasting", inline = "<p>{{ n }}</p>", durable)]
struct Lasting {
    #[live(default)]
    n: u32,
}

#[actions]
impl Lasting {
    #[action(transaction)]
    fn without(&mut self) {}

    #[action(transaction)]
    async fn waits(&mut self, db: &Connection) {
        let _ = db;
    }

    #[action]
    fn borrows(&mut self, db: &Connection) {
        let _ = db;
    }
}

fn main() {}
