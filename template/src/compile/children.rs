//! Lays out the content of an element: counts what a walk passes, and sets markers where a walk needs them.

use super::Compiler;
use super::resolve::Moment;
use super::text::Item;
use crate::check::{Argument, PathStep, Want};
use crate::compiled::{HoleKind, Namespace, Step};
use crate::expr::{Expr, Literal};
use crate::program::Op;
use crate::render::escape;
use crate::source::{Code, Element, Node};
use crate::syntax;

/// What stands before the next item, in the same text if it is text.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    /// An element, a marker, or nothing.
    Edge,
    /// Static text.
    Text,
    /// A text hole.
    Hole,
}

/// How far a walk over one element's children has come.
struct Layout {
    place: Step,
    before: Before,
}

impl Compiler {
    /// Compiles the content of `parent` (of the component if there is none), to which `path` leads.
    pub(super) fn children(&mut self, nodes: &[Node], parent: Option<&Element>, path: &[Step]) {
        let items = self.items(nodes, parent);
        self.layout(items, parent, path);
    }

    pub(super) fn layout(&mut self, items: Vec<Item<'_>>, parent: Option<&Element>, path: &[Step]) {
        let mut layout = Layout { place: Step::default(), before: Before::Edge };
        let last = items.len().saturating_sub(1);
        for (i, item) in items.into_iter().enumerate() {
            match item {
                Item::Text(text) => {
                    self.text_allowed(parent, None);
                    if layout.before == Before::Hole {
                        self.marker(&mut layout);
                    }
                    let escaped = escape::text(&text);
                    self.html(&escaped);
                    layout.before = Before::Text;
                }
                Item::Hole(code) => {
                    self.text_allowed(parent, Some(code));
                    if layout.before != Before::Edge {
                        self.marker(&mut layout);
                    }
                    let value = self.expression(code, Want::Text);
                    let hole = self.hole(path, HoleKind::Text { after: layout.place, value });
                    self.skeleton(" ");
                    self.op(Op::Text(hole));
                    layout.before = Before::Hole;
                }
                Item::Body(rows) => {
                    self.html("<tbody>");
                    self.ancestors.push(("tbody".to_owned(), Namespace::Html));
                    self.layout(rows, None, &joined(path, layout.place));
                    self.ancestors.pop();
                    self.html("</tbody>");
                    layout.element();
                }
                Item::Chain(arms) => self.chain(&arms, path, &mut layout, i == last),
                Item::Element(element) if element.attribute("live:for").is_some() => {
                    self.each(element, path, &mut layout, i == last);
                }
                Item::Element(element) => {
                    self.element(element, &joined(path, layout.place));
                    layout.element();
                }
            }
        }
    }

    fn marker(&mut self, layout: &mut Layout) {
        self.html("<!>");
        layout.place = Step { comments: layout.place.comments.saturating_add(1), elements: 0 };
        layout.before = Before::Edge;
    }

    /// The anchor after rows or arms: what follows is counted from it. None is needed at the end.
    fn anchor(&mut self, end: Option<u16>, layout: &mut Layout) {
        if end.is_some() {
            self.marker(layout);
        }
    }

    /// `live:if`, `live:else-if`, `live:else`
    fn chain(&mut self, arms: &[&Element], path: &[Step], layout: &mut Layout, last: bool) {
        let mut compiled = Vec::new();
        for element in arms {
            if let Some(attribute) = element.attribute("live:for") {
                self.error(
                    attribute.at,
                    "`live:if` and `live:for` cannot share an element: put the `live:if` around the list, or inside the row",
                );
            }
            let condition = ["live:if", "live:else-if"].iter().find_map(|name| element.attribute(name));
            let condition = condition.map(|attribute| match &attribute.value {
                Some(code) => self.expression(code, Want::Condition),
                None => {
                    self.error(attribute.at, format!("`{}` needs a condition", attribute.name));
                    Expr::Literal(Literal::Null)
                }
            });
            compiled.push((condition, self.own_block(element)));
        }
        let (start, end) = (layout.place, (!last).then_some(layout.place.comments));
        let hole = self.hole(path, HoleKind::If { start, end, arms: compiled });
        self.op(Op::If(hole));
        self.anchor(end, layout);
    }

    /// `live:for`
    fn each(&mut self, element: &Element, path: &[Step], layout: &mut Layout, last: bool) {
        let (list, key, block) = self.rows(element);
        let (start, end) = (layout.place, (!last).then_some(layout.place.comments));
        let hole = self.hole(path, HoleKind::For { start, end, list, key, block });
        self.op(Op::For(hole));
        self.anchor(end, layout);
    }

    fn rows(&mut self, element: &Element) -> (Expr, Expr, usize) {
        let null = || Expr::Literal(Literal::Null);
        let head = element.attribute("live:for").and_then(|attribute| match &attribute.value {
            Some(code) => self.parsed(syntax::loop_head(&code.text, code.at)),
            None => {
                self.error(attribute.at, "`live:for` is `item in list` or `item, index in list`");
                None
            }
        });
        if let (Some(why), Some(attribute)) = (self.closed, element.attribute("live:for")) {
            self.error(attribute.at, why);
        }
        let mark = self.scopes.mark();
        let list = head.map_or_else(null, |head| {
            let (list, argument) = self.resolve(&head.list, Want::List, Moment::Render);
            let item = match argument {
                Argument::Path(mut steps) => {
                    steps.push(PathStep::Each);
                    Some(steps)
                }
                Argument::Null
                | Argument::Bool
                | Argument::Int
                | Argument::Float
                | Argument::Text
                | Argument::Any => None,
            };
            self.declare(&head.item);
            let index = head.index.map(|index| {
                self.declare(&index);
                index.text
            });
            self.scopes.add_loop(head.item.text, index, item, list.clone());
            list
        });
        let key = match element.attribute("live:key").map(|attribute| (attribute.at, &attribute.value)) {
            Some((_, Some(code))) => self.key(code),
            Some((at, None)) => {
                self.error(at, "`live:key` needs a value: what tells a row from all others, as `item.id`");
                null()
            }
            None => {
                self.error(
                    element.at,
                    "`live:for` needs a `live:key`: what tells a row from all others, as `live:key=\"item.id\"`",
                );
                null()
            }
        };
        self.scopes.set_key(key.clone());
        let block = self.own_block(element);
        self.scopes.forget(mark);
        (list, key, block)
    }

    fn key(&mut self, code: &Code) -> Expr {
        let key = self.expression(code, Want::Text);
        if let Expr::Index(0) = key {
            self.error(
                code.at,
                "a position is no key: rows would swap their content; use what the item is known by",
            );
        }
        if let Expr::Literal(_) = key {
            self.error(code.at, "a key has to differ from row to row");
        }
        key
    }
}

impl Layout {
    /// An element has been passed.
    fn element(&mut self) {
        self.place.elements = self.place.elements.saturating_add(1);
        self.before = Before::Edge;
    }
}

fn joined(path: &[Step], step: Step) -> Vec<Step> {
    path.iter().copied().chain([step]).collect()
}
