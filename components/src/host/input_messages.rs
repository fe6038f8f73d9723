//! Messages about values of the page that did not fit their types, in the component's `errors`.

use serde_json::Value;
use vivaz_protocol::{Key, PropertyPath};

use crate::component::{AnyComponent, Return};
use crate::error::{RefusedInput, RefusedValue, SAVED_REFUSALS};
use crate::saved::Saved;
use crate::shape::hash;
use crate::spec::FieldKind;
use crate::tracking::{JsonResult, StateWriter, TrackedField, Visitor};
use crate::{ActionError, ErrorCode, Result};

/// Sets or withdraws the messages about an action's arguments, after the action was called.
pub(super) fn called(component: &mut dyn AnyComponent, action: String, result: &Return) {
    let Some(errors) = component.errors() else { return };
    let target = RefusedInput::Action(action);
    match result {
        Err(error) if error.code() == ErrorCode::BadArguments => match error.errors() {
            Some(said) => errors.refuse(target, 0, said),
            None => errors.withdraw(&target),
        },
        Ok(_) | Err(_) => errors.withdraw(&target),
    }
}

/// Sets the messages about a refused value of a property, or withdraws those about the value
/// before.
///
/// # Errors
/// Returns an error if the field has no JSON form.
pub(super) fn edited(
    component: &mut dyn AnyComponent,
    property: &PropertyPath<'_>,
    refused: Option<&ActionError>,
) -> Result {
    if component.errors().is_none() {
        return Ok(());
    }
    let target = target(property);
    let said = refused.and_then(ActionError::errors);
    let value = if said.is_some() { value_of(component, &target)?.unwrap_or_default() } else { 0 };
    let Some(errors) = component.errors() else { return Ok(()) };
    match said {
        Some(said) => errors.refuse(target, value, said),
        None => errors.withdraw(&target),
    }
    Ok(())
}

/// Withdraws messages about properties that have another value now or are gone, and about actions
/// that this program does not have.
///
/// # Errors
/// Returns an error if a field has no JSON form.
pub(super) fn withdraw_outdated(component: &mut dyn AnyComponent) -> Result {
    let Some(errors) = component.errors() else { return Ok(()) };
    let targets: Vec<RefusedInput> = errors.refusals().cloned().collect();
    if targets.is_empty() {
        return Ok(());
    }
    let spec = component.spec();
    let mut values = Vec::with_capacity(targets.len());
    for target in &targets {
        values.push(match target {
            RefusedInput::Action(name) => spec.actions.iter().any(|action| action.name == name).then_some(0),
            RefusedInput::Property(_) => value_of(component, target)?,
        });
    }
    let Some(errors) = component.errors() else { return Ok(()) };
    let mut now = values.into_iter();
    errors.retain_refusals(|_, value| now.next() == Some(Some(value)));
    Ok(())
}

/// Restores which messages of a restored component are about refused values.
///
/// # Errors
/// Returns an error if another version of this crate wrote them in another form.
pub(crate) fn recall(component: &mut dyn AnyComponent, saved: &Saved<'_>) -> Result {
    let Some(refused) = saved.get(SAVED_REFUSALS) else { return Ok(()) };
    let refused: Vec<RefusedValue> = serde_json::from_str(refused.get())?;
    if let Some(errors) = component.errors() {
        errors.recall(refused);
    }
    Ok(())
}

/// Withdraws the messages about all refused values, whose types may have changed.
pub(crate) fn withdraw_all(component: &mut dyn AnyComponent) {
    if let Some(errors) = component.errors() {
        errors.retain_refusals(|_, _| false);
    }
}

fn target(property: &PropertyPath<'_>) -> RefusedInput {
    let steps = property.steps.iter().map(|step| match step {
        Key::Int(number) => Value::from(*number),
        Key::Text(text) => Value::from(&**text),
    });
    RefusedInput::Property([Value::from(&*property.field)].into_iter().chain(steps).collect())
}

/// Returns the hash of a property's value, or of the part of the field to which its path leads.
/// Returns `None` if the page may not write the field.
fn value_of(component: &mut dyn AnyComponent, target: &RefusedInput) -> Result<Option<u64>> {
    let RefusedInput::Property(steps) = target else { return Ok(None) };
    let Some((Value::String(field), steps)) = steps.split_first() else { return Ok(None) };
    if !component.spec().field(field).is_some_and(|field| field.model) {
        return Ok(None);
    }
    let mut visitor = WrittenField { wanted: field, written: Ok(None) };
    component.visit(&mut visitor);
    let Some(object) = visitor.written? else { return Ok(None) };
    let object: Value = serde_json::from_str(&object)?;
    let Some(mut at) = object.get(field) else { return Ok(None) };
    for step in steps {
        let next = match (at, step) {
            (Value::Array(items), key) => items.iter().find(|item| item.get("id") == Some(key)),
            (at, Value::String(name)) => at.get(name),
            _ => None,
        };
        let Some(next) = next else { break };
        at = next;
    }
    Ok(Some(hash(&at.to_string())))
}

/// Writes one field into an object of its own.
struct WrittenField<'a> {
    wanted: &'a str,
    written: JsonResult<Option<String>>,
}

impl Visitor for WrittenField<'_> {
    fn computed(&self) -> bool {
        false
    }

    fn field(&mut self, name: &'static str, _: FieldKind, field: &mut dyn TrackedField) {
        if name == self.wanted {
            let mut out = StateWriter::default();
            self.written = field.write(name, &mut out).map(|()| Some(out.finish()));
        }
    }
}
