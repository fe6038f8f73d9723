//! Finds children inside elements that must not contain the children's elements: a button in a
//! button, a form in a form. While parsing the page, a browser closes or drops one of the two, and
//! the child would then exist twice, once without a mounted component.

use std::collections::HashSet;
use std::fmt::Write;

use vivaz_template::Compiled;
use vivaz_template::containment::{ChildPosition, ExclusiveGroup, Placed};

use super::Templates;

/// An element of a template, and the path from it to a child inside of it.
struct ContainmentPath<'a> {
    outer: &'a Placed,
    slot: &'a ChildPosition,
    /// The components between the slot and the child, and the child.
    through: Vec<&'a str>,
}

impl Templates {
    /// Returns the misplaced elements inside elements of this template, one sentence each.
    pub(super) fn misplaced_children(&self, template: &Compiled) -> Vec<String> {
        let mut mistakes = Vec::new();
        for slot in &template.containment.slots {
            for outer in &slot.within {
                let mut path = ContainmentPath { outer, slot, through: vec![&slot.component] };
                self.check_path(&mut path, &mut HashSet::new(), &mut mistakes);
            }
        }
        mistakes
    }

    /// Checks the last component of the path, then its children recursively.
    fn check_path<'a>(
        &'a self,
        path: &mut ContainmentPath<'a>,
        seen: &mut HashSet<&'a str>,
        mistakes: &mut Vec<String>,
    ) {
        let Some(component) = path.through.last().copied().filter(|component| seen.insert(component)) else {
            return;
        };
        let Some(template) = self.of(component) else { return };
        let containment = &template.compiled.containment;
        let group = path.outer.group;
        if let Some(inner) = containment.outermost.iter().find(|inner| inner.group == group) {
            mistakes.push(sentence(path, component, template.file, inner));
        }
        for slot in &containment.slots {
            // A nearer element of the same group is checked as its own path.
            let is_nearer = slot.within.iter().any(|within| within.group == group);
            if !is_nearer && !slot.shut.contains(&group) {
                path.through.push(&slot.component);
                self.check_path(path, seen, mistakes);
                path.through.pop();
            }
        }
    }
}

fn sentence(path: &ContainmentPath<'_>, component: &str, file: &str, inner: &Placed) -> String {
    let ContainmentPath { outer, slot, through } = path;
    let mut text = format!(
        "{}: the child `{}` is inside the `<{}>` at {}",
        slot.at, slot.component, outer.name, outer.at
    );
    for between in through.iter().skip(1) {
        // Writing to a String cannot fail.
        let _ = write!(text, " and shows the child `{between}`");
    }
    let _ = write!(
        text,
        ", and the template of `{component}` ({file}) has a `<{}>` at {}: {}",
        inner.name,
        inner.at,
        match outer.group {
            ExclusiveGroup::Form => "a browser drops a `<form>` inside another `<form>`".to_owned(),
            ExclusiveGroup::Link
            | ExclusiveGroup::Button
            | ExclusiveGroup::Item
            | ExclusiveGroup::Description =>
                format!("a browser closes the first `<{}>` before the second `<{}>`", outer.name, inner.name),
        }
    );
    text
}

#[cfg(test)]
mod tests {
    use vivaz_components::spec::Spec;
    use vivaz_components::spec::TemplateSource;
    use vivaz_components::{LiveComponent, Registration, Registry, actions};

    use super::Templates;

    #[derive(LiveComponent, Clone)]
    #[live(name = "bare", inline = "", crate = "vivaz_components")]
    struct Bare {}

    #[actions(crate = "vivaz_components")]
    impl Bare {}

    /// Compiles templates of components with these names, each from a file with its name.
    fn compiled(templates: &[(&'static str, &'static str)]) -> Result<(), String> {
        let mut registry = Registry::new();
        for &(name, text) in templates {
            let mut registration = Registration::of::<Bare>();
            let file: &'static str = format!("{name}.html").leak();
            let spec = Bare::SPEC;
            registration.spec = Box::leak(Box::new(Spec {
                name,
                type_name: name,
                open: spec.open,
                durable: spec.durable,
                schema: spec.schema,
                template: TemplateSource { file, text, partials: &[], routes: &[] },
                outermost: spec.outermost,
                fields: spec.fields,
                url: &[],
                props: spec.props,
                shape: spec.shape,
                computed: spec.computed,
                actions: spec.actions,
                events: spec.events,
                hooks: spec.hooks,
            }));
            registry.add(registration).expect("names differ");
        }
        Templates::compile(&registry, []).map(drop).map_err(|error| error.to_string())
    }

    #[test]
    fn misplaced_children_are_found_at_startup() {
        for (outer, inner, why) in [
            ("button", "button", "a browser closes the first `<button>` before the second `<button>`"),
            ("a href='/'", "a href='/'", "a browser closes the first `<a>` before the second `<a>`"),
            ("form", "form", "a browser drops a `<form>` inside another `<form>`"),
            ("li", "li", "a browser closes the first `<li>` before the second `<li>`"),
            ("dd", "dt", "a browser closes the first `<dd>` before the second `<dt>`"),
        ] {
            let [a, b] = [outer, inner].map(|tag| tag.split(' ').next().unwrap_or_default());
            let parent: &'static str =
                format!("<p></p>\n<{outer}><b><live:inner></live:inner></b></{a}>").leak();
            let child: &'static str = format!("<div>\n <{inner}>x</{b}></div>").leak();
            let error = compiled(&[("inner", child), ("outer", parent)]).unwrap_err();
            let expected = format!(
                "the template of `outer` (outer.html): 2:{}: the child `inner` is inside the `<{a}>` at 2:1, and \
                 the template of `inner` (inner.html) has a `<{b}>` at 2:2: {why}",
                outer.len() + 6
            );
            assert_eq!(error, expected);
        }
    }

    #[test]
    fn nested_children_are_checked() {
        let error = compiled(&[
            ("panel", "<button live:if=\"true\"><live:card></live:card></button>"),
            (
                "card",
                "<div><live:card></live:card><live:badge live:for=\"i in null\" live:key=\"i.id\"></live:badge></div>",
            ),
            ("badge", "<ul><li live:for=\"i in null\" live:key=\"i.id\"><button>x</button></li></ul>"),
        ]);
        let expected = "the template of `panel` (panel.html): 1:24: the child `card` is inside the `<button>` at \
                        1:1 and shows the child `badge`, and the template of `badge` (badge.html) has a `<button>` at \
                        1:46: a browser closes the first `<button>` before the second `<button>`";
        assert_eq!(error.unwrap_err(), expected);
    }

    #[test]
    fn valid_nesting_is_accepted() {
        for templates in [
            // Tables, lists and drawings end the parser's search for an open element.
            [
                ("outer", "<a href='/'><live:inner></live:inner></a>"),
                ("inner", "<table><tr><td><a href='/'>x</a></td></tr></table>"),
            ],
            [
                ("outer", "<a href='/'><table><tr><td><live:inner></live:inner></td></tr></table></a>"),
                ("inner", "<a href='/'>x</a>"),
            ],
            [("outer", "<ul><li><live:inner></live:inner></li></ul>"), ("inner", "<ul><li>x</li></ul>")],
            [("outer", "<button>x</button><live:inner></live:inner>"), ("inner", "<button>x</button>")],
            [
                ("outer", "<button><live:inner></live:inner></button>"),
                ("inner", "<a href='/'>x</a><form></form>"),
            ],
            [("outer", "<form><live:inner></live:inner></form>"), ("inner", "<button>x</button>")],
            // The path leads through a component that ends the search.
            [
                (
                    "outer",
                    "<div><button><svg><foreignObject><live:inner></live:inner></foreignObject></svg></button></div>",
                ),
                ("inner", "<button>x</button>"),
            ],
            // A component that contains itself, in a list.
            [("outer", "<ul><li><live:outer></live:outer></li></ul>"), ("inner", "")],
        ] {
            assert_eq!(compiled(&templates), Ok(()), "{templates:?}");
        }
    }
}
