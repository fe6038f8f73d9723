//! Errors that would count as success, of actions, for any name of the result type.

use vivaz_components::{Tx, Context, LiveComponent, actions};

type Outcome<T> = std::result::Result<T, String>;

#[derive(serde::Serialize)]
struct Refusal;

#[derive(LiveComponent, Clone)]
#[live(name = "till", inline = "<p>{{ n }}</p>", durable)]
struct Till {
    #[live(default)]
    n: u32,
}

#[actions]
impl Till {
    #[action]
    fn text(&mut self) -> Result<(), String> {
        Err("no".into())
    }

    #[action]
    fn literal(&mut self) -> Result<u32, &'static str> {
        Err("no")
    }

    #[action]
    fn alias(&mut self) -> Outcome<u32> {
        Err("no".into())
    }

    #[action]
    fn own(&self) -> Result<(), Refusal> {
        Err(Refusal)
    }

    #[action]
    async fn waits(&mut self, cx: &mut Context) -> Outcome<()> {
        let _ = cx;
        Err("no".into())
    }

    #[action(transaction)]
    fn writes(&mut self, tx: &mut Tx) -> Outcome<()> {
        let _ = tx;
        Err("no".into())
    }

    #[action]
    fn boxed(&mut self) -> Result<(), Box<dyn std::error::Error>> {
        Err("no".into())
    }
}

fn main() {}
