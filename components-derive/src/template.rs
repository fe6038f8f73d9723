//! Finding a component's template and checking it.

use std::path::{Path, PathBuf};

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};

use crate::attr::ComponentAttrs;
use crate::errors::Errors;
use crate::model::Model;

/// A component's template.
pub(crate) struct Template {
    span: Span,
    /// The path to show in messages.
    file: String,
    text: String,
    /// Makes rustc compile the component again when the file changes. The literal stands as the user wrote it, so that
    /// no absolute path gets into the program.
    track: TokenStream,
}

impl Template {
    pub(crate) fn find(attrs: &ComponentAttrs, errors: &mut Errors) -> Self {
        let none = Self {
            span: Span::call_site(),
            file: String::new(),
            text: String::new(),
            track: TokenStream::new(),
        };
        if let Some(inline) = &attrs.inline {
            let file = inline.span().unwrap().file();
            return Self { span: inline.span(), file, text: inline.value(), ..none };
        }
        let Some(template) = &attrs.template else { return none };
        none.from_file(template, errors)
    }

    /// Beside the source file, else below `templates/` of the package.
    fn from_file(self, path: &syn::LitStr, errors: &mut Errors) -> Self {
        let (span, relative) = (path.span(), path.value());
        let source = span.unwrap();
        let Some(source_file) = source.local_file() else {
            if source.file().is_empty() {
                // rust-analyzer does not say where the source is. It needs the items and not the template, and an error
                // would paint every component red.
                return Self { span, ..self };
            }
            errors.push(syn::Error::new(
                span,
                "the source file is not on this machine, so neither is the template",
            ));
            return self;
        };
        let mut tried = String::new();
        let beside = source_file.parent().unwrap_or(Path::new("")).join(&relative);
        let package = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
        let below = package.join("templates").join(&relative);
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
                    return Self { span, file: shown(&found), text, track };
                }
                Err(error) => tried.push_str(&format!("\n  {}: {error}", shown(&found))),
            }
        }
        errors.push(syn::Error::new(span, format!("there is no such template:{tried}")));
        self
    }

    pub(crate) fn source(&self) -> TokenStream {
        let (file, text) = (&self.file, &self.text);
        quote!(p::TemplateSource { file: #file, text: #text })
    }

    pub(crate) fn checks(&self, model: &Model) -> TokenStream {
        let _ = (model, self.span);
        self.track.clone()
    }
}

/// The path as rustc shows paths: from where it was started, so that nothing of this machine gets into the program.
fn shown(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(&here).unwrap_or(path).display().to_string()
}
