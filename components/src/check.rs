//! Checks a template against its component, in a constant that rustc evaluates.

#![expect(
    clippy::indexing_slicing,
    clippy::result_large_err,
    clippy::wildcard_enum_match_arm,
    reason = "evaluated by rustc while it compiles the application: an index out of bounds fails the build, and \
              nothing is allocated"
)]

mod calls;
mod children;
mod compare;
mod errors;
pub(crate) mod message;
mod model;
mod routes;

use vivaz_template::check::{self, Static};

use crate::shape::{Shape, ShapeField, ShapeRef};
use crate::spec::{ActionSpec, FieldSpec, RouteSpec, Spec};
use message::{ConstMessage, Nearest};

pub(crate) use calls::does_not_take;
use calls::{call, target};
pub(crate) use children::{NOT_THE_PAGES, is_written_form, why_missing};
use model::model;
pub use model::not_written;
pub use vivaz_template::check::{Comparison, Edits, Want};

/// A component, as far as its template can use it.
#[derive(Debug)]
pub struct Subject {
    /// The name of the Rust type.
    pub ty: &'static str,
    /// Its fields and their purposes.
    pub fields: &'static [FieldSpec],
    /// The shape of its fields.
    pub shape: ShapeRef,
    /// The shape of its computed fields.
    pub computed: &'static [ShapeField],
    /// The methods that a page may call.
    pub actions: &'static [ActionSpec],
    /// The names of the other methods of its `#[actions]` block.
    pub methods: &'static [&'static str],
    /// Literal texts of that block that can be names.
    pub words: &'static [&'static str],
    /// The components that its template may have as children, if it names them.
    pub children: &'static [&'static Spec],
    /// The routes in its template, by their paths in Rust.
    pub routes: &'static [(&'static str, &'static RouteSpec)],
}

/// A check in a constant.
pub type Check = check::Check<Static>;
/// The condition of a check in a constant.
pub type CheckKind = check::CheckKind<Static>;
/// One step of a path.
pub type PathStep = check::PathStep<(&'static str, u64)>;
/// A value in a constant.
pub type Argument = check::Argument<Static>;
/// A prop in a constant.
pub type GivenProp = check::GivenProp<Static>;

/// Checks all uses of one template in one constant. The message lists the failed ones.
#[must_use]
pub const fn verify(subject: &Subject, checks: &[Check]) -> Option<ConstMessage> {
    let (mut all, mut failed, mut at) = (None, 0, 0);
    while at < checks.len() {
        let Check { at: excerpt, kind } = &checks[at];
        if let Some(message) = verify_one(subject, kind) {
            failed += 1;
            if failed <= 8 {
                let before = match all {
                    Some(before) => ConstMessage::text(before, "\n\n"),
                    None => ConstMessage::new(),
                };
                all = Some(before.text(message.as_str()).text("\n").text(excerpt));
            }
        }
        at += 1;
    }
    match all {
        Some(message) if failed > 8 => {
            Some(message.text("\n\nand ").number(failed - 8).text(" more in this template"))
        }
        message => message,
    }
}

const fn verify_one(subject: &Subject, kind: &CheckKind) -> Option<ConstMessage> {
    match *kind {
        CheckKind::Path { steps, want, given } => match walk(subject, steps) {
            Ok(end) => end.is_wanted(want),
            // An error in the list of a loop is reported once, at the loop.
            Err((at, _)) if is_inside_loop(steps, at) || at < given => None,
            Err((_, message)) => Some(message),
        },
        CheckKind::Compare { one, among, how } => compare::compared(subject, one, among, how),
        CheckKind::Contains { steps, one } => compare::contained(subject, steps, one),
        CheckKind::Call { action, arguments } => call(subject, action, arguments),
        CheckKind::Target { name } => target(subject, name),
        CheckKind::Model { steps, edits } => model(subject, steps, edits),
        CheckKind::Route { route, parameters, is_live } => routes::route(subject, route, parameters, is_live),
        CheckKind::Fresh { name } => fresh(subject, name),
        CheckKind::Child { component, props, within } => children::child(subject, component, props, within),
    }
}

const fn is_inside_loop(steps: &[PathStep], mut at: usize) -> bool {
    while at < steps.len() {
        if let PathStep::Each = steps[at] {
            return true;
        }
        at += 1;
    }
    false
}

/// Where a path leads.
#[derive(Clone, Copy)]
struct PathEnd {
    shape: &'static Shape,
    /// The name of the last field, for messages.
    name: &'static str,
    /// Whether it is an item of what has that name.
    is_item: bool,
    /// Whether it has a text where its type does not describe itself.
    shown: bool,
}

impl PathEnd {
    const fn is_wanted(self, want: Want) -> Option<ConstMessage> {
        let shape = through(self.shape);
        let says = match (want, shape) {
            (Want::Text | Want::Compared, Shape::Unknown) if !self.shown => {
                let message = ConstMessage::new().text("`").text(self.name);
                let message =
                    message.text("` has no text: its type is not known to templates and not `Display`. ");
                return Some(
                    message.text("Add #[derive(LiveState)] to the type, or #[live(opaque)] to the field"),
                );
            }
            (_, Shape::Any | Shape::Unknown) | (Want::Any | Want::Condition, _) => return None,
            (Want::List, Shape::List(_) | Shape::Keyed(_)) => return None,
            (Want::Number, Shape::Int | Shape::Float) => return None,
            (
                Want::Text | Want::Compared,
                Shape::Bool | Shape::Int | Shape::Float | Shape::Str | Shape::Enum(..),
            ) => {
                return None;
            }
            (Want::List, Shape::Map(_)) => "`live:for` needs a list, and a map has no order",
            (Want::List, _) => "`live:for` needs a list",
            (Want::Number, _) => "it cannot be calculated with",
            (Want::Compared, _) => "it equals nothing; compare a field or `len()` of it",
            (Want::Text, Shape::List(_) | Shape::Keyed(_)) => {
                "it cannot be shown as text; show its items with `live:for`, or its `len()`"
            }
            (Want::Text, Shape::Map(_)) => "it cannot be shown as text; show an entry of it, as `map[key]`",
            (Want::Text, Shape::Struct(_, fields)) => {
                let message = self.is(shape).text(": it cannot be shown as text; ");
                return Some(match first_shown(fields) {
                    Some(field) if self.is_item => {
                        message.text("show a field of it, as its `").text(field).text("`")
                    }
                    Some(field) => message
                        .text("show a field of it, as `")
                        .text(self.name)
                        .text(".")
                        .text(field)
                        .text("`"),
                    None => message.text("show a field of it"),
                });
            }
            (Want::Text, _) => "it cannot be shown as text",
        };
        Some(self.is(shape).text(": ").text(says))
    }

    /// "`name` ", "an item of `name` "
    const fn is_named(self) -> ConstMessage {
        let message = if self.is_item {
            ConstMessage::new().text("an item of `")
        } else {
            ConstMessage::new().text("`")
        };
        message.text(self.name).text("` ")
    }

    /// "`name` is a list"
    const fn is(self, shape: &Shape) -> ConstMessage {
        let message = self.is_named().text("is ");
        match shape {
            Shape::Struct(name, _) => message.text("a `").text(name).text("`"),
            other => message.text(other.kind()),
        }
    }
}

/// Returns the first field whose value can be shown.
const fn first_shown(fields: &[ShapeField]) -> Option<&'static str> {
    let mut at = 0;
    while at < fields.len() {
        let shape = through(fields[at].shape.get());
        if fields[at].hidden.is_none()
            && matches!(shape, Shape::Bool | Shape::Int | Shape::Float | Shape::Str | Shape::Enum(..))
        {
            return Some(fields[at].name);
        }
        at += 1;
    }
    None
}

pub(crate) const fn through(mut shape: &'static Shape) -> &'static Shape {
    while let Shape::Option(inner) = shape {
        shape = inner.get();
    }
    shape
}

/// Returns the value to which a path leads, or the step at which it fails, and the reason.
const fn walk(subject: &Subject, steps: &[PathStep]) -> Result<PathEnd, (usize, ConstMessage)> {
    let mut end = PathEnd { shape: subject.shape.get(), name: subject.ty, is_item: false, shown: true };
    let mut at = 0;
    while at < steps.len() {
        let shape = through(end.shape);
        end.shape = match (steps[at], shape) {
            (_, Shape::Any) => return Ok(PathEnd { shape: &Shape::Any, ..end }),
            (_, Shape::Unknown) => {
                let message = ConstMessage::new().text("the type of `").text(end.name);
                let message =
                    message.text("` is not known to templates: add #[derive(LiveState)] to it, or ");
                return Err((at, message.text("#[live(opaque)] to the field")));
            }
            (PathStep::Field((name, hash)), Shape::Struct(owner, fields)) => {
                let computed: &[ShapeField] = if at == 0 { subject.computed } else { &[] };
                match field(owner, fields, computed, name, hash) {
                    Ok(found) => {
                        end = PathEnd { name, is_item: false, shown: found.shown, ..end };
                        found.shape.get()
                    }
                    Err(_) if at == 0 && equal(name, "errors") => {
                        let message = no_field(name, owner);
                        return Err((
                            at,
                            message.text(
                                ": add `#[live(errors)] errors: Errors`, which contains the refused values",
                            ),
                        ));
                    }
                    Err(message) => return Err((at, message)),
                }
            }
            (PathStep::Field((name, _)), Shape::Map(inner)) => {
                if at == 1
                    && errors::are_errors(subject, &steps[0])
                    && let Some(message) = errors::unnamed(subject, name)
                {
                    return Err((at, message));
                }
                end.name = name;
                end.is_item = false;
                inner.get()
            }
            (PathStep::Index | PathStep::Each, Shape::List(inner) | Shape::Keyed(inner))
            | (PathStep::Index, Shape::Map(inner)) => {
                end.is_item = true;
                inner.get()
            }
            (
                PathStep::Len,
                Shape::List(_) | Shape::Keyed(_) | Shape::Map(_) | Shape::Str | Shape::Enum(..),
            ) => {
                end.name = "len()";
                end.is_item = false;
                &Shape::Int
            }
            (
                PathStep::IsEmpty | PathStep::Contains,
                Shape::List(_) | Shape::Keyed(_) | Shape::Map(_) | Shape::Str | Shape::Enum(..),
            ) => &Shape::Bool,
            (step, other) => {
                let message = end.is(other).text(": ");
                let message = match step {
                    PathStep::Field((name, _)) => message.text("it has no field `").text(name).text("`"),
                    PathStep::Each => message.text("`live:for` needs a list"),
                    PathStep::Index => message.text("it has no items"),
                    PathStep::Len => message.text("it has no length"),
                    PathStep::IsEmpty => message.text("it is never empty"),
                    PathStep::Contains => message.text("it contains nothing"),
                };
                return Err((at, message));
            }
        };
        at += 1;
    }
    Ok(end)
}

const fn field(
    owner: &str,
    fields: &'static [ShapeField],
    computed: &'static [ShapeField],
    name: &'static str,
    hash: u64,
) -> Result<ShapeField, ConstMessage> {
    let mut nearest = Nearest::to(name);
    let lists = [fields, computed];
    let mut list = 0;
    while list < lists.len() {
        let mut at = 0;
        while at < lists[list].len() {
            let field = &lists[list][at];
            if field.hash == hash && equal(field.name, name) {
                return match field.hidden {
                    None => Ok(*field),
                    Some(why) => Err(ConstMessage::new()
                        .text("`")
                        .text(name)
                        .text("` of `")
                        .text(owner)
                        .text("` cannot be shown: ")
                        .text(why)),
                };
            }
            at += 1;
        }
        list += 1;
    }
    // Only now, because a distance costs more than everything before it.
    let mut list = 0;
    while list < lists.len() {
        let mut at = 0;
        while at < lists[list].len() {
            if lists[list][at].hidden.is_none() {
                nearest = nearest.or(lists[list][at].name);
            }
            at += 1;
        }
        list += 1;
    }
    Err(nearest.ask(no_field(name, owner)))
}

const fn no_field(name: &str, owner: &str) -> ConstMessage {
    ConstMessage::new().text("no field `").text(name).text("` on `").text(owner).text("`")
}

const fn fresh(subject: &Subject, name: &str) -> Option<ConstMessage> {
    let mut at = 0;
    let mut taken = false;
    while at < subject.fields.len() {
        taken = taken || equal(subject.fields[at].name, name);
        at += 1;
    }
    let mut at = 0;
    while at < subject.computed.len() {
        taken = taken || equal(subject.computed[at].name, name);
        at += 1;
    }
    if !taken {
        return None;
    }
    let message = ConstMessage::new().text("`").text(name).text("` is a field of `").text(subject.ty);
    Some(message.text("`, which this would hide: choose another name"))
}

const fn equal(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len() != b.len() {
        return false;
    }
    let mut at = 0;
    while at < a.len() {
        if a[at] != b[at] {
            return false;
        }
        at += 1;
    }
    true
}

#[cfg(test)]
mod tests;
