use vivaz_components::{Context, LiveComponent, Result, actions};

#[derive(LiveComponent, Clone)]
#[live(inline = "", durable)]
struct Page {
    count: u32,
}

#[actions]
impl Page {
    #[action]
    async fn import(&mut self, cx: &mut Context) -> Result<()> {
        for _ in 0..3 {
            self.count += 1;
            cx.flush(self).await?;
        }
        Ok(())
    }
}

fn main() {}
