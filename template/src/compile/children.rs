//! Lays out the content of an element: counts the nodes for walks, and adds an anchor where a walk
//! needs one.

use super::Compiler;
use super::directives::code;
use super::resolve::EvaluationTime;
use super::text::{Run, TextItem};
use crate::check::{PathStep, Want};
use crate::compiled::{HoleKind, Namespace, WalkStep};
use crate::containment::OpenElement;
use crate::escape;
use crate::expr::{Expr, Literal};
use crate::program::RenderOp;
use crate::source::{Code, Element, SourceNode};
use crate::syntax;

/// Where rows or arms end.
#[derive(Clone, Copy, PartialEq)]
enum End {
    /// At an anchor behind them.
    Anchor,
    /// At the end of their parent.
    Parent,
}

impl Compiler {
    /// Compiles the content of `parent` (of the component if there is none), to which `path` leads.
    pub(super) fn children(&mut self, nodes: &[SourceNode], parent: Option<&Element>, path: &[WalkStep]) {
        let items = self.items(nodes, parent);
        self.layout(items, parent, path);
    }

    pub(super) fn layout(&mut self, items: Vec<TextItem<'_>>, parent: Option<&Element>, path: &[WalkStep]) {
        let mut place = WalkStep::default();
        let count = items.len();
        let mut text = false;
        for (i, item) in items.into_iter().enumerate() {
            text |= matches!(item, TextItem::Text(_));
            // Rows at the very start without an end are the only content of their parent, on which
            // a page may rely.
            let is_last = i + 1 == count && !(text && place == WalkStep::default());
            let end = if is_last { End::Parent } else { End::Anchor };
            match item {
                TextItem::Text(runs) => self.text(&runs, parent, path, place),
                TextItem::Body(rows) => {
                    self.html("<tbody>");
                    let at = parent.map_or(0, |parent| parent.at);
                    self.ancestors.push(OpenElement { name: "tbody".into(), namespace: Namespace::Html, at });
                    self.layout(rows, None, &joined(path, place));
                    self.ancestors.pop();
                    self.html("</tbody>");
                    passed(&mut place);
                }
                TextItem::Chain(arms) => self.chain(&arms, path, &mut place, end),
                TextItem::Element(element) if element.attribute("live:for").is_some() => {
                    self.each(element, path, &mut place, end);
                }
                TextItem::Element(element) => {
                    self.element(element, &joined(path, place));
                    passed(&mut place);
                }
            }
        }
    }

    /// Compiles a text between elements: static, or one hole for all of it.
    fn text(&mut self, runs: &[Run<'_>], parent: Option<&Element>, path: &[WalkStep], after: WalkStep) {
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
            self.op(RenderOp::Text(hole));
        }
    }

    /// Converts a text into an expression.
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

    /// Adds the anchor after rows or arms, from which later nodes are counted. None is needed at
    /// the end.
    fn anchor(&mut self, end: Option<u16>, place: &mut WalkStep) {
        // A page's own HTML is never updated.
        if end.is_some() && self.page.is_none() {
            self.html("<!>");
            *place = WalkStep { comments: place.comments.saturating_add(1), elements: 0 };
        }
    }

    /// Compiles `live:if`, `live:else-if` and `live:else`.
    fn chain(&mut self, arms: &[&Element], path: &[WalkStep], place: &mut WalkStep, end: End) {
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
        let (start, end) = (*place, (end == End::Anchor).then_some(place.comments));
        let hole = self.hole(path, HoleKind::If { start, end, arms: compiled });
        self.op(RenderOp::If(hole));
        self.anchor(end, place);
    }

    /// Compiles `live:for`.
    fn each(&mut self, element: &Element, path: &[WalkStep], place: &mut WalkStep, end: End) {
        let (list, key, block) = self.rows(element);
        let (start, end) = (*place, (end == End::Anchor).then_some(place.comments));
        let hole = self.hole(path, HoleKind::For { start, end, list, key, block });
        self.op(RenderOp::For(hole));
        self.anchor(end, place);
    }

    fn rows(&mut self, element: &Element) -> (Expr, Expr, usize) {
        let null = || Expr::Literal(Literal::Null);
        let head = element.attribute("live:for").and_then(|attribute| match code(attribute) {
            Some(code) => self.parsed(syntax::loop_head(&code.text, code.at)),
            None => {
                self.error(attribute.at, "`live:for` needs the form `item in list` or `item, index in list`");
                None
            }
        });
        if let (Some(why), Some(attribute)) = (self.closed, element.attribute("live:for")) {
            self.error(attribute.at, why);
        }
        let mark = self.scopes.mark();
        let list = head.map_or_else(null, |head| {
            let (list, argument) = self.resolve(&head.list, Want::List, EvaluationTime::Render);
            let item = argument.path().map(|list| {
                let mut steps = list.clone();
                steps.push(PathStep::Each);
                steps
            });
            self.declare(&head.item);
            let index = head.index.map(|index| {
                self.declare(&index);
                index.text
            });
            let partial = self.sources.use_at(head.item.at);
            self.scopes.add_loop(head.item.text, partial, index, item, list.clone());
            list
        });
        let key = match element.attribute("live:key").map(|attribute| (attribute.at, code(attribute))) {
            Some((_, Some(code))) => self.key(&code),
            Some((at, None)) => {
                self.error(at, "`live:key` needs a value that identifies the row, such as `item.id`");
                null()
            }
            None if self.page.is_some() => Expr::Index(0),
            None => {
                self.error(
                    element.at,
                    "`live:for` needs a `live:key` that identifies the row, such as `live:key=\"item.id\"`",
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
                "a position cannot be a key, because rows would swap their content; use the item's id",
            );
        }
        if let Expr::Literal(_) = key {
            self.error(code.at, "a key must differ from row to row");
        }
        key
    }
}

/// Counts an element.
fn passed(place: &mut WalkStep) {
    place.elements = place.elements.saturating_add(1);
}

fn joined(path: &[WalkStep], step: WalkStep) -> Vec<WalkStep> {
    path.iter().copied().chain([step]).collect()
}
