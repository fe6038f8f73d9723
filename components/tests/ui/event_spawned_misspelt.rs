use vivaz_components::{Context, LiveComponent, Result, actions};

#[derive(LiveComponent, Clone)]
#[live(inline = "")]
struct Page {
    count: u32,
}

#[actions]
impl Page {
    #[action]
    fn start(&mut self, cx: &mut Context) {
        cx.spawn("doen", async { Ok(1) });
        if self.count > 1 {
            vec![1].iter().for_each(|_| cx.spawn("nothing like it", async { Ok(1) }));
        }
        cx.spawn("done", async { Ok(1) });
        cx.spawn("all.done", async { Ok(1) });
    }

    #[event]
    fn done(&mut self, _result: Result<u32>) {}

    #[event("all.done")]
    fn all(&mut self, _result: Result<u32>) {}
}

fn main() {}
