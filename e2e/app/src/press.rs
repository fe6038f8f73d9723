//! Buttons that become disabled while they are pressed.

use std::time::Duration;

use vivaz::prelude::*;

#[derive(LiveComponent, Clone, Default)]
#[live(name = "press", template = "press.html", open)]
pub(crate) struct Press {
    checks: u32,
    saves: u32,
    locked: bool,
}

async fn pause() {
    tokio::time::sleep(Duration::from_millis(400)).await;
}

#[actions]
impl Press {
    #[action]
    async fn check(&mut self) {
        pause().await;
        self.checks += 1;
    }

    #[action]
    fn lock(&mut self) {
        self.locked = true;
    }

    #[action]
    fn unlock(&mut self) {
        self.locked = false;
    }

    #[action]
    async fn save(&mut self) {
        pause().await;
        self.saves += 1;
    }
}
