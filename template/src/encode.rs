//! Encodes a template for the page as JSON, which the page downloads and from which a template's
//! hash is computed. [`code`] describes the format.
//!
//! All addresses and reads are computed here, once for all pages.

mod child;
mod expr;
mod masks;
mod place;

use crate::code::{self, DomHole, hole, op};
use crate::compile::Compiled;
use crate::compiled::{
    AttributeKind, Block, Control, EventTarget, Form, Hole, HoleKind, ModelStep, WalkStep, WireEffect,
};
use crate::data::Name;
use crate::expr::{Expr, Literal};
use child::{EncodedChild, EncoderInput};
use masks::Masks;
#[cfg(feature = "render")]
pub(crate) use place::push_quoted;
use place::{array, path, place, quoted};

/// The starts of elements that the user edits or submits. They require the page's module
/// `controls`.
const CONTROLS: [&str; 4] = ["<form", "<input", "<select", "<textarea"];

impl Compiled {
    /// Encodes the template for the page. The same template gives the same bytes. `is_shared`
    /// returns whether a field of the component shows a topic.
    pub fn to_json(&self, is_shared: &dyn Fn(&str) -> bool) -> String {
        self.to_json_with(is_shared, None)
    }

    /// Encodes the template as [`to_json`](Self::to_json) does. `params` describes as JSON how the
    /// component follows the page's URL, if it does.
    pub fn to_json_with(&self, is_shared: &dyn Fn(&str) -> bool, params: Option<&str>) -> String {
        let source = EncoderInput::of(self, is_shared);
        let all = &self.template.blocks;
        let mut names = NameTable::default();
        let masks = Masks::of(&source, &mut names);
        let mut out = Encoder { names, submits: Vec::new(), code: vec!["0".to_owned(); all.len()] };
        let mut blocks = Vec::new();
        for (at, block) in all.iter().enumerate() {
            blocks.push(out.block(at, block, &masks, &source, params.filter(|_| at == 0)));
        }
        let names: Vec<String> = out.names.0.iter().map(|name| quoted(name)).collect();
        array(&[
            code::VERSION.to_string(),
            array(&names),
            array(&masks.meaning()),
            array(&blocks),
            array(&out.code),
        ])
    }
}

/// The names of fields in the code.
#[derive(Default)]
struct NameTable(Vec<String>);

impl NameTable {
    /// Returns a name's position and adds the name if it is new.
    fn at(&mut self, name: &str) -> i64 {
        let at = self.0.iter().position(|known| known == name).unwrap_or_else(|| {
            self.0.push(name.to_owned());
            self.0.len() - 1
        });
        number(at)
    }
}

/// Writes the code.
struct Encoder {
    names: NameTable,
    /// The submit events of forms: the block and the walk of the form, and the address. A form
    /// precedes its buttons.
    submits: Vec<(usize, Vec<WalkStep>, usize)>,
    /// Scalars as JSON.
    code: Vec<String>,
}

impl Encoder {
    fn int(&mut self, n: impl Into<i64>) {
        self.code.push(n.into().to_string());
    }

    fn text(&mut self, text: &str) {
        self.code.push(quoted(text));
    }

    /// Reserves an element for a number that is not known yet and returns its position.
    fn reserve(&mut self) -> usize {
        self.int(0);
        self.code.len() - 1
    }

    fn set(&mut self, place: usize, n: usize) {
        if let Some(word) = self.code.get_mut(place) {
            *word = n.to_string();
        }
    }

    /// Sets the reserved element to the current address.
    fn here(&mut self, place: usize) {
        self.set(place, self.code.len());
    }

    /// Writes the code of a block and returns the block for the DOM.
    fn block(
        &mut self,
        at: usize,
        block: &Block,
        masks: &Masks,
        source: &EncoderInput<'_>,
        params: Option<&str>,
    ) -> String {
        // The events' code precedes the holes, because the connection state refers to its element's
        // own event.
        let events: Vec<usize> = block.holes.iter().map(|hole| self.event(&hole.kind)).collect();
        self.here(at);
        let parts = block.holes.iter().filter(|hole| is_part(hole)).count();
        self.int(number(1 + 2 * parts));
        self.int(masks.block(at));
        let (locals, count) = (self.reserve(), self.reserve());
        let (mut places, mut further, mut coded) = (Vec::new(), Vec::new(), 0);
        for (position, (hole, event)) in block.holes.iter().zip(&events).enumerate() {
            let mask = masks.hole(at, position);
            if let Some(child) = EncodedChild::of(source, at, position) {
                let mut next = |place: DomHole| {
                    further.push(array(&[(place as u8).to_string(), path(&hole.path)]));
                    block.holes.len() + further.len() - 1
                };
                // The place comes last, because other props and the key depend on the position.
                if let Some(key) = child.key {
                    self.hole(next(DomHole::Key), mask, hole::VALUE, |out| out.expr(key));
                    coded += 1;
                }
                if !child.shared.is_empty() {
                    self.hole(next(DomHole::Shared), mask, hole::VALUE, |out| out.object(&child.shared));
                    coded += 1;
                }
                self.hole(position, mask, hole::VALUE, |out| out.child(&child));
                coded += 1;
            }
            for (k, key) in keys(hole).enumerate() {
                further.push(array(&[(DomHole::AtKey as u8).to_string(), path(&hole.path), k.to_string()]));
                self.key(block.holes.len() + further.len() - 1, mask, key);
                coded += 1;
            }
            let is_own = |of: &Hole| of.path == hole.path && !is_poll(&of.kind);
            let own = block.holes.iter().zip(&events).find(|(of, event)| **event > 0 && is_own(of));
            let own = own.map_or(0, |(_, event)| *event);
            if let HoleKind::Event { event: name, .. } = &hole.kind
                && &**name == "submit"
            {
                self.submits.push((at, hole.path.clone(), *event));
            }
            if self.coded(hole, (position, mask), masks.depth(at) + 1, own) {
                coded += 1;
            }
            places.push(place(hole, *event));
        }
        if let Some(key) = masks::edited_row_key(&source.template.blocks, at) {
            further.push(array(&[(DomHole::AtKey as u8).to_string(), array(&[]), quoted("row")]));
            self.key(block.holes.len() + further.len() - 1, masks.key(at), key);
            coded += 1;
        }
        // These are numbered after all others, so that the numbers in places equal the holes'
        // positions.
        places.append(&mut further);
        self.set(count, coded);
        self.here(locals);
        self.int(number(block.locals.len()));
        for (_, first) in &block.locals {
            self.expr(first);
        }
        let mut parts = vec![quoted(&block.html), (block.namespace as u8).to_string(), array(&places)];
        let mut modules = modules(block);
        if params.is_some() {
            modules.extend(["entries", "url"].map(quoted));
        }
        if !modules.is_empty() {
            parts.push(array(&modules));
        }
        parts.extend(params.map(ToOwned::to_owned));
        array(&parts)
    }

    /// Returns the address of a form's submit event.
    fn submit(&self, form: &Form) -> usize {
        let of =
            |(block, path, _): &&(usize, Vec<WalkStep>, usize)| *block == form.block && *path == form.path;
        self.submits.iter().find(of).map_or(0, |(.., event)| *event)
    }

    fn hole(&mut self, number: usize, mask: i64, kind: i64, write: impl FnOnce(&mut Self)) {
        let end = self.reserve();
        self.int(mask);
        self.int(self::number(number));
        self.int(kind);
        write(self);
        self.here(end);
    }

    /// Writes a key as an object, which the page receives as JSON, because a number and its text
    /// are two keys.
    fn key(&mut self, number: usize, mask: i64, key: &Expr) {
        let key = [(Name::from("id"), key.clone())];
        self.hole(number, mask, hole::VALUE, |out| out.object(&key));
    }

    /// Writes the code of a hole; returns `false` if it has none. `depth` is the number of loops
    /// around its rows, `own` the address of the element's own event.
    fn coded(&mut self, of: &Hole, (at, mask): (usize, i64), depth: i64, own: usize) -> bool {
        match &of.kind {
            HoleKind::Text { value, .. }
            | HoleKind::Content { value }
            | HoleKind::Html { value }
            | HoleKind::Attribute { value, .. }
            | HoleKind::Style { value, .. }
            | HoleKind::Class { on: value, .. }
            | HoleKind::Show { on: value } => self.hole(at, mask, hole::VALUE, |out| out.expr(value)),
            HoleKind::Model { value, .. } => self.hole(at, mask, hole::VALUE, |out| out.expr(value)),
            HoleKind::Wire { state, targets, form, .. } => self.hole(at, mask, hole::VALUE, |out| {
                let form = form.as_ref().filter(|_| own == 0);
                for left in (0..targets.len().max(1)).rev() {
                    if left > 0 {
                        out.int(op::OR);
                    }
                    out.int(op::WIRE);
                    out.int(*state as u8);
                    match targets.get(left) {
                        Some(target) => out.text(target),
                        None => out.code.push("null".to_owned()),
                    }
                    out.int(number(form.map_or(own, |form| out.submit(form))));
                    out.int(form.map_or(0, |form| form.level));
                }
            }),
            HoleKind::For { start, end, list, key, block } => self.hole(at, mask, hole::ROWS, |out| {
                let alone = *start == WalkStep::default() && end.is_none();
                out.int(number(*block));
                out.int(u8::from(alone) | u8::from(end.is_some()) << 1);
                out.int(depth);
                out.followed(list);
                out.expr(list);
                out.expr(key);
            }),
            HoleKind::If { end, arms, .. } => self.hole(at, mask, hole::ARMS, |out| {
                out.int(u8::from(end.is_some()) << 1);
                out.int(number(arms.len()));
                for (condition, block) in arms {
                    out.int(number(*block));
                    out.expr(condition.as_ref().unwrap_or(&Expr::Literal(Literal::Bool(true))));
                }
            }),
            // A child has several; see `block`.
            HoleKind::Event { .. }
            | HoleKind::Ref { .. }
            | HoleKind::Hook { .. }
            | HoleKind::Child { .. } => {
                return false;
            }
        }
        true
    }
}

/// Returns the names of the client's modules that the block requires.
#[expect(clippy::wildcard_enum_match_arm, reason = "only these holes have pauses")]
fn modules(block: &Block) -> Vec<String> {
    let any = |is: fn(&HoleKind) -> bool| block.holes.iter().any(|hole| is(&hole.kind));
    let controls = CONTROLS.iter().any(|control| block.html.contains(control))
        || any(|kind| matches!(kind, HoleKind::Attribute { kind: AttributeKind::Property, .. }));
    let editable = any(|kind| matches!(kind, HoleKind::Model { control: Control::Editable, .. }));
    let children = any(|kind| matches!(kind, HoleKind::Child { .. }));
    let marks = any(|kind| matches!(kind, HoleKind::Ref { .. } | HoleKind::Hook { .. }));
    let styles = any(|kind| matches!(kind, HoleKind::Style { .. }));
    let wire = any(|kind| matches!(kind, HoleKind::Wire { .. }));
    let pauses = any(|kind| match kind {
        HoleKind::Event { modifiers, .. } => modifiers.debounce.or(modifiers.throttle).is_some(),
        HoleKind::Model { modifiers, .. } => modifiers.debounce.is_some(),
        _ => false,
    });
    let disabled = any(|kind| match kind {
        HoleKind::Attribute { name, .. } => &**name == "disabled",
        HoleKind::Wire { effect: WireEffect::Attribute(name), .. } => &**name == "disabled",
        _ => false,
    });
    let urls = any(|kind| match kind {
        HoleKind::Attribute { name, kind, .. } => {
            name.starts_with("xlink:")
                || matches!(kind, AttributeKind::Url | AttributeKind::UrlList | AttributeKind::Route)
        }
        _ => false,
    });
    let event = any(|kind| masks::wants(kind) & crate::code::event::READS_EVENT != 0);
    let targets = any(|kind| match kind {
        HoleKind::Event { modifiers, .. } => modifiers.target != EventTarget::Element,
        _ => false,
    });
    let html = any(|kind| matches!(kind, HoleKind::Html { .. }));
    let confirm = any(|kind| matches!(kind, HoleKind::Event { modifiers, .. } if modifiers.confirm));
    let poll = any(is_poll);
    let navigate = block.html.contains(" live:navigate");
    let autofocus = block.html.contains("autofocus");
    let modules = [
        (autofocus, "autofocus"),
        (controls || editable, "controls"),
        (controls || editable, "drafts"),
        (editable, "editable"),
        (children, "children"),
        (confirm, "confirm"),
        (disabled, "disabled"),
        (event, "event"),
        (html, "html"),
        (marks, "marks"),
        (editable, "move"),
        (navigate, "navigate"),
        (pauses, "pauses"),
        (poll, "poll"),
        (styles, "styles"),
        (targets, "targets"),
        (urls, "urls"),
        (wire, "wire"),
    ];
    modules.iter().filter(|(needed, _)| *needed).map(|(_, name)| quoted(name)).collect()
}

/// Returns the keys in the path of a control's property.
fn keys(hole: &Hole) -> impl Iterator<Item = &Expr> {
    let property: &[ModelStep] =
        if let HoleKind::Model { property, .. } = &hole.kind { property } else { &[] };
    property.iter().filter_map(ModelStep::key)
}

fn is_poll(kind: &HoleKind) -> bool {
    matches!(kind, HoleKind::Event { modifiers, .. } if modifiers.poll.is_some())
}

/// Returns whether the hole's nodes are inserted and removed.
fn is_part(hole: &Hole) -> bool {
    matches!(hole.kind, HoleKind::For { .. } | HoleKind::If { .. })
}

fn number(n: usize) -> i64 {
    // A template with that many elements exceeds every message limit.
    i64::try_from(n).unwrap_or(i64::MAX)
}
