use vivaz_components::LivePage;

#[derive(LivePage)]
#[live(inline = "<html lang='en'><head><title>x</title></head><body><p live:click='go()'>{{ a + }}</p></body></html>")]
struct Clicked {}

#[derive(LivePage)]
#[live(inline = "<p>no document</p>", name = "page")]
struct Fragment {}

#[derive(LivePage)]
#[live(template = "nowhere.html")]
struct Nowhere<T> {
    of: T,
}

#[derive(LivePage)]
#[live(inline = "<html lang='en'><head><title>{{ title }}</title></head><body></body></html>")]
struct Marked {
    #[live(prop)]
    title: String,
}

fn main() {}
