//! Evaluates the statements of an event: calls, assignments to local state, optimistic updates.

use super::Stage;
use super::apply::Painter;
use super::blueprint::BlueprintReader;
use super::scope::{Frame, Surroundings};
use super::view::View;
use crate::client::Origin;
use crate::patch;
use crate::store::Edit;
use crate::value::{Key, Val};

/// One thing that an event does to the component: it calls an action with a list of arguments, or
/// edits a `model` field.
#[derive(Debug, PartialEq)]
pub(crate) struct Deed {
    pub(crate) is_edit: bool,
    /// The action or field.
    pub(crate) name: Key,
    pub(crate) value: Val,
}

/// What an event comes to.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Fired {
    pub(crate) deeds: Vec<Deed>,
    /// Which instance's local, by the number of its root, and the new value.
    pub(crate) locals: Vec<(u32, (usize, Val))>,
    /// The root field that each edit goes through, and the edit of that field.
    pub(crate) guesses: Vec<Edit>,
}

impl View {
    /// Works out what the event with that address does in the instance at `node`. Nothing is
    /// changed by that.
    pub(crate) fn fire(
        &mut self,
        node: u32,
        address: u32,
        around: &Surroundings<'_>,
        stage: &mut Stage,
    ) -> Fired {
        let mut fired = Fired::default();
        let outermost = Frame::outermost(around);
        let mut code = self.blueprint.at(address as usize);
        Painter::new(&self.blueprint, stage).find(
            &mut self.root,
            node,
            &outermost,
            None,
            &mut |_, instance, up, item| {
                let frame = up.inside(item, node, &instance.locals);
                let drop = code.int() != 0;
                if drop && around.of.wire(0, None, Origin { node, hole: address }) {
                    return;
                }
                for _ in 0..code.word() {
                    let statement = code.int();
                    if statement != 1 {
                        let name = Key::of(code.val().str().unwrap_or_default());
                        let value = code.eval(&frame).into_owned();
                        fired.deeds.push(Deed { is_edit: statement == 2, name, value });
                    } else {
                        let (level, slot) = (code.word(), code.word());
                        let value = code.eval(&frame).into_owned();
                        let node = frame.outwards(level).map_or(0, |frame| frame.node);
                        fired.locals.push((node, (slot as usize, value)));
                    }
                }
                for _ in 0..code.word() {
                    fired.guesses.push(edit(&mut code, &frame));
                }
            },
        );
        fired
    }
}

/// The edit that a guess means.
fn edit(code: &mut BlueprintReader<'_>, frame: &Frame<'_>) -> Edit {
    let (operation, field) = (code.int(), code.key());
    let mut path = Vec::new();
    for _ in 0..code.word() {
        path.push(if code.int() == 0 {
            (code.key(), Val::Null)
        } else {
            (Key::NONE, code.eval(frame).into_owned())
        });
    }
    let value = code.eval(frame).into_owned();
    let patch = match operation {
        0 => patch::plain(value),
        1 => patch::push(value),
        _ => patch::remove(value),
    };
    Edit { field, path, patch }
}
