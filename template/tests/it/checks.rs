//! Checks of a template against its component's types.

use vivaz_template::check::{Argument, CheckKind, Edits, GivenProp, PathStep, Want};
use vivaz_template::compile;
use vivaz_template::compiled::OptimisticUpdate;
use vivaz_template::{Dependency, Expr, HoleKind};

fn field(name: &str) -> PathStep {
    PathStep::Field(name.into())
}

/// Returns a template's checks, each with its position.
fn checks(source: &str) -> Vec<(String, CheckKind)> {
    let compiled = compile(source).unwrap_or_else(|errors| panic!("{errors:?}"));
    compiled.checks.into_iter().map(|check| (check.at.to_string(), check.kind)).collect()
}

#[test]
fn paths_are_resolved_through_loops() {
    let found = checks(
        "<ul>\n<li live:for=\"r, i in rows\" live:key=\"r.id\"><b live:for=\"t in r.tags\" live:key=\"t\">{{ t.name }}{{ i }}</b></li></ul>",
    );
    let rows_each = |rest: &[PathStep]| {
        [field("rows"), PathStep::Each].into_iter().chain(rest.iter().cloned()).collect::<Vec<_>>()
    };
    assert!(found.contains(&(
        "2:23".into(),
        CheckKind::Path { steps: vec![field("rows")], want: Want::List, given: 0 }
    )));
    assert!(found.contains(&(
        "2:39".into(),
        CheckKind::Path { steps: rows_each(&[field("id")]), want: Want::Text, given: 0 }
    )));
    assert!(found.contains(&(
        "2:63".into(),
        CheckKind::Path { steps: rows_each(&[field("tags")]), want: Want::List, given: 0 }
    )));
    let name = rows_each(&[field("tags"), PathStep::Each, field("name")]);
    assert!(
        found.contains(&("2:87".into(), CheckKind::Path { steps: name, want: Want::Text, given: 0 })),
        "{found:#?}"
    );
    for name in ["r", "i", "t"] {
        assert!(found.iter().any(|(_, kind)| *kind == CheckKind::Fresh { name: name.into() }));
    }
}

#[test]
fn each_use_requires_a_kind() {
    for (source, steps, want) in [
        ("{{ a }}", vec![field("a")], Want::Text),
        ("<p live:if='a'></p>", vec![field("a")], Want::Condition),
        ("<p live:show='!a'></p>", vec![field("a")], Want::Condition),
        ("{{ a * 2 }}", vec![field("a")], Want::Number),
        ("{{ a == b }}", vec![field("a")], Want::Compared),
        ("{{ a != null }}", vec![field("a")], Want::Any),
        ("{{ a[0] }}", vec![field("a"), PathStep::Index], Want::Text),
        ("{{ a.b.len() }}", vec![field("a"), field("b"), PathStep::Len], Want::Text),
        ("{{ a.is_empty() }}", vec![field("a"), PathStep::IsEmpty], Want::Text),
        ("{{ a.contains('x') }}", vec![field("a"), PathStep::Contains], Want::Text),
        ("<live:x p='{{ a }}'></live:x>", vec![field("a")], Want::Any),
    ] {
        let found = checks(source);
        assert!(
            found.iter().any(|(_, kind)| *kind == CheckKind::Path { steps: steps.clone(), want, given: 0 }),
            "{source} {found:?}"
        );
    }
}

#[test]
fn calls_models_and_children_have_their_types() {
    let found = checks("<p live:click=\"go(1, 1.5, 'x', true, null, a.b, $event.key, !a)\"></p>");
    let arguments = vec![
        Argument::Int,
        Argument::Float,
        Argument::Word("x".into()),
        Argument::Bool,
        Argument::Null,
        Argument::Path(vec![field("a"), field("b")]),
        Argument::Any,
        Argument::Bool,
    ];
    assert!(
        found.contains(&("1:16".into(), CheckKind::Call { action: "go".into(), arguments })),
        "{found:?}"
    );

    let found = checks("<input type='checkbox' live:model='agree'><p live:loading live:target='save'></p>");
    assert!(
        found
            .contains(&("1:36".into(), CheckKind::Model { steps: vec![field("agree")], edits: Edits::Bool }))
    );
    assert!(found.contains(&("1:72".into(), CheckKind::Target { name: "save".into() })));

    let found = checks(
        "<p live:for='g in groups' live:key='g.id'><i live:for='r in g.rows' live:key='r.id'><input live:model.number='r.at.x'></i></p>",
    );
    let way = [field("groups"), PathStep::Each, field("rows"), PathStep::Each, field("at"), field("x")];
    assert!(
        found.contains(&("1:111".into(), CheckKind::Model { steps: way.into(), edits: Edits::Number })),
        "{found:#?}"
    );

    let given = |name: &str, argument, is_local| GivenProp { name: name.into(), argument, is_local };
    let found = checks("<live:chat room='lobby' max-items='{{ 5 }}' wide class='x'></live:chat>");
    let props = vec![
        given("room", Argument::Word("lobby".into()), false),
        given("max_items", Argument::Int, false),
        given("wide", Argument::Bool, false),
    ];
    let within = Vec::new();
    assert!(found.contains(&("1:1".into(), CheckKind::Child { component: "chat".into(), props, within })));
}

#[test]
fn optimistic_updates_of_rows_start_at_the_component() {
    let source = "<div live:for='g in groups' live:key='g.id'><p live:if='g.on'><i live:for='t in g.items' live:key='t.id' live:click='go(t.id)' live:optimistic='t.done = true; g.items.remove(t.id); n = n + 1'>x</i></p></div>";
    let compiled = compile(source).unwrap();
    let updates =
        compiled.template.blocks.iter().flat_map(|block| &block.holes).find_map(|hole| match &hole.kind {
            HoleKind::Event { optimistic, .. } => Some(optimistic),
            _ => None,
        });
    let f = |of: Expr, name: &str| Expr::Field(of.into(), name.into());
    let at = |of: Expr, key: Expr| Expr::At(of.into(), key.into());
    let group = at(Expr::Root("groups".into()), f(Expr::Item(1), "id"));
    let item = at(f(group.clone(), "items"), f(Expr::Item(0), "id"));
    let Some(
        [
            OptimisticUpdate::Set { path, .. },
            OptimisticUpdate::Remove { list, .. },
            OptimisticUpdate::Set { path: last, .. },
        ],
    ) = updates.map(Vec::as_slice)
    else {
        panic!("{updates:?}")
    };
    assert_eq!(*path, f(item, "done"));
    assert_eq!(*list, f(group, "items"));
    assert_eq!(*last, Expr::Root("n".into()));
}

#[test]
fn reads_of_the_user_are_known() {
    assert!(compile("<p live:if='$user.id == 1'>x</p>").unwrap().reads_user());
    assert!(compile("<p live:click='go($user.name)'>x</p>").unwrap().reads_user());
    assert!(!compile("<p>{{ user }}</p>").unwrap().reads_user());
}

#[test]
fn reads_are_reported_by_field() {
    let source = "<i live:local='z = 1'><b live:for='m in chat.messages' live:key='m.id'>{{ m.text + chat.users.len() + title + m[k] + z + $index }}</b></i>";
    let compiled = compile(source).unwrap();
    let value = compiled.template.blocks[1].holes.iter().find_map(|hole| match &hole.kind {
        HoleKind::Text { value, .. } => Some(value),
        _ => None,
    });
    let mut reads = Vec::new();
    value.unwrap().reads(&mut |read| {
        reads.push(match read {
            Dependency::Root { name, field } => {
                format!("{}/{}", name.text, field.map_or("*", |field| &field.text))
            }
            Dependency::Item { depth, field } => {
                format!("{depth}/{}", field.map_or("*", |field| &field.text))
            }
            Dependency::Index(depth) => format!("index {depth}"),
            Dependency::Local(at) => format!("local {} {}", at.level, at.slot),
            Dependency::Special(which) => format!("{which:?}"),
        });
    });
    assert_eq!(reads, ["0/text", "chat/users", "title/*", "0/*", "k/*", "local 1 0", "index 0"]);
}

#[test]
fn page_local_reads_are_known_through_loop_items() {
    let locals = |source: &str| -> Vec<bool> {
        let all = checks(source).into_iter().filter_map(|(_, kind)| match kind {
            CheckKind::Child { props, .. } => Some(props.into_iter().map(|prop| prop.is_local)),
            _ => None,
        });
        all.flatten().collect()
    };
    let child = "<live:chat a='{{ x }}' b='{{ x.y + n }}' c='{{ n }}' d='{{ $index }}' e='{{ $user.id }}'></live:chat>";
    let own = format!(
        "<div live:local='n = 1'><section live:for='x in xs' live:key='x.id'>{child}</section></div>"
    );
    assert_eq!(locals(&own), [false, true, true, false, false]);
    let list = format!(
        "<div live:local='n = 1'><section live:for='x in n ? xs : ys' live:key='x.id'>{child}</section></div>"
    );
    assert_eq!(locals(&list), [true, true, true, true, false]);
    let inner = "<div live:local='n = 1'><section live:for='o in n ? xs : ys' live:key='o.id'>\
        <i live:for='x in o.xs' live:key='x.id'><live:chat a='{{ x.id }}' b='{{ m }}'></live:chat></i></section></div>";
    assert_eq!(locals(inner), [true, false]);
}
