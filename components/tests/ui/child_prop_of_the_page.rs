use vivaz_components::LiveComponent;

#[derive(LiveComponent, Clone)]
#[live(name = "badge", inline = "{{ text }}")]
struct Badge {
    #[live(prop, default)]
    text: String,
    #[live(prop, page, default)]
    filter: String,
    #[live(model, prop, default)]
    draft: String,
}

#[derive(LiveComponent, Clone)]
#[live(
    inline = r#"
        <div live:local="word = 'all'">
            <live:badge filter="{{ word }}"></live:badge>
            <live:badge text="{{ word }}"></live:badge>
            <live:badge draft="{{ title + word }}"></live:badge>
            <section live:if="word == 'all'"><live:badge text="{{ title }}"></live:badge></section>
        </div>
    "#,
    children(Badge)
)]
struct Page {
    title: String,
}

fn main() {}
