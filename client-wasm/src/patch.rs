//! Patches: laid over a state, and what they did to it, told in positions so that every view can follow.

use crate::value::{Key, Val};

/// What happened to one field.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Change {
    pub(crate) field: Key,
    pub(crate) what: What,
}

/// How it changed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum What {
    /// It has another value.
    Value,
    /// It is a keyed list, and these steps were taken, in order.
    List(Vec<Step>),
}

/// One step of a list. Positions are those of the moment of the step.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Step {
    Insert(usize),
    Remove(usize),
    Move {
        from: usize,
        to: usize,
    },
    /// The fields of the item at a place changed.
    Item {
        at: usize,
        fields: Vec<Key>,
    },
    /// The order of all: for each new place the place it had before.
    Order(Vec<usize>),
}

/// The patch does not fit the state: the stream has to be asked for again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Misfit;

/// Applies one field's patch value to the field's old value.
pub(crate) fn apply(old: &mut Val, patch: Val) -> Result<What, Misfit> {
    match unwrap(patch) {
        Wrapped::Plain(value) => {
            *old = value;
            Ok(What::Value)
        }
        Wrapped::List(ops) => {
            let Val::List(items) = old else { return Err(Misfit) };
            let mut cursor = 0;
            let mut steps = Vec::with_capacity(ops.len());
            for op in ops {
                steps.push(step(items, &mut cursor, op)?);
            }
            Ok(What::List(steps))
        }
    }
}

enum Wrapped {
    Plain(Val),
    List(Vec<Val>),
}

/// Looks through `{"$list": …}` and `{"$value": …}`.
fn unwrap(patch: Val) -> Wrapped {
    if let Val::Obj(mut fields) = patch {
        if let [(key, _)] = fields.as_slice()
            && let name @ ("$list" | "$value") = key.name()
        {
            let value = fields.pop().map(|(_, value)| value).unwrap_or_default();
            return if name == "$list" { Wrapped::List(value.into_list()) } else { Wrapped::Plain(value) };
        }
        return Wrapped::Plain(Val::Obj(fields));
    }
    Wrapped::Plain(patch)
}

fn step(items: &mut Vec<Val>, cursor: &mut usize, op: Val) -> Result<Step, Misfit> {
    let mut parts = op.into_list();
    let mut part = |at: usize| parts.get_mut(at).map(std::mem::take);
    let (name, first, second) = (part(0).ok_or(Misfit)?, part(1).ok_or(Misfit)?, part(2));
    match name.str() {
        Some("+") => {
            let at = place(&first).filter(|at| *at <= items.len()).ok_or(Misfit)?;
            items.insert(at, second.ok_or(Misfit)?);
            *cursor = at;
            Ok(Step::Insert(at))
        }
        Some("-") => {
            let at = find(items, *cursor, &first).ok_or(Misfit)?;
            items.remove(at);
            *cursor = at;
            Ok(Step::Remove(at))
        }
        Some("~") => {
            let at = find(items, *cursor, &first).ok_or(Misfit)?;
            *cursor = at;
            let item = items.get_mut(at).ok_or(Misfit)?;
            let mut fields = Vec::new();
            for (key, value) in second.ok_or(Misfit)?.into_fields() {
                fields.push(key);
                if item.at(key).is_none() {
                    item.set(key, Val::Null);
                }
                if let Some(old) = item.at_mut(key) {
                    apply(old, value)?;
                }
            }
            Ok(Step::Item { at, fields })
        }
        Some(">") => {
            let from = find(items, *cursor, &first).ok_or(Misfit)?;
            let to = second.as_ref().and_then(place).filter(|to| *to < items.len()).ok_or(Misfit)?;
            let item = items.remove(from);
            items.insert(to, item);
            *cursor = to;
            Ok(Step::Move { from, to })
        }
        Some("=") => order(items, &first.into_list()),
        _ => Err(Misfit),
    }
}

/// Puts the items into the order of these ids.
fn order(items: &mut Vec<Val>, ids: &[Val]) -> Result<Step, Misfit> {
    if ids.len() != items.len() {
        return Err(Misfit);
    }
    let mut places = Vec::with_capacity(ids.len());
    let mut cursor = 0;
    for id in ids {
        let at = find(items, cursor, id).ok_or(Misfit)?;
        places.push(at);
        cursor = at;
    }
    let mut seen = vec![false; items.len()];
    for at in &places {
        match seen.get_mut(*at) {
            Some(seen) if !*seen => *seen = true,
            _ => return Err(Misfit),
        }
    }
    let mut ordered = Vec::with_capacity(items.len());
    for at in &places {
        ordered.push(items.get_mut(*at).map(std::mem::take).unwrap_or_default());
    }
    *items = ordered;
    Ok(Step::Order(places))
}

fn place(value: &Val) -> Option<usize> {
    value.int().and_then(|i| usize::try_from(i).ok())
}

/// The item with that id, looked for outwards from where the last one was: neighbours come after one another.
pub(crate) fn find(items: &[Val], cursor: usize, id: &Val) -> Option<usize> {
    let key = Key::of("id");
    let is = |at: usize| items.get(at).and_then(|item| item.at(key)) == Some(id);
    let cursor = cursor.min(items.len());
    (0..=items.len()).find_map(|distance| {
        let after = cursor + distance;
        let before = cursor.wrapping_sub(distance);
        if is(after) { Some(after) } else { is(before).then_some(before) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::parse;

    fn run(old: &str, patch: &str) -> (String, Result<What, Misfit>) {
        let mut value = parse(old).unwrap();
        let what = apply(&mut value, parse(patch).unwrap());
        (value.json(), what)
    }

    #[test]
    fn plain_values_replace_and_wrapped_ones_are_unwrapped() {
        assert_eq!(run("1", "2"), ("2".into(), Ok(What::Value)));
        assert_eq!(run("1", r#"{"$value":{"$list":1}}"#), (r#"{"$list":1}"#.into(), Ok(What::Value)));
        assert_eq!(run(r#"{"a":1}"#, r#"{"b":2}"#), (r#"{"b":2}"#.into(), Ok(What::Value)));
    }

    #[test]
    fn every_list_operation() {
        let (value, what) = run(
            r#"[{"id":1},{"id":"x","n":[]},{"id":3}]"#,
            r#"{"$list":[["+",3,{"id":4}],["-",1],["~","x",{"n":{"$list":[["+",0,{"id":7}]]},"m":2}],[">",4,0]]}"#,
        );
        assert_eq!(value, r#"[{"id":4},{"id":"x","n":[{"id":7}],"m":2},{"id":3}]"#);
        assert_eq!(
            what,
            Ok(What::List(vec![
                Step::Insert(3),
                Step::Remove(0),
                Step::Item { at: 0, fields: vec![Key::of("n"), Key::of("m")] },
                Step::Move { from: 2, to: 0 },
            ]))
        );
        let (value, what) = run(r#"[{"id":1},{"id":2},{"id":3}]"#, r#"{"$list":[["=",[3,1,2]]]}"#);
        assert_eq!(value, r#"[{"id":3},{"id":1},{"id":2}]"#);
        assert_eq!(what, Ok(What::List(vec![Step::Order(vec![2, 0, 1])])));
    }

    #[test]
    fn what_does_not_fit_is_a_misfit() {
        for patch in [
            r#"[["-",9]]"#,
            r#"[["+",5,{}]]"#,
            r#"[["+",0]]"#,
            r#"[["~",9,{}]]"#,
            r#"[[">",1,7]]"#,
            r#"[["=",[1]]]"#,
            r#"[["=",[1,1]]]"#,
            r#"[["?",1]]"#,
            r#"[[]]"#,
            r#"[3]"#,
        ] {
            let patch = format!(r#"{{"$list":{patch}}}"#);
            assert_eq!(run(r#"[{"id":1},{"id":2}]"#, &patch).1, Err(Misfit), "{patch}");
        }
        assert_eq!(run("null", r#"{"$list":[]}"#).1, Err(Misfit));
    }
}
