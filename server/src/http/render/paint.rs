//! Renders components one after the other, children inside their parents.

use std::fmt::Write;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use vivaz_components::instance::Instance;
use vivaz_components::url::is_bound;
use vivaz_components::{ActionError, Admission, Budget, FirstLoads, MountContext, MountFuture};
use vivaz_template::containment::OpenElement;
use vivaz_template::{ChildSlot, PageRequest, escape, render_page, render_within};

use super::stream::Part;
use super::{Live, RenderError};
use crate::admission::seal::{SealContent, SealedChild, StateHash, now};
use crate::telemetry::log::{Escaped, Quoted, client_event};

/// The maximum nesting depth of components: a deeper tree is a component that contains itself.
const DEPTH: usize = 32;

/// A component that was mounted, with the loads that it has started.
pub(super) struct MountedInstance {
    pub(super) instance: Box<dyn Instance>,
    pub(super) loads: FirstLoads,
}

/// Renders a component and its children.
pub(super) struct FirstPaint<'a> {
    live: &'a Live,
    /// The state budget, in bytes, of the component and its children.
    budget: Arc<Budget>,
    /// The rendered instances. They are kept, and counted against the budget, until the whole tree
    /// is rendered, because the page mounts all of them.
    painted: Mutex<Vec<Box<dyn Instance>>>,
}

impl<'a> FirstPaint<'a> {
    pub(super) fn new(live: &'a Live) -> Self {
        let budget = Budget::new("page", live.runtime.core().limits.session_state_bytes);
        Self { live, budget: Arc::new(budget), painted: Mutex::default() }
    }

    /// Mounts a component.
    ///
    /// # Errors
    /// Returns the error of the mount.
    pub(super) async fn mount(
        &self,
        mount: impl FnOnce(MountContext) -> MountFuture,
    ) -> Result<MountedInstance, ActionError> {
        let core = self.live.runtime.core();
        let mut cx = MountContext::new(core.env(self.live.identity.clone()))
            .with_time_limit(core.limits.action_time)
            .with_budget(Arc::clone(&self.budget), Admission::Bounded)
            .with_params(self.live.params.clone());
        let loads = FirstLoads::default();
        if self.live.stream.is_some() {
            cx = cx.with_first_loads(loads.clone());
        }
        Ok(MountedInstance { instance: mount(cx).await?, loads })
    }

    /// Renders the element of a component with its content. `attributes` are additional, escaped
    /// attributes of the element. `around` are the open elements of its parents' templates.
    ///
    /// # Errors
    /// Returns an error if the component is not registered, or its state, a topic or its seal
    /// cannot be serialised.
    pub(super) async fn paint(
        &self,
        mounted: MountedInstance,
        props: &RawValue,
        attributes: String,
        child: Option<SealedChild>,
        around: &[OpenElement],
        depth: usize,
    ) -> Result<String, RenderError> {
        let MountedInstance { mut instance, loads } = mounted;
        let core = self.live.runtime.core();
        let spec = instance.spec();
        let template = core
            .templates
            .of(spec.name)
            .ok_or_else(|| RenderError::Unknown(core.registry.why_unknown(spec.name)))?;
        self.live.bind_params(spec)?;
        let own = instance.state()?;
        let state = Self::complete_state(&own, instance.as_mut())?;
        // The state of a topic has a revision that only the server's snapshot names.
        let is_carried = instance.topics().is_empty() && own.len() <= core.limits.painted_state_bytes;
        let carried = is_carried.then_some(&*own);
        let user = self.user();
        let rendered = render_within(&template.compiled, &state, user.as_ref(), around);
        let mut html = rendered.html;
        // From the last to the first, so that the offsets of the earlier children stay valid.
        for child in rendered.children.into_iter().rev() {
            let offset = child.offset;
            let element = self.render_child(spec.name, child, depth + 1).await?;
            html.insert_str(offset, &element);
        }
        let shape = rendered.shape.iter().map(u32::to_string).collect::<Vec<_>>().join(",");
        let loads = loads.take();
        let stream = self.live.stream.as_ref().filter(|_| !loads.is_empty());
        let pending = loads.len();
        let part = stream.map(|stream| stream.start(loads));
        let mut element = format!("<live-component{attributes} name=\"{}\"", escape::attribute(spec.name));
        if let Some(part) = part {
            let _ = write!(element, " live-part=\"{part}\"");
        }
        if let Some(child) = &child {
            // The place in the form in which the page sends it in its mount message.
            let _ = write!(
                element,
                " child=\"{}\"",
                escape::attribute(&format!("{{\"place\":{}}}", child.place))
            );
        }
        let seal = self.seal(instance.as_mut(), props, child.clone(), carried)?;
        let _ = write!(element, " seal=\"{seal}\"");
        let _ = write!(element, " template=\"{}\" shape=\"{shape}\"", template.hash);
        if let Some(user) = user.filter(|_| template.compiled.reads_user()) {
            let _ = write!(element, " user=\"{}\"", escape::attribute(&user.to_string()));
        }
        if let Some(state) = carried {
            let _ = write!(element, " state='{}'", escape::single_quoted(state));
        }
        let _ = write!(element, ">{html}</live-component>");
        if let (Some(stream), Some(number)) = (stream, part) {
            let (props, around) = (props.to_owned(), around.to_owned());
            let part = Part { instance, props, attributes, child, around, depth, pending, is_changed: false };
            stream.add(number, part);
        } else {
            self.painted.lock().unwrap_or_else(PoisonError::into_inner).push(instance);
        }
        Ok(element)
    }

    /// Renders a page with these values.
    ///
    /// # Errors
    /// Returns an error if the page is not registered or a component in it fails.
    pub(super) async fn paint_page(
        &self,
        type_name: &'static str,
        values: Map<String, Value>,
    ) -> Result<String, RenderError> {
        let core = self.live.runtime.core();
        let template = core
            .templates
            .page(type_name)
            .ok_or_else(|| RenderError::Unknown(format!("the page `{type_name}` is not registered")))?;
        let (values, user) = (Value::Object(values), self.user());
        let flash = self.live.flash().iter().map(|flash| json!({ "kind": flash.kind, "text": flash.text }));
        let request = PageRequest {
            path: &self.live.path,
            user: user.as_ref(),
            flash: Some(&Value::Array(flash.collect())),
        };
        let rendered = render_page(&template.compiled, &values, &request);
        let mut inserted = Vec::with_capacity(rendered.children.len() + 1);
        for child in rendered.children {
            inserted.push((child.offset, self.paint_in_page(child).await?));
        }
        if let Some(offset) = rendered.head {
            inserted.push((offset, self.live.capture().into_string()));
            inserted.push((rendered.client.unwrap_or(offset), self.live.script().into_string()));
        }
        inserted.sort_by_key(|(offset, _)| *offset);
        let mut html = rendered.html;
        for (offset, element) in inserted.iter().rev() {
            html.insert_str(*offset, element);
        }
        Ok(html)
    }

    /// Renders a component in the template of a page. The page mounts it by its seal, like one that
    /// a handler rendered.
    async fn paint_in_page(&self, child: ChildSlot<Value>) -> Result<String, RenderError> {
        let core = self.live.runtime.core();
        let registration = core
            .registry
            .get(&child.component)
            .ok_or_else(|| RenderError::Unknown(core.registry.why_unknown(&child.component)))?;
        let props = child.props.into_iter().map(|(name, value)| (name.into(), value));
        let props = vivaz_protocol::json::to_raw_json(&props.collect::<Map<String, Value>>())?;
        let mounted = self.mount(|cx| registration.mount(&props, cx)).await?;
        self.paint(mounted, &props, child.attributes, None, &child.around, 0).await
    }

    /// Returns the value of `$user`.
    fn user(&self) -> Option<Value> {
        let user = self.live.identity.user().ok()?;
        Some(json!({ "id": user.id, "name": user.name }))
    }

    /// Returns the component's `own` state, and the state of its topics under the names of the
    /// shared fields.
    fn complete_state(own: &str, instance: &mut dyn Instance) -> Result<Value, RenderError> {
        let mut fields: Map<String, Value> = serde_json::from_str(own)?;
        for (field, topic) in instance.topics() {
            fields.insert(field.to_owned(), serde_json::from_str(topic.snapshot()?.json())?);
        }
        Ok(Value::Object(fields))
    }

    /// Renders the element of a child. A child that fails does not fail its parent: its element
    /// stays empty, the page mounts it later and shows the error.
    fn render_child(&self, parent: &'static str, child: ChildSlot<Value>, depth: usize) -> BoxedPaint<'_> {
        Box::pin(async move {
            let here = SealedChild { parent: parent.to_owned(), place: child.place };
            let core = self.live.runtime.core();
            let props: Map<String, Value> =
                child.props.into_iter().map(|(name, value)| (name.into(), value)).collect();
            let props = vivaz_protocol::json::to_raw_json(&props)?;
            let painted = match core.registry.get(&child.component) {
                _ if depth > DEPTH => {
                    Err(RenderError::Unknown("components are nested too deeply".to_owned()))
                }
                None => Err(RenderError::Unknown(core.registry.why_unknown(&child.component))),
                Some(registration) => match self.mount(|cx| registration.mount(&props, cx)).await {
                    Ok(mounted) => {
                        let attributes = child.attributes.clone();
                        self.paint(mounted, &props, attributes, Some(here.clone()), &child.around, depth)
                            .await
                    }
                    Err(error) => Err(error.into()),
                },
            };
            if let Err(error @ RenderError::Parameter { .. }) = painted {
                return Err(error);
            }
            Ok(painted.unwrap_or_else(|error| {
                let (name, error) = (Quoted(&*child.component), Escaped(&error));
                client_event!(core.log, WARN, component = %name, %error, "rendering a child failed; the page mounts it");
                format!("<live-component{}></live-component>", child.attributes)
            }))
        })
    }

    /// Returns the seal of a component. `carried` is its public state, if the page carries it.
    fn seal(
        &self,
        instance: &mut dyn Instance,
        props: &RawValue,
        child: Option<SealedChild>,
        carried: Option<&str>,
    ) -> Result<String, RenderError> {
        let core = self.live.runtime.core();
        let saved = instance.save()?;
        let state = String::from_utf8(saved).ok().filter(|state| state.len() <= core.limits.seal_state_bytes);
        let spec = instance.spec();
        let query = (state.is_none() && is_bound(spec)).then(|| self.live.params.to_query());
        let sealed = SealContent {
            child,
            component: spec.name.to_owned(),
            schema: spec.schema(),
            template: core.templates.hash_of(spec.name).to_owned(),
            expires: now().saturating_add(core.limits.seal_time.as_secs()),
            props: props.get().to_owned(),
            state,
            painted: carried.map(StateHash::of),
            query,
        };
        core.sealer.seal(&sealed, &self.live.holder()).map_err(|error| RenderError::Seal(error.into()))
    }
}

type BoxedPaint<'a> = std::pin::Pin<Box<dyn Future<Output = Result<String, RenderError>> + Send + 'a>>;
