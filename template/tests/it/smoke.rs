use serde_json::json;
use vivaz_template::{compile, render};

#[test]
fn smoke() {
    let source = r#"
<form live:submit="send_message($form.content)" live:local="help = false">
  <ol><li live:for="m, i in chat.messages" live:key="m.id" live:class:mine="m.user_id == $user.id">
    <b>{{ m.user_name }}</b> {{ m.content }}
  </li></ol>
  <p live:if="chat.messages.is_empty()">Nothing yet.</p>
  <input name="content" live:model.debounce.150ms="draft" placeholder="Message" live:keydown="typing(true)">
  <button live:loading.attr="disabled">Send</button>
  <button type="button" live:click="help = !help">?</button>
</form>
<ul live:local="filter = 'all'">
  <li live:for="t in todos.items" live:key="t.id" live:show="filter == 'all' || t.done == (filter == 'done')">
    <input type="checkbox" checked="{{ t.done }}" live:change="toggle(t.id)" live:optimistic="todos.items[t.id].done = $checked">
  </li>
</ul>
<table><tr live:for="r in rows" live:key="r"><td>{{ r }}</td></tr></table>
<live:chat room="{{ draft }}" count="{{ 5 }}" class="x {{ draft }}" id="c1"></live:chat>
"#;
    let compiled = compile(source).unwrap_or_else(|errors| panic!("{errors:#?}"));
    println!("{}", compiled.template.to_json());
    let state = json!({"draft": "hé<", "chat": {"messages": [{"id": 1, "user_id": 7, "user_name": "A", "content": "hi & <b>"}]},
        "todos": {"items": [{"id": 1, "done": true}, {"id": 2, "done": false}]}, "rows": [1, 2]});
    let rendered = render(&compiled, &state, Some(&json!({"id": 7, "name": "A"})));
    println!("{}\n{:?}\n{:?}", rendered.html, rendered.shape, rendered.children);
    for c in &compiled.checks {
        println!("{} {:?}", c.at, c.kind);
    }
}
