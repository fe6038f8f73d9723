//! Whatever a template holds: the first paint, read by a real HTML parser, and a clone of the skeleton, filled in,
//! are the same DOM, and every hole's path finds its node in both.

use serde_json::json;
use vivaz_template::{Template, compile, render};

use crate::corpus;
use crate::dom::{Element, Node, parsed};
use crate::engine::{Frame, adopted, built};

/// Empty texts are not there after parsing; what stands side by side is one text.
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

#[test]
fn first_paint_and_clone_are_the_same_dom() {
    let user = json!({"id": 7, "name": "Ada"});
    for source in corpus::TEMPLATES {
        let compiled = compile(source).unwrap_or_else(|errors| panic!("{source}\n{errors:#?}"));
        let template = &compiled.template;
        for state in corpus::states() {
            let rendered = render(&compiled, &state, Some(&user));
            let mut html = rendered.html;
            for child in rendered.children.iter().rev() {
                html.insert_str(
                    child.offset,
                    &format!("<live-component{}></live-component>", child.attributes),
                );
            }
            let frame = || Frame { state: &state, user: &user, outer: None, row: None, locals: Vec::new() };
            let mut server =
                parsed(&format!("<live-component>{html}</live-component><p>after</p>"), "live-component");
            let mut clone = built(template, 0, frame());
            normalised(&mut clone);
            assert_eq!(server, clone, "\n{source}\n{html}\n{}", template.blocks[0].html);
            let mut shape = rendered.shape.into_iter();
            adopted(template, 0, &mut server, frame(), &mut shape);
            assert_eq!(shape.next(), None, "{source}");
        }
    }
}

#[test]
fn the_compiled_form_survives_the_journey() {
    for source in corpus::TEMPLATES {
        let compiled = compile(source).unwrap_or_else(|errors| panic!("{source}\n{errors:#?}"));
        let json = compiled.template.to_json();
        let parsed: serde_json::Value = serde_json::from_str(&json).expect("valid JSON");
        let mut names = Vec::new();
        let back = Template::decode(&parsed, &mut |name| {
            names.push(name.to_owned());
            names.len() as u32
        });
        assert_eq!(back.as_ref(), Ok(&compiled.template), "{json}");
        assert_eq!(back.expect("just compared").to_json(), json);
    }
}
