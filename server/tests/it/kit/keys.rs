//! Children in rows whose `live:key` changes, or that have equal keys: no message for one row
//! reaches the child of another.

use std::sync::{Arc, Mutex};

use serde::{Deserialize, Serialize};
use serde_json::json;
use vivaz::prelude::*;
use vivaz::testing::{Page, Server, View};
use vivaz::{Limits, Runtime};

#[derive(LiveComponent, Clone)]
#[live(name = "key-card", inline = "<em>{{ email }}</em><button live:click='remove()'>Remove</button>")]
struct Card {
    #[live(prop)]
    email: String,
}

/// The emails of the cards whose buttons were clicked.
#[derive(Default)]
struct Removed(Mutex<Vec<String>>);

#[actions]
impl Card {
    #[action]
    fn remove(&mut self, cx: &mut Context) {
        cx.state::<Arc<Removed>>().0.lock().unwrap().push(self.email.clone());
    }
}

#[derive(LiveState, Serialize, Deserialize, Clone)]
struct Contact {
    id: u64,
    email: String,
    others: Vec<String>,
}

/// Lists whose keys read the item, an item around it, another field, and a computed field.
#[derive(LiveComponent, Clone)]
#[live(
    name = "key-book",
    inline = r#"
    <ul><li live:for="c in contacts" live:key="c.email">
      <b>{{ c.email }}</b><div live:if="c.id > 0"><live:key-card email="{{ c.email }}"></live:key-card></div>
      <div live:for="o in c.others" live:key="c.email + o">
        <b>{{ c.email }}{{ o }}</b><live:key-card email="{{ c.email }}{{ o }}"></live:key-card>
      </div>
    </li></ul>
    <section live:for="c in contacts" live:key="era + '/' + c.id">
      <b>{{ c.email }}</b><live:key-card email="{{ c.email }}"></live:key-card>
    </section>
    <article live:for="name in names" live:key="name">
      <b>{{ name }}</b><live:key-card email="{{ name }}"></live:key-card>
    </article>
"#
)]
struct Book {
    contacts: List<Contact>,
    era: u32,
}

#[actions]
impl Book {
    fn mount() -> Self {
        let contact = |(id, email): (u64, &str)| Contact {
            id,
            email: email.into(),
            others: vec!["1".into(), "2".into()],
        };
        Self { contacts: [(1, "ann"), (2, "bob"), (3, "cid")].map(contact).into_iter().collect(), era: 1 }
    }

    #[live(computed)]
    fn names(&self) -> Vec<String> {
        self.contacts.iter().map(|contact| format!("{}!", contact.email)).collect()
    }

    #[action]
    fn rename(&mut self, id: u64, email: String) {
        self.contacts.update(id, |contact| contact.email = email);
    }

    #[action]
    fn exchange(&mut self) {
        self.contacts.update(1, |contact| contact.email = "bob".into());
        self.contacts.update(2, |contact| contact.email = "ann".into());
    }

    #[action]
    fn next_era(&mut self) {
        self.era += 1;
    }

    #[action]
    fn turn(&mut self) {
        self.contacts.reverse();
    }

    #[action]
    fn drop(&mut self, id: u64) {
        self.contacts.remove(id);
    }
}

struct Setup {
    removed: Arc<Removed>,
    page: Page,
    book: View,
}

async fn setup() -> Setup {
    let removed = Arc::new(Removed::default());
    let state = Arc::clone(&removed);
    let limits = Limits { burst: 10_000, ..Limits::default() };
    let server = Server::new(move || Runtime::builder().state(Arc::clone(&state)).limits(limits.clone()));
    let page = server.page();
    let book = page.mount::<Book>(BookProps {}).await.unwrap();
    Setup { removed, page, book }
}

impl Setup {
    async fn call(&self, action: &str, arguments: serde_json::Value) {
        self.book.call(action, arguments).await.unwrap();
        self.page.settled().await;
    }

    /// Returns the name in each row and that in its card.
    fn rows(&self) -> Vec<(String, String)> {
        let cards = self.book.html();
        let mut rows = Vec::new();
        for row in cards.split("<b>").skip(1) {
            let name = row.split("</b>").next().unwrap().to_owned();
            let card = row.split("<em>").nth(1).map_or("", |card| card.split("</em>").next().unwrap());
            rows.push((name, card.to_owned()));
        }
        rows
    }

    /// Checks that each row has the card of its item, and that its button removes that item.
    async fn check(&self, what: &str) {
        let rows = self.rows();
        assert_eq!(rows.len(), self.book.state()["contacts"].as_array().unwrap().len() * 5, "{what}");
        for (name, card) in &rows {
            assert_eq!(name.trim_end_matches('!'), card.trim_end_matches('!'), "{what}: {rows:?}");
        }
        for card in self.book.children("key-card") {
            let email = card.text("em");
            card.click("button").await.unwrap();
            assert_eq!(self.removed.0.lock().unwrap().pop().unwrap(), email, "{what}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_row_whose_key_changes_has_the_child_of_its_item() {
    let setup = setup().await;
    setup.check("mounted").await;
    setup.call("rename", json!([1, "eve"])).await;
    setup.check("renamed").await;
    setup.call("rename", json!([2, "ann"])).await;
    setup.check("renamed to an earlier key").await;
    setup.call("rename", json!([2, "bob"])).await;
    setup.call("rename", json!([1, "ann"])).await;
    setup.call("exchange", json!([])).await;
    setup.check("exchanged").await;
    setup.call("next_era", json!([])).await;
    setup.check("another field").await;
    setup.call("turn", json!([])).await;
    setup.check("moved").await;
    setup.page.network().drop();
    setup.page.settled().await;
    setup.check("reconnected").await;
}

#[tokio::test(start_paused = true)]
async fn rows_with_equal_keys_have_no_child() {
    let setup = setup().await;
    setup.call("rename", json!([2, "ann"])).await;
    assert_eq!(setup.book.texts("li > b"), ["ann", "ann", "cid"]);
    let mut refused = 0;
    for card in setup.book.children("key-card").iter().filter(|card| card.is_mounted()) {
        refused += usize::from(card.click("button").await.is_err());
    }
    // The cards of the row that had the key before: its own, two inner ones, and the computed one.
    assert_eq!(refused, 4);
    let mut removed = std::mem::take(&mut *setup.removed.0.lock().unwrap());
    removed.sort();
    // Keys with an id differ.
    assert_eq!(removed, ["ann", "ann", "cid", "cid", "cid!", "cid1", "cid2"]);
    // The keys differ again.
    setup.call("rename", json!([2, "bob"])).await;
    setup.check("resolved").await;
}
