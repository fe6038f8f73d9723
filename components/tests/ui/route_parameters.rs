use vivaz_components::{LivePage, LiveRoute};

mod routes {
    use vivaz_components::LiveRoute;

    #[derive(LiveRoute)]
    #[live(path = "/items/{id}")]
    pub(crate) struct Item {
        pub(crate) id: u32,
        #[live(query)]
        pub(crate) page: Option<u32>,
    }
}

#[derive(LivePage)]
#[live(
    inline = r#"
        <html lang="en">
        <head><title>x</title></head>
        <body>
            <a href="{{ routes::Item { id } }}">right</a>
            <a href="{{ routes::Item { id, page: 2 } }}">right</a>
            <a href="{{ routes::Item { page: 2 } }}">missing</a>
            <a href="{{ routes::Item { id, pgae: 2 } }}">misspelt</a>
            <a href="{{ routes::Item { id: title } }}">a text</a>
        </body>
        </html>
    "#
)]
struct Home {
    id: u32,
    title: String,
}

fn main() {
    let _ = routes::Item { id: 1, page: None }.url();
}
