use vivaz_components::{LiveComponent, LiveRoute};

mod routes {
    use vivaz_components::LiveRoute;

    #[derive(LiveRoute)]
    #[live(path = "/items/{id}")]
    pub(crate) struct Item {
        pub(crate) id: u32,
    }

    #[derive(LiveRoute)]
    #[live(path = "/files/{*path}")]
    pub(crate) struct File {
        pub(crate) path: String,
    }
}

#[derive(LiveComponent, Clone)]
#[live(
    name = "links",
    inline = r#"
        <a href="{{ routes::Item { id } }}">right</a>
        <a href="{{ routes::Item { id: name } }}">a text</a>
        <a href="{{ routes::File { path: name } }}">the rest of a path</a>
    "#
)]
struct Links {
    #[live(default)]
    id: u32,
    #[live(default)]
    name: String,
}

fn main() {
    let _ = (routes::Item { id: 1 }.url(), routes::File { path: String::new() }.url());
}
