use vivaz_components::LiveComponent;

#[derive(LiveComponent, Clone)]
#[live(name = "badge", inline = "{{ text }}")]
struct Badge {
    #[live(prop)]
    text: String,
    #[live(prop, default)]
    count: u32,
}

#[derive(LiveComponent, Clone)]
#[live(
    inline = r#"
        <live:badge text="ok" count="{{ 3 }}"></live:badge>
        <live:badge txet="misspelt"></live:badge>
        <live:badge></live:badge>
        <live:badge text="{{ 7 }}"></live:badge>
        <live:badge text="{{ title }}" count="{{ title }}"></live:badge>
        <live:badg text="x"></live:badg>
    "#,
    children(Badge)
)]
struct Page {
    title: String,
}

fn main() {}
