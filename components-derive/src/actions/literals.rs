//! Literal texts in the methods of an `#[actions]` block.

use proc_macro2::{Span, TokenStream, TokenTree};
use syn::{ImplItem, ItemImpl, Lit, LitStr};

use super::method::Generated;
use crate::diagnostics::Diagnostics;
use crate::names::nearest;

/// Collects the literal texts of a block and checks the event names of its `cx.spawn` calls.
pub(super) fn read(block: &ItemImpl, written: &mut Generated, errors: &mut Diagnostics) {
    let mut found = Literals::default();
    for item in &block.items {
        if let ImplItem::Fn(function) = item {
            let body = &function.block;
            found.scan(quote::quote!(#body));
        }
    }
    for event in found.spawned {
        let name = event.value();
        if !written.events.contains(&name) {
            let near = nearest(&name, written.events.iter().map(String::as_str));
            let hint = match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("write `#[event(\"{name}\")] fn …(&mut self, result: Result<…>)`"),
            };
            let message = format!("no `#[event]` method receives `{name}`, the result of this task; {hint}");
            errors.push(syn::Error::new(event.span(), message));
        } else if written.plain_events.contains(&name) {
            let message = format!(
                "the `#[event]` method of `{name}` receives the outcome of this task, which may be an error: its argument must be \
                 a `Result<…>`"
            );
            errors.push(syn::Error::new(event.span(), message));
        }
    }
    written.flushes = found.flushed;
    found.names.sort();
    found.names.dedup();
    written.words = found.names;
}

#[derive(Default)]
struct Literals {
    /// The first arguments of `.spawn("…", …)` calls.
    spawned: Vec<LitStr>,
    /// The `.flush(self)` calls.
    flushed: Vec<Span>,
    /// Texts that can be the name of a field.
    names: Vec<String>,
}

impl Literals {
    fn scan(&mut self, tokens: TokenStream) {
        let tokens: Vec<_> = tokens.into_iter().collect();
        for (at, token) in tokens.iter().enumerate() {
            match token {
                TokenTree::Group(group) => {
                    if let [.., TokenTree::Punct(dot), TokenTree::Ident(name)] =
                        tokens.get(..at).unwrap_or_default()
                        && dot.as_char() == '.'
                        && name == "spawn"
                        && let [TokenTree::Literal(first), TokenTree::Punct(comma), ..] =
                            group.stream().into_iter().collect::<Vec<_>>().as_slice()
                        && comma.as_char() == ','
                        && let Lit::Str(event) = Lit::new(first.clone())
                    {
                        self.spawned.push(event);
                    }
                    if let Some(TokenTree::Ident(name)) = at.checked_sub(1).and_then(|at| tokens.get(at))
                        && name == "flush"
                        && group.stream().to_string() == "self"
                    {
                        self.flushed.push(name.span());
                    }
                    self.scan(group.stream());
                }
                TokenTree::Literal(literal) => {
                    if let Lit::Str(text) = Lit::new(literal.clone()) {
                        let text = text.value();
                        let is_name = |c: char| c.is_alphanumeric() || "_-.".contains(c);
                        if !text.is_empty() && text.chars().all(is_name) {
                            self.names.push(text);
                        }
                    }
                }
                TokenTree::Ident(_) | TokenTree::Punct(_) => {}
            }
        }
    }
}
