//! A template's checks as code.

use proc_macro2::TokenStream;
use quote::quote;
use vivaz_template::Compiled;
use vivaz_template::check::{Argument, Check, CheckKind, Comparison, GivenProp, PathStep, Want};
use vivaz_template::compiled::Control;

use crate::names::hash;

/// `p::Check(…)`; nothing for what only the running application knows: which children there are,
/// where the component does not name their types.
pub(super) fn ask(check: &Check, compiled: &Compiled, names_children: bool) -> Option<TokenStream> {
    let ask = match &check.kind {
        CheckKind::Path { steps: path, want } => {
            let (steps, want) = (steps(path), wanted(*want));
            quote!(p::Ask::Path(#steps, #want))
        }
        CheckKind::Compare { one, among, how } => {
            let (one, among) = (given(one), among.iter().map(given));
            let how = match how {
                Comparison::Equal => quote!(p::How::Equal),
                Comparison::Order => quote!(p::How::Order),
            };
            quote!(p::Ask::Compare(#one, &[#(#among),*], #how))
        }
        CheckKind::Contains { steps: path, one } => {
            let (steps, one) = (steps(path), given(one));
            quote!(p::Ask::Contains(#steps, #one))
        }
        CheckKind::Call { action, arguments } => {
            let given = arguments.iter().map(given);
            quote!(p::Ask::Call(#action, &[#(#given),*]))
        }
        CheckKind::Target { name } => quote!(p::Ask::Target(#name)),
        CheckKind::Model { steps: path, control, is_number } => {
            let (steps, edits) = (steps(path), edits(*control, *is_number));
            quote!(p::Ask::Model(#steps, #edits))
        }
        CheckKind::Edit { field, argument } => {
            let edits = match argument {
                Argument::Text | Argument::Word(_) => quote!(p::Edits::Text),
                Argument::Bool => quote!(p::Edits::Bool),
                Argument::Int | Argument::Float => quote!(p::Edits::Number),
                Argument::Null | Argument::Path(_) | Argument::Any => quote!(p::Edits::Any),
            };
            let steps = self::steps(&[PathStep::Field(field.clone())]);
            quote!(p::Ask::Model(#steps, #edits))
        }
        CheckKind::Fresh { name } => quote!(p::Ask::Fresh(#name)),
        CheckKind::Child { component, props } if names_children => {
            let props = props.iter().map(|GivenProp { name, argument, is_local }| {
                let given = given(argument);
                quote!(p::GivenProp { name: #name, value: #given, is_local: #is_local })
            });
            let slot = compiled.containment.slots.iter().find(|slot| slot.at == check.at);
            let within = slot.iter().flat_map(|slot| &slot.within).map(|placed| &*placed.name);
            quote!(p::Ask::Child(#component, &[#(#props),*], &[#(#within),*]))
        }
        CheckKind::Child { .. } => return None,
    };
    let offset = check.at.offset as usize;
    Some(quote!(p::Check(#offset, #ask)))
}

fn steps(path: &[PathStep]) -> TokenStream {
    let steps = path.iter().map(|step| match step {
        PathStep::Field(name) => {
            let hash = hash(name);
            quote!(p::Step::Field(#name, #hash))
        }
        PathStep::Each => quote!(p::Step::Each),
        PathStep::Index => quote!(p::Step::Index),
        PathStep::Len => quote!(p::Step::Len),
        PathStep::IsEmpty => quote!(p::Step::IsEmpty),
        PathStep::Contains => quote!(p::Step::Contains),
    });
    quote!(&[#(#steps),*])
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

fn given(argument: &Argument) -> TokenStream {
    match argument {
        Argument::Null => quote!(p::Given::Null),
        Argument::Bool => quote!(p::Given::Bool),
        Argument::Int => quote!(p::Given::Int),
        Argument::Float => quote!(p::Given::Float),
        Argument::Text => quote!(p::Given::Text),
        Argument::Word(word) => quote!(p::Given::Word(#word)),
        Argument::Path(path) => {
            let steps = steps(path);
            quote!(p::Given::Path(#steps))
        }
        Argument::Any => quote!(p::Given::Any),
    }
}

/// What the control gives. `.number` makes a number of what a textual one gives.
fn edits(control: Control, is_number: bool) -> TokenStream {
    match control {
        Control::Text | Control::Number | Control::Radio | Control::Select | Control::Editable => {
            if is_number { quote!(p::Edits::Number) } else { quote!(p::Edits::Text) }
        }
        Control::Checkbox => quote!(p::Edits::Bool),
        Control::SelectMultiple => quote!(p::Edits::List),
        Control::Choice => quote!(p::Edits::Choice),
    }
}
