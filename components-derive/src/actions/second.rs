//! Finding a second `#[actions]` block of one type.

use quote::ToTokens;
use syn::{Attribute, ImplItem, Item, ItemImpl, Stmt};

/// Returns whether the file of the block has another `#[actions]` block of the same type before it.
///
/// Two blocks would define the same items twice, and rustc would report each of them. Blocks in two
/// files are not found.
pub(super) fn is_second(block: &ItemImpl) -> bool {
    let Some(path) = block.impl_token.span.unwrap().local_file() else { return false };
    let Ok(text) = std::fs::read_to_string(path) else { return false };
    // Most files have one block, and need not be parsed.
    if text.matches("#[actions").count() < 2 {
        return false;
    }
    syn::parse_file(&text).is_ok_and(|file| is_among(&Key::of(block), &mut file.items.iter()))
}

/// What tells blocks of one list apart: the type and the methods' names.
#[derive(PartialEq)]
struct Key {
    ty: String,
    methods: Vec<String>,
}

impl Key {
    fn of(block: &ItemImpl) -> Self {
        let methods = block.items.iter().filter_map(|item| {
            if let ImplItem::Fn(function) = item { Some(function.sig.ident.to_string()) } else { None }
        });
        Self { ty: block.self_ty.to_token_stream().to_string(), methods: methods.collect() }
    }
}

/// Looks at a list of items, and at those inside of its modules and functions.
fn is_among(wanted: &Key, items: &mut dyn Iterator<Item = &Item>) -> bool {
    let mut earlier = 0;
    for item in items {
        if let Item::Impl(block) = item
            && block.attrs.iter().any(is_actions)
        {
            let key = Key::of(block);
            if key == *wanted && earlier > 0 {
                return true;
            }
            earlier += usize::from(key.ty == wanted.ty);
        }
        if let Item::Mod(module) = item
            && let Some((_, items)) = &module.content
            && is_among(wanted, &mut items.iter())
        {
            return true;
        }
        if let Item::Fn(function) = item {
            let mut items = function
                .block
                .stmts
                .iter()
                .filter_map(|statement| if let Stmt::Item(item) = statement { Some(item) } else { None });
            if is_among(wanted, &mut items) {
                return true;
            }
        }
    }
    false
}

fn is_actions(attr: &Attribute) -> bool {
    attr.path().segments.last().is_some_and(|last| last.ident == "actions")
}
