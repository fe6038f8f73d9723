//! What an event of the page does: actions to call, pieces of the page's own state to set, guesses to show.

use vivaz_template::compiled::{Guess, HoleKind, Statement};
use vivaz_template::{Expr, Value};

use super::Stage;
use super::apply::Painter;
use super::scope::{Frame, Surroundings};
use super::view::{View, Wire};
use crate::client::Origin;
use crate::dom::Dom;
use crate::store::{Edit, Operation, Segment};
use crate::value::{Key, Val};

/// An event, as far as expressions ask for it.
#[derive(Debug, Default)]
pub(crate) struct Happening {
    pub(crate) value: Val,
    pub(crate) checked: Val,
    pub(crate) form: Val,
    pub(crate) event: Val,
    /// An id for what only the server can name.
    pub(crate) temp: Val,
}

impl Happening {
    /// Reads what the page hands over: `{"value":…,"checked":…,"form":{…},"event":{…}}`, each only if it is asked for.
    pub(crate) fn new(mut payload: Val, temp: Val) -> Self {
        let mut part = |name| payload.take(name).unwrap_or_default();
        Self {
            value: part("value"),
            checked: part("checked"),
            form: part("form"),
            event: part("event"),
            temp,
        }
    }
}

/// One action to call.
#[derive(Debug, PartialEq)]
pub(crate) struct Call {
    pub(crate) action: Box<str>,
    /// A JSON array.
    pub(crate) arguments: String,
}

/// What an event comes to.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Fired {
    pub(crate) calls: Vec<Call>,
    /// Which instance's local, by the number of its root, and the new value.
    pub(crate) locals: Vec<((u32, usize), Val)>,
    /// The root field that each edit goes through, and the edit of that field.
    pub(crate) guesses: Vec<Edit>,
}

/// Visits every expression of an event's hole.
pub(super) fn expressions<'a>(run: &'a [Statement], guesses: &'a [Guess], visit: &mut dyn FnMut(&'a Expr)) {
    for statement in run {
        match statement {
            Statement::Call { args, .. } => args.iter().for_each(&mut *visit),
            Statement::Set { value, .. } => visit(value),
        }
    }
    for guess in guesses {
        match guess {
            Guess::Set { path, value } => [path, value].into_iter().for_each(&mut *visit),
            Guess::Push { list, item } => [list, item].into_iter().for_each(&mut *visit),
            Guess::Remove { list, key } => [list, key].into_iter().for_each(&mut *visit),
        }
    }
}

impl View {
    /// Works out what the event at a hole of the instance at `node` does. Nothing is changed by that.
    pub(crate) fn fire<D: Dom>(
        &mut self,
        node: u32,
        hole: usize,
        happening: &Happening,
        around: &Surroundings<'_>,
        (wire, stage): (&dyn Wire, &mut Stage<D>),
    ) -> Fired {
        let mut fired = Fired::default();
        let blueprint = self.blueprint;
        let nodes = self.enclosing(node);
        let outermost = Frame { happening: Some(happening), ..Frame::outermost(around) };
        Painter::new(blueprint, stage, wire).find(
            &mut self.root,
            node,
            &outermost,
            None,
            &mut |_, at, up, item| {
                let frame = up.inside(item, &at.locals);
                let block = blueprint.template.blocks.get(at.block);
                let Some(HoleKind::Event { run, optimistic, modifiers, .. }) =
                    block.and_then(|block| block.holes.get(hole)).map(|hole| &hole.kind)
                else {
                    return;
                };
                if modifiers.drop && wire.is_loading(Some(Origin { node, hole: hole as u32 }), None) {
                    return;
                }
                for statement in run {
                    match statement {
                        Statement::Call { action, args } => {
                            let mut arguments = Vec::new();
                            for arg in args {
                                arguments.push(arg.eval(&frame).into_data());
                            }
                            let arguments = Val::List(arguments).json();
                            fired.calls.push(Call { action: action.clone(), arguments });
                        }
                        Statement::Set { local, value } => {
                            if let Some(node) = nodes.get(local.level as usize) {
                                let value = value.eval(&frame).into_data();
                                fired.locals.push(((*node, local.slot as usize), value));
                            }
                        }
                    }
                }
                for guess in optimistic {
                    fired.guesses.extend(edit(guess, &frame));
                }
            },
        );
        fired
    }

    /// The field that the control at a hole of the instance at `node` is bound to.
    pub(crate) fn model(&self, node: u32, hole: usize) -> Option<(Key, bool)> {
        let block = self.instance(node)?;
        match &self.blueprint.template.blocks.get(block)?.holes.get(hole)?.kind {
            HoleKind::Model { field, modifiers, .. } => Some((super::blueprint::key(field), modifiers.force)),
            _ => None,
        }
    }

    /// The controls of a field: the instance and the walk, and the field's value as the control shows it.
    pub(crate) fn controls(&self, field: Key, value: &Val) -> Vec<(u32, u32, String)> {
        let mut found = Vec::new();
        self.root.each(&mut |instance| {
            let print = &self.blueprint;
            let holes = print.template.blocks.get(instance.block).map(|block| &block.holes);
            let plans = print.plans.get(instance.block).map(|plan| &plan.holes);
            for (hole, plan) in holes.into_iter().flatten().zip(plans.into_iter().flatten()) {
                if let HoleKind::Model { field: of, control, .. } = &hole.kind
                    && super::blueprint::key(of) == field
                {
                    let mut text = String::new();
                    super::apply::control_text(&Value::Borrowed(value), *control, &mut text);
                    found.push((instance.node, plan.path, text));
                }
            }
        });
        found
    }

    fn instance(&self, node: u32) -> Option<usize> {
        let mut block = None;
        self.root.each(&mut |instance| {
            if instance.node == node {
                block = Some(instance.block);
            }
        });
        block
    }

    /// The roots of the instances around one, the innermost first, itself included.
    fn enclosing(&self, node: u32) -> Vec<u32> {
        let mut nodes = Vec::new();
        self.root.path_to(node, &mut nodes);
        nodes
    }
}

/// The edit that a guess means.
fn edit(guess: &Guess, frame: &Frame<'_>) -> Option<Edit> {
    let value = |expr: &Expr| expr.eval(frame).into_data();
    let (place, operation) = match guess {
        Guess::Set { path, value: new } => (path, Operation::Set(value(new))),
        Guess::Push { list, item } => (list, Operation::Push(value(item))),
        Guess::Remove { list, key } => (list, Operation::Remove(value(key))),
    };
    let mut path = Vec::new();
    let field = way(place, frame, &mut path)?;
    Some(Edit { field, path, operation })
}

/// The way that a path goes, from its root field.
fn way(path: &Expr, frame: &Frame<'_>, segments: &mut Vec<Segment>) -> Option<Key> {
    match path {
        Expr::Root(name) => Some(super::blueprint::key(name)),
        Expr::Field(of, name) => {
            let root = way(of, frame, segments)?;
            segments.push(Segment::Field(super::blueprint::key(name)));
            Some(root)
        }
        Expr::At(of, id) => {
            let root = way(of, frame, segments)?;
            segments.push(Segment::Item(id.eval(frame).into_data()));
            Some(root)
        }
        _ => None,
    }
}
