use vivaz_components::LiveState;

#[derive(LiveState, serde::Serialize, Clone)]
struct Outer {
    #[serde(flatten)]
    inner: Inner,
}

#[derive(LiveState, serde::Serialize, Clone)]
struct Inner {
    a: u32,
}

#[derive(LiveState, serde::Serialize, Clone)]
#[serde(untagged)]
enum Either {
    Number(u32),
    Text(String),
}

fn main() {}
