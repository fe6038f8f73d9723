//! Controls of a page of the testing kit whose value is a list or the text of an element.

use serde_json::json;
use vivaz::prelude::*;
use vivaz::testing::{Server, View};
use vivaz::{ErrorCode, Runtime};

#[derive(LiveComponent, Clone, Default)]
#[live(
    name = "groups",
    open,
    inline = r#"
    <input type="checkbox" value="red" live:model="colors">
    <input type="checkbox" value="blue" live:model="colors">
    <input type="checkbox" id="two" value="{{ 2 }}" live:model="numbers">
    <input type="checkbox" id="many" value="many" live:model="numbers">
    <input type="checkbox" id="maybe" value="x" live:model="maybe">
    <input type="checkbox" id="agree" value="yes" live:model="agree">
    <div id="notes" contenteditable="plaintext-only" live:model="notes"></div>
    "#
)]
struct Groups {
    #[live(model)]
    colors: Vec<String>,
    #[live(model)]
    numbers: Vec<u64>,
    #[live(model)]
    maybe: Option<Vec<String>>,
    #[live(model)]
    agree: bool,
    #[live(model)]
    notes: String,
}

#[actions]
impl Groups {
    #[action]
    fn set(&mut self, colors: Vec<String>) {
        self.colors = colors;
        self.numbers = vec![1, u64::MAX];
    }
}

async fn groups() -> View {
    Server::new(Runtime::builder).page().mount::<Groups>(GroupsProps {}).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn boxes_of_one_list_are_ticked_where_it_has_their_values() {
    let groups = groups().await;
    groups.call("set", [["green", "blue"]]).await.unwrap();
    assert_eq!((&*groups.value("[value=red]"), &*groups.value("[value=blue]")), ("false", "true"));
    groups.check("[value=red]").await.unwrap();
    groups.uncheck("[value=blue]").await.unwrap();
    assert_eq!(groups.state()["colors"], json!(["green", "red"]));
    groups.check("#two").await.unwrap();
    assert_eq!(groups.state()["numbers"], json!([1, u64::MAX, 2]));
    let refusal = groups.check("#many").await.unwrap_err();
    assert_eq!((refusal.code, &*groups.value("#many")), (ErrorCode::BadValue, "true"));
    assert_eq!(groups.state()["numbers"], json!([1, u64::MAX, 2]));
    groups.check("#maybe").await.unwrap();
    assert_eq!(groups.state()["maybe"], json!(["x"]));
    groups.check("#agree").await.unwrap();
    assert_eq!(groups.state()["agree"], true);
}

#[tokio::test(start_paused = true)]
async fn the_text_of_an_element_is_typed_as_that_of_a_control() {
    let groups = groups().await;
    for text in ["one", "two\n\nlines\n", "<b>\n", "\n", ""] {
        groups.fill("#notes", text).await.unwrap();
        assert_eq!((&groups.state()["notes"], &*groups.value("#notes")), (&json!(text), text));
    }
}
