//! A template, prepared: its skeletons and walks are registered with the DOM, and what each hole reads is known.

use vivaz_template::compiled::{
    AttributeKind, Control, EventTarget, HoleKind, ModelModifiers, ModelSend, Modifiers, Step, Template,
};
use vivaz_template::expr::Special;
use vivaz_template::{Expr, Hole, Name, Read};

use super::Stage;
use crate::dom::{Dom, Op, Walk};
use crate::value::{Key, Val};

/// The bits of [`Reads::mask`] that are not fields of the component. The lower ones are, one for each field or part
/// of a field that the template names; the last of those stands for all that are too many.
const FIELDS: u32 = 57;
pub(super) const LOCAL: u64 = 1 << 58;
pub(super) const INDEX: u64 = 1 << 59;
pub(super) const WIRE: u64 = 1 << 60;
/// Properties that the user changes too, to be set again when an action of theirs is answered.
pub(super) const CONTROL: u64 = 1 << 61;
/// The user's own name.
pub(super) const USER: u64 = 1 << 62;

/// What a hole depends on.
#[derive(Clone, Debug, Default)]
pub(super) struct Reads {
    pub(super) mask: u64,
    /// Items of loops: how deep the loop is, counted from outside, and which field of the item.
    pub(super) items: Vec<(u16, Option<Key>)>,
}

impl Reads {
    fn add(&mut self, other: &Reads) {
        self.mask |= other.mask;
        for item in &other.items {
            if !self.items.contains(item) {
                self.items.push(*item);
            }
        }
    }
}

/// One hole, prepared.
#[derive(Debug)]
pub(super) struct HolePlan {
    /// The walk to its place; for lists and conditions, to their parent.
    pub(super) path: u32,
    /// For lists and conditions: the walk to the anchor behind them.
    pub(super) anchor: Option<u32>,
    /// For lists and conditions: the walk to where they begin.
    pub(super) start: u32,
    /// Which of the instance's parts it is, if it has one.
    pub(super) part: Option<usize>,
    pub(super) reads: Reads,
    /// The name of an attribute, class or property, as the DOM knows it.
    pub(super) name: u32,
    /// The list is nothing but a field: steps of that field can be followed.
    pub(super) list: Option<(Key, Option<Key>)>,
    /// A list that has its parent for itself: emptying it is one operation.
    pub(super) alone: bool,
}

/// One block, prepared.
#[derive(Debug)]
pub(super) struct Plan {
    /// Its number as the DOM knows it.
    pub(super) template: u32,
    /// How many loops are around its content, its own included.
    pub(super) depth: u16,
    pub(super) holes: Vec<HolePlan>,
    /// All that it and the blocks inside it read.
    pub(super) reads: Reads,
    /// How many numbers of nodes an instance takes: one, and two for each part (a list, a condition, a child), which
    /// are walked to once.
    pub(super) nodes: u32,
}

#[derive(Debug)]
pub(crate) struct Blueprint {
    pub(super) template: Template,
    pub(super) plans: Vec<Plan>,
    fields: Vec<(Key, Option<Key>)>,
}

impl Blueprint {
    /// Prepares a template in its JSON form; `None` if it is none.
    pub(crate) fn new<D: Dom>(json: &Val, stage: &mut Stage<D>) -> Option<Self> {
        let template = Template::decode(json, &mut |name| Key::of(name).id()).ok()?;
        let mut fields = Vec::new();
        let depths = depths(&template);
        let mut plans: Vec<Plan> = Vec::new();
        for (block, depth) in template.blocks.iter().zip(&depths) {
            let number = stage.templates;
            stage.templates += 1;
            stage.dom.put(Op::Template, &[number, block.namespace as u32], &[&block.html]);
            let mut parts = 0;
            let mut holes = Vec::with_capacity(block.holes.len());
            for (at, hole) in block.holes.iter().enumerate() {
                let mut plan = prepare(hole, stage);
                hole_reads(hole, *depth, &mut fields, &mut plan.reads);
                if matches!(hole.kind, HoleKind::For { .. } | HoleKind::If { .. } | HoleKind::Child { .. }) {
                    plan.part = Some(parts);
                    parts += 1;
                }
                register(hole, number, at as u32, plan.path, stage);
                holes.push(plan);
            }
            let mut reads = Reads::default();
            for (_, initial) in &block.locals {
                expression(initial, *depth, &mut fields, &mut Reads::default());
            }
            for hole in &holes {
                reads.add(&hole.reads);
            }
            plans.push(Plan { template: number, depth: *depth, holes, reads, nodes: 1 + 2 * parts as u32 });
        }
        // A block's children come after it, so that going backwards every child is complete.
        for at in (0..plans.len()).rev() {
            for hole in &template.blocks.get(at)?.holes {
                for child in inner(&hole.kind) {
                    let reads = plans.get(child)?.reads.clone();
                    plans.get_mut(at)?.reads.add(&reads);
                }
            }
        }
        Some(Self { template, plans, fields })
    }

    /// The bits of a change of a field, or of a part of it.
    pub(super) fn mask(&self, field: Key, part: Option<Key>) -> u64 {
        let mut mask = 0;
        for (at, (known, of)) in self.fields.iter().enumerate() {
            if *known == field && (part.is_none() || of.is_none() || *of == part) {
                mask |= bit(at);
            }
        }
        mask
    }
}

fn bit(at: usize) -> u64 {
    1 << (at as u32).min(FIELDS)
}

/// The blocks inside a hole.
pub(super) fn inner(kind: &HoleKind) -> Vec<usize> {
    match kind {
        HoleKind::For { block, .. } => vec![*block],
        HoleKind::If { arms, .. } => {
            let mut blocks = Vec::new();
            for (_, block) in arms {
                blocks.push(*block);
            }
            blocks
        }
        _ => Vec::new(),
    }
}

/// How many loops are around each block's content.
fn depths(template: &Template) -> Vec<u16> {
    let mut depths = vec![0; template.blocks.len()];
    for (at, block) in template.blocks.iter().enumerate() {
        let depth = depths.get(at).copied().unwrap_or(0);
        for hole in &block.holes {
            let more = u16::from(matches!(hole.kind, HoleKind::For { .. }));
            for child in inner(&hole.kind) {
                if let Some(of) = depths.get_mut(child) {
                    *of = depth + more;
                }
            }
        }
    }
    depths
}

/// Registers a hole's walks and names.
fn prepare<D: Dom>(hole: &Hole, stage: &mut Stage<D>) -> HolePlan {
    let mut plan = HolePlan {
        path: 0,
        anchor: None,
        start: 0,
        part: None,
        reads: Reads::default(),
        name: 0,
        list: None,
        alone: false,
    };
    match &hole.kind {
        HoleKind::Text { after, .. } => plan.path = path(&hole.path, Some(*after), Walk::Text, stage),
        HoleKind::For { start, end, .. } | HoleKind::If { start, end, .. } => {
            plan.path = path(&hole.path, None, Walk::Element, stage);
            plan.start = path(&[], Some(*start), Walk::Place, stage);
            // `end` counts the comments before the anchor.
            let comment = |before: u16| Step { comments: before.saturating_add(1), elements: 0 };
            plan.anchor = end.map(|end| path(&[], Some(comment(end)), Walk::Comment, stage));
            plan.alone = *start == Step::default() && end.is_none();
            if let HoleKind::For { list, .. } = &hole.kind {
                plan.list = match list {
                    Expr::Root(name) => Some((key(name), None)),
                    Expr::Field(of, name) => match &**of {
                        Expr::Root(root) => Some((key(root), Some(key(name)))),
                        _ => None,
                    },
                    _ => None,
                };
            }
        }
        kind => {
            plan.path = path(&hole.path, None, Walk::Element, stage);
            if let HoleKind::Attribute { name, .. }
            | HoleKind::Class { name, .. }
            | HoleKind::Style { property: name, .. } = kind
            {
                plan.name = stage.name(name);
            }
        }
    }
    plan
}

pub(super) fn key(name: &Name) -> Key {
    Key::from_id(name.id)
}

fn path<D: Dom>(steps: &[Step], last: Option<Step>, walk: Walk, stage: &mut Stage<D>) -> u32 {
    if steps.is_empty() && last.is_none() {
        return 0;
    }
    let number = stage.paths;
    stage.paths += 1;
    let mut words = vec![number, walk as u32, (steps.len() + usize::from(last.is_some())) as u32];
    let mut word = |step: &Step| words.push(u32::from(step.comments) << 16 | u32::from(step.elements));
    steps.iter().for_each(&mut word);
    last.iter().for_each(word);
    stage.dom.put(Op::Path, &words, &[]);
    number
}

/// Tells the DOM what listens where.
fn register<D: Dom>(hole: &Hole, template: u32, at: u32, path: u32, stage: &mut Stage<D>) {
    match &hole.kind {
        HoleKind::Event { event, modifiers, run, optimistic } => {
            let mut wants = 0;
            let mut look = |read: Read<'_>| {
                if let Read::Special(special) = read {
                    wants |= match special {
                        Special::Value => 1,
                        Special::Checked => 2,
                        Special::Form => 4,
                        Special::Event => 8,
                        Special::User | Special::Temp => 0,
                    };
                }
            };
            super::event::expressions(run, optimistic, &mut |expr| expr.reads(&mut look));
            let Modifiers { prevent, stop, only_self, once, target, drop, keys, held, debounce, throttle } =
                modifiers;
            let flags = u32::from(*prevent)
                | u32::from(*stop) << 1
                | u32::from(*only_self) << 2
                | u32::from(*once) << 3
                | u32::from(*target == EventTarget::Window) << 4
                | u32::from(*target == EventTarget::Outside) << 5
                | u32::from(*drop) << 6
                | wants << 8;
            let words = [template, at, path, flags, u32::from(*held), pause(*debounce), pause(*throttle)];
            stage.dom.put(Op::Listen, &words, &[event, &keys.join("\n")]);
        }
        HoleKind::Model { control, modifiers, .. } => {
            let ModelModifiers { send, debounce, trim, number, force } = modifiers;
            let send = match send {
                ModelSend::Input => 0,
                ModelSend::Change => 1,
                ModelSend::Blur => 2,
            };
            let number = *number || *control == Control::Number;
            let flags = send | u32::from(*trim) << 2 | u32::from(number) << 3 | u32::from(*force) << 4;
            stage.dom.put(Op::Control, &[template, at, path, *control as u32, flags, pause(*debounce)], &[]);
        }
        HoleKind::Ref { name } => stage.dom.put(Op::Mark, &[template, path, 0], &[name]),
        HoleKind::Hook { name } => stage.dom.put(Op::Mark, &[template, path, 1], &[name]),
        _ => {}
    }
}

/// A pause in milliseconds, plus one: 0 is none.
fn pause(ms: Option<u32>) -> u32 {
    ms.map_or(0, |ms| ms.saturating_add(1))
}

/// What a hole depends on.
fn hole_reads(hole: &Hole, depth: u16, fields: &mut Vec<(Key, Option<Key>)>, reads: &mut Reads) {
    let mut read = |expr: &Expr| expression(expr, depth, fields, reads);
    match &hole.kind {
        HoleKind::Text { value, .. }
        | HoleKind::Content { value }
        | HoleKind::Html { value }
        | HoleKind::Style { value, .. }
        | HoleKind::Class { on: value, .. }
        | HoleKind::Show { on: value } => read(value),
        HoleKind::Attribute { value, kind, .. } => {
            read(value);
            if *kind == AttributeKind::Property {
                reads.mask |= CONTROL;
            }
        }
        HoleKind::For { list, .. } => read(list),
        HoleKind::If { arms, .. } => {
            for (condition, _) in arms {
                condition.iter().for_each(&mut read);
            }
        }
        HoleKind::Model { field, .. } => read(&Expr::Root(field.clone())),
        HoleKind::Child { props, key, .. } => {
            for (_, value) in props {
                read(value);
            }
            key.iter().for_each(read);
        }
        HoleKind::Wire { .. } => reads.mask |= WIRE,
        HoleKind::Event { .. } | HoleKind::Ref { .. } | HoleKind::Hook { .. } | HoleKind::Ignore => {}
    }
}

fn expression(expr: &Expr, depth: u16, fields: &mut Vec<(Key, Option<Key>)>, reads: &mut Reads) {
    expr.reads(&mut |read| match read {
        Read::Root { name, field } => {
            let field = (key(name), field.map(key));
            let at = fields.iter().position(|known| *known == field).unwrap_or_else(|| {
                fields.push(field);
                fields.len() - 1
            });
            reads.mask |= bit(at);
        }
        Read::Item { depth: outwards, field } => {
            let item = (depth.saturating_sub(outwards), field.map(key));
            if !reads.items.contains(&item) {
                reads.items.push(item);
            }
        }
        Read::Index(_) => reads.mask |= INDEX,
        Read::Local(_) => reads.mask |= LOCAL,
        Read::Special(Special::User) => reads.mask |= USER,
        Read::Special(_) => {}
    });
}
