//! Writes a template's checks as code.

use proc_macro2::TokenStream;
use quote::quote;
use vivaz_template::check::{Argument, Check, CheckKind, Comparison, Edits, GivenProp, PathStep, Want};

use crate::names::hash;

/// Whether the component names the types of its children.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum ChildTypes {
    Named,
    /// Only the running application knows which children exist.
    Unnamed,
}

/// Writes `p::Check { … }`. Returns `None` for a check of a child whose type the component does not
/// name.
pub(super) fn check(check: &Check, excerpt: &str, children: ChildTypes) -> Option<TokenStream> {
    let kind = match &check.kind {
        CheckKind::Path { steps: path, want, given } => {
            let (steps, want) = (steps(path), wanted(*want));
            quote!(Path { steps: #steps, want: #want, given: #given })
        }
        CheckKind::Compare { one, among, how } => {
            let (one, among) = (argument(one), among.iter().map(argument));
            let how = match how {
                Comparison::Equal => quote!(Equal),
                Comparison::Order => quote!(Order),
            };
            quote!(Compare { one: #one, among: &[#(#among),*], how: p::Comparison::#how })
        }
        CheckKind::Contains { steps: path, one } => {
            let (steps, one) = (steps(path), argument(one));
            quote!(Contains { steps: #steps, one: #one })
        }
        CheckKind::Call { action, arguments } => {
            let arguments = arguments.iter().map(argument);
            quote!(Call { action: #action, arguments: &[#(#arguments),*] })
        }
        CheckKind::Target { name } => quote!(Target { name: #name }),
        CheckKind::Model { steps: path, edits } => {
            let steps = steps(path);
            let edits = match edits {
                Edits::Text => quote!(Text),
                Edits::Number => quote!(Number),
                Edits::Bool => quote!(Bool),
                Edits::List => quote!(List),
                Edits::Choice => quote!(Choice),
                Edits::Any => quote!(Any),
            };
            quote!(Model { steps: #steps, edits: p::Edits::#edits })
        }
        CheckKind::Fresh { name } => quote!(Fresh { name: #name }),
        CheckKind::Child { component, props, within } if children == ChildTypes::Named => {
            let props = given(props);
            quote!(Child { component: #component, props: #props, within: &[#(#within),*] })
        }
        CheckKind::Route { route, parameters, is_live } => {
            let given = given(parameters);
            quote!(Route { route: #route, parameters: #given, is_live: #is_live })
        }
        CheckKind::Child { .. } => return None,
    };
    Some(quote!(p::Check { at: #excerpt, kind: p::CheckKind::#kind }))
}

fn given(props: &[GivenProp]) -> TokenStream {
    let props = props.iter().map(|GivenProp { name, argument: given, is_local }| {
        let argument = argument(given);
        quote!(p::GivenProp { name: #name, argument: #argument, is_local: #is_local })
    });
    quote!(&[#(#props),*])
}

fn steps(path: &[PathStep]) -> TokenStream {
    let steps = path.iter().map(|step| match step {
        PathStep::Field(name) => {
            let hash = hash(name);
            quote!(Field((#name, #hash)))
        }
        PathStep::Each => quote!(Each),
        PathStep::Index => quote!(Index),
        PathStep::Len => quote!(Len),
        PathStep::IsEmpty => quote!(IsEmpty),
        PathStep::Contains => quote!(Contains),
    });
    quote!(&[#(p::PathStep::#steps),*])
}

fn wanted(want: Want) -> TokenStream {
    match want {
        Want::Any => quote!(p::Want::Any),
        Want::Text => quote!(p::Want::Text),
        Want::Compared => quote!(p::Want::Compared),
        Want::Condition => quote!(p::Want::Condition),
        Want::Number => quote!(p::Want::Number),
        Want::List => quote!(p::Want::List),
    }
}

fn argument(argument: &Argument) -> TokenStream {
    match argument {
        Argument::Null => quote!(p::Argument::Null),
        Argument::Bool => quote!(p::Argument::Bool),
        Argument::Int => quote!(p::Argument::Int),
        Argument::Float => quote!(p::Argument::Float),
        Argument::Text => quote!(p::Argument::Text),
        Argument::Word(word) => quote!(p::Argument::Word(#word)),
        Argument::Path(path) => {
            let steps = steps(path);
            quote!(p::Argument::Path(#steps))
        }
        Argument::Any => quote!(p::Argument::Any),
    }
}
