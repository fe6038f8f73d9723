//! The templates of all components, compiled once, for the first paint on the server and as data
//! for the page.

mod containment;

use std::collections::HashMap;
use std::sync::Arc;

use vivaz_components::page::PageSpec;
use vivaz_components::spec::{FieldKind, TemplateSource};
use vivaz_components::url::describe_params;
use vivaz_components::{Registry, TemplateFields};
use vivaz_template::{Compiled, TemplateKind};

/// The templates, indexed by component and by hash.
#[derive(Debug, Default)]
pub(crate) struct Templates {
    components: HashMap<&'static str, ComponentTemplate>,
    /// Maps a hash to one component with that template; several components may share a hash.
    hashes: HashMap<Box<str>, &'static str>,
    /// The templates of pages, by the names of their types.
    pages: HashMap<&'static str, PageTemplate>,
}

/// The compiled template of a page.
#[derive(Debug)]
pub(crate) struct PageTemplate {
    pub(crate) compiled: Compiled,
    file: &'static str,
}

/// The compiled template of a component.
#[derive(Debug)]
pub(crate) struct ComponentTemplate {
    pub(crate) compiled: Arc<Compiled>,
    /// The first 32 hexadecimal digits of the BLAKE3 hash of `json`.
    pub(crate) hash: Box<str>,
    file: &'static str,
    json: Box<str>,
}

/// The template of a component or a page does not compile, or nests components where HTML does not
/// allow it.
#[derive(thiserror::Error)]
#[error("the template of `{of}` ({file}): {mistakes}")]
pub struct TemplateError {
    /// The component's name, or the page's type.
    of: &'static str,
    file: &'static str,
    mistakes: String,
}

vivaz_components::debug_as_message!(TemplateError);

/// Compiles a template and checks the components in it, which the derive macro does not know.
fn compile(
    registry: &Registry,
    of: &'static str,
    source: &TemplateSource,
    fields: TemplateFields,
    kind: TemplateKind,
) -> Result<Compiled, TemplateError> {
    let refuse = |mistakes: &[String]| TemplateError { of, file: source.file, mistakes: mistakes.join("; ") };
    let mut compiled = source
        .compile(kind)
        .map_err(|mistakes| refuse(&mistakes.iter().map(ToString::to_string).collect::<Vec<_>>()))?;
    let mistakes = registry.mistakes_of_children(fields, &compiled.checks);
    if !mistakes.is_empty() {
        return Err(refuse(&mistakes));
    }
    registry.convert_props(&mut compiled);
    Ok(compiled)
}

impl Templates {
    /// Compiles the templates of all registered components, and of the pages.
    ///
    /// # Errors
    /// Returns the mistakes of the first component or page whose template does not compile or whose
    /// children are misplaced.
    pub(crate) fn compile(
        registry: &Registry,
        pages: impl IntoIterator<Item = &'static PageSpec>,
    ) -> Result<Self, TemplateError> {
        let mut templates = Self::default();
        for registration in registry.iter() {
            let spec = registration.spec;
            let compiled = compile(
                registry,
                spec.name,
                &spec.template,
                TemplateFields::of(spec),
                TemplateKind::Component,
            )?;
            let is_shared =
                |name: &str| spec.field(name).is_some_and(|field| field.kind == FieldKind::Shared);
            let json: Box<str> = compiled.to_json_with(&is_shared, describe_params(spec).as_deref()).into();
            let hash: Box<str> = blake3::hash(json.as_bytes()).to_hex().chars().take(32).collect();
            templates.hashes.insert(hash.clone(), spec.name);
            let (file, compiled) = (spec.template.file, Arc::new(compiled));
            templates.components.insert(spec.name, ComponentTemplate { compiled, hash, file, json });
        }
        for spec in pages {
            templates.add_page(registry, spec)?;
        }
        let components =
            templates.components.iter().map(|(name, template)| (*name, template.file, &*template.compiled));
        let pages = templates.pages.iter().map(|(name, template)| (*name, template.file, &template.compiled));
        for (of, file, compiled) in components.chain(pages) {
            let mistakes = templates.misplaced_children(compiled);
            if !mistakes.is_empty() {
                return Err(TemplateError { of, file, mistakes: mistakes.join("; ") });
            }
        }
        Ok(templates)
    }

    fn add_page(&mut self, registry: &Registry, spec: &'static PageSpec) -> Result<(), TemplateError> {
        let (of, file) = (spec.type_name, spec.template.file);
        let fields = TemplateFields { shape: spec.shape, computed: &[] };
        let compiled = compile(registry, of, &spec.template, fields, TemplateKind::Page)?;
        self.pages.insert(of, PageTemplate { compiled, file });
        Ok(())
    }

    /// Returns the template of a page type.
    pub(crate) fn page(&self, type_name: &str) -> Option<&PageTemplate> {
        self.pages.get(type_name)
    }

    /// Returns the template of a component.
    pub(crate) fn of(&self, component: &str) -> Option<&ComponentTemplate> {
        self.components.get(component)
    }

    /// Returns the hash of a component's template; an empty text for an unregistered component.
    pub(crate) fn hash_of(&self, component: &str) -> &str {
        self.of(component).map_or("", |template| &template.hash)
    }

    /// Returns the compiled form with this hash, as JSON.
    pub(crate) fn by_hash(&self, hash: &str) -> Option<&str> {
        self.of(self.hashes.get(hash)?).map(|template| &*template.json)
    }

    /// Returns the hash and the compiled form, as JSON, of each component.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.components.values().map(|template| (&*template.hash, &*template.json))
    }
}
