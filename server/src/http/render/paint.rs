//! Renders components one after the other, children inside their parents.

use std::fmt::Write;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use vivaz_components::instance::Instance;
use vivaz_components::url::is_bound;
use vivaz_components::{
    ActionError, Admission, Budget, FirstLoads, MountContext, MountFuture, Registration, ShownValue,
};
use vivaz_template::containment::OpenElement;
use vivaz_template::{ChildSlot, PageRequest, TypedForm, escape, render_page, render_typed, render_within};

use super::state::PaintedState;
use super::stream::Part;
use super::{Live, RenderError};
use crate::admission::seal::{SealContent, SealedChild, StateHash, now};
use crate::http::forms::{FormChain, PaintedForm, RestoreTarget, hidden_control, restore, user};
use crate::telemetry::log::{Escaped, Quoted, client_event};

/// The maximum nesting depth of components: a deeper tree is a component that contains itself.
const DEPTH: usize = 32;

/// The place at which a component without a parent is rendered.
pub(super) struct RootSlot<'a> {
    /// The `id` of its element.
    pub(super) id: Option<&'a str>,
    /// Additional, escaped attributes of the element.
    pub(super) attributes: String,
    /// The open elements of the page's template.
    pub(super) around: &'a [OpenElement],
    /// Whether it is known to be the only component of its type in the page.
    pub(super) is_only: bool,
}

/// The place at which a component is rendered.
pub(super) struct PaintSlot<'a> {
    /// Additional, escaped attributes of the element.
    pub(super) attributes: String,
    /// The place in the parent's template.
    pub(super) child: Option<SealedChild>,
    /// The open elements of the parents' templates.
    pub(super) around: &'a [OpenElement],
    pub(super) depth: usize,
    /// The parents, if the page accepts forms.
    pub(super) forms: Option<FormChain>,
    /// Set if the component is on the way to a form that was sent.
    pub(super) target: Option<RestoreTarget<'a>>,
}

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

    /// Renders a component that the page shows without a parent. `mount` mounts it, unless a form
    /// that was sent has left a state for it.
    ///
    /// # Errors
    /// Returns the error of `mount`, and those of [`paint`](Self::paint).
    pub(super) async fn paint_root(
        &self,
        registration: &Registration,
        props: &RawValue,
        slot: RootSlot<'_>,
        mount: impl FnOnce(MountContext) -> MountFuture,
    ) -> Result<String, RenderError> {
        let RootSlot { id, attributes, around, is_only } = slot;
        let key = self.live.root_key(registration.spec.name, id, props, is_only);
        let target = self.live.find_root(registration.spec.name, key.as_ref());
        let mounted = self.mount(target, registration, props, mount).await?;
        let forms = key.map(FormChain::new);
        let slot = PaintSlot { attributes, child: None, around, depth: 0, forms, target };
        self.paint(mounted, props, slot).await
    }

    /// Creates a component: with the state that a form that was sent has left, or by `mount`.
    ///
    /// # Errors
    /// Returns the error of `mount`.
    async fn mount(
        &self,
        target: Option<RestoreTarget<'_>>,
        registration: &Registration,
        props: &RawValue,
        mount: impl FnOnce(MountContext) -> MountFuture,
    ) -> Result<MountedInstance, ActionError> {
        if let Some(restored) = self.restore(target, registration, props).await {
            return Ok(restored);
        }
        let (cx, loads) = self.mount_context();
        Ok(MountedInstance { instance: mount(cx).await?, loads })
    }

    /// Returns the context of a mount, and the loads that it will start.
    fn mount_context(&self) -> (MountContext, FirstLoads) {
        let core = self.live.runtime.core();
        let mut cx = MountContext::new(core.env(self.live.identity.clone()))
            .with_time_limit(core.limits.action_time)
            .with_budget(Arc::clone(&self.budget), Admission::Bounded)
            .with_params(self.live.params.clone());
        let loads = FirstLoads::default();
        if self.live.stream.is_some() {
            cx = cx.with_first_loads(loads.clone());
        }
        (cx, loads)
    }

    /// Renders the element of a component with its content.
    ///
    /// # Errors
    /// Returns an error if the component is not registered, or its state, a topic or its seal
    /// cannot be serialised.
    pub(super) async fn paint(
        &self,
        mounted: MountedInstance,
        props: &RawValue,
        slot: PaintSlot<'_>,
    ) -> Result<String, RenderError> {
        let PaintSlot { attributes, child, around, depth, forms, target } = slot;
        let MountedInstance { mut instance, loads } = mounted;
        let core = self.live.runtime.core();
        let spec = instance.spec();
        let template = core
            .templates
            .of(spec.name)
            .ok_or_else(|| RenderError::Unknown(core.registry.why_unknown(spec.name)))?;
        self.live.bind_params(spec)?;
        self.live.templates.add(&template.hash);
        let state = PaintedState::of(instance.as_mut())?;
        let carried = match instance.topics().is_empty() {
            true => instance.state_within(core.limits.painted_state_bytes)?,
            // The state of a topic has a revision that only the server's snapshot names.
            false => None,
        };
        let user = user(&self.live.identity);
        let shown_user = user.clone().map(ShownValue::from);
        let rendered = match target.and_then(|target| target.typed()) {
            Some(TypedForm { place, fields, replaces_models }) => {
                let fields = &fields.clone().into();
                let typed = TypedForm { place, fields, replaces_models };
                render_typed(&template.compiled, &state, shown_user.as_ref(), around, typed)
            }
            None => render_within(&template.compiled, &state, shown_user.as_ref(), around),
        };
        // The props of children are read from it after it is checked.
        rendered.children.iter().flat_map(|child| &child.props).for_each(|(_, prop)| prop.convert_items());
        state.check_items()?;
        drop(state);
        let sealed = self.seal_content(instance.as_mut(), props, child.clone(), carried.as_deref())?;
        let parents = forms;
        let forms = parents.as_ref().map(|parents| parents.with(sealed.clone()));
        let mut inserted = Vec::with_capacity(rendered.children.len() + rendered.forms.len());
        for child in rendered.children {
            let target = target.and_then(|target| target.child(&child.component, &child.place));
            let offset = child.offset;
            let element = self.render_child(spec.name, child, depth + 1, forms.clone(), target).await?;
            inserted.push((offset, element));
        }
        for form in rendered.forms {
            if let Some(forms) = &forms {
                inserted.push((form.offset, self.form_controls(forms, form.place, target)?));
            }
        }
        let html = insert(rendered.html, inserted);
        let shape = rendered.shape.iter().map(u32::to_string).collect::<Vec<_>>().join(",");
        let loads = loads.take();
        let stream = self.live.stream.as_ref().filter(|_| !loads.is_empty());
        let pending = loads.len();
        let part = stream.map(|stream| stream.start(loads));
        let mut start = format!("<live-component{attributes} name=\"{}\"", escape::attribute(spec.name));
        if let Some(part) = part {
            let _ = write!(start, " live-part=\"{part}\"");
        }
        if let Some(child) = &child {
            // The place in the form in which the page sends it in its mount message.
            let _ =
                write!(start, " child=\"{}\"", escape::attribute(&format!("{{\"place\":{}}}", child.place)));
        }
        let seal = core.sealer.seal(&sealed, &self.live.holder());
        let seal = seal.map_err(|error| RenderError::Seal(error.into()))?;
        let _ = write!(start, " seal=\"{seal}\"");
        let _ = write!(start, " template=\"{}\" shape=\"{shape}\"", template.hash);
        if let Some(user) = user.filter(|_| template.compiled.reads_user()) {
            let _ = write!(start, " user=\"{}\"", escape::attribute(&user.to_string()));
        }
        if let Some(state) = &carried {
            let _ = write!(start, " state='{}'", escape::single_quoted(state));
        }
        start.push('>');
        // Not into a new text: the HTML of a long list is large.
        let mut element = html;
        element.insert_str(0, &start);
        element.push_str("</live-component>");
        if let (Some(stream), Some(number)) = (stream, part) {
            let (props, around, forms) = (props.to_owned(), around.to_owned(), parents);
            let part =
                Part { instance, props, attributes, child, around, depth, forms, pending, is_changed: false };
            stream.add(number, part);
        } else {
            self.painted.lock().unwrap_or_else(PoisonError::into_inner).push(instance);
        }
        Ok(element)
    }

    /// Returns the hidden controls of a form that works without JavaScript.
    fn form_controls(
        &self,
        chain: &FormChain,
        place: String,
        target: Option<RestoreTarget<'_>>,
    ) -> Result<String, RenderError> {
        let core = self.live.runtime.core();
        let alert = target.and_then(|target| target.alert(&place)).unwrap_or_default();
        let (issued, seal_time) = (now(), core.limits.seal_time.as_secs());
        let process = core.keeper.is_none().then(|| core.process.to_string());
        let form = PaintedForm { chain, place, process, issued, expires: issued.saturating_add(seal_time) };
        let sealed = form.into_seal().and_then(|form| form.seal(&core.sealer, &self.live.holder()));
        let token = sealed.map_err(|error| RenderError::Seal(error.into()))?;
        Ok(format!("{alert}{}", hidden_control(&token)))
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
        let values = ShownValue::from(values);
        let user = user(&self.live.identity).map(ShownValue::from);
        let flashes = if template.compiled.reads_flash() { self.live.flash() } else { &[] };
        let flash = flashes.iter().map(|flash| json!({ "kind": flash.kind, "text": flash.text }));
        let request = PageRequest {
            path: &self.live.path,
            user: user.as_ref(),
            flash: Some(&ShownValue::from(Value::Array(flash.collect()))),
        };
        let rendered = render_page(&template.compiled, &values, &request);
        let mut inserted = Vec::with_capacity(rendered.children.len() + 2);
        let names: Vec<Box<str>> = rendered.children.iter().map(|child| child.component.clone()).collect();
        for child in rendered.children {
            let is_only = names.iter().filter(|name| **name == child.component).count() == 1;
            inserted.push((child.offset, self.paint_in_page(child, is_only).await?));
        }
        if let Some(offset) = rendered.head {
            inserted.push((offset, self.live.capture().into_string()));
            inserted.push((rendered.client.unwrap_or(offset), self.live.script().into_string()));
        }
        Ok(insert(rendered.html, inserted))
    }

    /// Renders a component in the template of a page. The page mounts it by its seal, like one that
    /// a handler rendered.
    async fn paint_in_page(
        &self,
        child: ChildSlot<ShownValue>,
        is_only: bool,
    ) -> Result<String, RenderError> {
        let core = self.live.runtime.core();
        let registration = core
            .registry
            .get(&child.component)
            .ok_or_else(|| RenderError::Unknown(core.registry.why_unknown(&child.component)))?;
        let props = props_json(child.props)?;
        let slot = RootSlot {
            id: child.id.as_deref(),
            attributes: child.attributes,
            around: &child.around,
            is_only,
        };
        self.paint_root(registration, &props, slot, |cx| registration.mount(&props, cx)).await
    }

    /// Creates a component that contains a form that was sent: with the state that the form's
    /// handlers have left, or that of its seal. Returns `None` if the component is mounted as
    /// usual.
    async fn restore(
        &self,
        target: Option<RestoreTarget<'_>>,
        registration: &Registration,
        props: &RawValue,
    ) -> Option<MountedInstance> {
        let target = target?;
        let (cx, loads) = self.mount_context();
        let restored = match target.saved() {
            Some(saved) => restore::from_saved(saved, registration, cx).await,
            None if target.has_sealed_state() => restore::from_seal(target.sealed, registration, cx).await,
            None => return None,
        };
        let env = self.live.runtime.core().env(self.live.identity.clone());
        let updated = match restored {
            Ok(instance) => restore::with_props(instance, props, &target.sealed.props, env).await,
            Err(error) => Err(error.into()),
        };
        let instance = updated
            .inspect_err(|error| {
                let name = registration.spec.name;
                tracing::error!(component = name, error = %Escaped(error), "cannot show the state after a form");
            })
            .ok()?;
        Some(MountedInstance { instance, loads })
    }

    /// Renders the element of a child. A child that fails does not fail its parent: its element
    /// stays empty, the page mounts it later and shows the error.
    fn render_child<'s>(
        &'s self,
        parent: &'static str,
        child: ChildSlot<ShownValue>,
        depth: usize,
        forms: Option<FormChain>,
        target: Option<RestoreTarget<'s>>,
    ) -> BoxedPaint<'s> {
        Box::pin(async move {
            let here = SealedChild { parent: parent.to_owned(), place: child.place };
            let core = self.live.runtime.core();
            let props = props_json(child.props)?;
            let painted = match core.registry.get(&child.component) {
                _ if depth > DEPTH => {
                    Err(RenderError::Unknown("components are nested too deeply".to_owned()))
                }
                None => Err(RenderError::Unknown(core.registry.why_unknown(&child.component))),
                Some(registration) => {
                    let mount = |cx| registration.mount(&props, cx);
                    let mounted = self.mount(target, registration, &props, mount).await;
                    let slot = PaintSlot {
                        attributes: child.attributes.clone(),
                        child: Some(here.clone()),
                        around: &child.around,
                        depth,
                        forms,
                        target,
                    };
                    match mounted {
                        Ok(mounted) => self.paint(mounted, &props, slot).await,
                        Err(error) => Err(error.into()),
                    }
                }
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

    /// Returns the content of a component's seal. `carried` is its public state, if the page
    /// carries it.
    fn seal_content(
        &self,
        instance: &mut dyn Instance,
        props: &RawValue,
        child: Option<SealedChild>,
        carried: Option<&str>,
    ) -> Result<SealContent, RenderError> {
        let core = self.live.runtime.core();
        let state = instance.save_within(core.limits.seal_state_bytes)?;
        let spec = instance.spec();
        let query = (state.is_none() && is_bound(spec)).then(|| self.live.params.to_query());
        Ok(SealContent {
            child,
            component: spec.name.to_owned(),
            schema: spec.schema(),
            template: core.templates.hash_of(spec.name).to_owned(),
            expires: now().saturating_add(core.limits.seal_time.as_secs()),
            props: props.get().to_owned(),
            state,
            painted: carried.map(StateHash::of),
            query,
        })
    }
}

/// Returns the props that a template gives a component, as JSON.
fn props_json(props: Vec<(Box<str>, ShownValue)>) -> Result<Box<RawValue>, serde_json::Error> {
    let props = props.into_iter().map(|(name, value)| (name.into(), value.into()));
    vivaz_protocol::json::to_raw_json(&props.collect::<Map<String, Value>>())
}

/// Inserts texts at offsets of a text.
fn insert(html: String, mut inserted: Vec<(usize, String)>) -> String {
    if inserted.is_empty() {
        return html;
    }
    inserted.sort_by_key(|(offset, _)| *offset);
    let length = html.len() + inserted.iter().map(|(_, text)| text.len()).sum::<usize>();
    let (mut all, mut rest, mut at) = (String::with_capacity(length), &*html, 0);
    for (offset, text) in inserted {
        let (before, after) = rest.split_at(offset - at);
        all.push_str(before);
        all.push_str(&text);
        (rest, at) = (after, offset);
    }
    all.push_str(rest);
    all
}

type BoxedPaint<'a> = std::pin::Pin<Box<dyn Future<Output = Result<String, RenderError>> + Send + 'a>>;
