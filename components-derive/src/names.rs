//! Names: serde's renaming, similar names, and the path of the crate that generated code calls.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Ident, Type};

/// Returns the path of the module that generated code calls.
pub(crate) fn private(given: Option<&syn::Path>) -> TokenStream {
    if let Some(path) = given {
        return quote!(::#path::__private);
    }
    // The component model's own tests do not depend on `vivaz`.
    let package = std::env::var("CARGO_PKG_NAME").unwrap_or_default();
    if package.starts_with("vivaz-components") {
        quote!(::vivaz_components::__private)
    } else {
        quote!(::vivaz::__private)
    }
}

/// Returns the last name of a type's path: `List` of `vivaz::List<Row>`. `None` if the type is not
/// a path.
pub(crate) fn last_name(ty: &Type) -> Option<&Ident> {
    let Type::Path(path) = ty else { return None };
    path.path.segments.last().map(|last| &last.ident)
}

/// Converts to snake case: `ChatRoom` → `chat_room`.
pub(crate) fn snake(name: &str) -> String {
    let mut snake = String::new();
    for c in name.chars() {
        if c.is_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.extend(c.to_lowercase());
    }
    snake
}

/// Returns a field's or variant's name without `r#`.
pub(crate) fn plain(ident: &syn::Ident) -> String {
    let name = ident.to_string();
    name.strip_prefix("r#").map(str::to_owned).unwrap_or(name)
}

/// Applies serde's `rename_all` to a field's name.
pub(crate) fn rename_field(rule: &str, name: &str) -> String {
    match rule {
        "UPPERCASE" | "SCREAMING_SNAKE_CASE" => name.to_uppercase(),
        "PascalCase" => camel(name, First::Upper),
        "camelCase" => camel(name, First::Lower),
        "kebab-case" => name.replace('_', "-"),
        "SCREAMING-KEBAB-CASE" => name.to_uppercase().replace('_', "-"),
        _ => name.to_owned(),
    }
}

/// Applies serde's `rename_all` to a variant's name.
pub(crate) fn rename_variant(rule: &str, name: &str) -> String {
    match rule {
        "lowercase" => name.to_lowercase(),
        "UPPERCASE" => name.to_uppercase(),
        "camelCase" => name
            .chars()
            .next()
            .map_or_else(String::new, |first| first.to_lowercase().chain(name.chars().skip(1)).collect()),
        "snake_case" => snake(name),
        "SCREAMING_SNAKE_CASE" => snake(name).to_uppercase(),
        "kebab-case" => snake(name).replace('_', "-"),
        "SCREAMING-KEBAB-CASE" => snake(name).to_uppercase().replace('_', "-"),
        _ => name.to_owned(),
    }
}

/// The case of the first letter.
#[derive(Clone, Copy, PartialEq)]
enum First {
    Upper,
    Lower,
}

fn camel(name: &str, first: First) -> String {
    let mut upper = first == First::Upper;
    let mut camel = String::new();
    for c in name.chars() {
        if c == '_' {
            upper = true;
        } else if upper {
            camel.extend(c.to_uppercase());
            upper = false;
        } else {
            camel.push(c);
        }
    }
    camel
}

/// Computes FNV-1a, like `vivaz::__private::hash`.
pub(crate) fn hash(text: &str) -> u64 {
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Returns the name in `known` that a mistyped name most likely means.
pub(crate) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = name.len() / 3 + 2;
    known.into_iter().map(|it| (distance(name, it), it)).filter(|(d, _)| *d < limit).min().map(|(_, it)| it)
}

fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut corner = i;
        let mut left = i + 1;
        for (cell, y) in row.iter_mut().skip(1).zip(b.chars()) {
            let best = (corner + usize::from(x != y)).min(left + 1).min(*cell + 1);
            corner = *cell;
            *cell = best;
            left = best;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_serde() {
        assert_eq!(snake("ChatRoom"), "chat_room");
        assert_eq!(rename_field("camelCase", "last_seen"), "lastSeen");
        assert_eq!(rename_field("PascalCase", "last_seen"), "LastSeen");
        assert_eq!(rename_variant("camelCase", "LastSeen"), "lastSeen");
        assert_eq!(rename_variant("kebab-case", "LastSeen"), "last-seen");
        assert_eq!(nearest("sned", ["send", "clear"]), Some("send"));
        assert_eq!(nearest("xyz", ["send", "clear"]), None);
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
