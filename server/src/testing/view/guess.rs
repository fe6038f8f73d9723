//! Guesses: what `live:optimistic` shows of an action before the server has answered.

use serde_json::Value;
use vivaz_protocol::Ref;
use vivaz_template::Expr;
use vivaz_template::compiled::OptimisticUpdate;

use super::scope::At;
use crate::testing::client::Client;

/// A guess that is laid over the state until the action that it is of has its answer.
#[derive(Clone, Debug)]
pub(super) struct Laid {
    /// The action.
    pub(super) by: Ref,
    pub(super) edits: Vec<Edit>,
}

/// One edit of a guess, its values worked out, so that it can be laid over a newer state again.
#[derive(Clone, Debug)]
pub(super) struct Edit {
    path: Vec<Segment>,
    operation: Operation,
}

#[derive(Clone, Debug)]
enum Segment {
    Field(Box<str>),
    /// The item of a keyed list that has this id.
    Item(Value),
}

#[derive(Clone, Debug)]
enum Operation {
    Set(Value),
    Push(Value),
    Remove(Value),
}

impl Laid {
    /// Whether it is still to be shown: nobody has said yet what came of the action.
    pub(super) fn stands(&self, client: &Client) -> bool {
        client.answer(self.by).is_none() && !client.is_shown(self.by)
    }

    /// Lays it over a state. What does not fit (any more) is left out.
    pub(super) fn over(&self, state: &mut Value) {
        for edit in &self.edits {
            edit.apply(state);
        }
    }
}

impl Edit {
    /// The edit that a guess means at one place and moment.
    pub(super) fn of(guess: &OptimisticUpdate, at: &At<'_>) -> Self {
        let value = |expr: &Expr| expr.eval(at).into_data();
        let (path, operation) = match guess {
            OptimisticUpdate::Set { path, value: to } => (path, Operation::Set(value(to))),
            OptimisticUpdate::Push { list, item } => (list, Operation::Push(value(item))),
            OptimisticUpdate::Remove { list, key } => (list, Operation::Remove(value(key))),
        };
        Self { path: steps(path, at), operation }
    }

    fn apply(&self, state: &mut Value) -> Option<()> {
        let mut target = state;
        for segment in &self.path {
            target = match segment {
                Segment::Field(name) => target.as_object_mut()?.entry(&**name).or_insert(Value::Null),
                Segment::Item(id) => target.as_array_mut()?.iter_mut().find(|item| item["id"] == *id)?,
            };
        }
        match &self.operation {
            Operation::Set(value) => *target = value.clone(),
            Operation::Push(item) => target.as_array_mut()?.push(item.clone()),
            Operation::Remove(id) => target.as_array_mut()?.retain(|item| item["id"] != *id),
        }
        Some(())
    }
}

/// The way from the component to what is changed.
fn steps(path: &Expr, at: &At<'_>) -> Vec<Segment> {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the compiler of templates lets nothing else be changed"
    )]
    match path {
        Expr::Root(name) => vec![Segment::Field(name.text.clone())],
        Expr::Field(of, name) => {
            let mut steps = steps(of, at);
            steps.push(Segment::Field(name.text.clone()));
            steps
        }
        Expr::At(of, key) => {
            let mut steps = steps(of, at);
            steps.push(Segment::Item(key.eval(at).into_data()));
            steps
        }
        _ => Vec::new(),
    }
}
