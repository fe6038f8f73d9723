//! The components that an application has, by name.

mod children;
mod restoring;

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde_json::value::RawValue;
use vivaz_protocol::ErrorCode;
use vivaz_protocol::log::Quoted;

use crate::component::{AnyComponent, LiveComponent};
use crate::error::without_place;
use crate::follow::follow_url;
use crate::future::BoxFuture;
use crate::host::Host;
use crate::instance::Instance;
use crate::spec::Spec;
use crate::{ActionError, MountContext, Result, fault, url};

pub use children::TemplateFields;
use restoring::restore_untyped;
pub use restoring::{Decoded, RestoreFailure, RestoreFuture};

/// A future that returns a mounted component.
pub type MountFuture = BoxFuture<Result<Box<dyn Instance>>>;

/// Creates components of one type, in this process or elsewhere.
pub trait Factory: Send + Sync {
    /// Creates a component from its props. Checks for each topic of its shared fields whether the
    /// user may see it, and loads the topic. The future returns `bad_props` if the props do not
    /// decode.
    #[must_use = "a future does nothing until it is awaited"]
    fn mount(&self, props: &RawValue, cx: MountContext) -> MountFuture;

    /// Creates a component from the state that [`Instance::save`] wrote, which is of that schema.
    #[must_use = "a future does nothing until it is awaited"]
    fn restore(&self, saved: &[u8], schema: u64, cx: MountContext) -> RestoreFuture;
}

/// A type of components that an application has.
#[derive(Clone, Copy)]
pub struct Registration {
    /// The description of the type.
    pub spec: &'static Spec,
    factory: &'static dyn Factory,
}

inventory::collect!(Registration);

/// Creates components of a type of this program.
struct TypedFactory<C>(PhantomData<fn() -> C>);

impl<C: LiveComponent> Factory for TypedFactory<C> {
    fn mount(&self, props: &RawValue, cx: MountContext) -> MountFuture {
        mount_untyped::<C>(props, cx)
    }

    fn restore(&self, saved: &[u8], schema: u64, cx: MountContext) -> RestoreFuture {
        restore_untyped::<C>(saved, schema, cx)
    }
}

impl Registration {
    /// Returns the registration of a type of this program.
    #[must_use]
    pub const fn of<C: LiveComponent>() -> Self {
        Self::new(C::SPEC, &TypedFactory::<C>(PhantomData))
    }

    /// Registers components that a factory creates.
    #[must_use]
    pub const fn new(spec: &'static Spec, factory: &'static dyn Factory) -> Self {
        Self { spec, factory }
    }

    /// Creates a component from its props: decodes them, runs `mount`, checks for each topic of its
    /// shared fields whether the user may see it, and loads the topic. The future returns
    /// `bad_props` if the props do not decode.
    #[must_use = "a future does nothing until it is awaited"]
    pub fn mount(&self, props: &RawValue, cx: MountContext) -> MountFuture {
        self.factory.mount(props, cx)
    }

    /// Creates a component from the state that [`Instance::save`] wrote, which is of that schema.
    /// If the type has another schema now, or the state does not decode, the component's `migrate`
    /// is called; without one, every field is decoded separately. Topics of shared fields are
    /// checked and loaded again.
    ///
    /// A failure says whether the state can be used later: see [`RestoreFailure`].
    #[must_use = "a future does nothing until it is awaited"]
    pub fn restore(&self, saved: &[u8], schema: u64, cx: MountContext) -> RestoreFuture {
        self.factory.restore(saved, schema, cx)
    }
}

impl fmt::Debug for Registration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registration")
            .field("name", &self.spec.name)
            .field("type", &self.spec.type_name)
            .finish()
    }
}

/// Creates a component of a known type: for the first paint, for tests.
#[must_use = "a future does nothing until it is awaited"]
pub fn mount<C: LiveComponent>(props: C::Props, mut cx: MountContext) -> MountFuture {
    Box::pin(async move {
        let limit = cx.limit();
        let component = fault::guard("mount", limit, async { C::mount(props, &mut cx).await }).await?;
        let mut component: Box<dyn AnyComponent> = Box::new(component);
        if url::is_bound(C::SPEC) {
            let params = cx.params().clone();
            (component, _) = follow_url(component, &params, cx.clone()).await?;
        }
        Host::bound(component, &cx).await
    })
}

fn mount_untyped<C: LiveComponent>(props: &RawValue, cx: MountContext) -> MountFuture {
    let props = fault::guard_now("decoding props", || {
        serde_json::from_str::<C::Props>(props.get())
            .map_err(|error| ActionError::new(ErrorCode::BadProps, without_place(&error)))
    });
    match props {
        Ok(props) => mount::<C>(props, cx),
        Err(error) => refuse(error),
    }
}

fn refuse(error: ActionError) -> MountFuture {
    Box::pin(std::future::ready(Err(error)))
}

/// The components of an application, by name.
#[derive(Debug, Default)]
pub struct Registry {
    components: BTreeMap<&'static str, Registration>,
}

/// Two components have the same name.
#[derive(thiserror::Error)]
#[error(
    "two components are named `{name}`: {first} and {second}; give one of them another #[live(name = \"…\")]"
)]
pub struct DuplicateName {
    name: &'static str,
    first: &'static str,
    second: &'static str,
}

crate::debug_as_message!(DuplicateName);

impl Registry {
    /// Creates a registry without components.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns a registry of all components that are linked into the program.
    ///
    /// A crate that no code mentions is not linked, even if `Cargo.toml` lists it:
    /// `use widgets as _;` is enough.
    ///
    /// # Errors
    /// Returns an error if two components have the same name.
    pub fn linked() -> Result<Self, DuplicateName> {
        let mut registry = Self::new();
        for registration in inventory::iter::<Registration> {
            registry.add(*registration)?;
        }
        Ok(registry)
    }

    /// Adds a component. Adding the same type again has no effect.
    ///
    /// # Errors
    /// Returns an error if another type has the name.
    pub fn add(&mut self, registration: Registration) -> Result<(), DuplicateName> {
        let spec = registration.spec;
        if let Some(first) = self.components.insert(spec.name, registration)
            && first.spec.type_name != spec.type_name
        {
            return Err(DuplicateName {
                name: spec.name,
                first: first.spec.type_name,
                second: spec.type_name,
            });
        }
        Ok(())
    }

    /// Returns the component with that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Registration> {
        self.components.get(name)
    }

    /// Returns all components in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = &Registration> {
        self.components.values()
    }

    /// Returns a message for the log about a component that does not exist.
    #[must_use]
    pub fn why_unknown(&self, name: &str) -> String {
        let known: Vec<&str> = self.components.keys().copied().collect();
        format!(
            "no component is named {} (there are: {}); if it is in a library crate, mention that crate in the \
             program (`use widgets as _;`), because one that stands only in Cargo.toml is not linked, or register the \
             component with `.component::<C>()`",
            Quoted(name),
            known.join(", ")
        )
    }
}
