//! Places of child components: the path from a component to one of its children, as a list of hole
//! numbers, row keys and arm numbers. The server finds the child at the place and evaluates its
//! props.
//!
//! `[3, "k7", 0, 2, 5]` is hole 5 in the second arm of the condition at hole 0 in the row with the
//! key `"k7"` of the list at hole 3. Holes count from 0 within their block, arms from 1.

use std::collections::HashMap;

use crate::compile::Compiled;
use crate::compiled::HoleKind;
use crate::data::{Data, Kind, Name};
use crate::encode::push_quoted;
use crate::eval::{Value, write};
use crate::expr::Expr;
use crate::outline::PageLocal;
use crate::reads::Dependency;
use crate::render::StateFields;
use crate::render::frame::{RenderFrame, RenderRoot};

/// A child component found by its place.
#[derive(Clone, Debug, PartialEq)]
pub struct ChildAt<'c, D> {
    /// The child's registered name.
    pub component: &'c str,
    /// Its props, except those that read page-local state.
    pub props: Vec<(&'c Name, D)>,
    /// Its `live:key`, unless it reads page-local state.
    pub key: Option<D>,
}

/// The reason why a place has no child.
#[derive(Clone, Debug, PartialEq)]
pub enum NoChild {
    /// The state shows no child there.
    NotShown,
    /// Several rows of a list have the key in the place, so it identifies none of them.
    DuplicateKey {
        /// The list, as the template names it.
        list: String,
        /// The key as text.
        key: String,
    },
}

/// The rows of the lists of one state by their keys, so that finding all rows of a list takes
/// linear time.
#[derive(Debug, Default)]
pub struct RowIndex {
    /// The row of each key; `None` if several rows have the key.
    lists: HashMap<String, HashMap<String, Option<usize>>>,
    keys: u64,
}

impl RowIndex {
    /// Returns the number of keys that were evaluated.
    #[must_use]
    pub fn keys(&self) -> u64 {
        self.keys
    }
}

/// Finds the child component at a place of the state and evaluates its props and its key. `rows`
/// belongs to this state: use another one for another state.
///
/// # Errors
/// Returns the reason if the place has no child. A key that several rows have identifies none of
/// them: otherwise a message for one row would reach the child of another.
///
/// The page decides a condition or the rows of a list that depend on page-local state.
///
/// ```
/// use serde_json::json;
/// use vivaz_template::{NoChild, RowIndex, child_at, compile};
///
/// let compiled = compile("<ul><li live:for='t in todos' live:key='t.id'><live:todo text='{{ t.text }}'></live:todo></li></ul>")
///     .expect("a valid template");
/// let state = json!({ "todos": [{ "id": 7, "text": "Water the plants" }] });
/// let child = child_at(&compiled, &state, None, &[json!(0), json!(7), json!(0)], &mut RowIndex::default()).expect("it is there");
/// assert_eq!((child.component, &child.props[0].1), ("todo", &json!("Water the plants")));
/// assert_eq!(child_at(&compiled, &state, None, &[json!(0), json!(8), json!(0)], &mut RowIndex::default()), Err(NoChild::NotShown));
/// ```
pub fn child_at<'c, D: Data>(
    compiled: &'c Compiled,
    state: &dyn StateFields<D>,
    user: Option<&D>,
    place: &[D],
    rows: &mut RowIndex,
) -> Result<ChildAt<'c, D>, NoChild> {
    let root = RenderRoot { state, user, flash: None, form: None };
    let mut walk = Walk { compiled, rows, way: String::new(), duplicate: None };
    walk.block(0, RenderFrame::top(&root), place).ok_or(walk.duplicate.unwrap_or(NoChild::NotShown))
}

struct Walk<'c, 'r> {
    compiled: &'c Compiled,
    rows: &'r mut RowIndex,
    /// The place of the block instance.
    way: String,
    /// Set where several rows have the key.
    duplicate: Option<NoChild>,
}

impl<'c> Walk<'c, '_> {
    /// Continues from a block instance. The template bounds the recursion: each step has a block of
    /// its own.
    fn block<D: Data>(
        &mut self,
        number: usize,
        mut frame: RenderFrame<'_, D>,
        place: &[D],
    ) -> Option<ChildAt<'c, D>> {
        let compiled = self.compiled;
        let block = compiled.template.blocks.get(number)?;
        let (at, rest) = place.split_first()?;
        let at = position(at)?;
        // Page-local expressions are not evaluated, so page-local state is never read.
        frame.locals.resize(block.locals.len(), D::null());
        let local = compiled.outline.local(number, at);
        match (&block.holes.get(at)?.kind, local) {
            (
                HoleKind::Child { component, props, key },
                PageLocal::Child { props: local, key: key_is_local },
            ) => {
                if !rest.is_empty() {
                    return None;
                }
                let own = props.iter().zip(local).filter(|(_, is_local)| !**is_local);
                let props = own.map(|((name, value), _)| (name, value.eval(&frame).into_data())).collect();
                let key = key.as_ref().filter(|_| !key_is_local).map(|key| key.eval(&frame).into_data());
                Some(ChildAt { component, props, key })
            }
            (HoleKind::If { arms, .. }, PageLocal::Arms(local)) => {
                let (arm, rest) = rest.split_first()?;
                let arm = position(arm)?.checked_sub(1)?;
                let (_, inner) = arms.get(arm)?;
                let holds = |condition: &Option<Expr>| {
                    condition.as_ref().is_none_or(|condition| condition.eval(&frame).truthy())
                };
                let mut before = arms.iter().zip(local).take(arm + 1).enumerate();
                if before.any(|(number, ((condition, _), is_local))| {
                    !is_local && holds(condition) != (number == arm)
                }) {
                    return None;
                }
                self.step(at, &D::from_int(i64::try_from(arm).ok()? + 1));
                self.block(*inner, frame.arm(), rest)
            }
            (HoleKind::For { list, key, block: inner, .. }, PageLocal::List(is_local)) => {
                let (wanted, rest) = rest.split_first()?;
                if *is_local {
                    self.step(at, wanted);
                    return self.block(*inner, frame.row(&D::null(), 0), rest);
                }
                let source = list;
                let list = list.eval(&frame);
                let Kind::List(items) = list.kind() else { return None };
                let Some(index) = self.row(at, items, key, &frame, wanted)? else {
                    let mut key = String::new();
                    write(&wanted.kind(), &mut key);
                    self.duplicate = Some(NoChild::DuplicateKey { list: named(source), key });
                    return None;
                };
                self.step(at, wanted);
                self.block(*inner, frame.row(items.get(index)?, index), rest)
            }
            _ => None,
        }
    }

    fn step<D: Data>(&mut self, hole: usize, then: &D) {
        push_step(&mut self.way, hole, &then.kind());
    }

    /// Returns the position of the row with that key, or `Some(None)` if several rows have it.
    fn row<D: Data>(
        &mut self,
        hole: usize,
        items: &[D],
        key: &Expr,
        frame: &RenderFrame<'_, D>,
        wanted: &D,
    ) -> Option<Option<usize>> {
        if matches!(wanted.kind(), Kind::List(_) | Kind::Map(_)) {
            return None;
        }
        let list = format!("{},{hole}", self.way);
        let keys = &mut self.rows.keys;
        let rows = self.rows.lists.entry(list).or_insert_with(|| {
            let mut rows = HashMap::with_capacity(items.len());
            for (index, item) in items.iter().enumerate() {
                *keys += 1;
                let row = frame.keyed(item, index);
                rows.entry(name_of(&key.eval(&row))).and_modify(|only| *only = None).or_insert(Some(index));
            }
            rows
        });
        rows.get(&name_of(&Value::Borrowed(wanted))).copied()
    }
}

/// Returns the fields that a list is read from, for a message.
fn named(list: &Expr) -> String {
    let mut names = Vec::new();
    list.reads(&mut |read| match read {
        Dependency::Root { name, field: Some(field) } => names.push(format!("{}.{}", name.text, field.text)),
        Dependency::Root { name, field: None } | Dependency::Item { field: Some(name), .. } => {
            names.push(name.text.to_string());
        }
        Dependency::Item { field: None, .. }
        | Dependency::Index(_)
        | Dependency::Local(_)
        | Dependency::Special(_) => {}
    });
    names.join(", ")
}

/// Returns the number that a segment represents.
fn position<D: Data>(segment: &D) -> Option<usize> {
    match segment.kind() {
        Kind::Int(at) => usize::try_from(at).ok(),
        Kind::Null
        | Kind::Bool(_)
        | Kind::Big(_)
        | Kind::Num(_)
        | Kind::Str(_)
        | Kind::List(_)
        | Kind::Map(_) => None,
    }
}

/// Returns a key as text. A number and its text are two keys, as in the page.
fn name_of<D: Data>(key: &Value<'_, D>) -> String {
    let kind = key.kind();
    let mut name = String::from(if matches!(kind, Kind::Str(_)) { "s" } else { "n" });
    write(&kind, &mut name);
    name
}

/// Appends a step to a place: a hole, and the row's key or the arm's number.
pub(crate) fn push_step<D: Data>(place: &mut String, hole: usize, then: &Kind<'_, D>) {
    if !place.is_empty() {
        place.push(',');
    }
    place.push_str(&hole.to_string());
    place.push(',');
    push_key(then, place);
}

/// Appends a key as JSON, in the form used in places. A value that is not a scalar is `null`.
pub fn push_key<D: Data>(key: &Kind<'_, D>, out: &mut String) {
    match key {
        Kind::Str(text) => push_quoted(text, out),
        Kind::Null | Kind::List(_) | Kind::Map(_) => out.push_str("null"),
        Kind::Bool(_) | Kind::Int(_) | Kind::Big(_) | Kind::Num(_) => write(key, out),
    }
}
