//! Handlers that fail.

use vivaz::prelude::*;

#[derive(LiveComponent, Clone, Default)]
#[live(name = "faults", template = "faults.html", open)]
pub(crate) struct Faults {
    count: u32,
}

#[actions]
impl Faults {
    #[action]
    fn fine(&mut self) {
        self.count += 1;
    }

    #[action]
    #[expect(clippy::panic, reason = "the test needs a panic")]
    fn explode(&mut self) {
        self.count += 100;
        panic!("on purpose, with a secret in it");
    }

    #[action]
    fn refuse(&mut self) -> Result<()> {
        self.count += 100;
        Err(ActionError::user("Not today."))
    }

    #[action]
    fn fail(&mut self) -> Result<()> {
        self.count += 100;
        "not a number, but a secret".parse::<u32>()?;
        Ok(())
    }
}
