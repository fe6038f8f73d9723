use vivaz_components::{LiveComponent, actions};

#[derive(LiveComponent, Clone)]
#[live(template = "poll_without_an_interval.html")]
struct Page {
    name: String,
}

#[actions]
impl Page {
    #[action]
    fn save(&mut self) {}

    #[action]
    fn remove(&mut self) {}

    #[action]
    fn refresh(&mut self) {}
}

fn main() {}
