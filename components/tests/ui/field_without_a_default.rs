use vivaz_components::LiveComponent;

#[derive(serde::Serialize, serde::Deserialize, Clone)]
struct Strict;

#[derive(LiveComponent, Clone)]
#[live(inline = "")]
struct Page {
    strict: Strict,
}

fn main() {}
