//! A component's page at one moment: its HTML, and what is bound to which element of it.
//!
//! The HTML is what the server would render; the elements are found in it as the client adopts it: by the walks of the
//! compiled template, and by what the state chooses.

use std::collections::HashMap;
use std::rc::Rc;

use scraper::{ElementRef, Selector};
use serde_json::Value;
use vivaz_template::compiled::{Hole, HoleKind, WalkStep};
use vivaz_template::{Data, Template, push_key};

use super::scope::{At, Instance};

/// Something that is bound to an element.
#[derive(Clone)]
pub(super) struct Binding<'a> {
    pub(super) element: ElementRef<'a>,
    pub(super) hole: &'a HoleKind,
    /// The number of the hole in its block.
    pub(super) number: usize,
    pub(super) instance: Rc<Instance>,
}

/// Everything that was found.
#[derive(Default)]
pub(super) struct Found<'a> {
    pub(super) bindings: Vec<Binding<'a>>,
    /// The element that each block instance begins at.
    pub(super) roots: Vec<(ElementRef<'a>, Rc<Instance>)>,
}

/// What is shown of one component.
pub(super) struct Shown<'a> {
    pub(super) template: &'a Template,
    pub(super) state: &'a Value,
    pub(super) user: Option<&'a Value>,
    pub(super) locals: &'a HashMap<(String, usize), Value>,
}

/// A selector, or why it is none.
pub(super) fn selector(text: &str) -> Selector {
    match Selector::parse(text) {
        Ok(selector) => selector,
        Err(error) => panic!("`{text}` is no CSS selector: {error}"),
    }
}

impl<'a> Shown<'a> {
    /// Everything that is bound, in document order of the blocks.
    pub(super) fn find(&self, root: ElementRef<'a>) -> Found<'a> {
        let mut found = Found::default();
        self.block(0, root, None, None, String::new(), &mut found);
        found
    }

    fn block(
        &self,
        number: usize,
        root: ElementRef<'a>,
        outer: Option<Rc<Instance>>,
        row: Option<(Value, usize)>,
        place: String,
        found: &mut Found<'a>,
    ) {
        let Some(block) = self.template.blocks.get(number) else { return };
        let mut instance = Instance { place, outer, row, locals: Vec::new() };
        for (slot, (_, first)) in block.locals.iter().enumerate() {
            let by_now = self.locals.get(&(instance.place.clone(), slot)).cloned();
            let value = by_now.unwrap_or_else(|| first.eval(&self.at(&instance)).into_data());
            instance.locals.push(value);
        }
        let instance = Rc::new(instance);
        found.roots.push((root, Rc::clone(&instance)));
        for (number, Hole { path, kind }) in block.holes.iter().enumerate() {
            let Some(element) = path.iter().try_fold(root, |element, step| walk(element, *step)) else {
                // Inside of what belongs to somebody else.
                continue;
            };
            match kind {
                HoleKind::For { start, list, key, block, .. } => {
                    let list = list.eval(&self.at(&instance)).into_data();
                    let rows = after(element, *start).zip(list.as_array().into_iter().flatten().enumerate());
                    for (row, (index, item)) in rows {
                        let here = Instance {
                            place: String::new(),
                            outer: Some(Rc::clone(&instance)),
                            row: Some((item.clone(), index)),
                            locals: Vec::new(),
                        };
                        let key = key.eval(&self.at(&here)).into_data();
                        let place = step(&instance.place, number, &key);
                        self.block(*block, row, here.outer, here.row, place, found);
                    }
                }
                HoleKind::If { start, arms, .. } => {
                    let at = self.at(&instance);
                    let chosen = arms.iter().zip(1..).find(|((condition, _), _)| {
                        condition.as_ref().is_none_or(|condition| condition.eval(&at).truthy())
                    });
                    if let Some(((_, block), arm)) = chosen
                        && let Some(root) = after(element, *start).next()
                    {
                        let place = step(&instance.place, number, &Value::from(arm));
                        self.block(*block, root, Some(Rc::clone(&instance)), None, place, found);
                    }
                }
                HoleKind::Event { .. } | HoleKind::Model { .. } => {
                    found.bindings.push(Binding {
                        element,
                        hole: kind,
                        number,
                        instance: Rc::clone(&instance),
                    });
                }
                HoleKind::Text { .. }
                | HoleKind::Content { .. }
                | HoleKind::Html { .. }
                | HoleKind::Attribute { .. }
                | HoleKind::Class { .. }
                | HoleKind::Style { .. }
                | HoleKind::Show { .. }
                | HoleKind::Wire { .. }
                | HoleKind::Ref { .. }
                | HoleKind::Hook { .. }
                | HoleKind::Child { .. } => {}
            }
        }
    }

    fn at<'s>(&'s self, instance: &'s Instance) -> At<'s> {
        At { instance, state: self.state, user: self.user, happening: None }
    }
}

/// The place of what is inside a list or a condition, as the renderer works it out.
fn step(place: &str, hole: usize, then: &Value) -> String {
    let comma = if place.is_empty() { "" } else { "," };
    let mut place = format!("{place}{comma}{hole},");
    push_key(&then.kind(), &mut place);
    place
}

/// The child element that a step leads to.
fn walk(element: ElementRef<'_>, step: WalkStep) -> Option<ElementRef<'_>> {
    after(element, step).next()
}

/// The child elements after the place that a step leads to.
fn after(element: ElementRef<'_>, step: WalkStep) -> impl Iterator<Item = ElementRef<'_>> {
    let mut comments = step.comments;
    element
        .children()
        .skip_while(move |node| {
            let passed = comments > 0;
            comments -= u16::from(passed && node.value().is_comment());
            passed
        })
        .filter_map(ElementRef::wrap)
        .skip(step.elements.into())
}
