//! Partials: compiled into their users, with parameters and slots.

use serde_json::{Value, json};
use vivaz_template::{Compiled, PartialFile, TemplateError, TemplateKind, compile, compile_with, render};

/// The partials of the tests.
const FILES: &[(&str, &str)] = &[
    (
        "note",
        "<live:params kind='text = \"plain\"'></live:params>\n<p class='note {{ kind }}'><live:slot>empty</live:slot></p>\n",
    ),
    ("price", "<live:params cents='number'></live:params>{{ cents / 100 }} €"),
    (
        "rows",
        "<live:params rows='list' label='text'></live:params>\n<ul aria-label='{{ label }}'><li live:for='row in rows' live:key='row.id'>{{ $index }} {{ row.name }}<live:slot name='after'></live:slot></li></ul>\n",
    ),
    (
        "panel",
        "<live:params title='text'></live:params><section live:local='open = false'><h2 live:click='open = !open'>{{ title }}</h2><div live:show='open'><live:slot></live:slot></div><footer live:if='open'><live:slot name='foot'>none</live:slot></footer></section>",
    ),
    (
        "outer",
        "<live:params title='text'></live:params><live:panel title='Outer {{ title }}'><live:slot></live:slot><live:fill slot='foot'><live:slot name='foot'></live:slot></live:fill></live:panel>",
    ),
    ("field", "<live:params value='any'></live:params><label><input live:model='value'></label>"),
    ("toggle", "<live:params flag='any'></live:params><button live:click='flag = !flag'>{{ flag }}</button>"),
    ("two", "<b>1</b><b>2</b>"),
    ("again", "<div><live:again></live:again></div>"),
    ("broken", "<live:params a='text'></live:params>\n<p>{{ a }} {{ b }}</p>"),
];

fn with_partials(source: &str) -> Result<Compiled, Vec<TemplateError>> {
    compile_with(source, TemplateKind::Component, &mut |name: &str| {
        let (name, text) = FILES.iter().find(|(known, _)| *known == name)?;
        Some(PartialFile { file: format!("partials/{name}.html"), text: (*text).to_owned() })
    })
}

/// Returns the errors with their positions, and the positions of the uses.
fn errors(source: &str) -> Vec<String> {
    let errors = with_partials(source).unwrap_err();
    let shown = errors
        .iter()
        .map(|error| error.uses.iter().fold(error.to_string(), |text, at| format!("{text}, used at {at}")));
    shown.collect()
}

/// Checks that a template with partials is compiled to the same as one without.
fn same(with: &str, without: &str, state: &Value) {
    let (with, without) = (with_partials(with).unwrap(), compile(without).unwrap());
    assert_eq!(with.to_json(&|_| false), without.to_json(&|_| false));
    assert_eq!(render(&with, state, None), render(&without, state, None));
}

#[test]
fn a_partial_is_compiled_into_its_user() {
    let state =
        json!({ "a": 1, "list": [{ "id": 1, "name": "<x>", "to": [7] }], "open": "theirs", "name": "n" });
    same("<live:note>{{ a }} left</live:note>", "<p class='note {{ \"plain\" }}'>{{ a }} left</p>", &state);
    same("<live:note kind='big'></live:note>", "<p class='note {{ \"big\" }}'>empty</p>", &state);
    same("<b>a <live:price cents='a * 5'></live:price></b>", "<b>a {{ a * 5 / 100 }} €</b>", &state);
    same(
        "<div><i live:for='row in list' live:key='row.id'><live:rows rows='row.to' label='{{ row.name }}!'><live:fill slot='after'>{{ row.name }}{{ a }}</live:fill></live:rows></i></div>",
        "<div><i live:for='row in list' live:key='row.id'><ul aria-label='{{ row.name }}!'><li live:for='r in row.to' live:key='r.id'>{{ $index }} {{ r.name }}{{ row.name }}{{ a }}</li></ul></i></div>",
        &state,
    );
    same(
        "<live:outer title='{{ open }}'><p>{{ open }}</p><live:fill slot='foot'>{{ name }}</live:fill></live:outer>",
        "<section live:local='o = false'><h2 live:click='o = !o'>{{ 'Outer ' + open }}</h2><div live:show='o'><p>{{ open }}</p></div><footer live:if='o'>{{ name }}</footer></section>"
            .replace("{{ 'Outer ' + open }}", "Outer {{ open }}").as_str(),
        &state,
    );
}

#[test]
fn a_parameter_can_stand_for_a_property_that_is_edited() {
    let state = json!({ "name": "n", "rows": [{ "id": 1, "text": "t" }] });
    same("<live:field value='name'></live:field>", "<label><input live:model='name'></label>", &state);
    same(
        "<ul><li live:for='row in rows' live:key='row.id'><live:field value='row.text'></live:field></li></ul>",
        "<ul><li live:for='row in rows' live:key='row.id'><label><input live:model='row.text'></label></li></ul>",
        &state,
    );
    same(
        "<div live:local='shown = true'><live:toggle flag='shown'></live:toggle></div>",
        "<div live:local='shown = true'><button live:click='shown = !shown'>{{ shown }}</button></div>",
        &state,
    );
    assert_eq!(
        errors("<live:field value='name + 1'></live:field>"),
        [
            "1:20: `live:model` needs the name of a `model` field, or a path to one such as `item.text`, not an expression"
        ]
    );
    assert_eq!(
        errors("<live:toggle flag='!a'></live:toggle>"),
        [
            "partials/toggle.html:1:59: `flag` stands for an expression, which an event cannot set, used at 1:1"
        ]
    );
}

#[test]
fn directives_pass_on_to_the_only_element() {
    let state = json!({ "rows": [{ "id": 1, "name": "a" }], "on": false });
    same(
        "<live:note live:for='row in rows' live:key='row.id' kind='{{ row.name }}'>{{ row.id }}</live:note>",
        "<p live:for='row in rows' live:key='row.id' class='note {{ row.name }}'>{{ row.id }}</p>",
        &state,
    );
    same(
        "<live:note live:if='on'></live:note><b live:else>off</b>",
        "<p live:if='on' class='note {{ \"plain\" }}'>empty</p><b live:else>off</b>",
        &state,
    );
    assert_eq!(
        errors("<live:two live:if='a'></live:two>"),
        [
            "1:11: `live:if` on `<live:two>` requires that its content is exactly one element: put an element around it"
        ]
    );
    assert_eq!(
        errors("<live:note live:click='go()'></live:note>"),
        ["1:12: `live:click` has no effect on a partial: put it on an element of the partial, or around it"]
    );
}

#[test]
fn mistakes_name_the_partial_and_its_use() {
    assert_eq!(
        errors("<p>x</p>\n<live:broken a='1'></live:broken><live:broken a='2'></live:broken>"),
        [
            "partials/broken.html:2:15: `b` is not a parameter of this partial, which sees no other names: add it to `<live:params>`; did you mean `a`?, used at 2:1"
        ]
    );
    for (source, expected) in [
        ("<live:rows rows='a'></live:rows>", "1:1: `<live:rows>` needs the parameter `label`"),
        (
            "<live:note knid='x'></live:note>",
            "1:12: `<live:note>` has no parameter `knid`; did you mean `kind`?",
        ),
        ("<live:note kind></live:note>", "1:12: `kind` needs a value"),
        ("<live:price cents='\"a\"'></live:price>", "1:20: the parameter needs a number"),
        ("<live:price cents='a +'></live:price>", "1:23: the expression is empty"),
        ("<live:two>x</live:two>", "1:1: `<live:two>` has no default slot for this content"),
        (
            "<live:rows rows='a' label=''><live:fill slot='aftr'><b></b></live:fill></live:rows>",
            "1:53: `<live:rows>` has no slot `aftr`; did you mean `after`?",
        ),
        (
            "<live:rows rows='a' label=''><live:fill>x</live:fill></live:rows>",
            "1:30: `<live:fill>` needs the name of a slot: `slot=\"actions\"`",
        ),
        (
            "<live:fill slot='a'></live:fill>",
            "1:1: `<live:fill>` must be directly inside the partial whose slot it fills",
        ),
        ("<live:slot></live:slot>", "1:1: `<live:slot>` belongs into a partial, whose users fill it"),
        (
            "<live:params a='text'></live:params>",
            "1:1: `<live:params>` must be the first element of a partial's file",
        ),
        ("<live:again></live:again>", "partials/again.html:1:6: `<live:again>` contains itself, used at 1:1"),
        (
            "<p><live:two></live:two><live:panel title=''></live:panel></p>",
            "partials/panel.html:1:41: a browser closes the enclosing `<p>` before `<section>`: use a `<div>` instead of the `<p>`, used at 1:25",
        ),
    ] {
        let found = errors(source);
        assert!(found.iter().any(|error| error == expected), "{source}: {found:?}");
    }
}

#[test]
fn a_template_with_its_partials_is_limited() {
    let long = "x".repeat(1 << 16);
    let source = "<live:long></live:long>".repeat(200);
    let errors = compile_with(&source, TemplateKind::Component, &mut |name: &str| {
        (name == "long").then(|| PartialFile { file: "long.html".into(), text: long.clone() })
    });
    assert_eq!(errors.unwrap_err()[0].message, "the template with its partials is too long");
}
