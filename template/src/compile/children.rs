//! Lays out the content of an element: counts what a walk passes, and sets an anchor where
//! a walk needs one.

use super::Compiler;
use super::directives::code;
use super::resolve::Moment;
use super::text::{Item, Run};
use crate::check::{Argument, PathStep, Want};
use crate::compiled::{HoleKind, Namespace, Step};
use crate::containment::Open;
use crate::escape;
use crate::expr::{Expr, Literal};
use crate::program::Op;
use crate::source::{Code, Element, Node};
use crate::syntax;

impl Compiler {
    /// Compiles the content of `parent` (of the component if there is none), to which `path` leads.
    pub(super) fn children(&mut self, nodes: &[Node], parent: Option<&Element>, path: &[Step]) {
        let items = self.items(nodes, parent);
        self.layout(items, parent, path);
    }

    pub(super) fn layout(&mut self, items: Vec<Item<'_>>, parent: Option<&Element>, path: &[Step]) {
        let mut place = Step::default();
        let count = items.len();
        let mut text = false;
        for (i, item) in items.into_iter().enumerate() {
            text |= matches!(item, Item::Text(_));
            // Without an end, rows at the very start have their parent to themselves, as a page may rely on.
            let last = i + 1 == count && !(text && place == Step::default());
            match item {
                Item::Text(runs) => self.text(&runs, parent, path, place),
                Item::Body(rows) => {
                    self.html("<tbody>");
                    let at = parent.map_or(0, |parent| parent.at);
                    self.ancestors.push(Open { name: "tbody".into(), namespace: Namespace::Html, at });
                    self.layout(rows, None, &joined(path, place));
                    self.ancestors.pop();
                    self.html("</tbody>");
                    passed(&mut place);
                }
                Item::Chain(arms) => self.chain(&arms, path, &mut place, last),
                Item::Element(element) if element.attribute("live:for").is_some() => {
                    self.each(element, path, &mut place, last);
                }
                Item::Element(element) => {
                    self.element(element, &joined(path, place));
                    passed(&mut place);
                }
            }
        }
    }

    /// A text between elements: static, or one hole for all of it.
    fn text(&mut self, runs: &[Run<'_>], parent: Option<&Element>, path: &[Step], after: Step) {
        let code = runs.iter().find_map(|run| match run {
            Run::Hole(code) => Some(*code),
            Run::Fixed(_) => None,
        });
        self.text_allowed(parent, code);
        let value = self.text_value(runs);
        if let (Expr::Literal(Literal::Str(text)), None) = (&value, code) {
            self.html(&escape::text(text));
        } else {
            let hole = self.hole(path, HoleKind::Text { after, value });
            self.skeleton(" ");
            self.op(Op::Text(hole));
        }
    }

    /// A text as an expression.
    pub(super) fn text_value(&mut self, runs: &[Run<'_>]) -> Expr {
        let mut parts = runs.iter().map(|run| match run {
            Run::Fixed(text) => Expr::Literal(Literal::Str(text.as_str().into())),
            Run::Hole(code) => self.expression(code, Want::Text),
        });
        match (parts.next(), parts.next()) {
            (Some(only), None) => only,
            (first, second) => Expr::Concat(first.into_iter().chain(second).chain(parts).collect()),
        }
    }

    /// The anchor after rows or arms: what follows is counted from it. None is needed at the end.
    fn anchor(&mut self, end: Option<u16>, place: &mut Step) {
        if end.is_some() {
            self.html("<!>");
            *place = Step { comments: place.comments.saturating_add(1), elements: 0 };
        }
    }

    /// `live:if`, `live:else-if`, `live:else`
    fn chain(&mut self, arms: &[&Element], path: &[Step], place: &mut Step, last: bool) {
        let mut compiled = Vec::new();
        for element in arms {
            if let Some(attribute) = element.attribute("live:for") {
                self.error(
                    attribute.at,
                    "`live:if` and `live:for` cannot share an element: put the `live:if` around the list, or inside the row",
                );
            }
            let condition = ["live:if", "live:else-if"].iter().find_map(|name| element.attribute(name));
            let condition = condition.map(|attribute| match code(attribute) {
                Some(code) => self.expression(&code, Want::Condition),
                None => {
                    self.error(attribute.at, format!("`{}` needs a condition", attribute.name));
                    Expr::Literal(Literal::Null)
                }
            });
            compiled.push((condition, self.own_block(element)));
        }
        let (start, end) = (*place, (!last).then_some(place.comments));
        let hole = self.hole(path, HoleKind::If { start, end, arms: compiled });
        self.op(Op::If(hole));
        self.anchor(end, place);
    }

    /// `live:for`
    fn each(&mut self, element: &Element, path: &[Step], place: &mut Step, last: bool) {
        let (list, key, block) = self.rows(element);
        let (start, end) = (*place, (!last).then_some(place.comments));
        let hole = self.hole(path, HoleKind::For { start, end, list, key, block });
        self.op(Op::For(hole));
        self.anchor(end, place);
    }

    fn rows(&mut self, element: &Element) -> (Expr, Expr, usize) {
        let null = || Expr::Literal(Literal::Null);
        let head = element.attribute("live:for").and_then(|attribute| match code(attribute) {
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
                | Argument::Word(_)
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
        let key = match element.attribute("live:key").map(|attribute| (attribute.at, code(attribute))) {
            Some((_, Some(code))) => self.key(&code),
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

/// An element has been passed.
fn passed(place: &mut Step) {
    place.elements = place.elements.saturating_add(1);
}

fn joined(path: &[Step], step: Step) -> Vec<Step> {
    path.iter().copied().chain([step]).collect()
}
