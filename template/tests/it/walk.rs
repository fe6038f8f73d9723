//! For any template, the first paint, parsed by an HTML parser, and a filled clone of the skeleton
//! have the same DOM, and each hole's path finds its node in both.

use proptest::prelude::*;
use serde_json::json;
use vivaz_template::{compile, render};

use crate::corpus;
use crate::dom::{Element, Node, parsed};
use crate::engine::{Frame, adopted, built};

/// Removes empty texts, which parsers drop, and joins adjacent texts.
fn normalised(element: &mut Element) {
    let mut out: Vec<Node> = Vec::new();
    for mut node in std::mem::take(&mut element.children) {
        match (&mut node, out.last_mut()) {
            (Node::Text(text), _) if text.is_empty() => continue,
            (Node::Text(text), Some(Node::Text(last))) => {
                panic!("{last:?} and {text:?} would become one text")
            }
            (Node::Element(element), _) => normalised(element),
            (Node::Text(_) | Node::Comment(_), _) => {}
        }
        out.push(node);
    }
    element.children = out;
}

/// Returns whether the template compiles; if it does, checks all other properties.
fn holds(source: &str) -> bool {
    let Ok(compiled) = compile(source) else { return false };
    let user = json!({"id": 7, "name": "Ada"});
    let template = &compiled.template;
    for state in corpus::states() {
        let rendered = render(&compiled, &state, Some(&user));
        let mut html = rendered.html;
        for child in rendered.children.iter().rev() {
            html.insert_str(child.offset, &format!("<live-component{}></live-component>", child.attributes));
        }
        let frame = || Frame { state: &state, user: &user, outer: None, row: None, locals: Vec::new() };
        let page = format!("<live-component>{html}</live-component><p>after</p>");
        let mut server = parsed(&page, "live-component");
        let mut clone = built(template, 0, frame());
        normalised(&mut clone);
        assert_eq!(server, clone, "\n{source}\n{html}\n{}", template.blocks[0].html);
        let mut shape = rendered.shape.into_iter();
        adopted(template, 0, &mut server, frame(), &mut shape);
        assert_eq!(shape.next(), None, "{source}");
    }
    true
}

#[test]
fn first_paint_and_clone_are_the_same_dom() {
    for source in corpus::TEMPLATES {
        assert!(holds(source), "{source}\n{:#?}", compile(source).map(drop));
    }
}

/// Generates any elements in any order, with holes, rows and arms.
fn tree() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "text",
        " ",
        "\n  ",
        "{{ a }}",
        "{{ c }}",
        "<br>",
        "<input live:model='a'>",
        "<hr>",
        "<img src='{{ a }}'>",
        "\n",
        "&lt;",
    ]);
    let names = prop::sample::select(vec![
        "div",
        "p",
        "span",
        "a",
        "b",
        "button",
        "form",
        "ul",
        "ol",
        "li",
        "dl",
        "dt",
        "dd",
        "h1",
        "h2",
        "table",
        "caption",
        "colgroup",
        "col",
        "tbody",
        "thead",
        "tfoot",
        "tr",
        "td",
        "th",
        "select",
        "optgroup",
        "option",
        "textarea",
        "pre",
        "svg",
        "g",
        "text",
        "foreignObject",
        "title",
        "math",
        "mi",
        "mo",
        "ruby",
        "rt",
        "rp",
        "label",
        "details",
        "summary",
        "section",
        "address",
        "blockquote",
        "figure",
        "object",
        "fieldset",
        "legend",
        "my-element",
        "em",
        "code",
        "font",
        "small",
        "dialog",
        "nav",
        "menu",
        "center",
        "desc",
        "iframe",
        "template",
        "video",
    ]);
    let extra = prop::sample::select(vec![
        "",
        "",
        "",
        "",
        " live:if='yes'",
        " live:if='no'",
        " live:else",
        " live:for='r in rows' live:key='r.id'",
        " live:for='x in list' live:key='x'",
        " title='{{ b }}'",
        " live:text='b'",
        " live:local='z = 1'",
    ]);
    leaf.prop_map(str::to_owned).prop_recursive(6, 40, 5, move |inner| {
        (names.clone(), extra.clone(), prop::collection::vec(inner, 0..5)).prop_map(
            |(name, extra, content)| {
                if name == "col" {
                    format!("<{name}{extra}>")
                } else {
                    format!("<{name}{extra}>{}</{name}>", content.concat())
                }
            },
        )
    })
}

proptest! {
    /// Elements that a browser would restructure do not compile.
    #[test]
    fn compiled_templates_give_the_same_dom(trees in prop::collection::vec(tree(), 1..4)) {
        holds(&trees.concat());
    }
}
