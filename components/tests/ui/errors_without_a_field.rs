use vivaz_components::{LiveComponent, LiveState};

#[derive(LiveState, serde::Serialize, serde::Deserialize, Clone, Default)]
struct User { id: u64 }

#[derive(LiveComponent, Clone)]
#[live(inline = r#"
    <p live:for="e in errors.title" live:key="e">{{ e }}</p>
    <p live:if="user.errors">x</p>
    <input live:model="user.id">
"#)]
struct Page {
    #[live(model)]
    title: String,
    #[live(model)]
    user: User,
}

fn main() {}
