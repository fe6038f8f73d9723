//! Errors that would count as success, of methods other than actions.

use vivaz_components::{Context, LiveComponent, MountContext, Saved, UnmountReason, actions};

#[derive(LiveComponent, Clone)]
#[live(name = "hooks", inline = "<input live:model=\"n\">")]
struct Hooks {
    #[live(model, default)]
    n: String,
}

#[actions]
impl Hooks {
    async fn mount(_props: HooksProps, _cx: &mut MountContext) -> Result<Self, String> {
        Err("no".into())
    }

    fn migrate(_saved: &Saved<'_>) -> Result<Self, String> {
        Err("no".into())
    }

    fn connected(&mut self) -> Result<(), String> {
        Err("no".into())
    }

    fn updated(&mut self, _property: &str) -> Result<(), String> {
        Err("no".into())
    }

    #[event]
    async fn rang(&mut self, _data: u32, _cx: &mut Context) -> Result<(), String> {
        Err("no".into())
    }

    fn disconnected(&mut self) -> Result<(), String> {
        Err("no".into())
    }

    async fn resumed(&mut self) -> Result<(), String> {
        Err("no".into())
    }

    fn unmount(&mut self, _reason: UnmountReason) -> Result<(), String> {
        Err("no".into())
    }
}

fn main() {}
