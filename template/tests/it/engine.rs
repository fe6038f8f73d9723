//! A minimal page engine: builds a DOM from skeletons, and checks that server-rendered DOM can be
//! walked. `walk` does the comparisons.

use serde_json::Value as Json;
use vivaz_template::compiled::{AttributeKind, Block, Control, ModelStep, WalkStep, WireEffect};
use vivaz_template::expr::{Expr, LocalRef, Special};
use vivaz_template::{Hole, HoleKind, Kind, Name, Scope, Template, Value, url};

use crate::dom::{Element, Node, parsed};

/// The names in scope, as in a page: a chain of block instances.
pub(crate) struct Frame<'a> {
    pub(crate) state: &'a Json,
    pub(crate) user: &'a Json,
    pub(crate) outer: Option<&'a Frame<'a>>,
    pub(crate) row: Option<(&'a Json, usize)>,
    pub(crate) locals: Vec<Json>,
}

impl<'a> Frame<'a> {
    fn inner(&'a self, row: Option<(&'a Json, usize)>) -> Frame<'a> {
        Frame { state: self.state, user: self.user, outer: Some(self), row, locals: Vec::new() }
    }

    fn frames(&self) -> impl Iterator<Item = &Frame<'a>> {
        std::iter::successors(Some(self), |frame| frame.outer)
    }
}

impl Scope<Json> for Frame<'_> {
    fn root(&self, name: &Name) -> Option<&Json> {
        self.state.get(&*name.text)
    }
    fn item(&self, depth: u16) -> Option<&Json> {
        self.frames().filter_map(|frame| frame.row).nth(depth.into()).map(|row| row.0)
    }
    fn index(&self, depth: u16) -> usize {
        self.frames().filter_map(|frame| frame.row).nth(depth.into()).map_or(0, |row| row.1)
    }
    fn local(&self, at: LocalRef) -> Option<&Json> {
        self.frames().nth(at.level.into())?.locals.get(usize::from(at.slot))
    }
    fn special(&self, which: Special) -> Option<&Json> {
        (which == Special::User).then_some(self.user)
    }
}

fn text(value: &Value<'_, Json>) -> String {
    let mut out = String::new();
    value.write(&mut out);
    out
}

/// Builds the DOM of a block from its skeleton; `element` is the component's own for block 0.
pub(crate) fn built(template: &Template, number: usize, mut frame: Frame<'_>) -> Element {
    let block = &template.blocks[number];
    let skeleton = parsed(&format!("<template>{}</template>", wrapped(block)), "template");
    let mut root = match number {
        0 => Element {
            name: "live-component".into(),
            attributes: Default::default(),
            children: skeleton.children,
        },
        _ => {
            let mut root = skeleton;
            // Skeletons of SVG and MathML are parsed inside such an element.
            for _ in 0..=usize::from(wrapped(block) != *block.html) {
                let inner = root.elements().next().expect("a root element").clone();
                root = inner;
            }
            root
        }
    };
    for (_, first) in &block.locals {
        let value = first.eval(&frame).into_data();
        frame.locals.push(value);
    }
    for hole in &block.holes {
        fill(template, &mut root, hole, &frame);
    }
    root
}

fn wrapped(block: &Block) -> String {
    use vivaz_template::compiled::Namespace::{Html, MathMl, Svg};
    match block.namespace {
        Svg if !block.html.starts_with("<svg") => format!("<svg>{}</svg>", block.html),
        MathMl if !block.html.starts_with("<math") => format!("<math>{}</math>", block.html),
        Html | Svg | MathMl => block.html.to_string(),
    }
}

/// Returns the element at the end of a walk.
fn walked<'d>(root: &'d mut Element, path: &[WalkStep]) -> &'d mut Element {
    path.iter().fold(root, |element, step| {
        let at = place(element, *step);
        let next = (at..element.children.len()).find(|i| matches!(element.children[*i], Node::Element(_)));
        match &mut element.children[next.expect("an element at this step")] {
            Node::Element(element) => element,
            Node::Text(_) | Node::Comment(_) => unreachable!("expected an element"),
        }
    })
}

/// Returns the position behind the nodes that a step passes.
fn place(element: &Element, step: WalkStep) -> usize {
    let (mut comments, mut elements) = (step.comments, step.elements);
    for (i, node) in element.children.iter().enumerate() {
        if comments == 0 && elements == 0 {
            return i;
        }
        match node {
            Node::Comment(_) if comments > 0 => comments -= 1,
            Node::Element(_) if comments == 0 => elements -= 1,
            _ => {}
        }
    }
    assert_eq!((comments, elements), (0, 0), "{step:?} passes too many nodes in {element:#?}");
    element.children.len()
}

fn anchor(element: &Element, end: Option<u16>) -> usize {
    let Some(end) = end else { return element.children.len() };
    let comments = element.children.iter().enumerate().filter(|(_, node)| matches!(node, Node::Comment(_)));
    let (at, node) = comments.into_iter().nth(end.into()).expect("the anchor");
    assert_eq!(*node, Node::Comment(String::new()));
    at
}

fn attribute(value: &Value<'_, Json>, kind: AttributeKind) -> Option<String> {
    let word = kind == AttributeKind::Word;
    let text = match value.kind() {
        Kind::Null => return None,
        Kind::Bool(false) if !word => return None,
        Kind::Bool(true) if !word => String::new(),
        _ => text(value),
    };
    let refused = match kind {
        AttributeKind::Url => url::is_script(&text),
        AttributeKind::UrlList => url::any_script(&text),
        _ => false,
    };
    Some(if refused { url::REFUSED.into() } else { text })
}

fn add_classes(element: &mut Element, classes: &str) {
    let old = element.attributes.remove("class").unwrap_or_default();
    let all: Vec<&str> = old.split_whitespace().chain(classes.split_whitespace()).collect();
    if !all.is_empty() {
        element.attributes.insert("class".into(), all.join(" "));
    }
}

fn fill(template: &Template, root: &mut Element, hole: &Hole, frame: &Frame<'_>) {
    let element = walked(root, &hole.path);
    match &hole.kind {
        HoleKind::Text { after, value } => {
            let at = place(element, *after);
            assert_eq!(
                element.children[at],
                Node::Text(" ".into()),
                "a text hole's placeholder in {element:#?}"
            );
            element.children[at] = Node::Text(text(&value.eval(frame)));
        }
        HoleKind::Content { value } => {
            element.children = vec![Node::Text(text(&value.eval(frame)))];
        }
        HoleKind::Html { value } => {
            let html = format!("<{0}>{1}</{0}>", element.name, text(&value.eval(frame)));
            element.children = parsed(&html, &element.name).children;
        }
        HoleKind::Attribute { kind: AttributeKind::Class, value, .. } => {
            add_classes(element, &text(&value.eval(frame)));
        }
        HoleKind::Attribute { name, value, .. } if element.name == "select" && &**name == "value" => {
            choose(element, &value.eval(frame).into_data());
        }
        HoleKind::Attribute { name, value, kind } => element.set(name, attribute(&value.eval(frame), *kind)),
        HoleKind::Class { name, on } if on.eval(frame).truthy() => add_classes(element, name),
        HoleKind::Show { on } => element.set("hidden", (!on.eval(frame).truthy()).then(String::new)),
        HoleKind::For { start, end, list, block, .. } => {
            let at = anchor(element, *end);
            assert!(place(element, *start) <= at);
            let list = list.eval(frame).into_data();
            for (i, item) in list.as_array().into_iter().flatten().enumerate() {
                let row = built(template, *block, frame.inner(Some((item, i))));
                element.children.insert(at + i, Node::Element(row));
            }
        }
        HoleKind::If { start, end, arms } => {
            let at = anchor(element, *end);
            assert!(place(element, *start) <= at);
            let holds = |(condition, _): &&(Option<Expr>, usize)| {
                condition.as_ref().is_none_or(|c| c.eval(frame).truthy())
            };
            if let Some((_, block)) = arms.iter().find(holds) {
                element.children.insert(at, Node::Element(built(template, *block, frame.inner(None))));
            }
        }
        HoleKind::Model { property, value, control, .. } => {
            assert_eq!(led(property, frame), value.eval(frame).into_data(), "{property:?}");
            let value = value.eval(frame);
            match control {
                Control::Text | Control::Number if element.name == "textarea" => {
                    element.children = vec![Node::Text(text(&value))];
                }
                Control::Editable => {
                    let mut lines = text(&value).replace("\r\n", "\n").replace('\r', "\n");
                    if lines.ends_with('\n') {
                        lines.push('\n');
                    }
                    element.children = vec![Node::Text(lines)];
                }
                Control::Text | Control::Number => {
                    element.set("value", attribute(&value, AttributeKind::Word));
                }
                Control::Checkbox => element.set("checked", value.truthy().then(String::new)),
                Control::Choice => {
                    let value = value.into_data();
                    let own = element.attributes.get("value").map_or("on", String::as_str);
                    let on = match &value {
                        Json::Array(items) => items.iter().any(|item| text(&Value::Borrowed(item)) == own),
                        value => Value::Borrowed(value).truthy(),
                    };
                    element.set("checked", on.then(String::new));
                }
                Control::Radio => {
                    let chosen = element.attributes.get("value") == Some(&text(&value));
                    element.set("checked", chosen.then(String::new));
                }
                Control::Select | Control::SelectMultiple => choose(element, &value.into_data()),
            }
        }
        HoleKind::Wire { effect, .. } => {
            let hidden = if element.attributes.contains_key("display") { "display" } else { "hidden" };
            assert!(*effect != WireEffect::Show || element.attributes.contains_key(hidden));
        }
        HoleKind::Child { .. } => assert_eq!(element.name, "live-component"),
        HoleKind::Class { .. }
        | HoleKind::Style { .. }
        | HoleKind::Event { .. }
        | HoleKind::Ref { .. }
        | HoleKind::Hook { .. } => {}
    }
}

/// Returns the value at the end of the path to a property.
fn led(property: &[ModelStep], frame: &Frame<'_>) -> Json {
    let mut steps = property.iter();
    let Some(ModelStep::Field(root)) = steps.next() else {
        panic!("{property:?} does not begin with a field")
    };
    let mut at = Expr::Root(root.clone()).eval(frame).into_data();
    for step in steps {
        at = match step {
            ModelStep::Field(name) => at[&*name.text].clone(),
            ModelStep::Key(key) => {
                let key = key.eval(frame).into_data();
                let items = at.as_array().expect("a list");
                items.iter().find(|item| item["id"] == key).expect("no item with that key").clone()
            }
        };
    }
    at
}

/// Selects the options of a select, which exist already: the select's hole follows theirs.
fn choose(element: &mut Element, value: &Json) {
    for option in element.elements() {
        if option.name != "option" {
            choose(option, value);
            continue;
        }
        let own = option.attributes.get("value").cloned().unwrap_or_else(|| option.text());
        let same = |value: &Json| text(&Value::Borrowed(value)) == own;
        let chosen = match value {
            Json::Array(values) => values.iter().any(same),
            value => same(value),
        };
        option.set("selected", chosen.then(String::new));
    }
}

/// Walks server-rendered DOM by a shape, and checks that each hole's node exists and has its value.
pub(crate) fn adopted(
    template: &Template,
    number: usize,
    root: &mut Element,
    mut frame: Frame<'_>,
    shape: &mut dyn Iterator<Item = u32>,
) {
    let block = &template.blocks[number];
    for (_, first) in &block.locals {
        let value = first.eval(&frame).into_data();
        frame.locals.push(value);
    }
    for hole in &block.holes {
        let element = walked(root, &hole.path);
        match &hole.kind {
            HoleKind::Text { after, value } => {
                let expected = text(&value.eval(&frame));
                let at = place(element, *after);
                match element.children.get(at) {
                    Some(Node::Text(found)) => assert_eq!(*found, expected, "in {element:#?}"),
                    _ => assert_eq!(expected, "", "a text hole without its text in {element:#?}"),
                }
            }
            HoleKind::Content { value } => assert_eq!(element.text(), text(&value.eval(&frame))),
            HoleKind::For { start, end, list, block, .. } => {
                let list = list.eval(&frame).into_data();
                let items = list.as_array().cloned().unwrap_or_default();
                assert_eq!(shape.next(), Some(items.len() as u32));
                let (from, to) = (place(element, *start), anchor_after(element, *start, *end));
                let mut rows = element.children[from..to].iter_mut().filter_map(|node| match node {
                    Node::Element(element) => Some(element),
                    Node::Text(_) | Node::Comment(_) => None,
                });
                for (i, item) in items.iter().enumerate() {
                    let row = rows.next().expect("a row for each item");
                    adopted(template, *block, row, frame.inner(Some((item, i))), shape);
                }
                assert!(rows.next().is_none(), "more rows than items");
            }
            HoleKind::If { start, end, arms } => {
                let chosen = shape.next().expect("an arm's number") as usize;
                let (from, to) = (place(element, *start), anchor_after(element, *start, *end));
                let mut nodes = element.children[from..to].iter_mut().filter_map(|node| match node {
                    Node::Element(element) => Some(element),
                    Node::Text(_) | Node::Comment(_) => None,
                });
                if let Some((_, block)) = chosen.checked_sub(1).map(|arm| &arms[arm]) {
                    let arm = nodes.next().expect("the arm's element");
                    adopted(template, *block, arm, frame.inner(None), shape);
                }
                assert!(nodes.next().is_none(), "more than one arm");
            }
            _ => {}
        }
    }
}

/// Returns the position at which rows end: at their anchor, or at the end of the parent.
fn anchor_after(element: &Element, start: WalkStep, end: Option<u16>) -> usize {
    let at = anchor(element, end);
    assert!(place(element, start) <= at);
    at
}
