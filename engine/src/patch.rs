//! Applies patches to a state and reports their effects as list positions that every view can
//! follow.

use vivaz_protocol::words;

use crate::value::{Key, Val};

/// A change of one field.
#[derive(Debug, PartialEq)]
pub(crate) struct Change {
    pub(crate) field: Key,
    pub(crate) what: What,
}

/// How a field changed.
#[derive(Debug, PartialEq)]
pub(crate) enum What {
    /// The field has a new value.
    Value,
    /// The field is a keyed list, and these steps were applied, in order.
    List(Vec<Step>),
}

/// One step of a list. Positions refer to the list at the time of the step.
#[derive(Debug, PartialEq)]
pub(crate) enum Step {
    Insert(usize),
    Remove(usize),
    Move {
        from: usize,
        to: usize,
    },
    /// Fields of the item at a position changed.
    Item {
        at: usize,
        fields: Vec<Key>,
    },
    /// The new order: for each new position, the old one.
    Order(Vec<usize>),
}

/// Applies one field's patch value to the field's old value. Returns `None` if it does not fit: the
/// stream has to be requested again.
pub(crate) fn apply(old: &mut Val, mut patch: Val) -> Option<What> {
    if let Val::Obj(fields) = &mut patch
        && let [(key, value)] = fields.as_mut_slice()
        && let name @ (words::patch::LIST | words::patch::VALUE) = key.name()
    {
        let value = std::mem::take(value);
        if name == words::patch::LIST {
            let Val::List(items) = old else { return None };
            let mut cursor = 0;
            let mut steps = Vec::new();
            for op in value.into_list() {
                steps.push(step(items, &mut cursor, op)?);
            }
            return Some(What::List(steps));
        }
        patch = value;
    }
    *old = patch;
    Some(What::Value)
}

/// Returns the patch value that sets a field to `value`.
pub(crate) fn plain(value: Val) -> Val {
    if let Val::Obj(_) = value { Val::Obj(vec![(Key::of(words::patch::VALUE), value)]) } else { value }
}

/// Returns the patch value that adds an item at the end of a list. A server cannot send this
/// position: it is infinity, which JSON does not have.
pub(crate) fn push(item: Val) -> Val {
    list(vec![Val::text(words::patch::INSERT), Val::Num(f64::INFINITY), item])
}

/// Returns the patch value that removes the item with this id from a list.
pub(crate) fn remove(id: Val) -> Val {
    list(vec![Val::text(words::patch::REMOVE), id])
}

fn list(op: Vec<Val>) -> Val {
    Val::Obj(vec![(Key::of(words::patch::LIST), Val::List(vec![Val::List(op)]))])
}

fn step(items: &mut Vec<Val>, cursor: &mut usize, op: Val) -> Option<Step> {
    let mut parts = op.into_list();
    let mut part = |at: usize| parts.get_mut(at).map(std::mem::take);
    let (name, first, second) = (part(0)?, part(1)?, part(2));
    let name = name.str()?;
    if name == words::patch::INSERT {
        let at = if first == Val::Num(f64::INFINITY) { items.len() } else { place(&first)? };
        let item = second.filter(|_| at <= items.len())?;
        items.insert(at, item);
        *cursor = at;
        return Some(Step::Insert(at));
    }
    if name == words::patch::ORDER {
        return order(items, &first.into_list());
    }
    let at = find(items, *cursor, &first)?;
    *cursor = at;
    match name {
        words::patch::REMOVE => {
            items.remove(at);
            Some(Step::Remove(at))
        }
        words::patch::CHANGE => {
            let item = items.get_mut(at)?;
            let mut fields = Vec::new();
            for (key, value) in second?.into_fields() {
                fields.push(key);
                if let Some(old) = item.slot(key) {
                    apply(old, value)?;
                }
            }
            Some(Step::Item { at, fields })
        }
        words::patch::MOVE => {
            let to = place(&second?).filter(|to| *to < items.len())?;
            let item = items.remove(at);
            items.insert(to, item);
            *cursor = to;
            Some(Step::Move { from: at, to })
        }
        _ => None,
    }
}

/// Reorders the items into the order of these ids.
fn order(items: &mut Vec<Val>, ids: &[Val]) -> Option<Step> {
    if ids.len() != items.len() {
        return None;
    }
    let (mut places, mut ordered) = (Vec::new(), Vec::new());
    let mut cursor = 0;
    for id in ids {
        // An item that was taken is not found again.
        cursor = find(items, cursor, id)?;
        places.push(cursor);
        ordered.push(items.get_mut(cursor).map(std::mem::take)?);
    }
    *items = ordered;
    Some(Step::Order(places))
}

fn place(value: &Val) -> Option<usize> {
    value.int().and_then(|i| usize::try_from(i).ok())
}

/// Returns the position of the item with this id. Searches outwards from `cursor`, the previous
/// position, because consecutive steps often affect adjacent items.
pub(crate) fn find(items: &[Val], cursor: usize, id: &Val) -> Option<usize> {
    let key = Key::of(words::patch::ID);
    let is = |at: usize| items.get(at).and_then(|item| item.at(key)) == Some(id);
    let cursor = cursor.min(items.len());
    for distance in 0..=items.len() {
        for at in &[cursor + distance, cursor.wrapping_sub(distance)] {
            if is(*at) {
                return Some(*at);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::parse;

    fn run(old: &str, patch: &str) -> (String, Option<What>) {
        let mut value = parse(old).unwrap();
        let what = apply(&mut value, parse(patch).unwrap());
        (value.json(), what)
    }

    #[test]
    fn plain_values_replace_and_wrapped_ones_are_unwrapped() {
        assert_eq!(run("1", "2"), ("2".into(), Some(What::Value)));
        assert_eq!(run("1", r#"{"$value":{"$list":1}}"#), (r#"{"$list":1}"#.into(), Some(What::Value)));
        assert_eq!(run(r#"{"a":1}"#, r#"{"b":2}"#), (r#"{"b":2}"#.into(), Some(What::Value)));
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
            Some(What::List(vec![
                Step::Insert(3),
                Step::Remove(0),
                Step::Item { at: 0, fields: vec![Key::of("n"), Key::of("m")] },
                Step::Move { from: 2, to: 0 },
            ]))
        );
        let (value, what) = run(r#"[{"id":1},{"id":2},{"id":3}]"#, r#"{"$list":[["=",[3,1,2]]]}"#);
        assert_eq!(value, r#"[{"id":3},{"id":1},{"id":2}]"#);
        assert_eq!(what, Some(What::List(vec![Step::Order(vec![2, 0, 1])])));
    }

    #[test]
    fn an_invalid_value_is_a_misfit() {
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
            assert_eq!(run(r#"[{"id":1},{"id":2}]"#, &patch).1, None, "{patch}");
        }
        assert_eq!(run("null", r#"{"$list":[]}"#).1, None);
    }
}
