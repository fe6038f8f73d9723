//! Optimistic updates of a page, and edits that it restores after its session is lost.

use serde::{Deserialize, Serialize};
use serde_json::json;
use vivaz::prelude::*;
use vivaz::testing::{Moment, Server};
use vivaz::{ErrorCode, Runtime};

#[derive(LiveComponent, Clone)]
#[live(
    name = "optimistic-view",
    open,
    inline = r#"
    <form live:submit="add($form.text)" live:optimistic="rows.push({ id: $temp, text: $form.text, done: false })">
      <input name="text"><button>Add</button>
    </form>
    <ul>
      <li live:for="r in rows" live:key="r.id">
        <input type="checkbox" checked="{{ r.done }}" live:change="tick(r.id)" live:optimistic="rows[r.id].done = $checked">
        <b>{{ r.text }}</b><button type="button" live:click="remove(r.id)" live:optimistic="rows.remove(r.id)">x</button>
      </li>
    </ul>
    <button id="count" live:click="count()" live:optimistic="board.total = board.total + 1">{{ board.total }}</button>
    <input id="draft" live:model="draft"><input id="other" live:model="other"><i>{{ draft }}/{{ other }}</i>
    <input id="trimmed" live:model.trim="trimmed"><u>{{ trimmed }}</u>
    <input id="age" live:model.number.force="age"><s>{{ age }}</s>
"#
)]
struct OptimisticView {
    rows: List<Row>,
    #[live(shared = "tally/main")]
    board: Shared<Tally>,
    #[live(model)]
    draft: String,
    #[live(model)]
    other: String,
    #[live(model)]
    trimmed: String,
    #[live(model)]
    age: Digit,
}

/// A number type that does not accept every number.
#[derive(LiveState, Serialize, Deserialize, Clone, Copy, Default)]
#[serde(try_from = "u8")]
struct Digit(u8);

impl TryFrom<u8> for Digit {
    type Error = &'static str;

    fn try_from(number: u8) -> std::result::Result<Self, Self::Error> {
        if number < 10 { Ok(Self(number)) } else { Err("more than one digit") }
    }
}

#[derive(LiveState, Serialize, Deserialize, Clone)]
struct Row {
    id: u32,
    text: String,
    done: bool,
}

#[derive(LiveState, Serialize, Deserialize, Clone, Default)]
struct Tally {
    total: u32,
}

impl Topic for Tally {
    type Key = String;

    async fn load(_: &String, _: &TopicContext) -> Result<Self> {
        Ok(Self::default())
    }

    async fn authorize(_: &String, _: &Identity) -> Result {
        Ok(())
    }
}

#[actions]
impl OptimisticView {
    #[action(retry)]
    fn shout(&self, text: String) -> String {
        text.to_uppercase()
    }

    #[action]
    fn add(&mut self, text: String) -> Result {
        if text.is_empty() {
            return Err(ActionError::user("say something"));
        }
        let id = self.rows.last().map_or(1, |row| row.id + 1);
        self.rows.push(Row { id, text: text.to_uppercase(), done: false });
        Ok(())
    }

    #[action]
    fn tick(&mut self, id: u32) -> Result {
        let done = |row: &mut Row| row.done = !row.done;
        self.rows.update(id, done).ok_or_else(|| ActionError::user("gone"))
    }

    #[action]
    fn remove(&mut self, id: u32) -> Result {
        if id == 1 {
            return Err(ActionError::user("the first one stays"));
        }
        self.rows.remove(id);
        Ok(())
    }

    #[action]
    fn count(&mut self) {
        self.board.update(|board| board.total += 1);
    }

    #[action]
    fn grow(&mut self) {
        self.age.0 += 1;
    }

    #[action]
    fn clear(&mut self) {
        self.draft.clear();
    }
}

#[tokio::test(start_paused = true)]
async fn an_optimistic_update_shows_until_the_reply_and_a_refusal_reverts_it() {
    let server = Server::new(Runtime::builder);
    let page = server.page();
    let view = page.mount_open("optimistic-view", json!({})).await.unwrap();
    view.fill("[name=text]", "one").await.unwrap();
    let adding = view.submit("form");
    assert_eq!(view.texts("b"), ["one"]);
    assert!(view.confirmed()["rows"].as_array().unwrap().is_empty());
    assert!(view.state()["rows"][0]["id"].as_str().unwrap().starts_with("$temp"));
    adding.await.unwrap();
    assert_eq!(view.texts("b"), ["ONE"]);

    let removing = view.click("li button");
    assert_eq!(view.count("li"), 0);
    assert_eq!(removing.await.unwrap_err().message, "the first one stays");
    assert_eq!(view.texts("b"), ["ONE"]);

    let ticking = view.check("li input");
    assert_eq!(
        (view.value("li input"), view.state()["rows"][0]["done"].clone()),
        ("true".into(), json!(true))
    );
    assert_eq!(view.confirmed()["rows"][0]["done"], json!(false));
    ticking.await.unwrap();
    assert_eq!(view.value("li input"), "true");
    assert_eq!(view.state(), view.confirmed());
}

#[tokio::test(start_paused = true)]
async fn optimistic_updates_add_up_and_are_not_doubled_by_an_earlier_topic_patch() {
    let server = Server::new(Runtime::builder);
    let (ada, bob) = (server.page(), server.page());
    let view = ada.mount_open("optimistic-view", json!({})).await.unwrap();
    let other = bob.mount_open("optimistic-view", json!({})).await.unwrap();
    ada.network().offline();
    let pending = [view.click("#count"), view.click("#count"), view.click("#count")];
    other.click("#count").await.unwrap();
    assert_eq!(view.text("#count"), "3");
    ada.network().online();
    let mut seen = Vec::new();
    for call in pending {
        call.await.unwrap();
        seen.push(view.text("#count").parse::<u32>().unwrap());
    }
    assert!(seen.is_sorted() && seen.iter().all(|shown| (3..=4).contains(shown)), "{seen:?}");
    assert_eq!(view.text("#count"), "4");
}

#[tokio::test(start_paused = true)]
async fn typed_text_is_restored_in_a_new_session_unless_the_server_changed_it() {
    let server = Server::new(Runtime::builder);
    let page = server.page();
    let view = page.mount_open("optimistic-view", json!({})).await.unwrap();
    view.fill("#draft", "cleared").await.unwrap();
    view.fill("#other", "kept").await.unwrap();
    view.call("clear", ()).await.unwrap();
    page.network().drop_at(Moment::BeforeSend);
    let unanswered = view.call("add", ["lost"]);
    let shouted = view.call("shout", ["still here"]);
    server.crash();
    assert_eq!(unanswered.await.unwrap_err().code, ErrorCode::SessionLost);
    assert_eq!(shouted.await.unwrap(), Some(json!("STILL HERE")), "may run twice, so it was sent again");
    page.settled().await;
    assert_eq!(page.sessions(), 2);
    assert_eq!((view.text("i"), view.value("#other")), ("/kept".to_owned(), "kept".to_owned()));

    // An edit without a reply counts as typed.
    page.network().offline();
    let editing = view.fill("#draft", "on its way");
    server.crash();
    page.network().online();
    editing.await.unwrap();
    assert_eq!((view.text("i"), page.sessions()), ("on its way/kept".to_owned(), 3));
}

#[tokio::test(start_paused = true)]
async fn typed_text_shows_in_all_bindings_of_its_field_until_it_changes() {
    let server = Server::new(Runtime::builder);
    let page = server.page();
    let view = page.mount_open("optimistic-view", json!({})).await.unwrap();
    for _ in 0..2 {
        // No commit is pending for the edit, and the action settles it.
        let typed = view.fill("#draft", "hello");
        assert_eq!((view.text("i"), view.value("#draft")), ("hello/".to_owned(), "hello".to_owned()));
        assert_eq!(view.confirmed()["draft"], "");
        view.call("clear", ()).await.unwrap();
        assert!(typed.is_answered());
        assert_eq!((view.text("i"), view.value("#draft")), ("/".to_owned(), String::new()));
    }
    // Spaces that the field ignores stay where they were typed.
    view.fill("#trimmed", "  wide ").await.unwrap();
    assert_eq!((view.text("u"), view.value("#trimmed")), ("wide".to_owned(), "  wide ".to_owned()));

    // A refused edit stays where it was typed, and is shown nowhere else, until the server changes
    // the field.
    let refused = view.fill("#age", "12");
    assert_eq!(view.text("s"), "12");
    assert_eq!(refused.await.unwrap_err().code, ErrorCode::BadValue);
    assert_eq!((view.text("s"), view.value("#age")), ("0".to_owned(), "12".to_owned()));
    view.call("grow", ()).await.unwrap();
    assert_eq!((view.text("s"), view.value("#age")), ("1".to_owned(), "1".to_owned()));
}
