//! Fields that are set from outside: edits of a page, props of a parent.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::value::RawValue;
use vivaz_protocol::log::{Escaped, Quoted};
use vivaz_protocol::{ErrorCode, PropertyPath};

use super::{HandlerOutcome, Host, HostedComponent, ShownTopics, input_messages, topics};
use crate::component::{AnyComponent, Called, MethodCall};
use crate::edit::{EditCursor, FieldPath};
use crate::env::Env;
use crate::error::without_place;
use crate::fault::{guard, guard_now};
use crate::follow::follow_url;
use crate::instance::Started;
use crate::spec::{Hook, Spec};
use crate::url::{self, UrlParams};
use crate::{ActionError, Context, MountContext, Result};

/// A property that the page edits, with its new value.
type PageEdit = (PropertyPath<'static>, Box<RawValue>);

/// The query of the page's URL, with the edits that the page made after it.
pub(super) struct QueryEdit {
    pub(super) query: Box<RawValue>,
    pub(super) after: Vec<PageEdit>,
}

impl QueryEdit {
    pub(super) fn new(query: Box<RawValue>) -> Self {
        Self { query, after: Vec::new() }
    }
}

/// Splits the edits of an action into those before the URL's query, and the query with those after
/// it.
pub(super) fn split_at_query(set: Vec<(String, Box<RawValue>)>) -> (Vec<PageEdit>, Option<QueryEdit>) {
    let (mut edits, mut query) = (Vec::new(), None);
    for (field, value) in set {
        match &mut query {
            None if field == url::QUERY => query = Some(QueryEdit::new(value)),
            None => edits.push((field.into(), value)),
            Some(QueryEdit { after, .. }) => after.push((field.into(), value)),
        }
    }
    (edits, query)
}

impl Host {
    /// Writes edits of the page, all or none, and returns the properties. Values that do not fit
    /// are reported under the names of the properties.
    pub(super) fn write(&mut self, edits: &[PageEdit]) -> Result<Vec<FieldPath>> {
        let (mut draft, mut edited) = (self.component.copy()?, Vec::new());
        let mut written = Vec::with_capacity(edits.len());
        for (property, value) in edits {
            let field = may_edit(self.component.spec(), &property.field)?;
            let (asked, mut edit) = (property.to_string(), EditCursor::new(field, property, value));
            written.push(guard_now("decoding a field", || {
                draft.edit(&mut edit).map_err(|error| error.answer(&asked))
            }));
            edited.push(edit.into_path());
        }
        let is_refused = written.iter().any(Result::is_err);
        let shown = if is_refused { &mut self.component } else { &mut draft };
        guard_now("the errors of a form", || {
            edits.iter().zip(&written).try_for_each(|((property, _), written)| {
                input_messages::edited(shown.as_mut(), property, written.as_ref().err())
            })
        })?;
        written.into_iter().collect::<Result<()>>()?;
        let before = std::mem::replace(&mut self.component, draft);
        self.unedited.get_or_insert(before);
        Ok(edited)
    }

    /// Returns a copy of the component with props of the parent, all or none. Other props keep
    /// their values.
    pub(super) fn with_props(&self, props: &RawValue) -> Result<Box<dyn AnyComponent>> {
        let bad = |message: String| ActionError::new(ErrorCode::BadProps, message);
        let given: BTreeMap<String, Box<RawValue>> =
            serde_json::from_str(props.get()).map_err(|error| bad(without_place(&error)))?;
        let mut draft = self.component.draft()?;
        for (name, value) in &given {
            if !self.component.spec().field(name).is_some_and(|field| field.prop) {
                return Err(bad(format!("unknown prop `{name}`")));
            }
            guard_now("decoding a prop", || {
                draft.assign(name, value).map_err(|error| bad(format!("`{name}`: {}", without_place(&error))))
            })?;
        }
        Ok(draft)
    }

    /// Reads the component's bound fields from the query of the page's URL, and calls `params`.
    /// Returns the fields that changed.
    ///
    /// # Errors
    /// Returns an error if the component does not follow the URL, if `query` is no text, and the
    /// error of `params`. All edits are reverted then.
    async fn follow_query(
        &mut self,
        query: &RawValue,
        env: &Env,
        limit: Option<Duration>,
    ) -> Result<Vec<FieldPath>> {
        let followed = match self.may_follow(query) {
            Ok((params, draft)) => {
                let mut mount = MountContext::new(env.clone()).with_params(params.clone());
                if let Some(limit) = limit {
                    mount = mount.with_time_limit(limit);
                }
                follow_url(draft, &params, mount).await
            }
            Err(error) => Err(error),
        };
        match followed {
            Ok((component, changed)) => {
                let before = std::mem::replace(&mut self.component, HostedComponent::new(component));
                self.unedited.get_or_insert(before);
                Ok(changed.into_iter().map(FieldPath::of).collect())
            }
            Err(error) => {
                self.revert_edits();
                Err(error)
            }
        }
    }

    /// Returns the parameters of a query, and a copy of the component to follow them.
    fn may_follow(&self, query: &RawValue) -> Result<(UrlParams, Box<dyn AnyComponent>)> {
        let spec = self.component.spec();
        if !url::is_bound(spec) {
            return Err(unknown_field(spec, url::QUERY));
        }
        let query: String = serde_json::from_str(query.get()).map_err(|_| {
            ActionError::new(ErrorCode::BadValue, format!("`{}`: expected the query as a text", url::QUERY))
        })?;
        // The page sends it as its URL has it.
        let query = query.strip_prefix('?').unwrap_or(&query);
        Ok((UrlParams::parse(query), self.component.draft()?))
    }

    fn revert_edits(&mut self) {
        if let Some(unedited) = self.unedited.take() {
            self.component = unedited;
        }
    }

    /// Binds shared fields to the topics that the page's edits name.
    ///
    /// # Errors
    /// Returns an error if the user may not see one of these topics. All edits are reverted then,
    /// as they are if one of them does not decode.
    async fn follow_edits(&mut self, env: &Env, limit: Option<Duration>) -> Result<Option<ShownTopics>> {
        let followed = match topics::have_moved(self.component.as_mut()) {
            Ok(false) => return Ok(None),
            Ok(true) => {
                let bound = topics::bind(self.component.as_mut(), env);
                guard("showing a topic", limit, bound).await
            }
            Err(error) => Err(error),
        };
        match followed {
            Ok(()) => Ok(Some(topics::of(self.component.as_mut()))),
            Err(error) => {
                self.revert_edits();
                Err(error)
            }
        }
    }

    /// Follows the URL's query if there is one, writes the edits after it, and binds shared fields
    /// as [`Host::follow_edits`] does. Adds the fields that changed to `edited`.
    ///
    /// # Errors
    /// Returns the errors of [`Host::follow_query`], [`Host::write`] and [`Host::follow_edits`].
    /// All edits are reverted then.
    pub(super) async fn settle_edits(
        &mut self,
        edited: &mut Vec<FieldPath>,
        query: Option<QueryEdit>,
        env: &Env,
        limit: Option<Duration>,
    ) -> Result<Option<ShownTopics>> {
        if let Some(QueryEdit { query, after }) = query {
            let followed = self.follow_query(&query, env, limit).await?;
            // A component with `params` has handled them there: `updated` is for edits of the page.
            if !self.component.spec().has(Hook::Params) {
                edited.extend(followed);
            }
            match self.write(&after) {
                Ok(mut written) => edited.append(&mut written),
                Err(error) => {
                    self.revert_edits();
                    return Err(error);
                }
            }
        }
        self.follow_edits(env, limit).await
    }

    /// Calls `updated` for each edit. An error does not revert the edits.
    pub(super) async fn call_updated(
        &mut self,
        mut cx: Context,
        edited: &[FieldPath],
        topics: &mut Option<ShownTopics>,
    ) -> Context {
        if self.component.spec().has(Hook::Updated) {
            for property in edited {
                let outcome = match self.call(cx, MethodCall::Updated(property)) {
                    Err(refused) => *refused,
                    Ok(Called::Now(returned)) => self.accept(returned).await,
                    Ok(Called::Later(future, _)) => {
                        let returned = future.await;
                        self.accept(returned).await
                    }
                    Ok(Called::InTransaction(call)) => self.accept(call(None)).await,
                };
                if let Err(error) = outcome.result
                    && error.code() != ErrorCode::Invalid
                {
                    let (name, error) = (self.component.spec().name, Escaped(&error));
                    tracing::error!(component = name, property = %Quoted(&**property), %error, "`updated` failed");
                }
                *topics = outcome.topics.or(topics.take());
                cx = outcome.cx;
            }
        }
        cx
    }

    /// Runs the job of an edit.
    pub(super) fn run_edit(
        mut self: Box<Self>,
        cx: Context,
        property: PropertyPath<'static>,
        value: Box<RawValue>,
    ) -> Started {
        if property.field == url::QUERY && property.steps.is_empty() {
            return self.run_edits(cx, Vec::new(), Some(QueryEdit::new(value)));
        }
        match self.write(&[(property, value)]) {
            Ok(edited) => self.run_edits(cx, edited, None),
            Err(error) => self.refuse(cx, error),
        }
    }

    /// Finishes a job of edits: follows the URL's query if there is one, binds topics and calls
    /// `updated`.
    fn run_edits(
        self: Box<Self>,
        mut cx: Context,
        mut edited: Vec<FieldPath>,
        query: Option<QueryEdit>,
    ) -> Started {
        self.run_later(cx.outbox(), |mut host| async move {
            let (env, limit) = (cx.env().clone(), cx.limit());
            let (result, topics) = match host.settle_edits(&mut edited, query, &env, limit).await {
                Ok(mut topics) => {
                    host.keep_edits(topics.as_ref());
                    cx = host.call_updated(cx, &edited, &mut topics).await;
                    (Ok(None), topics)
                }
                Err(error) => (Err(error), None),
            };
            host.finish_agreed(HandlerOutcome { cx, result, topics, before: None }).await
        })
    }
}

/// Returns the name of a field that a page may edit. A private field is reported like one that does
/// not exist.
fn may_edit(spec: &'static Spec, name: &str) -> Result<&'static str> {
    match spec.field(name) {
        Some(field) if field.model => Ok(field.name),
        Some(field) if field.kind.is_readable() => Err(read_only(name)),
        None if spec.computed.iter().any(|computed| computed.name == name) => Err(read_only(name)),
        Some(_) | None => Err(unknown_field(spec, name)),
    }
}

fn unknown_field(spec: &Spec, name: &str) -> ActionError {
    ActionError::new(ErrorCode::UnknownProperty, format!("`{}` has no field `{name}`", spec.name))
}

fn read_only(name: &str) -> ActionError {
    ActionError::new(ErrorCode::ReadOnlyProperty, format!("`{name}` is read-only"))
}
