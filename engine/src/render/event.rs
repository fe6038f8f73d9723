//! Evaluates the statements of an event: calls, assignments to local state, optimistic updates.

use super::Stage;
use super::apply::Painter;
use super::blueprint::BlueprintReader;
use super::scope::{Frame, Surroundings};
use super::view::View;
use crate::client::{Origin, POLL};
use crate::patch;
use crate::store::Edit;
use crate::value::{Key, Val};

/// A command that an event sends to the component: a call of an action with a list of arguments, or
/// an edit of a `model` field.
#[derive(Debug, PartialEq)]
pub(crate) struct EventCommand {
    pub(crate) is_edit: bool,
    /// The action or field.
    pub(crate) name: Key,
    pub(crate) value: Val,
}

/// The result of evaluating an event.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Fired {
    /// The hole of the event, as in [`Origin`].
    pub(crate) hole: u32,
    pub(crate) commands: Vec<EventCommand>,
    /// The local variables to set: the root of the instance, the slot, and the new value.
    pub(crate) locals: Vec<(u32, (usize, Val))>,
    /// The edits of the optimistic updates, each with the root field that it changes.
    pub(crate) optimistic: Vec<Edit>,
}

impl View {
    /// Evaluates the event at `address` in the instance at `node`, without changing any state.
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
                let drop = code.word();
                // 2 is a poll.
                let hole = address | ((drop >> 1) * POLL);
                fired.hole = hole;
                if drop != 0 && around.of.wire(0, None, Origin { node, hole }) {
                    return;
                }
                for _ in 0..code.word() {
                    let statement = code.int();
                    if statement != 1 {
                        let name = Key::of(code.val().str().unwrap_or_default());
                        let value = code.eval(&frame).into_owned();
                        fired.commands.push(EventCommand { is_edit: statement == 2, name, value });
                    } else {
                        let (level, slot) = (code.word(), code.word());
                        let value = code.eval(&frame).into_owned();
                        let node = frame.outwards(level).map_or(0, |frame| frame.node);
                        fired.locals.push((node, (slot as usize, value)));
                    }
                }
                for _ in 0..code.word() {
                    fired.optimistic.push(edit(&mut code, &frame));
                }
            },
        );
        fired
    }
}

/// Decodes the edit of an optimistic update.
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
