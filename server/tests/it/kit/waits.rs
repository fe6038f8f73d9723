//! What a page shows while it waits, what it asks, and what it polls.

use serde::{Deserialize, Serialize};
use serde_json::json;
use vivaz::prelude::*;
use vivaz::testing::{Confirmation, Server, View};

#[derive(LiveState, Serialize, Deserialize, Clone, Debug, PartialEq)]
struct Item {
    id: u32,
    name: String,
}

#[derive(LiveComponent, Clone)]
#[live(
    name = "asker",
    inline = r#"
    <output>{{ log }}</output>
    <b class="idle" live:loading live:target="save, poll">…</b>
    <i live:loading.remove live:target="save">-</i>
    <s live:loading>any</s>
    <button id="save" live:click="save()" live:loading.attr="aria-busy" live:loading.class.remove="calm">Save</button>
    <ul><li live:for="item in items" live:key="item.id">
        <button id="remove-{{ item.id }}" live:click.once="remove(item.id)" live:confirm="Delete {{ item.name }}?">x</button>
    </li></ul>
    <form id="form" live:submit="send($form.text)">
        <input name="text"><button id="send">Send</button>
        <button id="drop" live:confirm="{{ items.is_empty() ? null : 'Sure?' }}">Drop</button>
    </form>
    <input id="draft" live:model.lazy="draft">
    <p live:poll.5s="poll">.</p>
"#,
    open
)]
struct Asker {
    log: String,
    #[live(model)]
    draft: String,
    items: List<Item>,
}

#[actions]
impl Asker {
    fn mount(_props: AskerProps) -> Self {
        let items = [Item { id: 1, name: "<Ann>".into() }, Item { id: 2, name: "Ben".into() }];
        Self { log: String::new(), draft: String::new(), items: items.into_iter().collect() }
    }

    #[action]
    fn save(&mut self) {
        self.log += "save;";
    }

    #[action]
    fn remove(&mut self, id: u32) {
        self.items.remove(id);
    }

    #[action]
    fn send(&mut self, text: String) {
        self.log += &format!("{text};");
    }

    #[action]
    fn poll(&mut self) {
        self.log += "poll;";
    }

    fn updated(&mut self, _property: &str) {
        self.log += "edited;";
    }
}

async fn asker() -> View {
    Server::new(vivaz::Runtime::builder).page().mount_open("asker", json!({})).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_question_is_asked_before_an_action_and_a_refusal_sends_nothing() {
    let asker = asker().await;
    let page = asker.page();
    page.answer_questions(Confirmation::Decline);
    asker.click("#remove-1").await.unwrap();
    assert_eq!(asker.count("li"), 2);
    page.answer_questions(Confirmation::Accept);
    // What was declined has not run once.
    asker.click("#remove-1").await.unwrap();
    assert_eq!(asker.count("li"), 1);
    asker.fill("[name=text]", "a").await.unwrap();
    asker.click("#send").await.unwrap();
    asker.click("#drop").await.unwrap();
    asker.click("#remove-2").await.unwrap();
    asker.click("#drop").await.unwrap();
    assert_eq!(page.questions(), ["Delete <Ann>?", "Delete <Ann>?", "Sure?", "Delete Ben?"]);
    assert_eq!(asker.text("output"), "a;a;a;");
}

#[tokio::test(start_paused = true)]
#[should_panic = "the page asks `Delete <Ann>?`: call `Page::answer_questions` before that"]
async fn a_question_without_an_answer_fails_the_test() {
    asker().await.click("#remove-1");
}

#[tokio::test(start_paused = true)]
async fn a_poll_is_dropped_while_one_is_unanswered_and_sends_no_edit() {
    let asker = asker().await;
    asker.input("#draft", "typed");
    let first = asker.poll("p");
    assert!(asker.shows("b") && !asker.shows("s"), "only a target that names it shows a poll");
    asker.poll("p").await.unwrap();
    first.await.unwrap();
    assert_eq!(asker.text("output"), "poll;");
    asker.page().network().offline();
    asker.poll("p").await.unwrap();
    assert_eq!(asker.page().unanswered(), 0);
    asker.page().network().online();
    asker.poll("p").await.unwrap();
    asker.click("#save").await.unwrap();
    assert_eq!(asker.text("output"), "poll;poll;edited;save;");
}

#[tokio::test(start_paused = true)]
async fn states_show_for_several_targets_hide_and_remove_classes() {
    let asker = asker().await;
    assert!(asker.shows("i") && !asker.shows("b"));
    assert_eq!(asker.attribute("#save", "class").as_deref(), Some("calm"));
    let saving = asker.click("#save");
    assert!(!asker.shows("i") && asker.shows("b") && asker.shows("s"));
    assert_eq!(asker.attribute("#save", "aria-busy").as_deref(), Some("true"));
    assert_eq!(asker.attribute("#save", "class"), None);
    saving.await.unwrap();
    assert!(asker.shows("i") && !asker.shows("b"));
    assert_eq!(asker.attribute("#save", "aria-busy"), None);
    assert_eq!(asker.attribute("#save", "class").as_deref(), Some("calm"));
}
