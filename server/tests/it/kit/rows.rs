//! Controls in rows of lists.

use serde::{Deserialize, Serialize};
use serde_json::json;
use vivaz::prelude::*;
use vivaz::testing::Server;
use vivaz::{ErrorCode, Runtime};

#[derive(LiveComponent, Clone)]
#[live(
    name = "rows",
    inline = r#"
    <input id="street" live:model="address.street">
    <ul>
      <li live:for="row in rows" live:key="row.id">
        <input class="text" live:model="row.text"><b>{{ row.text }}</b>
        <input class="lazy" live:model.lazy="row.lazy">
        <input class="count" type="number" live:model="row.count">
        <small live:for="e in errors['rows.' + row.id + '.count']" live:key="e">{{ e }}</small>
        <i live:for="part in row.parts" live:key="part.id"><input type="checkbox" live:model="part.done"></i>
      </li>
    </ul>
    <button live:click="save()">Save</button>
"#
)]
struct Rows {
    #[live(model)]
    address: Address,
    #[live(model)]
    rows: List<Row>,
    #[live(errors)]
    errors: Errors,
}

#[derive(LiveState, Serialize, Deserialize, Clone, Default)]
struct Address {
    #[live(model)]
    street: String,
}

#[derive(LiveState, Serialize, Deserialize, Clone, Default)]
struct Row {
    id: u64,
    #[live(model)]
    text: String,
    #[live(model)]
    lazy: String,
    #[live(model)]
    count: Option<u8>,
    #[live(model)]
    parts: List<Part>,
}

#[derive(LiveState, Serialize, Deserialize, Clone)]
struct Part {
    id: String,
    #[live(model)]
    done: bool,
}

#[actions]
impl Rows {
    fn mount() -> Self {
        let part = |id: &str| Part { id: id.into(), done: false };
        let parts: List<Part> = ["a", "b"].map(part).into_iter().collect();
        let row = |id| Row { id, parts: parts.clone(), ..Row::default() };
        Self { address: Address::default(), rows: (1..=3).map(row).collect(), errors: Errors::default() }
    }

    #[action]
    fn save(&mut self) -> Vec<String> {
        self.rows.iter().map(|row| row.lazy.clone()).collect()
    }

    #[action]
    fn turn(&mut self) {
        self.rows.reverse();
    }

    #[action]
    fn remove(&mut self, id: u64) {
        self.rows.remove(id);
    }
}

#[tokio::test(start_paused = true)]
async fn text_typed_into_a_row_edits_its_item() {
    let server = Server::new(Runtime::builder);
    let rows = server.page().mount::<Rows>(RowsProps {}).await.unwrap();
    rows.fill("#street", "Elm").await.unwrap();
    assert_eq!(rows.confirmed()["address"], json!({ "street": "Elm" }));
    rows.fill("li:nth-child(2) .text", "two").await.unwrap();
    assert_eq!(rows.texts("b"), ["", "two", ""]);
    assert_eq!(rows.confirmed()["rows"][1]["text"], "two");
    rows.check("li:nth-child(3) i:last-of-type input").await.unwrap();
    assert_eq!(
        rows.confirmed()["rows"][2]["parts"],
        json!([{ "id": "a", "done": false }, { "id": "b", "done": true }])
    );
    // It stays with its item.
    rows.input("li:nth-child(3) .lazy", "typed").await.unwrap();
    rows.call("turn", ()).await.unwrap();
    assert_eq!(rows.texts("b"), ["", "two", ""]);
    assert_eq!(
        (rows.value("li:nth-child(1) .lazy"), &rows.confirmed()["rows"][0]["lazy"]),
        ("typed".to_owned(), &json!("typed"))
    );
    let refusal = rows.fill("li:nth-child(2) .count", "999").await.unwrap_err();
    assert_eq!((refusal.code, rows.count("li:nth-child(2) small")), (ErrorCode::BadValue, 1));
    rows.fill("li:nth-child(2) .count", "9").await.unwrap();
    assert_eq!((&rows.confirmed()["rows"][1]["count"], rows.count("small")), (&json!(9), 0));
}

#[tokio::test(start_paused = true)]
async fn an_edit_that_waits_is_sent_right_before_an_action() {
    let server = Server::new(Runtime::builder);
    let rows = server.page().mount::<Rows>(RowsProps {}).await.unwrap();
    rows.input("li:nth-child(2) .lazy", "typed").await.unwrap();
    assert_eq!(rows.confirmed()["rows"][1]["lazy"], "");
    assert_eq!(rows.click("button").await.unwrap(), Some(json!(["", "typed", ""])));
}

#[tokio::test(start_paused = true)]
async fn a_row_that_goes_takes_its_edit_along() {
    let server = Server::new(Runtime::builder);
    let rows = server.page().mount::<Rows>(RowsProps {}).await.unwrap();
    let gone = rows.call("remove", [2]);
    let edit = rows.set(r#"["rows",2,"text"]"#, "late");
    gone.await.unwrap();
    assert_eq!(edit.await.unwrap_err().code, ErrorCode::UnknownItem);
    assert_eq!(rows.texts("b"), ["", ""]);
}
