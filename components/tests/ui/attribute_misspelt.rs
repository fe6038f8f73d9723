use vivaz_components::LiveComponent;

#[derive(LiveComponent, Clone)]
#[live(inline = "", opn)]
struct Page {
    #[live(modell)]
    draft: String,
}

fn main() {}
