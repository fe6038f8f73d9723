use serde::Serialize;
use vivaz_components::{LiveComponent, LivePage, LiveState};

#[derive(LiveComponent, Clone)]
#[live(name = "counter", inline = "{{ count }}")]
struct Counter {
    #[live(prop)]
    count: i64,
}

#[derive(LiveState, Clone, Serialize)]
struct Row {
    id: u32,
    sum: f64,
}

#[derive(LivePage)]
#[live(
    inline = r#"
        <html lang="en">
        <head><title>{{ titel }}</title></head>
        <body>
            <live:counter count="41"></live:counter>
            <live:counter count="four"></live:counter>
            <live:counter count="{{ title }}"></live:counter>
            <live:counter></live:counter>
            <p>{{ rows }} {{ secret }}</p>
            <live:totals label="{{ rows }}" rows="title"></live:totals>
        </body>
        </html>
    "#,
    children(Counter)
)]
struct Home<'a> {
    title: &'a str,
    rows: Vec<Row>,
    #[live(skip)]
    secret: String,
}

fn main() {}
