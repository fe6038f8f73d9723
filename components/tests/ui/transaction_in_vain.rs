//! Transactions of a component that is not durable, without a `Tx`, and with `await`.

use vivaz_components::{Tx, LiveComponent, Result, actions};

#[derive(LiveComponent, Clone)]
#[live(name = "plain", inline = "<p>{{ n }}</p>")]
struct Plain {
    #[live(default)]
    n: u32,
}

#[actions]
impl Plain {
    #[action(transaction)]
    fn book(&mut self, tx: &mut Tx) -> Result {
        let _ = tx;
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
    async fn waits(&mut self, tx: &mut Tx) {
        let _ = tx;
    }

    #[action]
    fn borrows(&mut self, tx: &mut Tx) {
        let _ = tx;
    }

    #[action(transaction)]
    fn connects(&mut self, db: &Connection) {
        let _ = db;
    }
}

struct Connection;

fn main() {}
