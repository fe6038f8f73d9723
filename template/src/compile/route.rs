//! Routes in a template: `{{ routes::Item { id } }}`, and `live:current`.

use super::Compiler;
use super::resolve::EvaluationTime;
use crate::check::{CheckKind, GivenProp, Want};
use crate::compiled::AttributeKind;
use crate::data::Name;
use crate::expr::{Expr, Literal};
use crate::program::RenderOp;
use crate::source::{Attribute, Element};
use crate::syntax::{Ast, Ident};

impl Compiler {
    /// Resolves the URL of a route.
    pub(super) fn route(
        &mut self,
        at: u32,
        path: &str,
        parameters: &[(Ident, Ast)],
        moment: EvaluationTime,
    ) -> Expr {
        let is_live = self.page.is_none();
        let (mut values, mut given) = (Vec::new(), Vec::<GivenProp>::new());
        for (name, value) in parameters {
            let (value, known) = self.resolve_part(value, Want::Text, moment);
            if given.iter().any(|other| other.name == name.text) {
                self.error(name.at, format!("the parameter `{}` is given twice", name.text));
            }
            values.push((Name::from(name.text.as_str()), value));
            given.push(GivenProp { name: name.text.clone(), argument: known.argument(), is_local: false });
        }
        self.check(at, CheckKind::Route { route: path.to_owned(), parameters: given, is_live });
        if !self.routes.iter().any(|known| **known == *path) {
            self.routes.push(path.into());
        }
        let pattern = self.patterns.iter().find(|(known, _)| known == path);
        let pattern = pattern.map(|(_, pattern)| pattern.as_str()).unwrap_or_default();
        if is_live {
            self.unplaced.push(at);
        }
        Expr::Route(pattern.into(), values)
    }

    /// Returns whether the value of an attribute is a route, or chooses between routes, and records
    /// that the routes from `first` on have this place.
    pub(super) fn placed(&mut self, value: &Expr, kind: AttributeKind, first: usize) -> bool {
        let is_placed = self.page.is_none() && kind == AttributeKind::Url && is_route(value);
        if is_placed {
            self.unplaced.truncate(first);
        }
        is_placed
    }

    /// Reports the routes of a component that are not the value of an attribute.
    pub(super) fn unplaced(&mut self) {
        for at in std::mem::take(&mut self.unplaced) {
            self.error(
                at,
                "in a component a route is the whole value of a link: `href=\"{{ routes::Item { id } }}\"`; elsewhere \
                 use a field with its URL",
            );
        }
    }

    /// Compiles `live:current`, which marks a link to the current page. Returns whether it is that
    /// directive.
    pub(super) fn current(&mut self, element: &Element, attribute: &Attribute, name: &str) -> bool {
        let (base, modifier) = name.split_once('.').unwrap_or((name, ""));
        if !base.eq_ignore_ascii_case("current") {
            return false;
        }
        if self.page.is_none() {
            self.error(
                attribute.at,
                "`live:current` belongs into a page's template, which knows the page's path",
            );
            return true;
        }
        if attribute.value.is_some() || !matches!(modifier, "" | "within") {
            self.error(
                attribute.at,
                "`live:current` has no value; `live:current.within` also marks a link to a page above this one",
            );
        }
        match element.attribute("href").filter(|_| element.is_html("a")) {
            Some(href) => {
                let href = self.value_again(href);
                self.op(RenderOp::Current(href, modifier == "within"));
            }
            None => self.error(attribute.at, "`live:current` belongs on an `<a>` with a `href`"),
        }
        if let Some(own) = element.attribute("aria-current") {
            self.error(own.at, "`live:current` sets `aria-current` itself");
        }
        true
    }
}

/// Returns whether the value is a route, or a condition whose arms are routes or null.
#[expect(clippy::wildcard_enum_match_arm, reason = "all other values are no route")]
fn is_route(value: &Expr) -> bool {
    let is_arm = |arm: &Expr| is_route(arm) || matches!(arm, Expr::Literal(Literal::Null));
    match value {
        Expr::Route(..) => true,
        Expr::If(_, then, or) => is_arm(then) && is_arm(or) && (is_route(then) || is_route(or)),
        _ => false,
    }
}
