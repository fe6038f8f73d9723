//! Actions of a user at a page: clicks, typing, forms, the page's own state, children.

use serde::{Deserialize, Serialize};
use serde_json::json;
use vivaz::prelude::*;
use vivaz::testing::Server;
use vivaz::{ErrorCode, Runtime};

/// One control of each kind.
#[derive(LiveComponent, Clone)]
#[live(
    name = "panel",
    children(Badge),
    inline = r#"
    <div live:local="open = false; seen = ''">
      <h1>{{ title }}</h1>
      <button id="more" type="button" live:click="open = !open">More</button>
      <p class="more" live:if="open">{{ $user.name ?? 'nobody' }}</p>
      <form live:submit="add($form.text, $form.kind); seen = $form.text">
        <input name="text" live:on:input="seen = $value">
        <select name="kind"><option value="a">A</option><option value="b" selected>B</option></select>
        <button><span class="in">Add</span></button>
      </form>
      <output>{{ seen }}</output>
      <input id="draft" live:model="draft">
      <input id="lazy" live:model.lazy.trim="lazy">
      <input id="age" type="number" live:model="age">
      <label><input type="checkbox" live:model="agree"> Agree</label>
      <label class="red"><input type="radio" name="colour" value="red" live:model="colour"></label>
      <label class="blue"><input type="radio" name="colour" value="blue" live:model="colour"></label>
      <ul>
        <li live:for="i in items" live:key="i.id" live:local="editing = false" live:show="i.text != 'secret'">
          <b live:click.self="pick(i.id)">{{ i.text }}<i>!</i></b>
          <button class="edit" type="button" live:click="editing = true">Edit</button>
          <button class="first" type="button" disabled="{{ i.id == 2 }}" live:click="pick(i.id)">Pick</button>
          <form live:if="editing" live:submit="rename(i.id, $form.text); editing = false">
            <input name="text" value="{{ i.text }}" live:keydown.escape="editing = false">
          </form>
          <live:badge text="{{ i.text }}"></live:badge>
        </li>
      </ul>
    </div>
"#
)]
struct Panel {
    #[live(prop, default)]
    title: String,
    #[live(model)]
    draft: String,
    #[live(model)]
    lazy: String,
    #[live(model)]
    age: Option<u8>,
    #[live(model)]
    agree: bool,
    #[live(model)]
    colour: String,
    items: List<Item>,
    picked: Option<u64>,
}

#[derive(LiveState, Serialize, Deserialize, Clone)]
struct Item {
    id: u64,
    text: String,
}

#[actions]
impl Panel {
    #[action]
    fn add(&mut self, text: String, kind: String) -> Result<()> {
        if text.is_empty() {
            return Err(ActionError::invalid(Errors::of("text", "is empty")));
        }
        let id = self.items.iter().map(|item| item.id).max().unwrap_or(0) + 1;
        self.items.insert(0, Item { id, text: format!("{text}{kind}") });
        Ok(())
    }

    #[action]
    fn pick(&mut self, id: u64) -> u64 {
        self.picked = Some(id);
        id
    }

    #[action]
    fn rename(&mut self, id: u64, text: String) {
        self.items.update(id, |item| item.text = text);
    }

    #[action]
    fn remove(&mut self, id: u64) {
        self.items.remove(id);
    }
}

/// A child that only its parent's page may mount by name.
#[derive(LiveComponent, Clone)]
#[live(name = "badge", inline = "<em live:click='poke'>{{ text }} {{ pokes }}</em>", open)]
struct Badge {
    #[live(prop)]
    text: String,
    pokes: u32,
}

#[actions]
impl Badge {
    #[action]
    fn poke(&mut self) {
        self.pokes += 1;
    }
}

async fn panel() -> vivaz::testing::View {
    let server = Server::new(Runtime::builder);
    server.page_as("ada", "Ada").mount::<Panel>(PanelProps { title: "<One>".into() }).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn the_html_is_the_rendered_state() {
    let panel = panel().await;
    assert_eq!(panel.text("h1"), "<One>");
    assert!(panel.html().contains("<h1>&lt;One&gt;</h1>"));
    assert_eq!((panel.count("li"), panel.attribute("form button", "class")), (0, None));
    assert_eq!(panel.value("select"), "b");
}

#[tokio::test(start_paused = true)]
async fn the_pages_own_state_is_the_pages() {
    let panel = panel().await;
    assert!(!panel.shows(".more"));
    panel.click("#more").await.unwrap();
    assert_eq!(panel.text(".more"), "Ada");
    panel.click("#more").await.unwrap();
    assert_eq!(panel.count(".more"), 0);
    for text in ["x", "y"] {
        panel.call("add", (text, "")).await.unwrap();
    }
    // Each row has its own element, and keeps it while other rows are added and removed.
    panel.click("li:nth-child(2) .edit").await.unwrap();
    panel.fill("li:nth-child(2) form input", "unsaved").await.unwrap();
    panel.call("add", ("z", "")).await.unwrap();
    assert_eq!(panel.texts("li b"), ["z!", "y!", "x!"]);
    assert_eq!(panel.value("li:nth-child(3) form input"), "unsaved");
    panel.press("li form input", "Escape").await.unwrap();
    assert_eq!(panel.count("li form"), 0);
    panel.click("li:nth-child(3) .edit").await.unwrap();
    panel.fill("li form input", "saved").await.unwrap();
    panel.press("li form input", "Enter").await.unwrap();
    assert_eq!(panel.texts("li b"), ["z!", "y!", "saved!"]);
}

#[tokio::test(start_paused = true)]
async fn a_form_is_sent_with_its_values() {
    let panel = panel().await;
    let refusal = panel.click("form .in").await.unwrap_err();
    assert_eq!((refusal.code, refusal.errors("text")), (ErrorCode::Invalid, vec!["is empty"]));
    panel.fill("form input", "milk").await.unwrap();
    assert_eq!(panel.text("output"), "milk");
    panel.choose("select", "a").await.unwrap();
    panel.submit("form input").await.unwrap();
    assert_eq!(panel.texts("li b"), ["milka!"]);
}

#[tokio::test(start_paused = true)]
async fn fields_are_written_when_their_moment_comes() {
    let panel = panel().await;
    panel.input("#draft", "hello").await.unwrap();
    assert_eq!(panel.state()["draft"], "hello");
    panel.input("#lazy", " later ").await.unwrap();
    assert_eq!((&panel.state()["lazy"], &*panel.value("#lazy")), (&json!("later"), " later "));
    assert_eq!(panel.confirmed()["lazy"], "");
    // It is sent with the next message.
    panel.call("pick", [1]).await.unwrap();
    assert_eq!(panel.confirmed()["lazy"], "later");
    panel.fill("#lazy", " now ").await.unwrap();
    assert_eq!(panel.state()["lazy"], "now");
    panel.fill("#age", "36").await.unwrap();
    assert_eq!(panel.state()["age"], 36);
    let refusal = panel.fill("#age", "999").await.unwrap_err();
    assert_eq!((refusal.code, &*panel.value("#age")), (ErrorCode::BadValue, "999"));
    panel.fill("#age", "").await.unwrap();
    assert_eq!(panel.state()["age"], json!(null));
    panel.check("input[type=checkbox]").await.unwrap();
    panel.check("input[type=checkbox]").await.unwrap();
    assert_eq!(panel.state()["agree"], true);
    panel.click("label:first-of-type").await.unwrap();
    assert_eq!(panel.state()["agree"], false);
    panel.click(".red input").await.unwrap();
    panel.click(".blue").await.unwrap();
    assert_eq!(panel.state()["colour"], "blue");
    assert_eq!((&*panel.value(".red input"), &*panel.value(".blue input")), ("false", "true"));
}

#[tokio::test(start_paused = true)]
async fn an_edit_that_waits_goes_along_with_an_action() {
    let panel = panel().await;
    panel.call("add", ("x", "")).await.unwrap();
    panel.input("#lazy", "typed").await.unwrap();
    panel.click(".first").await.unwrap();
    assert_eq!((&panel.state()["lazy"], &panel.state()["picked"]), (&json!("typed"), &json!(1)));
}

#[tokio::test(start_paused = true)]
async fn modifiers_are_followed() {
    let panel = panel().await;
    panel.call("add", ("x", "")).await.unwrap();
    assert_eq!(panel.click("b").await.unwrap(), Some(json!(1)));
    let nothing = std::panic::AssertUnwindSafe(|| drop(panel.click("b i")));
    assert!(std::panic::catch_unwind(nothing).is_err(), "`.self` is not its child");
    panel.call("add", ("y", "")).await.unwrap();
    let disabled = std::panic::AssertUnwindSafe(|| drop(panel.click("li:first-child .first")));
    assert!(std::panic::catch_unwind(disabled).is_err(), "a disabled button cannot be clicked");
    panel.call("rename", (1, "secret")).await.unwrap();
    assert!(!panel.shows("li:last-child"));
    let hidden = std::panic::AssertUnwindSafe(|| drop(panel.click("li:last-child .first")));
    assert!(std::panic::catch_unwind(hidden).is_err(), "a hidden element cannot be clicked");
}

#[tokio::test(start_paused = true)]
async fn children_come_with_their_parent_and_go_with_their_rows() {
    let panel = panel().await;
    for text in ["x", "y"] {
        panel.call("add", (text, "")).await.unwrap();
    }
    assert_eq!(panel.texts("em"), ["y 0", "x 0"]);
    panel.click("li:last-child em").await.unwrap();
    assert_eq!(panel.texts("em"), ["y 0", "x 1"]);
    // New props for the mounted child.
    panel.call("rename", (1, "z")).await.unwrap();
    assert_eq!(panel.texts("em"), ["y 0", "z 1"]);
    let [kept, gone] = &panel.children("badge")[..] else { panic!("two children") };
    panel.call("remove", [2]).await.unwrap();
    assert_eq!((panel.texts("em"), panel.children("badge").len()), (vec!["z 1".to_owned()], 1));
    assert!(kept.is_mounted() && !gone.is_mounted());
    panel.unmount().await.unwrap();
    assert!(!panel.is_mounted());
}
