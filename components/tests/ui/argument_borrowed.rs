use vivaz_components::{LiveComponent, actions};

#[derive(LiveComponent, Clone)]
#[live(inline = "")]
struct Page {
    count: u32,
}

#[actions]
impl Page {
    #[action]
    fn send(&mut self, text: &str) {}

    #[action(amuont = 1)]
    fn add(&mut self, amount: u32) {}

    #[action]
    fn make(count: u32) {}
}

fn main() {}
