//! The implementation of [`Instance`]: a component, the state that its page has, and the way in
//! which a job runs.
//!
//! A handler works on a copy of the component, which replaces the component when the handler
//! succeeds. An error, a panic or a time-out drops the copy. Lists are persistent, so copying them
//! is cheap.

mod compare;
mod conclude;
mod durable;
mod flush;
pub(crate) mod input_messages;
mod instance;
mod kept;
mod topics;
mod write;

use std::sync::Arc;

use serde_json::value::RawValue;
use vivaz_protocol::ErrorCode;
use vivaz_protocol::log::Escaped;

use crate::args::Args;
use crate::budget::Account;
use crate::component::{AnyComponent, Called, MethodCall, MethodOutcome, Return};
use crate::context::{FlushSlot, Lent};
use crate::edit::FieldPath;
use crate::effect::Effect;
use crate::fault::{guard, guard_now};
use crate::instance::{Finished, Instance, Job, Started};
use crate::spec::Hook;
use crate::topic::{TopicRef, Unsent};
use crate::tracking::{Loaded, Tracker, settle};
use crate::{ActionError, Context, MountContext, Result};

use durable::Record;
pub use flush::NO_FLUSH;
use kept::{Absent, HostedComponent};
pub(crate) use topics::recall_presences;
use write::split_at_query;

/// A mounted component.
pub(crate) struct Host {
    /// The component as of the last handler that succeeded.
    component: HostedComponent,
    /// The state that the page has.
    tracker: Tracker,
    /// The bytes that the component counts against its session's budget; none for a copy that only
    /// answers queries.
    account: Arc<Account>,
    /// During a job: the component before the page's edits that came with the job, if there were
    /// any.
    unedited: Option<HostedComponent>,
    /// During a job whose outcome is committed: the journal, and what a failure restores.
    record: Option<Record>,
    /// During an action: its name.
    called: Option<String>,
}

/// The topic of each shared field.
type ShownTopics = Vec<(&'static str, TopicRef)>;

/// The outcome of a handler, after the component has taken the changes over or dropped them.
struct HandlerOutcome {
    cx: Context,
    result: Return,
    /// Set if a shared field names another topic than before.
    topics: Option<ShownTopics>,
    /// The component before the handler, until the comparison with the page has succeeded.
    before: Option<HostedComponent>,
}

/// The outcome of a job, without the component itself.
struct Concluded {
    effects: Vec<Effect>,
    patch: Option<String>,
    topics: Option<ShownTopics>,
    result: Return,
    unsent: Vec<Unsent>,
}

impl Host {
    /// Creates the host of a component and binds its shared fields to their topics.
    pub(crate) async fn bound(
        component: Box<dyn AnyComponent>,
        cx: &MountContext,
    ) -> Result<Box<dyn Instance>> {
        let mut component = HostedComponent::new(component);
        guard("showing a topic", cx.limit(), topics::bind(component.as_mut(), cx.env())).await?;
        let compared = guard_now("comparing a component", || {
            input_messages::withdraw_outdated(component.as_mut())?;
            Ok(Tracker::new(component.as_mut())?)
        });
        let tracker = compared
            .and_then(|tracker| compare::read_back(component.as_mut()).map(|()| tracker))
            .inspect_err(|error| {
                tracing::error!(component = component.spec().name, error = %Escaped(error), "the state cannot be kept");
            })?;
        let account = Arc::new(cx.open_account(tracker.bytes())?);
        Ok(Box::new(Self::idle(component, tracker, account)))
    }

    /// Returns the host of a component without a running job.
    fn idle(component: HostedComponent, tracker: Tracker, account: Arc<Account>) -> Self {
        Self { component, tracker, account, unedited: None, record: None, called: None }
    }

    /// Calls a method on a copy. The tracker moves into the context and comes back with it. Returns
    /// the refusal as an outcome if the component cannot be copied.
    fn call(&mut self, mut cx: Context, call: MethodCall<'_>) -> Result<Called, Box<HandlerOutcome>> {
        let draft = self.component.draft().and_then(|mut draft| {
            guard_now("the shared fields", || {
                topics::begin(draft.as_mut(), cx.cause());
                Ok(draft)
            })
        });
        let draft = match draft {
            Ok(draft) => draft,
            Err(error) => {
                return Err(Box::new(HandlerOutcome { cx, result: Err(error), topics: None, before: None }));
            }
        };
        let account = Arc::clone(&self.account);
        cx.lend(Lent::new(self.component.spec(), std::mem::take(&mut self.tracker), account));
        Ok(draft.call(cx, call))
    }

    /// Calls a method and finishes the job. Allocates no future if nothing has to be awaited.
    fn run_call(mut self: Box<Self>, cx: Context, call: MethodCall<'_>) -> Started {
        match self.call(cx, call) {
            Err(refused) => Started::Now(self.finish(*refused)),
            Ok(Called::Now(mut returned)) => {
                if !have_moved(&mut returned) {
                    let mut outcome = self.take_over(returned, None);
                    if self.needs_agreement(&mut outcome) {
                        return self.run_later(FlushSlot::default(), |host| host.finish_agreed(outcome));
                    }
                    return Started::Now(self.finish(outcome));
                }
                self.run_later(FlushSlot::default(), |mut host| async move {
                    let outcome = host.accept(returned).await;
                    host.finish_agreed(outcome).await
                })
            }
            Ok(Called::Later(future, outbox)) => self.run_later(outbox, |mut host| async move {
                let returned = future.await;
                let outcome = host.accept(returned).await;
                host.finish_agreed(outcome).await
            }),
            Ok(Called::InTransaction(call)) => {
                self.run_later(FlushSlot::default(), |host| host.run_in_transaction(call, None))
            }
        }
    }

    fn run_later<F>(mut self: Box<Self>, outbox: FlushSlot, run: impl FnOnce(Box<Self>) -> F) -> Started
    where
        F: Future<Output = Finished> + Send + 'static,
    {
        // The copy answers queries while the component runs its handler.
        let meanwhile: Box<dyn Instance> = match self.component.copy() {
            Ok(copy) => Self::answering(copy),
            Err(_logged) => {
                let component = self.component.as_mut();
                let (topics, presences) = (topics::of(component), topics::presences(component));
                Box::new(Absent { spec: component.spec(), topics, presences })
            }
        };
        Started::Running { future: flush::steps(Box::pin(run(self)), outbox), meanwhile }
    }

    /// Returns an instance that answers queries while a component runs its handler. It runs no
    /// jobs.
    fn answering(component: HostedComponent) -> Box<dyn Instance> {
        Box::new(Self::idle(component, Tracker::default(), Arc::default()))
    }

    /// Takes over the changes of a handler, or drops them. Binds shared fields to the topics that
    /// they name now.
    async fn accept(&mut self, mut returned: MethodOutcome) -> HandlerOutcome {
        let mut moved = None;
        if have_moved(&mut returned) {
            let env = returned.cx.env().clone();
            let limit = returned.cx.limit();
            match guard("showing a topic", limit, topics::bind(returned.component.as_mut(), &env)).await {
                Ok(()) => moved = Some(topics::of(returned.component.as_mut())),
                Err(error) => returned.result = Err(error),
            }
        }
        self.take_over(returned, moved)
    }

    fn take_over(&mut self, returned: MethodOutcome, topics: Option<ShownTopics>) -> HandlerOutcome {
        let MethodOutcome { component, mut cx, result } = returned;
        let mut component = HostedComponent::new(component);
        if let Some(mut lent) = cx.give_back() {
            let flushed = lent.take_fallback();
            self.tracker = lent.tracker;
            if let Some(flushed) = flushed {
                self.component = flushed;
            }
        }
        let said = cx.effects().take_errors();
        let called = self.called.take();
        match &result {
            Ok(_) => {
                if let (Some(errors), Some(field)) = (said, component.errors()) {
                    *field = errors;
                }
                if let Some(action) = called {
                    input_messages::called(component.as_mut(), action, &result);
                }
                for update in topics::staged(component.as_mut()) {
                    cx.effects().stage(Effect::Update(update));
                }
                cx.effects().keep();
                let before = std::mem::replace(&mut self.component, component);
                HandlerOutcome { cx, result, topics, before: Some(before) }
            }
            Err(error) => {
                // `invalid` exists to report the errors of a form, so these survive the failure.
                if error.code() == ErrorCode::Invalid {
                    let said = said.or_else(|| error.errors().filter(|errors| !errors.is_empty()).cloned());
                    let said = said.or_else(|| component.errors().cloned());
                    if let (Some(errors), Some(field)) = (said, self.component.errors()) {
                        *field = errors;
                    }
                }
                if let Some(action) = called {
                    input_messages::called(self.component.as_mut(), action, &result);
                }
                cx.effects().drop_staged();
                HandlerOutcome { cx, result, topics: None, before: None }
            }
        }
    }

    /// Finishes a job that failed before it changed anything.
    fn refuse(self: Box<Self>, cx: Context, error: ActionError) -> Started {
        Started::Now(self.finish(HandlerOutcome { cx, result: Err(error), topics: None, before: None }))
    }

    fn run_action(
        mut self: Box<Self>,
        mut cx: Context,
        action: String,
        payload: Option<Box<RawValue>>,
        set: Vec<(String, Box<RawValue>)>,
    ) -> Started {
        if set.is_empty() {
            return match Args::of(payload.as_deref()) {
                Ok(args) => {
                    self.called = Some(action.clone());
                    self.run_call(cx, MethodCall::Action(&action, &args))
                }
                Err(error) => self.refuse(cx, error),
            };
        }
        let (edits, query) = split_at_query(set);
        let mut edited = match self.write(&edits) {
            Ok(edited) => edited,
            Err(error) => return self.refuse(cx, error),
        };
        self.run_later(cx.outbox(), |mut host| async move {
            let (env, limit) = (cx.env().clone(), cx.limit());
            let mut topics = match host.settle_edits(&mut edited, query, &env, limit).await {
                Ok(topics) => topics,
                Err(error) => {
                    let outcome = HandlerOutcome { cx, result: Err(error), topics: None, before: None };
                    return host.finish_agreed(outcome).await;
                }
            };
            host.keep_edits(topics.as_ref());
            let mut cx = host.call_updated(cx, &edited, &mut topics).await;
            if cx.effects().is_empty() {
                // The changes of `updated` are kept too, if none of its calls has failed.
                host.keep_edits(topics.as_ref());
            }
            let called = match Args::of(payload.as_deref()) {
                Ok(args) => {
                    host.called = Some(action.clone());
                    host.call(cx, MethodCall::Action(&action, &args))
                }
                Err(error) => {
                    let outcome = HandlerOutcome { cx, result: Err(error), topics, before: None };
                    return host.finish_agreed(outcome).await;
                }
            };
            let returned = match called {
                Err(refused) => return host.finish_agreed(HandlerOutcome { topics, ..*refused }).await,
                Ok(Called::Now(returned)) => returned,
                Ok(Called::Later(future, _)) => future.await,
                Ok(Called::InTransaction(call)) => return host.run_in_transaction(call, topics).await,
            };
            let mut outcome = host.accept(returned).await;
            outcome.topics = outcome.topics.or(topics);
            host.finish_agreed(outcome).await
        })
    }

    /// Calls a lifecycle method, if the component has it.
    fn run_hook(self: Box<Self>, cx: Context, hook: Hook, call: MethodCall<'_>) -> Started {
        if self.component.spec().has(hook) {
            self.run_call(cx, call)
        } else {
            Started::Now(self.finish(HandlerOutcome { cx, result: Ok(None), topics: None, before: None }))
        }
    }

    /// Stores the outcome of a load in its field. If the value cannot be kept, the load counts as
    /// failed.
    fn run_loaded(mut self: Box<Self>, cx: Context, loaded: Loaded) -> Started {
        let id = loaded.id();
        let again = Context::new(cx.env().clone(), cx.session_id().clone(), cx.component_id().clone());
        let mut concluded = self.settle_load(cx, loaded);
        if let Err(error) = concluded.result {
            concluded = self.settle_load(again, Loaded::failed(id, error));
        }
        Started::Now(self.finished(concluded))
    }

    fn settle_load(&mut self, cx: Context, loaded: Loaded) -> Concluded {
        let component = self.component.draft().and_then(|mut component| {
            let settled = guard_now("taking over a load", || Ok(settle(component.as_mut(), loaded)))?;
            Ok((component, settled))
        });
        let (component, settled) = match component {
            Ok(settled) => settled,
            Err(error) => {
                return self.conclude(HandlerOutcome { cx, result: Err(error), topics: None, before: None });
            }
        };
        if let Some(Err(error)) = settled {
            let name = self.component.spec().name;
            tracing::error!(component = name, error = %Escaped(&error), "a load failed");
        }
        let outcome = self.take_over(MethodOutcome { component, cx, result: Ok(None) }, None);
        self.conclude(outcome)
    }

    /// Runs a job.
    fn run_job(self: Box<Self>, cx: Context, job: Job) -> Started {
        match job {
            Job::Action { action, payload, set } => self.run_action(cx, action, payload, set),
            Job::Property { property, value } => self.run_edit(cx, property, value),
            Job::Props { props, page } => match self.with_props(&props) {
                // The props are taken over only if the user may see the topics that they name.
                Ok(component) => self.run_later(FlushSlot::default(), |mut host| async move {
                    let mut outcome = host.accept(MethodOutcome { component, cx, result: Ok(None) }).await;
                    if outcome.result.is_ok() && !page.is_empty() {
                        let spec = host.component.spec();
                        let given = page.iter().filter_map(|name| spec.field(name));
                        let given: Vec<_> = given.map(|field| FieldPath::of(field.name)).collect();
                        // The state is compared once, and a failure reverts to the state before the
                        // props.
                        outcome.cx = host.call_updated(outcome.cx, &given, &mut outcome.topics).await;
                    }
                    host.finish_agreed(outcome).await
                }),
                Err(error) => self.refuse(cx, error),
            },
            Job::Event { event } => {
                if self.component.spec().events.contains(&&*event.name) {
                    self.run_call(cx, MethodCall::Event(&event))
                } else {
                    Started::Now(self.finish(HandlerOutcome {
                        cx,
                        result: Ok(None),
                        topics: None,
                        before: None,
                    }))
                }
            }
            Job::Loaded { loaded } => self.run_loaded(cx, loaded),
            Job::Connected => self.run_hook(cx, Hook::Connected, MethodCall::Connected),
            Job::Disconnected => self.run_hook(cx, Hook::Disconnected, MethodCall::Disconnected),
            Job::Resumed => self.run_hook(cx, Hook::Resumed, MethodCall::Resumed),
            Job::Unmount { reason } => self.run_hook(cx, Hook::Unmount, MethodCall::Unmount(reason)),
        }
    }
}

/// Returns whether a handler has succeeded and left a shared field that names another topic. Fails
/// the handler if the topic's name cannot be computed.
fn have_moved(returned: &mut MethodOutcome) -> bool {
    if returned.result.is_err() {
        return false;
    }
    topics::have_moved(returned.component.as_mut()).unwrap_or_else(|error| {
        returned.result = Err(error);
        false
    })
}
