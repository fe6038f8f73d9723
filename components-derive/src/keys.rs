//! Finds keys of maps that have no JSON form, by their syntax.

use syn::{GenericArgument, PathArguments, Type, TypePath};

use crate::diagnostics::Diagnostics;
use crate::names::last_name;

/// Reports each map in a saved field whose keys have no JSON form. The key of an object is a text
/// or a number.
pub(crate) fn check(ty: &Type, errors: &mut Diagnostics) {
    if let Type::Path(path) = ty {
        let mut types = arguments(path);
        if is_named(ty, &["HashMap", "BTreeMap"])
            && let Some(key) = types.next()
            && is_compound(key)
        {
            errors.at(
                key,
                "the key of a map must be a text or a number in JSON, and this is neither: store pairs in a `Vec`, or a key \
                 that serialises as a text",
            );
        }
        types.for_each(|ty| check(ty, errors));
    } else if let Type::Tuple(tuple) = ty {
        tuple.elems.iter().for_each(|ty| check(ty, errors));
    } else if let Type::Array(array) = ty {
        check(&array.elem, errors);
    }
}

/// Returns the types between the angle brackets of a path's last segment.
fn arguments(path: &TypePath) -> impl Iterator<Item = &Type> {
    let last = path.path.segments.last().and_then(|last| match &last.arguments {
        PathArguments::AngleBracketed(arguments) => Some(&arguments.args),
        PathArguments::None | PathArguments::Parenthesized(_) => None,
    });
    last.into_iter()
        .flatten()
        .filter_map(|argument| if let GenericArgument::Type(ty) = argument { Some(ty) } else { None })
}

fn is_named(ty: &Type, names: &[&str]) -> bool {
    last_name(ty).is_some_and(|last| names.iter().any(|name| last == name))
}

/// Returns whether a type's syntax shows that it consists of several values.
fn is_compound(ty: &Type) -> bool {
    let collections = ["Vec", "HashMap", "BTreeMap", "HashSet", "BTreeSet"];
    matches!(ty, Type::Tuple(_) | Type::Array(_) | Type::Slice(_)) || is_named(ty, &collections)
}
