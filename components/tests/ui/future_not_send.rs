use vivaz_components::{LiveComponent, actions};

#[derive(LiveComponent, Clone)]
#[live(inline = "")]
struct Page {
    count: u32,
}

#[actions]
impl Page {
    #[action]
    async fn wait(&mut self) {
        let local = std::rc::Rc::new(1);
        std::future::ready(()).await;
        drop(local);
    }
}

fn main() {}
