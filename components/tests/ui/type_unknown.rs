use vivaz_components::{LiveComponent};

#[derive(serde::Serialize, serde::Deserialize, Clone, Default)]
struct Other { inner: String }

#[derive(LiveComponent, Clone)]
#[live(template = "type_unknown.html")]
struct Page {
    other: Other,
}

fn main() {}
