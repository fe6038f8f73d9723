//! Finds and checks the template of a component or a page.

mod checks;
mod partial;

use std::path::{Path, PathBuf};

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::Ident;
use vivaz_template::{Compiled, PartialFile, Position, SourceText, TemplateKind};

use crate::attr::ComponentAttrs;
use crate::diagnostics::Diagnostics;
use crate::names::{plain, snake};
use checks::ChildTypes;
use partial::FoundPartial;

/// The template of a component or a page.
pub(crate) struct TemplateFile {
    span: Span,
    /// The path for messages.
    file: String,
    text: String,
    /// The line of the file on which the text begins, and the number of characters before it on
    /// that line.
    line: usize,
    column: usize,
    /// Makes rustc recompile the component when the file changes. The literal is the user's, so
    /// that the program contains no absolute path.
    track: TokenStream,
    /// The partials in it, in the order of their first use.
    partials: Vec<FoundPartial>,
    /// The routes in it: the paths as written, and as Rust paths.
    routes: Vec<(String, syn::Path)>,
}

impl TemplateFile {
    /// Finds the template of a component. Reports the searched paths if there is none.
    pub(crate) fn find(ident: &Ident, attrs: &ComponentAttrs, errors: &mut Diagnostics) -> Self {
        let none = Self {
            span: Span::call_site(),
            file: String::new(),
            text: String::new(),
            line: 1,
            column: 0,
            track: TokenStream::new(),
            partials: Vec::new(),
            routes: Vec::new(),
        };
        if let Some(inline) = &attrs.inline {
            let source = inline.span().unwrap();
            // The quote, including the prefix of a raw string.
            let written = inline.token().to_string();
            let opening = written.find('"').map_or(1, |quote| quote + 1);
            return Self {
                span: inline.span(),
                file: source.file(),
                text: inline.value(),
                line: source.line(),
                column: source.column() - 1 + opening,
                ..none
            };
        }
        let Some(template) = &attrs.template else {
            errors.push(unnamed(ident));
            return none;
        };
        none.read(template, errors)
    }

    /// Reads the file beside the source file, otherwise the one below `templates/` of the package.
    fn read(self, path: &syn::LitStr, errors: &mut Diagnostics) -> Self {
        let (span, relative) = (path.span(), path.value());
        let source = span.unwrap();
        let Some(source_file) = source.local_file() else {
            if source.file().is_empty() {
                // rust-analyzer does not provide the path of the source. It needs the items and not
                // the template, and an error would mark all components.
                return Self { span, ..self };
            }
            errors.push(syn::Error::new(
                span,
                "the source file is not on this machine, so the template cannot be found",
            ));
            return self;
        };
        let mut tried = String::new();
        let (beside, below) = places(&source_file, &relative);
        for (found, is_beside) in [(beside, true), (below, false)] {
            match std::fs::read_to_string(&found) {
                Ok(text) => {
                    let track = if is_beside {
                        quote_spanned!(span=> const _: &[u8] = ::core::include_bytes!(#path);)
                    } else {
                        let path = format!("/templates/{relative}");
                        quote_spanned! {span=>
                            const _: &[u8] = ::core::include_bytes!(::core::concat!(::core::env!("CARGO_MANIFEST_DIR"), #path));
                        }
                    };
                    return Self { span, file: shown(&found), text, track, ..self };
                }
                Err(error) => tried.push_str(&format!("\n  {}: {error}", shown(&found))),
            }
        }
        errors.push(syn::Error::new(span, format!("template not found:{tried}")));
        self
    }

    pub(crate) fn source(&self) -> TokenStream {
        let (file, text) = (&self.file, &self.text);
        let partials = self.partials.iter().map(|partial| {
            let (name, file, text) = (&partial.name, &partial.file, &partial.text);
            quote!(p::PartialSource { name: #name, file: #file, text: #text })
        });
        let routes = self.route_specs();
        quote!(p::TemplateSource { file: #file, text: #text, partials: &[#(#partials),*], routes: #routes })
    }

    /// Compiles the template. Reports the template's own errors.
    pub(crate) fn compile(&mut self, kind: TemplateKind, errors: &mut Diagnostics) -> Option<Compiled> {
        let (span, mut partials) = (self.span, Vec::new());
        let compiled = vivaz_template::compile_with(&self.text, kind, &mut |name: &str| {
            let partial = FoundPartial::find(name, span)?;
            let file = PartialFile { file: partial.file.clone(), text: partial.text.clone() };
            partials.push(partial);
            Some(file)
        });
        self.partials = partials;
        let mistakes = match compiled {
            Ok(compiled) => {
                for path in compiled.routes() {
                    match syn::LitStr::new(path, span).parse() {
                        Ok(parsed) => self.routes.push((path.to_string(), parsed)),
                        Err(error) => errors.push(error),
                    }
                }
                return Some(compiled);
            }
            Err(mistakes) => mistakes,
        };
        for mistake in mistakes {
            let message = format!("{}\n{}", mistake.message, self.excerpt(mistake.at, &mistake.uses));
            errors.push(syn::Error::new(span, message));
        }
        None
    }

    /// Formats the line of a position, and those of the elements that use its partial.
    fn excerpt(&self, at: Position, uses: &[Position]) -> String {
        let mut text = self.source_text(at.source).excerpt(at);
        for at in uses {
            text.push_str("\nused here:\n");
            text.push_str(&self.source_text(at.source).excerpt(*at));
        }
        text
    }

    /// Writes the checks that require the component's types, as a constant.
    pub(crate) fn checks(
        &self,
        ident: &Ident,
        attrs: &ComponentAttrs,
        subject: &TokenStream,
        compiled: Option<&Compiled>,
    ) -> TokenStream {
        let track = self.track();
        let Some(compiled) = compiled else { return track };
        let named = &attrs.children;
        let types = if named.is_some() { ChildTypes::Named } else { ChildTypes::Unnamed };
        let checks = compiled.checks.iter().filter_map(|check| {
            let excerpt = self.excerpt(check.at, &compiled.uses(check.at));
            checks::check(check, &excerpt, types)
        });
        let (children, routes) = (named.iter().flatten(), self.route_specs());
        let ty = ident.to_string();
        quote_spanned! {self.span=>
            #track
            #[allow(long_running_const_eval)]
            const _: () = if let ::core::option::Option::Some(message) = p::verify(
                &p::Subject {
                    ty: #ty,
                    #subject
                    children: &[#(<#children as p::LiveComponent>::SPEC),*],
                    routes: #routes,
                },
                &[#(#checks),*],
            ) {
                ::core::panic!("{}", message.as_str())
            };
        }
    }

    fn route_specs(&self) -> TokenStream {
        let routes = self.routes.iter().map(|(name, path)| quote!((#name, <#path as p::LiveRoute>::SPEC)));
        quote!(&[#(#routes),*])
    }

    /// Makes rustc recompile the user of the template when one of its files changes.
    fn track(&self) -> TokenStream {
        let (own, partials) = (&self.track, self.partials.iter().map(|partial| &partial.track));
        quote!(#own #(#partials)*)
    }

    /// Returns a source by its number: 0 is the template, others are the partials.
    fn source_text(&self, source: u32) -> SourceText<'_> {
        match (source as usize).checked_sub(1).and_then(|partial| self.partials.get(partial)) {
            Some(partial) => SourceText { file: &partial.file, line: 1, column: 0, text: &partial.text },
            None => SourceText { file: &self.file, line: self.line, column: self.column, text: &self.text },
        }
    }
}

/// Creates the error of a component that names no template.
fn unnamed(ident: &Ident) -> syn::Error {
    let file = format!("{}.html", snake(&plain(ident)));
    let places = ident.span().unwrap().local_file().map(|source| {
        let (beside, below) = places(&source, &file);
        format!(", which is searched as {} and {},", shown(&beside), shown(&below))
    });
    let places = places.unwrap_or_default();
    let message = format!(
        "`{ident}` has no template: add #[live(template = \"{file}\")]{places} or \
         #[live(inline = \"…\")] with the template itself, which may be empty"
    );
    syn::Error::new(ident.span(), message)
}

/// Returns the paths at which a template is searched: beside the source file, and below
/// `templates/` of the package.
fn places(source: &Path, relative: &str) -> (PathBuf, PathBuf) {
    let package = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let beside = source.parent().unwrap_or(Path::new("")).join(relative);
    (beside, package.join("templates").join(relative))
}

/// Formats a path as rustc shows paths: relative to the working directory, so that the program
/// contains no absolute path.
fn shown(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(&here).unwrap_or(path).display().to_string()
}
