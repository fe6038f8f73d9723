//! Bringing block instances up to date.

use vivaz_template::compiled::{AttributeKind, Control, HoleKind, WireEffect};
use vivaz_template::url::{REFUSED, any_script, is_script};
use vivaz_template::{Expr, Kind, Value};

use super::Stage;
use super::blueprint::{Blueprint, CONTROL, HolePlan, Plan, Reads, WIRE};
use super::scope::Frame;
use super::view::{Instance, Part, Wire};
use crate::client::{Origin, Slot};
use crate::dom::{Dom, Effect, Op};
use crate::patch::Step;
use crate::value::{Key, Val};

/// A list, by its field and the part of it, and the steps that it took.
pub(super) type Taken<'a> = ((Key, Option<Key>), &'a [Step]);

/// What has changed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dirty<'a> {
    /// Fields of the component and the other bits of [`Reads::mask`].
    pub(super) mask: u64,
    /// The item of the loop that is so deep: these fields of it, or all where there are none.
    pub(super) item: Option<(u16, &'a [Key])>,
    /// Everything, as far as it is known.
    pub(super) all: bool,
    /// Set properties that were set to the same before.
    pub(super) force: bool,
    /// Lists of which it is known what happened to them.
    pub(super) lists: &'a [Taken<'a>],
}

impl Dirty<'_> {
    pub(super) fn none() -> Self {
        Self { mask: 0, item: None, all: false, force: false, lists: &[] }
    }

    pub(super) fn all() -> Self {
        Self { all: true, ..Self::none() }
    }

    pub(super) fn of(mask: u64) -> Self {
        Self { mask, ..Self::none() }
    }

    pub(super) fn hits(&self, reads: &Reads) -> bool {
        self.all
            || reads.mask & self.mask != 0
            || self.item.is_some_and(|(depth, keys)| {
                reads.items.iter().any(|(of, field)| {
                    *of == depth && (keys.is_empty() || field.is_none_or(|field| keys.contains(&field)))
                })
            })
    }
}

/// The place where an instance of a row stands: its item and its position.
pub(super) type Item<'a> = Option<(&'a Val, usize)>;

/// Writes the operations that bring instances up to date.
pub(super) struct Painter<'a, D> {
    pub(super) print: &'a Blueprint,
    pub(super) stage: &'a mut Stage<D>,
    wire: &'a dyn Wire,
    text: String,
}

impl<'a, D: Dom> Painter<'a, D> {
    pub(super) fn new(print: &'a Blueprint, stage: &'a mut Stage<D>, wire: &'a dyn Wire) -> Self {
        Self { print, stage, wire, text: String::new() }
    }

    /// Numbers the component's own element.
    pub(super) fn root(&mut self, slot: Slot, op: Op) -> u32 {
        let (nodes, template) = self.print.plans.first().map_or((1, 0), |plan| (plan.nodes, plan.template));
        let node = self.stage.range(nodes);
        self.stage.dom.put(Op::Root, &[node, slot, template], &[]);
        if op == Op::Rebuild {
            self.stage.dom.put(Op::Rebuild, &[node, template], &[]);
        }
        node
    }

    /// Makes a new instance of a block, filled, not in the page yet.
    pub(super) fn make(&mut self, block: usize, frame: &Frame<'_>, item: Item<'_>) -> Instance {
        let (nodes, template) =
            self.print.plans.get(block).map_or((1, 0), |plan| (plan.nodes, plan.template));
        let node = self.stage.range(nodes);
        self.stage.dom.put(Op::Make, &[node, template], &[]);
        self.fill(block, node, frame, item)
    }

    /// Fills an instance whose skeleton is at `node`.
    pub(super) fn fill(&mut self, block: usize, node: u32, frame: &Frame<'_>, item: Item<'_>) -> Instance {
        let mut instance = self.instance(block, node, frame, item);
        self.refer(&instance);
        self.update(&mut instance, frame, item, &Dirty::all());
        instance
    }

    /// An instance with nothing in its parts yet.
    pub(super) fn instance(
        &mut self,
        block: usize,
        node: u32,
        frame: &Frame<'_>,
        item: Item<'_>,
    ) -> Instance {
        let mut instance = Instance { block, node, locals: Vec::new(), parts: Vec::new() };
        let Some(of) = self.print.template.blocks.get(block) else { return instance };
        for (_, initial) in &of.locals {
            let value = initial.eval(&frame.inside(item, &instance.locals)).into_data();
            instance.locals.push(value);
        }
        for hole in &of.holes {
            match hole.kind {
                HoleKind::For { .. } => {
                    instance.parts.push(Part::Rows { rows: Vec::new(), keys: Vec::new() });
                }
                HoleKind::If { .. } => instance.parts.push(Part::Arm(None)),
                HoleKind::Child { .. } => instance.parts.push(Part::Child { props: String::new(), key: 0 }),
                _ => {}
            }
        }
        instance
    }

    /// Remembers the places of the instance's parts.
    pub(super) fn refer(&mut self, instance: &Instance) {
        let Some(plan) = self.print.plans.get(instance.block) else { return };
        for hole in &plan.holes {
            let Some(part) = hole.part else { continue };
            let parent = place(instance, part);
            self.stage.dom.put(Op::Refer, &[instance.node, hole.path, parent], &[]);
            if let Some(anchor) = hole.anchor {
                self.stage.dom.put(Op::Refer, &[parent, anchor, parent + 1], &[]);
            }
        }
    }

    /// Brings an instance up to date, with all that is inside it.
    pub(super) fn update(
        &mut self,
        instance: &mut Instance,
        up: &Frame<'_>,
        item: Item<'_>,
        dirty: &Dirty<'_>,
    ) {
        let print = self.print;
        let (Some(plan), Some(block)) =
            (print.plans.get(instance.block), print.template.blocks.get(instance.block))
        else {
            return;
        };
        if !dirty.hits(&plan.reads) {
            return;
        }
        let Instance { node, locals, parts, .. } = instance;
        let frame = up.inside(item, locals);
        for (at, (hole, plan_of)) in block.holes.iter().zip(&plan.holes).enumerate() {
            let part =
                plan_of.part.and_then(|part| parts.get_mut(part).map(|p| (*node + 1 + 2 * part as u32, p)));
            match (&hole.kind, part) {
                (HoleKind::For { list, key, block, .. }, Some((place, Part::Rows { rows, keys }))) => {
                    let list = list.eval(&frame);
                    let items = items(&list);
                    let mut target = super::list::Target {
                        parent: place,
                        anchor: if plan_of.anchor.is_some() { place + 1 } else { 0 },
                        alone: plan_of.alone,
                        rows,
                        keys,
                        block: *block,
                        key,
                    };
                    self.list(&mut target, items, &frame, plan_of, dirty);
                }
                (HoleKind::If { arms, .. }, Some((place, Part::Arm(arm)))) => {
                    let anchor = if plan_of.anchor.is_some() { place + 1 } else { 0 };
                    let wanted = if dirty.hits(&plan_of.reads) {
                        arms.iter()
                            .find(|(condition, _)| condition.as_ref().is_none_or(|c| c.eval(&frame).truthy()))
                            .map(|(_, block)| *block)
                    } else {
                        arm.as_ref().map(|instance| instance.block)
                    };
                    match (&mut *arm, wanted) {
                        (Some(shown), Some(block)) if shown.block == block => {
                            self.update(shown, &frame, None, dirty);
                        }
                        (_, wanted) => {
                            if let Some(mut old) = arm.take() {
                                self.remove(&mut old);
                            }
                            *arm = wanted.map(|block| {
                                let new = self.make(block, &frame, None);
                                self.stage.dom.put(Op::Insert, &[place, new.node, anchor], &[]);
                                Box::new(new)
                            });
                        }
                    }
                }
                (
                    HoleKind::Child { component, props, key },
                    Some((place, Part::Child { props: given, key: known })),
                ) => {
                    if dirty.hits(&plan_of.reads) {
                        let mut values = Vec::new();
                        for (name, value) in props {
                            values.push((super::blueprint::key(name), value.eval(&frame).into_data()));
                        }
                        let json = Val::Obj(values).json();
                        let hash = key.as_ref().map_or(1, |key| hash(&key.eval(&frame)));
                        if *given != json || *known != hash {
                            let anew = u32::from(*known != 0 && *known != hash);
                            self.stage.dom.put(Op::Child, &[place, 0, anew], &[component, &json]);
                            *given = json;
                            *known = hash;
                        }
                    }
                }
                (kind, _) => {
                    if dirty.hits(&plan_of.reads) {
                        self.hole(kind, plan_of, *node, &frame, dirty.force);
                        if plan_of.reads.mask & WIRE != 0 {
                            self.wire(kind, plan_of, *node, at, plan);
                        }
                    }
                }
            }
        }
    }

    /// The instance's own holes only, not what is inside its lists.
    pub(super) fn update_own(
        &mut self,
        instance: &mut Instance,
        up: &Frame<'_>,
        item: Item<'_>,
        dirty: &Dirty<'_>,
    ) {
        let print = self.print;
        let (Some(plan), Some(block)) =
            (print.plans.get(instance.block), print.template.blocks.get(instance.block))
        else {
            return;
        };
        let frame = up.inside(item, &instance.locals);
        for (hole, plan) in block.holes.iter().zip(&plan.holes) {
            if plan.reads.mask & dirty.mask & CONTROL != 0 {
                self.hole(&hole.kind, plan, instance.node, &frame, dirty.force);
            }
        }
    }

    /// One hole that shows a value.
    fn hole(&mut self, kind: &HoleKind, plan: &HolePlan, node: u32, frame: &Frame<'_>, force: bool) {
        let (path, name) = (plan.path, plan.name);
        let mut text = std::mem::take(&mut self.text);
        text.clear();
        let dom = &mut self.stage.dom;
        let mut show = |op, words: &[u32], value: &Expr| {
            value.eval(frame).write(&mut text);
            dom.put(op, words, &[&text]);
        };
        match kind {
            HoleKind::Text { value, .. } => show(Op::Text, &[node, path], value),
            HoleKind::Content { value } => show(Op::Content, &[node, path], value),
            HoleKind::Html { value } => show(Op::Html, &[node, path], value),
            HoleKind::Class { on, .. } => {
                let on = on.eval(frame).truthy();
                dom.put(Op::Class, &[node, path, name, u32::from(on)], &[]);
            }
            HoleKind::Show { on } => {
                let on = on.eval(frame).truthy();
                dom.put(Op::Show, &[node, path, u32::from(on)], &[]);
            }
            HoleKind::Style { value, .. } => {
                let value = value.eval(frame);
                let on = !matches!(value.kind(), Kind::Null | Kind::Bool(false));
                value.write(&mut text);
                dom.put(Op::Style, &[node, path, name, u32::from(on)], &[&text]);
            }
            HoleKind::Attribute { value, kind, .. } => {
                let value = value.eval(frame);
                attribute(&value, *kind, &mut text);
                match kind {
                    AttributeKind::Property => {
                        let words = [node, path, name, u32::from(force)];
                        dom.put(Op::Property, &words, &[&text]);
                    }
                    AttributeKind::Class => dom.put(Op::Classes, &[node, path], &[&text]),
                    AttributeKind::Plain
                    | AttributeKind::Url
                    | AttributeKind::UrlList
                    | AttributeKind::Word => {
                        let gone = match value.kind() {
                            Kind::Null => true,
                            Kind::Bool(b) => !b && *kind != AttributeKind::Word,
                            Kind::Int(_) | Kind::Num(_) | Kind::Str(_) | Kind::List(_) | Kind::Map => false,
                        };
                        if gone {
                            dom.put(Op::RemoveAttribute, &[node, path, name], &[]);
                        } else {
                            dom.put(Op::Attribute, &[node, path, name], &[&text]);
                        }
                    }
                }
            }
            HoleKind::Model { field, control, modifiers } => {
                let value = Expr::Root(field.clone());
                let value = value.eval(frame);
                control_text(&value, *control, &mut text);
                let words = [node, path, *control as u32, u32::from(modifiers.force)];
                dom.put(Op::Model, &words, &[&text]);
            }
            HoleKind::For { .. }
            | HoleKind::If { .. }
            | HoleKind::Event { .. }
            | HoleKind::Wire { .. }
            | HoleKind::Ref { .. }
            | HoleKind::Hook { .. }
            | HoleKind::Ignore
            | HoleKind::Child { .. } => {}
        }
        self.text = text;
    }

    fn wire(&mut self, kind: &HoleKind, hole: &HolePlan, node: u32, at: usize, plan: &Plan) {
        let HoleKind::Wire { state, effect, target } = kind else { return };
        // Of the element itself, where that is what calls: its event's hole has the same walk.
        let holes = self.print.template.blocks.iter().zip(&self.print.plans);
        let block = holes.filter(|(_, p)| p.template == plan.template).map(|(block, _)| block).next();
        let own = block.and_then(|block| {
            let place = &block.holes.get(at)?.path;
            block.holes.iter().position(|h| matches!(h.kind, HoleKind::Event { .. }) && h.path == *place)
        });
        let from = own.map(|hole| Origin { node, hole: hole as u32 });
        let on = self.wire.is_on(*state, from, target.as_deref());
        let (effect, argument) = match effect {
            WireEffect::Show => (Effect::Show, ""),
            WireEffect::Class(names) => (Effect::Class, &**names),
            WireEffect::Attribute(name) => (Effect::Attribute, &**name),
        };
        self.stage.dom.put(Op::Wire, &[node, hole.path, effect as u32, u32::from(on)], &[argument]);
    }

    /// Takes an instance out of the page.
    pub(super) fn remove(&mut self, instance: &mut Instance) {
        self.stage.dom.put(Op::Remove, &[instance.node], &[]);
        self.forget(instance);
    }

    /// Gives the numbers of an instance back, and of what is inside it.
    pub(super) fn forget(&mut self, instance: &mut Instance) {
        for part in &mut instance.parts {
            match part {
                Part::Rows { rows, .. } => rows.iter_mut().for_each(|row| self.forget(row)),
                Part::Arm(Some(arm)) => self.forget(arm),
                Part::Arm(None) | Part::Child { .. } => {}
            }
        }
        let nodes = self.print.plans.get(instance.block).map_or(1, |plan| plan.nodes);
        self.stage.release(instance.node, nodes);
    }

    /// Does something with the instance whose root is `node`.
    pub(super) fn find(
        &mut self,
        instance: &mut Instance,
        node: u32,
        up: &Frame<'_>,
        item: Item<'_>,
        act: &mut dyn FnMut(&mut Self, &mut Instance, &Frame<'_>, Item<'_>),
    ) -> bool {
        if instance.node == node {
            act(self, instance, up, item);
            return true;
        }
        let print = self.print;
        let (Some(plan), Some(block)) =
            (print.plans.get(instance.block), print.template.blocks.get(instance.block))
        else {
            return false;
        };
        let Instance { locals, parts, .. } = instance;
        let frame = up.inside(item, locals);
        for (hole, plan) in block.holes.iter().zip(&plan.holes) {
            match (&hole.kind, plan.part.and_then(|part| parts.get_mut(part))) {
                (HoleKind::For { list, .. }, Some(Part::Rows { rows, .. })) => {
                    let list = list.eval(&frame);
                    for (at, (row, item)) in rows.iter_mut().zip(items(&list)).enumerate() {
                        if self.find(row, node, &frame, Some((item, at)), act) {
                            return true;
                        }
                    }
                }
                (HoleKind::If { .. }, Some(Part::Arm(Some(arm)))) => {
                    let found = self.find(arm, node, &frame, None, act);
                    if found {
                        return true;
                    }
                }
                _ => {}
            }
        }
        false
    }
}

/// The number of the place of an instance's part; that of its anchor follows.
pub(super) fn place(instance: &Instance, part: usize) -> u32 {
    instance.node + 1 + 2 * part as u32
}

/// The items of a list; nothing for what is none.
pub(super) fn items<'v>(value: &'v Value<'_, Val>) -> &'v [Val] {
    match value.kind() {
        Kind::List(items) => items,
        Kind::Null | Kind::Bool(_) | Kind::Int(_) | Kind::Num(_) | Kind::Str(_) | Kind::Map => &[],
    }
}

/// A hash of a key. Never 0.
pub(super) fn hash(key: &Value<'_, Val>) -> u64 {
    let mut text = String::new();
    // A number and its text are two keys.
    text.push(if matches!(key.kind(), Kind::Str(_)) { 's' } else { 'n' });
    key.write(&mut text);
    let hash = text
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
    // What only the server can name is told by the last bit, so that its row can go on under the real name.
    if text.starts_with("stemp-") { hash & !1 } else { hash | 1 }
}

/// What an attribute of that kind says.
fn attribute(value: &Value<'_, Val>, kind: AttributeKind, text: &mut String) {
    match (value.kind(), kind) {
        (Kind::Bool(on), AttributeKind::Property) => text.push_str(if on { "1" } else { "" }),
        (Kind::Bool(_), AttributeKind::Word) => value.write(text),
        (Kind::Bool(_), _) => {}
        _ => value.write(text),
    }
    let refused = match kind {
        AttributeKind::Url => is_script(text),
        AttributeKind::UrlList => any_script(text),
        AttributeKind::Plain | AttributeKind::Property | AttributeKind::Word | AttributeKind::Class => false,
    };
    if refused {
        text.clear();
        text.push_str(REFUSED);
    }
}

/// What a field says to a control of that kind.
pub(super) fn control_text(value: &Value<'_, Val>, control: Control, text: &mut String) {
    match control {
        Control::Text | Control::Number | Control::Radio | Control::Select => value.write(text),
        Control::Checkbox => text.push_str(if value.truthy() { "1" } else { "" }),
        Control::SelectMultiple => {
            for (at, item) in items(value).iter().enumerate() {
                if at > 0 {
                    text.push('\n');
                }
                Value::Borrowed(item).write(text);
            }
        }
    }
}
