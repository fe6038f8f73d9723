//! Finds the files of partials.

use proc_macro2::{Span, TokenStream};
use quote::quote_spanned;

use super::{places, shown};

/// The file of a partial.
pub(super) struct FoundPartial {
    pub(super) name: String,
    /// The path for messages.
    pub(super) file: String,
    pub(super) text: String,
    /// Makes rustc recompile the user of the partial when the file changes.
    pub(super) track: TokenStream,
}

impl FoundPartial {
    /// Returns the file `partials/NAME.html` beside the source file that contains the span, or the
    /// one below `templates/` of the package.
    pub(super) fn find(name: &str, span: Span) -> Option<Self> {
        let source = span.unwrap().local_file()?;
        let relative = format!("partials/{name}.html");
        let (beside, below) = places(&source, &relative);
        if let Ok(text) = std::fs::read_to_string(&beside) {
            let track = quote_spanned!(span=> const _: &[u8] = ::core::include_bytes!(#relative););
            return Some(Self { name: name.to_owned(), file: shown(&beside), text, track });
        }
        let text = std::fs::read_to_string(&below).ok()?;
        let path = format!("/templates/{relative}");
        let track = quote_spanned! {span=>
            const _: &[u8] = ::core::include_bytes!(::core::concat!(::core::env!("CARGO_MANIFEST_DIR"), #path));
        };
        Some(Self { name: name.to_owned(), file: shown(&below), text, track })
    }
}
