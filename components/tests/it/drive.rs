//! Runs the jobs of a component as a session does.

use serde_json::value::RawValue;
use serde_json::{Value, json};
use vivaz_components::instance::{Finished, Flushed, Instance, Job, JobProgress, Started};
use vivaz_components::{
    ComponentId, Context, Effect, Env, ErrorCode, LiveComponent, MountContext, Registration,
};
use vivaz_protocol::SessionId;

/// A mounted component and the state that its page has.
pub(crate) struct Page {
    instance: Option<Box<dyn Instance>>,
    pub(crate) env: Env,
    /// The state, patched like in a page.
    pub(crate) state: Value,
    pub(crate) last: Option<Value>,
    /// The effects that the handlers flushed.
    pub(crate) flushed: Vec<Value>,
    /// The effects of the flushes, without changes of shared state, which were made.
    pub(crate) effects: Vec<Effect>,
}

pub(crate) fn raw(value: &Value) -> Box<RawValue> {
    serde_json::value::to_raw_value(value).unwrap()
}

impl Page {
    pub(crate) async fn mount<C: LiveComponent>(props: Value) -> Self {
        Self::mount_in::<C>(Env::default(), props).await
    }

    pub(crate) async fn mount_in<C: LiveComponent>(env: Env, props: Value) -> Self {
        Self::try_mount_in::<C>(env, props).await.unwrap()
    }

    pub(crate) async fn try_mount_in<C: LiveComponent>(
        env: Env,
        props: Value,
    ) -> vivaz_components::Result<Self> {
        let registration = Registration::of::<C>();
        let mut instance = registration.mount(&raw(&props), MountContext::new(env.clone())).await?;
        let state = serde_json::from_str(&instance.state()?).unwrap();
        Ok(Self::of(instance, env, state))
    }

    /// Creates the page of a component with a known state.
    pub(crate) fn of(instance: Box<dyn Instance>, env: Env, state: Value) -> Self {
        let (flushed, effects) = (Vec::new(), Vec::new());
        Self { instance: Some(instance), env, state, last: None, flushed, effects }
    }

    pub(crate) fn instance(&mut self) -> &mut dyn Instance {
        self.instance.as_mut().unwrap().as_mut()
    }

    pub(crate) async fn run(&mut self, job: Job) -> Finished {
        self.run_with(job, |cx| cx).await
    }

    pub(crate) async fn run_with(&mut self, job: Job, with: impl FnOnce(Context) -> Context) -> Finished {
        let (session, component) = (SessionId::new("session").unwrap(), ComponentId::new("c1").unwrap());
        let cx = with(Context::new(self.env.clone(), session, component));
        let mut finished = match self.instance.take().unwrap().run(cx, job) {
            Started::Now(finished) => finished,
            Started::Running { future, .. } => {
                let (state, flushed, effects) = (&mut self.state, &mut self.flushed, &mut self.effects);
                let took = move |step: Flushed| {
                    flushed.push(step.patch.as_deref().map_or(Value::Null, |patch| apply(state, patch)));
                    effects.extend(step.effects);
                    step.answer.send(()).ok();
                };
                JobProgress::end(future, took).await
            }
        };
        self.last = finished.patch.as_deref().map(|patch| apply(&mut self.state, patch));
        let instance = std::mem::replace(&mut finished.instance, Box::new(Gone));
        self.instance = Some(instance);
        finished
    }

    /// Calls an action. Returns the value, or the code of the refusal.
    pub(crate) async fn call(&mut self, action: &str, args: Value) -> Result<Value, ErrorCode> {
        let finished = self.run(act(action, args)).await;
        match finished.result {
            Ok(value) => Ok(value.map_or(Value::Null, |value| serde_json::from_str(value.get()).unwrap())),
            Err(error) => Err(error.code()),
        }
    }

    pub(crate) async fn set(&mut self, property: &str, value: Value) -> Result<(), ErrorCode> {
        let job = Job::Property { property: property.to_owned().into(), value: raw(&value) };
        self.run(job).await.result.map(|_| ()).map_err(|error| error.code())
    }
}

/// Patches a state as a page does.
fn apply(state: &mut Value, patch: &str) -> Value {
    let raw = vivaz_protocol::RawJson::trusted(patch);
    vivaz_protocol::Patch::parse(raw).unwrap().apply(state).unwrap();
    serde_json::from_str(patch).unwrap()
}

pub(crate) fn act(action: &str, args: Value) -> Job {
    Job::Action {
        action: action.to_owned(),
        payload: (args != json!([])).then(|| raw(&args)),
        set: Vec::new(),
    }
}

/// A placeholder for a taken instance.
struct Gone;

impl Instance for Gone {
    fn spec(&self) -> &'static vivaz_components::spec::Spec {
        unreachable!("the instance is elsewhere")
    }
    fn run(self: Box<Self>, _: Context, _: Job) -> Started {
        unreachable!("the instance is elsewhere")
    }
    fn state(&mut self) -> vivaz_components::Result<String> {
        unreachable!("the instance is elsewhere")
    }
    fn state_within(&mut self, _: usize) -> vivaz_components::Result<Option<String>> {
        unreachable!("the instance is elsewhere")
    }
    fn shown(&mut self) -> vivaz_components::Result<vivaz_components::ShownValue> {
        unreachable!("the instance is elsewhere")
    }
    fn topics(&mut self) -> Vec<(&'static str, vivaz_components::TopicRef)> {
        Vec::new()
    }
    fn presences(&mut self) -> Vec<vivaz_components::TopicRef> {
        Vec::new()
    }
    fn recall_presences(&mut self, _: &[u8]) {}
    fn save(&mut self) -> vivaz_components::Result<Vec<u8>> {
        unreachable!("the instance is elsewhere")
    }
    fn save_within(&mut self, _: usize) -> vivaz_components::Result<Option<String>> {
        unreachable!("the instance is elsewhere")
    }
}
