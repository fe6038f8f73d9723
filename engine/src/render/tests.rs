//! Views against a page in memory. What a view makes of a state by steps has to be what the server
//! renders of it from nothing.

mod fake;
mod keys;

use fake::Fake;

use super::*;
use crate::client::Origin;
use crate::patch::{self, Change, What};
use crate::shared::Shared;
use crate::value::{Key, Val, parse};

/// A component, as a test sets it.
struct State {
    state: Val,
    loading: Option<Origin>,
}

impl Of for State {
    fn root(&self, field: Key) -> Option<&Val> {
        self.state.at(field)
    }

    fn wire(&self, state: i64, _: Option<&str>, from: Origin) -> bool {
        state == 0 && self.loading.is_some_and(|loading| from == loading)
    }
}

struct Screen {
    source: &'static str,
    stage: Stage,
    dom: Fake,
    blueprint: Shared<Blueprint>,
    view: Option<View>,
    state: State,
}

impl Screen {
    fn prepare(source: &'static str, state: &str) -> Self {
        let compiled = vivaz_template::compile(source).expect("a valid template");
        let mut stage = Stage::new();
        let json = parse(&compiled.to_json(&|_| false)).expect("the compiled form is JSON");
        let blueprint =
            Shared::new(Blueprint::new(Key::NONE, json, &mut stage).expect("the compiled form is readable"));
        let state = State { state: parse(state).expect("a state is JSON"), loading: None };
        let mut screen = Self { source, stage, dom: Fake::new(), blueprint, view: None, state };
        screen.flush();
        screen
    }

    /// Runs the operations that were written.
    fn flush(&mut self) {
        let ops = std::mem::take(&mut self.stage.dom);
        self.dom.run(&ops);
    }

    fn built(source: &'static str, state: &str) -> Self {
        let mut screen = Self::prepare(source, state);
        let around = around(&screen.state);
        screen.view = Some(View::new(Shared::clone(&screen.blueprint), 0, None, &around, &mut screen.stage));
        screen.flush();
        screen.check();
        screen
    }

    /// Server-rendered from one state, adopted with another.
    fn adopted(source: &'static str, rendered: &str, state: &str) -> Self {
        let mut screen = Self::prepare(source, state);
        let (html, shape) = server(source, rendered);
        screen.dom.load(&html);
        let around = around(&screen.state);
        let shape: Vec<Val> = shape.iter().map(|count| Val::Int(i64::from(*count))).collect();
        screen.view =
            Some(View::new(Shared::clone(&screen.blueprint), 0, Some(&shape), &around, &mut screen.stage));
        screen.flush();
        screen
    }

    /// The page shows what the server would render.
    #[track_caller]
    fn check(&self) {
        assert_eq!(self.dom.misfits, 0);
        let expected = server(self.source, &self.state.state.json()).0.replace("<!>", "");
        assert_eq!(self.dom.html(), expected);
    }

    /// Applies a patch and shows it; what was changed in the page.
    #[track_caller]
    fn patch(&mut self, patch: &str) -> Vec<String> {
        let mut changes = Vec::new();
        for (field, value) in parse(patch).expect("a patch is JSON").into_fields() {
            let old = self.state.state.at_mut(field).expect("the field is there");
            changes.push(Change { field, what: patch::apply(old, value).expect("the patch fits") });
        }
        self.show(Key::NONE, &changes)
    }

    #[track_caller]
    fn show(&mut self, shared: Key, changes: &[Change]) -> Vec<String> {
        self.dom.changes.clear();
        self.dom.moved = 0;
        let around = around(&self.state);
        let view = self.view.as_mut().expect("there is a view");
        view.show((0, 0, None), (shared, changes), &around, &mut self.stage);
        self.flush();
        self.check();
        self.dom.changes.clone()
    }

    /// The addresses of what the events of a block do.
    fn events(&self, block: usize) -> Vec<u32> {
        let holes = self.dom.templates[block][2].as_array().expect("a block has holes");
        let events = holes.iter().filter(|hole| hole[0] == 8);
        events.map(|hole| hole[8].as_u64().expect("an event has an address") as u32).collect()
    }

    fn fire(&mut self, node: u32, address: u32, event: &str) -> event::Fired {
        let event = parse(event).expect("an event is JSON");
        let around = Surroundings { event: &event, ..around(&self.state) };
        self.view.as_mut().expect("there is a view").fire(node, address, &around, &mut self.stage)
    }

    fn set_local(&mut self, node: u32, local: (usize, Val)) {
        let around = around(&self.state);
        self.view.as_mut().expect("there is a view").show(
            (node, LOCAL, Some(local)),
            (Key::NONE, &[]),
            &around,
            &mut self.stage,
        );
        self.flush();
    }
}

fn around(state: &State) -> Surroundings<'_> {
    Surroundings { of: state, user: &Val::Null, event: &Val::Null }
}

/// What the server renders, and its shape.
fn server(source: &str, state: &str) -> (String, Vec<u32>) {
    let compiled = vivaz_template::compile(source).expect("a valid template");
    let state: serde_json::Value = serde_json::from_str(state).expect("a state is JSON");
    let rendered = vivaz_template::render(&compiled, &state, None);
    (rendered.html, rendered.shape)
}

const ROWS: &str = r#"<h1>{{ title }} ({{ rows.len() }})</h1><ul><li live:for="r in rows" live:key="r.id">{{ r.label }} of {{ title }}</li></ul><p live:if="rows.is_empty()">none</p><p live:else>some</p>"#;

fn rows(ids: &[u32]) -> String {
    let rows: Vec<String> = ids.iter().map(|id| format!(r#"{{"id":{id},"label":"r{id}"}}"#)).collect();
    format!(r#"{{"title":"t","rows":[{}]}}"#, rows.join(","))
}

#[test]
fn only_holes_that_read_a_changed_field_are_updated() {
    let mut screen = Screen::built(r#"<b>{{ a }}</b><i class="x {{ b }}">{{ b }}</i>"#, r#"{"a":1,"b":"y"}"#);
    assert_eq!(screen.patch(r#"{"a":2}"#), ["text 2"]);
    assert_eq!(screen.patch(r#"{"a":2}"#), Vec::<String>::new());
}

#[test]
fn server_html_is_adopted_without_a_change() {
    let state = rows(&[1, 2, 3]);
    let screen = Screen::adopted(ROWS, &state, &state);
    screen.check();
    assert_eq!(screen.dom.changes, Vec::<String>::new());
}

#[test]
fn adoption_from_an_older_state_sets_what_differs() {
    for (old, new) in
        [(vec![1, 2, 3], vec![1, 2]), (vec![], vec![5, 6]), (vec![1], vec![]), (vec![1, 2], vec![2, 1, 3])]
    {
        let screen = Screen::adopted(ROWS, &rows(&old), &rows(&new));
        screen.check();
    }
}

#[test]
fn html_that_differs_from_the_template_is_detected() {
    let mut screen = Screen::prepare(ROWS, &rows(&[1, 2]));
    screen.dom.load("<h1>x</h1>");
    let around = around(&screen.state);
    View::new(
        Shared::clone(&screen.blueprint),
        0,
        Some(&[Val::Int(2), Val::Int(2)]),
        &around,
        &mut screen.stage,
    );
    screen.flush();
    assert!(screen.dom.misfits > 0);
}

#[test]
fn an_operation_on_a_list_updates_only_its_row() {
    let mut screen = Screen::built(ROWS, &rows(&[1, 2, 3]));
    assert_eq!(screen.patch(r#"{"rows":{"$list":[["~",2,{"label":"new"}]]}}"#), ["text new of t"]);
    assert_eq!(screen.patch(r#"{"rows":{"$list":[["-",1]]}}"#), ["text t (2)", "remove"]);
    let changes = screen.patch(r#"{"rows":{"$list":[["+",2,{"id":9,"label":"r9"}]]}}"#);
    assert_eq!(changes.iter().filter(|c| *c == "insert").count(), 1, "{changes:?}");
    assert_eq!(screen.patch(r#"{"title":"u"}"#).len(), 4, "the heading and each row");
}

#[test]
fn a_new_order_moves_the_fewest_rows() {
    let mut screen = Screen::built(ROWS, &rows(&[1, 2, 3, 4, 5]));
    screen.patch(r#"{"rows":{"$list":[["=",[5,1,2,3,4]]]}}"#);
    assert_eq!(screen.dom.moved, 1);
    let swapped: serde_json::Value = serde_json::from_str(&rows(&[5, 4, 2, 3, 1])).unwrap();
    screen.patch(&format!(r#"{{"rows":{}}}"#, swapped["rows"]));
    assert_eq!(screen.dom.moved, 2);
}

#[test]
fn emptying_a_list_is_one_operation() {
    let mut screen = Screen::built(ROWS, &rows(&[1, 2, 3]));
    let changes = screen.patch(r#"{"rows":[]}"#);
    assert_eq!(changes.iter().filter(|c| *c == "clear").count(), 1, "{changes:?}");
    assert_eq!(
        changes.iter().filter(|c| *c == "remove").count(),
        1,
        "the other arm of the condition: {changes:?}"
    );
    screen.patch(&format!(
        r#"{{"rows":{}}}"#,
        serde_json::from_str::<serde_json::Value>(&rows(&[7])).unwrap()["rows"]
    ));
}

/// A small generator, so that a failure can be run again.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides.max(1)
    }
}

const NESTED: &str = r#"<p>{{ a.len() }}</p><section live:for="s, i in a" live:key="s.id"><h2>{{ i }} {{ s.t }}</h2><em live:for="x, j in s.l" live:key="x.id">{{ i }}.{{ j }} {{ x.t }}<u live:if="x.t == 'b'">{{ s.t }}</u></em><hr live:if="s.l.len() > 1"></section><footer>end</footer>"#;

#[test]
fn any_sequence_of_patches_shows_the_servers_order() {
    for seed in 0..60 {
        let mut dice = Dice(seed);
        let mut screen = Screen::built(NESTED, r#"{"a":[]}"#);
        let mut next = 0;
        for _ in 0..12 {
            let mut ops = Vec::new();
            let mut ids: Vec<i64> = list(&screen.state.state, "a");
            for _ in 0..=dice.roll(4) {
                let pick = ids.get(dice.roll(ids.len())).copied();
                match (dice.roll(6), pick) {
                    (0 | 1, _) | (_, None) => {
                        next += 1;
                        let at = dice.roll(ids.len() + 1);
                        ids.insert(at, next);
                        ops.push(format!(
                            r#"["+",{at},{{"id":{next},"t":"t{next}","l":[{{"id":1,"t":"a"}}]}}]"#
                        ));
                    }
                    (2, Some(id)) => {
                        ids.retain(|known| *known != id);
                        ops.push(format!(r#"["-",{id}]"#));
                    }
                    (3, Some(id)) => {
                        let to = dice.roll(ids.len());
                        ids.retain(|known| *known != id);
                        ids.insert(to, id);
                        ops.push(format!(r#"[">",{id},{to}]"#));
                    }
                    (4, Some(id)) => {
                        let items: Vec<String> = (0..dice.roll(4))
                            .map(|n| format!(r#"{{"id":{n},"t":"{}"}}"#, ["a", "b"][dice.roll(2)]))
                            .collect();
                        ops.push(format!(
                            r#"["~",{id},{{"t":"n{}","l":[{}]}}]"#,
                            dice.roll(9),
                            items.join(",")
                        ));
                    }
                    (_, Some(_)) => {
                        let shift = dice.roll(ids.len());
                        ids.rotate_left(shift);
                        ops.push(format!(
                            r#"["=",[{}]]"#,
                            ids.iter().map(i64::to_string).collect::<Vec<_>>().join(",")
                        ));
                    }
                }
            }
            if dice.roll(4) == 0 {
                // The same as one new value.
                let mut whole = screen.state.state.named("a").unwrap().clone();
                patch::apply(&mut whole, parse(&format!(r#"{{"$list":[{}]}}"#, ops.join(","))).unwrap())
                    .unwrap();
                screen.patch(&format!(r#"{{"a":{}}}"#, whole.json()));
            } else {
                screen.patch(&format!(r#"{{"a":{{"$list":[{}]}}}}"#, ops.join(",")));
            }
        }
        let state = screen.state.state.json();
        let again = Screen::adopted(NESTED, &state, &state);
        assert_eq!(again.dom.changes, Vec::<String>::new());
    }
}

fn list(state: &Val, field: &str) -> Vec<i64> {
    let items = state.named(field).and_then(Val::list).unwrap_or_default();
    items.iter().map(|item| item.named("id").and_then(Val::int).unwrap() as i64).collect()
}

#[test]
fn locals_belong_to_their_instance() {
    let source = r#"<div live:local="open = false"><button live:click="open = !open">x</button><p live:if="open">{{ n }}</p></div>"#;
    let mut screen = Screen::built(source, r#"{"n":5}"#);
    let root = screen.view.as_ref().unwrap().root.node;
    let fired = screen.fire(root, screen.events(0)[0], "{}");
    assert_eq!(fired.commands, vec![]);
    let (node, local) = fired.locals[0].clone();
    assert_eq!(local, (0, Val::Bool(true)));
    screen.set_local(node, local);
    assert!(screen.dom.html().contains("<p>5</p>"));
}

#[test]
fn a_click_in_a_row_has_its_item_and_its_optimistic_update() {
    let source = r#"<ul><li live:for="t in items" live:key="t.id"><input type="checkbox" checked="{{ t.done }}" live:change="toggle(t.id, $checked)" live:optimistic="items[t.id].done = $checked; items.push({ id: $temp })"></li></ul>"#;
    let mut screen = Screen::prepare(source, r#"{"items":[{"id":4,"done":false},{"id":8,"done":true}]}"#);
    let around = around(&screen.state);
    screen.view = Some(View::new(Shared::clone(&screen.blueprint), 0, None, &around, &mut screen.stage));
    screen.flush();
    let node = screen.view.as_ref().unwrap().root.parts[0][1].node;
    let fired = screen.fire(node, screen.events(1)[0], r#"{"checked":false,"temp":"$temp1"}"#);
    assert_eq!(
        fired.commands,
        vec![event::EventCommand {
            is_edit: false,
            name: Key::of("toggle"),
            value: crate::value::parse("[8,false]").unwrap()
        }]
    );
    let mut items = screen.state.state.named("items").unwrap().clone();
    let whats: Vec<Option<What>> = fired.optimistic.iter().map(|update| update.apply(&mut items)).collect();
    assert!(whats.iter().all(|what| matches!(what, Some(What::List(_)))), "{whats:?}");
    assert_eq!(items.json(), r#"[{"id":4,"done":false},{"id":8,"done":false},{"id":"$temp1"}]"#);
}

#[test]
fn loading_is_shown_on_the_calling_element() {
    let source = r#"<button live:click="a()" live:loading.attr="disabled">a</button><button live:click="b()" live:loading.attr="disabled">b</button>"#;
    let mut screen = Screen::built(source, "{}");
    let events = screen.events(0);
    let node = screen.view.as_ref().unwrap().root.node;
    screen.state.loading = Some(Origin { node, hole: events[1] });
    let around = around(&screen.state);
    screen.view.as_mut().unwrap().show((0, WIRE, None), (Key::NONE, &[]), &around, &mut screen.stage);
    screen.flush();
    assert_eq!(screen.dom.html(), r#"<button>a</button><button disabled="">b</button>"#);
}

#[test]
fn numbers_of_nodes_are_reused() {
    let mut screen = Screen::built(ROWS, &rows(&[]));
    let mut most = 0;
    for round in 0..20 {
        let ids: Vec<u32> = (round * 50..round * 50 + 50).collect();
        let state: serde_json::Value = serde_json::from_str(&rows(&ids)).unwrap();
        screen.patch(&format!(r#"{{"rows":{}}}"#, state["rows"]));
        if round == 1 {
            most = screen.stage.next;
        }
    }
    assert_eq!(screen.stage.next, most, "as many as are needed at once, and no more");
}

#[test]
fn the_row_of_a_temporary_id_continues_under_the_permanent_id() {
    let source = "<ul><li live:for=\"t in items\" live:key=\"t.id\">{{ t.text }}</li></ul>";
    let mut screen = Screen::built(source, r#"{"items":[{"id":1,"text":"a"}]}"#);
    screen.patch(r#"{"items":[{"id":1,"text":"a"},{"id":"$temp1","text":"b"},{"id":"$temp2","text":"c"}]}"#);
    let nodes = |screen: &Screen| screen.dom.all("li");
    let before = nodes(&screen);
    screen.patch(r#"{"items":[{"id":1,"text":"a"},{"id":7,"text":"B"},{"id":"$temp2","text":"c"}]}"#);
    assert_eq!(nodes(&screen), before);
    screen.patch(
        r#"{"items":[{"id":1,"text":"a"},{"id":7,"text":"B"},{"id":8,"text":"c"},{"id":9,"text":"d"}]}"#,
    );
    assert_eq!(nodes(&screen)[..3], before);
    // One that is refused just goes.
    screen.patch(r#"{"items":[{"id":1,"text":"a"},{"id":"$temp3","text":"e"}]}"#);
    screen.patch(r#"{"items":[{"id":1,"text":"a"}]}"#);
}

#[test]
fn an_item_with_a_permanent_id_of_that_form_is_shown() {
    let source = "<ul><li live:for=\"t in items\" live:key=\"t.id\">{{ t.text }}</li></ul>";
    let mut screen =
        Screen::built(source, r#"{"items":[{"id":"$temp9","text":"a"},{"id":"$tempo","text":"b"}]}"#);
    for items in [
        r#"[{"id":"$tempo","text":"b"},{"id":3,"text":"c"},{"id":"$temp9","text":"a"}]"#,
        r#"[{"id":"$temp9","text":"a"},{"id":3,"text":"C"}]"#,
        r#"[{"id":"$tempo","text":"b"},{"id":5,"text":"e"}]"#,
        r#"[]"#,
    ] {
        // It is compared with a newly built view.
        screen.patch(&format!(r#"{{"items":{items}}}"#));
    }
}
