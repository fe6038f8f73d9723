//! Child components.

use super::Compiler;
use super::element::{StartTag, blank, live};
use crate::check::{Argument, CheckKind, GivenProp, Want};
use crate::compiled::{HoleKind, WalkStep};
use crate::containment::{Enclosing, ExclusiveGroup, enclosing};
use crate::data::Name;
use crate::expr::{Expr, Literal};
use crate::program::RenderOp;
use crate::source::Element;

impl Compiler {
    /// Compiles `<live:NAME prop="{{ value }}"></live:NAME>`.
    pub(super) fn child(&mut self, element: &Element, component: &str, path: &[WalkStep]) {
        let valid = component.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
        if component.is_empty() || !valid {
            self.error(
                element.at,
                "write a child component as `<live:NAME></live:NAME>`, with its registered name",
            );
        }
        if let Some(why) = self.closed {
            self.error(element.at, why);
        }
        if !blank(&element.children) {
            self.error(
                element.at,
                format!(
                    "there is no file `partials/{component}.html`, and a component renders its own content: pass data to `{}` as props",
                    element.tag()
                ),
            );
        }
        let (mut props, mut checks) = (Vec::new(), Vec::new());
        let mut key = None;
        // The child's hole precedes those of its attributes, so that the child exists when they are
        // set.
        let unknown = HoleKind::Child { component: component.into(), props: Vec::new(), key: None };
        let hole = self.hole(path, unknown);
        self.skeleton("<live-component");
        let around = self.around_content();
        self.op(RenderOp::ChildStart(hole, around));
        let mut tag = StartTag::default();
        for attribute in &element.attributes {
            match live(attribute) {
                Some(name)
                    if name.eq_ignore_ascii_case("key")
                        && self.page.is_none()
                        && element.attribute("live:for").is_none() =>
                {
                    key = Some(self.required(attribute, Want::Text));
                }
                Some(name) => {
                    let base = name.split(['.', ':']).next().unwrap_or_default().to_ascii_lowercase();
                    if matches!(base.as_str(), "html" | "text" | "model" | "ignore") {
                        self.error(
                            attribute.at,
                            format!(
                                "`live:{base}` has no effect on a child component, which renders its own content"
                            ),
                        );
                    } else {
                        self.directive(element, attribute, name, path, &mut tag);
                    }
                }
                None if own_attribute(&attribute.name.to_ascii_lowercase()) => {
                    self.attribute(element, attribute, path, &mut tag);
                    if attribute.name.eq_ignore_ascii_case("id") {
                        let id = self.value_again(attribute);
                        self.op(RenderOp::ChildId(id));
                    }
                }
                None => {
                    let name = attribute.name.replace('-', "_");
                    let pieces = self.pieces(attribute);
                    let (value, argument) = match attribute.value {
                        Some(_) => self.value(pieces, Want::Any),
                        None => (Expr::Literal(Literal::Bool(true)), Argument::Bool),
                    };
                    let is_local = self.scopes.reads_local(&value);
                    props.push((Name::from(name.as_str()), value));
                    checks.push(GivenProp { name, argument, is_local });
                }
            }
        }
        self.write_classes(&tag);
        self.op(RenderOp::ChildEnd);
        self.skeleton("></live-component>");
        let within =
            ExclusiveGroup::ALL.into_iter().filter_map(|group| match enclosing(group, &self.ancestors) {
                Enclosing::In(open) => Some(open.name.to_string()),
                Enclosing::Shut | Enclosing::Outside => None,
            });
        let within = within.collect();
        self.check(element.at, CheckKind::Child { component: component.to_owned(), props: checks, within });
        if let Some(hole) = self.block().holes.get_mut(hole) {
            hole.kind = HoleKind::Child { component: component.into(), props, key };
        }
        let mut events = std::mem::take(&mut tag.events);
        self.asks(element, &mut events);
        self.events(element, events, path);
    }
}

/// Returns whether an attribute belongs to the child component's element; all others are props.
fn own_attribute(name: &str) -> bool {
    matches!(name, "id" | "class" | "style" | "slot" | "hidden")
        || name.starts_with("data-")
        || name.starts_with("aria-")
}
