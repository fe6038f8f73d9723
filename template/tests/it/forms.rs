//! Forms that work without JavaScript: reading them and showing typed values.

use serde_json::{Value, json};
use vivaz_template::{FormEdit, SubmittedCall, TypedForm, compile, render, render_typed, submit_form};

fn sent(fields: &[(&str, &str)]) -> Vec<(String, String)> {
    fields.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}

#[test]
fn only_forms_that_the_browser_sends_to_their_page_are_marked() {
    for (source, marked) in [
        ("<form method='post' live:submit='go()'></form>", 1),
        ("<form method=' POST ' live:submit='go()'></form>", 1),
        ("<form method='post' live:submit='draft = null'></form>", 1),
        ("<form live:submit='go()'></form>", 0),
        ("<form method='get' live:submit='go()'></form>", 0),
        ("<form method='post' action='/elsewhere' live:submit='go()'></form>", 0),
        ("<form method='post'></form>", 0),
        ("<form method='post' live:submit.prevent></form>", 0),
    ] {
        let compiled = compile(source).unwrap();
        let rendered = render(&compiled, &json!({}), None);
        assert_eq!(rendered.forms.len(), marked, "{source}");
        assert_eq!(compiled.has_forms(), marked == 1, "{source}");
        for form in rendered.forms {
            assert!(rendered.html[form.offset..].starts_with("</form>"), "{source}");
        }
    }
}

#[test]
fn a_form_in_a_row_has_the_place_of_its_key_and_the_row_in_scope() {
    let source = "<div live:for='r, i in rows' live:key='r.id'><div live:if='r.on'><form method='post' \
                  live:submit=\"go(r.id, i, $form.a, { b: $form.a })\"><input name='a'></form></div></div>";
    let compiled = compile(source).unwrap();
    let state =
        json!({ "rows": [{ "id": "x", "on": false }, { "id": 7, "on": true }, { "id": "y", "on": true }] });
    let places: Vec<_> = render(&compiled, &state, None).forms.into_iter().map(|form| form.place).collect();
    assert_eq!(places.len(), 2);
    let form = submit_form(&compiled, &state, None, &places[1], &sent(&[("a", "1")])).unwrap();
    let args = vec![json!("y"), json!(2), json!("1"), json!({ "b": "1" })];
    assert_eq!(form.calls, [SubmittedCall::Action("go".into(), args)]);
    // The row is gone, or its condition is false.
    let later = json!({ "rows": [{ "id": 7, "on": true }, { "id": "y", "on": false }] });
    assert_eq!(submit_form(&compiled, &later, None, &places[1], &[]), None);
    assert_eq!(submit_form(&compiled, &state, None, "[9]", &[]), None);
}

#[test]
fn edits_are_those_of_controls_whose_value_differs() {
    let source = "<form method='post' live:submit='go()'><input live:model='a'><input live:model.number='n'>\
                  <input type='checkbox' live:model='b'><textarea live:model='t'></textarea></form>";
    let compiled = compile(source).unwrap();
    let state = json!({ "a": "x", "n": 1.5, "b": true, "t": "1\n2" });
    let edits =
        |fields: &[(&str, &str)]| submit_form(&compiled, &state, None, "[0]", &sent(fields)).unwrap().edits;
    let place = render(&compiled, &state, None).forms.remove(0).place;
    assert_eq!(place, "[0]");
    assert_eq!(edits(&[("a", "x"), ("n", "1.5"), ("b", "on"), ("t", "1\n2")]), []);
    let edit = |name: &str, value: Value| FormEdit { path: vec![json!(name)], value };
    assert_eq!(
        edits(&[("a", "y"), ("n", ""), ("t", "")]),
        [edit("a", json!("y")), edit("n", Value::Null), edit("b", json!(false)), edit("t", json!(""))]
    );
}

#[test]
fn only_texts_that_visible_controls_may_show_are_shown_again() {
    let source = "<form method='post' live:submit='go()'><input name='a'><input name='h' type='hidden'>\
                  <input name='p' type=\"{{ shown ? 'text' : 'password' }}\"></form>";
    let compiled = compile(source).unwrap();
    let sent = [("a", "1"), ("p", "secret"), ("h", "2"), ("other", "3")];
    let sent = sent.map(|(name, text)| (name.to_owned(), text.to_owned()));
    let form = submit_form(&compiled, &json!({ "shown": true }), None, "[0]", &sent).unwrap();
    assert_eq!(form.shown, json!({ "a": "1" }));
    assert_eq!(form.fields, json!({ "a": "1", "p": "secret", "h": "2", "other": "3" }));
}

#[test]
fn disabled_controls_keep_their_values_when_typed_ones_are_shown() {
    let source = "<form method='post' live:submit='go()'><input type='checkbox' name='b' disabled checked>\
                  <fieldset disabled><select name='s'><option selected>1</option></select></fieldset></form>";
    let compiled = compile(source).unwrap();
    let plain = render(&compiled, &json!({}), None);
    let fields = json!({});
    let typed = TypedForm { place: &plain.forms[0].place, fields: &fields, replaces_models: true };
    let shown = render_typed(&compiled, &json!({}), None, &[], typed).html;
    assert!(shown.contains("checked") && shown.contains("<option selected>"), "{shown}");
}

#[test]
fn typed_values_are_shown_in_one_form() {
    let source = "<div live:for='id in ids' live:key='id'><form method='post' live:submit='go()'>\
                  <input name='a' value='default'><input live:model='m'><input type='password' name='p'>\
                  <textarea name='t'>default</textarea>\
                  <select name='s'><option selected>1</option><option>2</option></select></form></div>";
    let compiled = compile(source).unwrap();
    let state = json!({ "ids": [1, 2], "m": "state" });
    let plain = render(&compiled, &state, None);
    let place = plain.forms[1].place.clone();
    let fields = json!({ "a": "\"<", "m": "typed", "p": "secret", "t": "</textarea>", "s": "2" });
    let show = |replaces_models| {
        let typed = TypedForm { place: &place, fields: &fields, replaces_models };
        render_typed(&compiled, &state, None, &[], typed).html
    };
    let (first, second) = plain.html.split_at(plain.html.len() / 2);
    assert_eq!(first, second);
    let shown = show(false);
    let shown = shown.strip_prefix(first).unwrap();
    assert_eq!(
        shown,
        "<div><form method=\"post\"><input value=\"&quot;&lt;\" name=\"a\"><input value=\"state\" name=\"m\">\
         <input type=\"password\" name=\"p\"><textarea name=\"t\">\n&lt;/textarea&gt;</textarea>\
         <select name=\"s\"><option>1</option><option selected>2</option></select></form></div>"
    );
    assert!(show(true).strip_prefix(first).unwrap().contains("<input value=\"typed\" name=\"m\">"));
}
