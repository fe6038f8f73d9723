//! The registered components.

use vivaz_components::{List, LiveComponent, LiveState, Registration, Registry, TemplateFields, actions};

#[derive(LiveComponent, Clone)]
#[live(name = "widget", inline = "<p>{{ a }}</p>")]
struct Widget {
    #[live(prop, default = 7)]
    a: u32,
    #[live(prop, default)]
    b: String,
}

#[derive(LiveComponent, Clone)]
#[live(inline = "")]
struct PlainName {}

/// Has the name of another component; implemented by hand, because the derive would register it.
mod twin {
    use super::*;

    pub(crate) fn registration() -> Registration {
        let mut registration = Registration::of::<PlainName>();
        static SPEC: std::sync::OnceLock<vivaz_components::spec::Spec> = std::sync::OnceLock::new();
        registration.spec = SPEC.get_or_init(|| {
            let spec = PlainName::SPEC;
            vivaz_components::spec::Spec {
                name: "widget",
                type_name: "twin",
                open: spec.open,
                durable: spec.durable,
                schema: spec.schema,
                template: spec.template,
                outermost: spec.outermost,
                fields: spec.fields,
                url: spec.url,
                props: spec.props,
                shape: spec.shape,
                computed: spec.computed,
                actions: spec.actions,
                events: spec.events,
                hooks: spec.hooks,
            }
        });
        registration
    }
}

#[test]
fn linked_components_are_found_by_name() {
    let registry = Registry::linked().unwrap();
    let spec = registry.get("widget").unwrap().spec;
    assert_eq!(spec.template.text, "<p>{{ a }}</p>");
    assert!(spec.type_name.ends_with("registry::Widget"));
    assert!(!spec.open);
    assert!(registry.get("plain_name").is_some());
    assert!(registry.get("counter").unwrap().spec.open);
    assert!(registry.why_unknown("nope").contains("use widgets as _;"));
}

#[test]
fn a_name_is_given_once() {
    let mut registry = Registry::linked().unwrap();
    registry.add(Registration::of::<Widget>()).unwrap();
    let error = registry.add(twin::registration()).unwrap_err().to_string();
    assert!(error.contains("two components are named `widget`") && error.contains("twin"), "{error}");
}

/// Returns what is wrong with the children of a template of `T`.
fn mistakes_in<T: LiveComponent>(registry: &Registry, template: &str) -> Vec<String> {
    let compiled = vivaz_template::compile(template).unwrap();
    registry.mistakes_of_children(TemplateFields::of(T::SPEC), &compiled.checks)
}

#[test]
fn children_are_checked_when_the_application_starts() {
    let registry = Registry::linked().unwrap();
    let mistakes = |template: &str| mistakes_in::<Widget>(&registry, template);
    assert_eq!(mistakes("<live:widget a=\"{{ 1 }}\" b=\"x\"></live:widget>"), Vec::<String>::new());
    assert_eq!(
        mistakes("<div>\n<live:widgte></live:widgte></div>"),
        [
            "2:1: no component is named `widgte`, and there is no file `partials/widgte.html`; did you mean `widget`?"
        ]
    );
    assert_eq!(
        mistakes("<live:widget c=\"x\" a=\"{{ true }}\"></live:widget>"),
        [
            "1:1: `widget` has no prop `c`; did you mean `a`?",
            "1:1: the prop `a: u32` of `widget` cannot be a truth value"
        ]
    );
    assert_eq!(mistakes("<live:room_view></live:room_view>"), ["1:1: `room_view` needs the prop `room`"]);
}

/// Takes one prop from the page and one from the server.
#[derive(LiveComponent, Clone)]
#[live(name = "picker", inline = "{{ text }} {{ filter }}")]
struct Picker {
    #[live(prop, default)]
    text: String,
    #[live(prop, page, default)]
    filter: String,
}

#[test]
fn page_local_state_is_accepted_only_in_props_of_the_page() {
    let registry = Registry::linked().unwrap();
    let mistakes = |prop: &str, value: &str| {
        let child = format!("<live:picker {prop}='{value}'></live:picker>");
        let template = format!("<div live:local=\"word = 'x'\">{child}</div>");
        mistakes_in::<Widget>(&registry, &template)
    };
    let refused = "the prop `text` of `picker` is the server's to give, and this reads the page's own state \
                   (`live:local`): mark it #[live(prop, page)] to let pages give it";
    for value in
        ["{{ word }}", "{{ title + word }}", "{{ word ? title : title }}", "{{ word.len() }}", "n {{ word }}"]
    {
        assert_eq!(mistakes("filter", value), Vec::<String>::new(), "{value}");
        let found = mistakes("text", value);
        assert_eq!(found.len(), 1, "{value}: {found:?}");
        assert!(found[0].ends_with(refused), "{value}: {found:?}");
    }
    assert_eq!(mistakes("text", "{{ title }}"), Vec::<String>::new());
}

#[derive(LiveState, serde::Serialize, serde::Deserialize, Clone)]
struct Shelf {
    id: u64,
    title: Option<String>,
    sizes: Vec<f64>,
    counts: std::collections::BTreeMap<String, u32>,
}

/// Has fields of all shapes that a template gives to children.
#[derive(LiveComponent, Clone)]
#[live(name = "shelves", inline = "")]
struct Shelves {
    #[live(default)]
    shelves: List<Shelf>,
    #[live(default)]
    on: bool,
    #[live(default, opaque)]
    any: serde_json::Value,
}

#[actions]
impl Shelves {
    #[live(computed)]
    fn total(&self) -> u64 {
        self.shelves.iter().map(|shelf| shelf.id).sum()
    }
}

#[test]
fn a_value_of_another_type_than_the_prop_is_found_at_startup() {
    let registry = Registry::linked().unwrap();
    let given = |prop: &str, value: &str| {
        let child = format!("<live:{prop}='{{{{ {value} }}}}'></live:widget>");
        let child =
            if prop.starts_with("picker") { child.replace("/live:widget", "/live:picker") } else { child };
        mistakes_in::<Shelves>(
            &registry,
            &format!("<ul>\n<li live:for='s in shelves' live:key='s.id'>{child}</li></ul>"),
        )
    };
    for (value, what) in [
        ("s.id", "a whole number"),
        ("total", "a whole number"),
        ("shelves.len()", "a whole number"),
        ("shelves[0].id", "a whole number"),
        ("s.counts.small", "a whole number"),
        ("s.sizes[0]", "a number"),
        ("s.sizes", "a list"),
        ("s.sizes.is_empty()", "a truth value"),
        ("on", "a truth value"),
    ] {
        let expected = format!("2:45: the prop `text: String` of `picker` cannot be {what}");
        assert_eq!(given("picker text", value), [expected], "{value}");
    }
    for value in ["s.title", "any", "any.x", "s.title ?? s.id", "$user.id"] {
        assert_eq!(given("picker text", value), Vec::<String>::new(), "{value}");
    }
    assert_eq!(given("widget a", "s.id"), Vec::<String>::new());
    assert_eq!(given("widget a", "s.title"), ["2:45: the prop `a: u32` of `widget` cannot be a text"]);
}

#[test]
fn props_have_the_defaults_that_were_given() {
    let props = WidgetProps::default();
    assert_eq!((props.a, props.b.as_str()), (7, ""));
    assert_eq!(serde_json::to_string(&props).unwrap(), r#"{"a":7,"b":""}"#);
}
