//! A component's shared fields.

use std::fmt;

use super::ShownTopics;
use crate::Result;
use crate::component::AnyComponent;
use crate::env::Env;
use crate::error::NotSerializable;
use crate::fault::guard_now;
use crate::future::BoxFuture;
use crate::saved::Saved;
use crate::shared::{AnyShared, Cause};
use crate::topic::{StagedUpdate, TopicRef};
use crate::tracking::{StateWriter, write_saved};

fn each(
    component: &mut dyn AnyComponent,
    mut visit: impl FnMut(&'static str, fmt::Arguments<'_>, &mut dyn AnyShared),
) {
    component.shared(&mut visit);
}

/// Returns whether the field is not bound to the topic that it names.
fn has_moved(topic: fmt::Arguments<'_>, field: &dyn AnyShared) -> bool {
    field.topic().is_none_or(|now| topic.to_string() != now.name().as_str())
}

/// Returns whether any field is not bound to the topic that it names.
///
/// # Errors
/// Returns `panicked` if the `Display` of the key panics.
pub(super) fn have_moved(component: &mut dyn AnyComponent) -> Result<bool> {
    guard_now("the name of a topic", || {
        let mut moved = false;
        each(component, |_, topic, field| moved |= has_moved(topic, field));
        Ok(moved)
    })
}

/// Opens the topics that fields name and are not bound to. Checks first for each of them whether
/// the user may see it.
pub(super) async fn bind(component: &mut dyn AnyComponent, env: &Env) -> Result {
    let mut wanted: Vec<(&'static str, BoxFuture<Result<TopicRef>>)> = Vec::new();
    each(component, |name, topic, field| {
        if has_moved(topic, field) {
            wanted.push((name, field.opener()(topic.to_string(), env.clone())));
        }
    });
    for (wanted, opening) in wanted {
        let topic = opening.await?;
        let mut bound = Ok(());
        each(component, |name, _, field| {
            if name == wanted {
                bound = field.bind(&topic);
            }
        });
        bound?;
    }
    Ok(())
}

/// Takes the snapshots that a handler works with.
pub(super) fn begin(component: &mut dyn AnyComponent, cause: Option<&Cause>) {
    each(component, |_, _, field| field.begin(cause));
}

/// Takes the updates that the handler staged.
pub(super) fn staged(component: &mut dyn AnyComponent) -> Vec<StagedUpdate> {
    let mut staged = Vec::new();
    each(component, |_, _, field| staged.extend(field.take_staged()));
    staged
}

/// Returns the topic of each field.
pub(super) fn of(component: &mut dyn AnyComponent) -> ShownTopics {
    let mut topics = Vec::new();
    each(component, |name, _, field| topics.extend(field.topic().map(|topic| (name, topic.clone()))));
    topics
}

/// Returns the topics at which the component is present.
pub(super) fn presences(component: &mut dyn AnyComponent) -> Vec<TopicRef> {
    let mut topics = Vec::new();
    each(component, |_, _, field| {
        topics.extend(field.topic().filter(|_| field.is_present()).cloned());
    });
    topics
}

/// Names the saved member that marks the component as present at the topic of a shared field. No
/// field has such a name.
fn saved_presence(field: &str) -> String {
    format!(".present.{field}")
}

/// Writes everything of a component that is saved: its fields, and at which topics it is present.
///
/// # Errors
/// Returns an error that names the field without a JSON form.
pub(super) fn save(component: &mut dyn AnyComponent) -> Result<String, NotSerializable> {
    Ok(write(component, StateWriter::default())?.finish())
}

/// Does the same as [`save`] for state of at most `limit` bytes. Returns `None` if it has more.
///
/// # Errors
/// Returns the same errors as [`save`].
pub(super) fn save_within(
    component: &mut dyn AnyComponent,
    limit: usize,
) -> Result<Option<String>, NotSerializable> {
    Ok(write(component, StateWriter::bounded(limit))?.finish_within())
}

fn write(component: &mut dyn AnyComponent, out: StateWriter) -> Result<StateWriter, NotSerializable> {
    let mut object = write_saved(component, out)?;
    let mut failed = Ok(());
    each(component, |name, _, field| {
        if field.is_present() && failed.is_ok() {
            let written = object.member(&saved_presence(name), &true);
            failed = written.map_err(|error| NotSerializable::field(name, error));
        }
    });
    failed?;
    Ok(object)
}

/// Restores at which topics a restored component is present.
pub(crate) fn recall_presences(component: &mut dyn AnyComponent, saved: &Saved<'_>) {
    each(component, |name, _, field| {
        if saved.has(&saved_presence(name)) {
            field.recall_presence();
        }
    });
}
