//! Routes in a page's template: `{{ routes::Item { id } }}`, and `live:current`.

use super::Compiler;
use super::resolve::EvaluationTime;
use crate::check::{CheckKind, GivenProp, Want};
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
        if self.page.is_none() {
            let message = format!(
                "`{path}` is a route, which only a page's template can write: give the component its URL as a field"
            );
            self.error(at, message);
            return Expr::Literal(Literal::Null);
        }
        let (mut values, mut given) = (Vec::new(), Vec::<GivenProp>::new());
        for (name, value) in parameters {
            let (value, known) = self.resolve_part(value, Want::Text, moment);
            if given.iter().any(|other| other.name == name.text) {
                self.error(name.at, format!("the parameter `{}` is given twice", name.text));
            }
            values.push((Name::from(name.text.as_str()), value));
            given.push(GivenProp { name: name.text.clone(), argument: known.argument(), is_local: false });
        }
        self.check(at, CheckKind::Route { route: path.to_owned(), parameters: given });
        if !self.routes.iter().any(|known| **known == *path) {
            self.routes.push(path.into());
        }
        let pattern = self.patterns.iter().find(|(known, _)| known == path);
        let pattern = pattern.map(|(_, pattern)| pattern.as_str()).unwrap_or_default();
        Expr::Route(pattern.into(), values)
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
