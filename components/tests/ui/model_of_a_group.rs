use vivaz_components::{List, LiveComponent, LiveState, actions};

#[derive(LiveState, serde::Serialize, serde::Deserialize, Clone, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Size {
    Small,
    Large,
}

#[derive(LiveState, serde::Serialize, serde::Deserialize, Clone, PartialEq)]
struct Item {
    id: u64,
}

#[derive(LiveComponent, Clone)]
#[live(inline = r#"
<input type="checkbox" value="red" live:model="colors">
<input type="checkbox" value="1" live:model="numbers">
<input type="checkbox" value="small" live:model="sizes">
<input type="checkbox" value="red" live:model="maybe">
<input type="checkbox" value="yes" live:model="agree">
<input type="checkbox" live:model="unsure">
<input type="checkbox" live:model="colors">
<input type="checkbox" live:model="maybe">
<input type="checkbox" value="yes" live:model="unsure">
<input type="checkbox" value="red" live:model="name">
<input type="checkbox" value="true" live:model="flags">
<input type="checkbox" value="1" live:model="items">
<input type="radio" value="red" live:model="colors">
"#)]
struct Form {
    #[live(model, default)]
    colors: Vec<String>,
    #[live(model, default)]
    numbers: Vec<u32>,
    #[live(model, default)]
    sizes: Vec<Size>,
    #[live(model, default)]
    maybe: Option<Vec<String>>,
    #[live(model, default)]
    agree: bool,
    #[live(model, default)]
    unsure: Option<bool>,
    #[live(model, default)]
    name: String,
    #[live(model, default)]
    flags: Vec<bool>,
    #[live(default)]
    items: List<Item>,
}

#[actions]
impl Form {}

fn main() {}
