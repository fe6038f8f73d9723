//! A component's shared fields.

use std::fmt;

use super::Topics;
use crate::Result;
use crate::component::Component;
use crate::context::Cause;
use crate::env::Env;
use crate::fault::guard_now;
use crate::future::BoxFuture;
use crate::saved::Saved;
use crate::spec::{FieldKind, Spec};
use crate::topic::{AnyShared, StagedUpdate, TopicRef};
use crate::tracking::{Field, Visitor, saved_presence};

fn has_any(spec: &Spec) -> bool {
    spec.fields.iter().any(|field| field.kind == FieldKind::Shared)
}

/// Visits shared fields only.
struct Each<F>(F);

impl<F: FnMut(&'static str, fmt::Arguments<'_>, &mut dyn AnyShared)> Visitor for Each<F> {
    fn computed(&self) -> bool {
        false
    }
    fn field(&mut self, _: &'static str, _: FieldKind, _: &mut dyn Field) {}
    fn shared(&mut self, name: &'static str, topic: fmt::Arguments<'_>, field: &mut dyn AnyShared) {
        (self.0)(name, topic, field);
    }
}

fn each(
    component: &mut dyn Component,
    visit: impl FnMut(&'static str, fmt::Arguments<'_>, &mut dyn AnyShared),
) {
    if has_any(component.spec()) {
        component.visit(&mut Each(visit));
    }
}

/// Whether the field does not show the topic that it names.
fn has_moved(topic: fmt::Arguments<'_>, field: &dyn AnyShared) -> bool {
    field.topic().is_none_or(|now| topic.to_string() != now.name().as_str())
}

/// Whether any field does not show the topic that it names.
///
/// # Errors
/// `panicked` when the key's `Display` does.
pub(super) fn have_moved(component: &mut dyn Component) -> Result<bool> {
    guard_now("the name of a topic", || {
        let mut moved = false;
        each(component, |_, topic, field| moved |= has_moved(topic, field));
        Ok(moved)
    })
}

/// Opens the topics that fields name and do not show yet; asks each of them first whether it may be shown.
pub(super) async fn bind(component: &mut dyn Component, env: &Env) -> Result {
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

/// A handler begins.
pub(super) fn begin(component: &mut dyn Component, cause: Option<&Cause>) {
    each(component, |_, _, field| field.begin(cause));
}

/// What the handler staged.
pub(super) fn staged(component: &mut dyn Component) -> Vec<StagedUpdate> {
    let mut staged = Vec::new();
    each(component, |_, _, field| staged.extend(field.take_staged()));
    staged
}

/// Which topic each field shows.
pub(super) fn of(component: &mut dyn Component) -> Topics {
    let mut topics = Vec::new();
    each(component, |name, _, field| topics.extend(field.topic().map(|topic| (name, topic.clone()))));
    topics
}

/// At which topics the component is present.
pub(super) fn presences(component: &mut dyn Component) -> Vec<TopicRef> {
    let mut topics = Vec::new();
    each(component, |_, _, field| {
        topics.extend(field.topic().filter(|_| field.is_present()).cloned());
    });
    topics
}

/// Puts back at which topics a restored component is present.
pub(crate) fn recall_presences(component: &mut dyn Component, saved: &Saved<'_>) {
    each(component, |name, _, field| {
        if saved.has(&saved_presence(name)) {
            field.recall_presence();
        }
    });
}
