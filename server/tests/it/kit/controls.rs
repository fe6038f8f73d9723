//! Controls and forms as a browser operates them, beyond `client-wasm/cases.json`: keys, typed
//! text, and elements that a user cannot use.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde_json::json;
use vivaz::Runtime;
use vivaz::prelude::*;
use vivaz::testing::{Call, Server, View};

#[derive(LiveComponent, Clone)]
#[live(
    name = "control-desk",
    inline = r#"
    <div>
      <form id="two" live:submit="note('two')"><input name="a"><input name="b"></form>
      <form id="one" live:submit="note('one')"><input name="a"><input type="checkbox"></form>
      <form id="off" live:submit="note('off')"><input name="a"><button disabled>go</button></form>
      <form id="go" live:submit="send($form)">
        <input name="a" live:on:change="note('change')">
        <input type="submit" name="go" value="1" live:click="note('click')">
        <button name="go" value="2">go</button>
      </form>
      <form id="strict" live:submit="note('strict')"><input required live:on:invalid="note('invalid')"></form>
      <input type="checkbox" id="box" live:click="note($checked ? 'on' : 'off')">
      <input type="button" id="plain" live:click="note('plain')">
      <fieldset disabled>
        <legend><button id="legend" live:click="note('legend')">x</button></legend>
        <button id="inside" live:click="note('inside')">x</button><input id="field">
      </fieldset>
      <button disabled><span id="span" live:click="note('span')">x</span></button>
      <input id="disabled" disabled live:on:keydown="note('key')">
      <p hidden><input id="hidden" live:on:keydown="note('key')"></p>
      <input id="readonly" readonly>
      <select id="select"><option>x</option><option disabled>y</option><option>z</option></select>
      <details live:on:toggle="note('toggle')">
        <summary>s</summary><button id="folded" live:click="note('folded')">x</button>
      </details>
      <input id="number" type="number" live:on:input="note('input')" live:on:change="note('change')">
      <input id="short" maxlength="3" live:on:input="note('input')" live:on:change="note('change')">
    </div>
"#
)]
struct ControlDesk {
    notes: Vec<String>,
}

#[actions]
impl ControlDesk {
    #[action]
    fn note(&mut self, what: String) {
        self.notes.push(what);
    }

    #[action]
    fn send(&mut self, form: BTreeMap<String, String>) {
        self.notes.extend(form.into_iter().map(|(name, value)| format!("{name}={value}")));
    }

    #[action]
    fn clear(&mut self) {
        self.notes.clear();
    }
}

async fn desk() -> View {
    Server::new(Runtime::builder).page().mount::<ControlDesk>(ControlDeskProps {}).await.unwrap()
}

/// An action of the user.
type Act = fn(&View) -> Call;

/// Checks which notes some actions of the user leave.
async fn notes(desk: &View, calls: impl IntoIterator<Item = Call>, expected: &[&str]) {
    for call in calls {
        call.await.unwrap();
    }
    desk.page().settled().await;
    assert_eq!(desk.state()["notes"], json!(expected));
    desk.call("clear", ()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn enter_submits_by_the_default_button() {
    let desk = desk().await;
    notes(&desk, [desk.press("#two [name=a]", "Enter")], &[]).await;
    notes(&desk, [desk.press("#off [name=a]", "Enter")], &[]).await;
    notes(&desk, [desk.press("#one [name=a]", "Enter")], &["one"]).await;
    let calls = [desk.input("#go [name=a]", "x"), desk.press("#go [name=a]", "Enter")];
    notes(&desk, calls, &["change", "click", "a=x", "go=1"]).await;
    notes(&desk, [desk.press("#go button", "Enter")], &["a=x", "go=2"]).await;
    notes(&desk, [desk.press("#go [type=submit]", "Enter")], &["click", "a=x", "go=1"]).await;
}

#[tokio::test(start_paused = true)]
async fn keys_activate_buttons_and_checkboxes() {
    let desk = desk().await;
    notes(&desk, [desk.press("#plain", "Enter"), desk.press("#plain", " ")], &["plain", "plain"]).await;
    notes(&desk, [desk.press("#box", "Space")], &["on"]).await;
    notes(&desk, [desk.press("#box", " ")], &["off"]).await;
    notes(&desk, [desk.press("summary", "Enter")], &["toggle"]).await;
    notes(&desk, [desk.click("#folded"), desk.click("#legend")], &["folded", "legend"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_form_with_an_invalid_control_is_not_submitted() {
    let desk = desk().await;
    notes(&desk, [desk.submit("#strict"), desk.press("#strict input", "Enter")], &["invalid", "invalid"])
        .await;
    notes(&desk, [desk.fill("#strict input", "x"), desk.submit("#strict")], &["strict"]).await;
}

#[tokio::test(start_paused = true)]
async fn what_a_user_cannot_use_fails_the_test() {
    let desk = desk().await;
    let acts: [(&str, Act, &str); 10] = [
        ("a button of a disabled fieldset", |desk| desk.click("#inside"), "disabled"),
        ("an input of a disabled fieldset", |desk| desk.fill("#field", "x"), "disabled"),
        ("a part of a disabled button", |desk| desk.click("#span"), "disabled"),
        ("a key in a disabled input", |desk| desk.press("#disabled", "a"), "disabled"),
        ("a key in a hidden input", |desk| desk.press("#hidden", "a"), "hidden"),
        ("a readonly input", |desk| desk.fill("#readonly", "x"), "readonly"),
        ("typing into a readonly input", |desk| desk.input("#readonly", "x"), "readonly"),
        ("a disabled option", |desk| desk.choose("#select", "y"), "disabled"),
        ("a missing option", |desk| desk.choose("#select", "n"), "no option"),
        ("an element in closed details", |desk| desk.click("#folded"), "hidden"),
    ];
    for (name, act, reason) in acts {
        let panic = catch_unwind(AssertUnwindSafe(|| drop(act(&desk)))).expect_err(name);
        let text = panic.downcast_ref::<String>().unwrap();
        assert!(text.contains(reason), "{name}: {text}");
    }
    assert!(!desk.shows("#folded"));
    desk.page().settled().await;
    assert_eq!(desk.state()["notes"], json!([]));
}

#[tokio::test(start_paused = true)]
async fn a_control_keeps_of_a_text_what_a_browser_keeps() {
    let desk = desk().await;
    notes(&desk, [desk.fill("#number", "abc")], &[]).await;
    notes(&desk, [desk.fill("#number", "4")], &["input", "change"]).await;
    notes(&desk, [desk.fill("#number", "4")], &["input"]).await;
    notes(&desk, [desk.fill("#number", "abc")], &["input", "change"]).await;
    notes(&desk, [desk.input("#short", "abcdef")], &["input"]).await;
    assert_eq!(desk.value("#short"), "abc");
    notes(&desk, [desk.fill("#short", "abc")], &["input", "change"]).await;
    notes(&desk, [desk.fill("#short", "abcd")], &[]).await;
}
