use vivaz_components::{Context, LiveComponent, MountContext, Result, actions};

#[derive(LiveComponent, Clone)]
#[live(inline = "<p>{{ count }}</p>")]
struct Page {
    count: u32,
}

#[actions]
impl Page {
    fn mount(_props: PageProps, _cx: &mut Context) -> Self { Self { count: 0 } }

    fn connected(&mut self, _cx: &mut MountContext) {}

    #[action]
    fn work(&mut self, cx: &mut Context) {
        cx.spawn("changed", async { Ok(1) });
    }

    #[action]
    async fn wait(&mut self, cx: &Context) -> Result<()> {
        cx.user().map(|_| ())
    }

    #[event]
    fn changed(&mut self, count: u32) { self.count = count; }

    #[event("changed")]
    fn changed_too(&mut self, count: u32) { self.count = count; }

    #[event]
    fn done(&mut self, count: Result<u32>) { self.count = count.unwrap_or_default(); }
}

fn main() {}
