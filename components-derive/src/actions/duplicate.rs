//! Finds a second `#[actions]` block of one type.

use quote::ToTokens;
use syn::{Attribute, ImplItem, Item, ItemImpl, Stmt};

/// Returns whether the file of the block has another `#[actions]` block of the same type before it.
///
/// Two blocks would define the same items twice, and rustc would report each of them. Blocks in two
/// files are not found.
pub(super) fn is_duplicate(block: &ItemImpl) -> bool {
    let Some(path) = block.impl_token.span.unwrap().local_file() else { return false };
    let Ok(text) = std::fs::read_to_string(path) else { return false };
    // Most files have one block and need not be parsed.
    if text.matches("#[actions").count() < 2 {
        return false;
    }
    syn::parse_file(&text).is_ok_and(|file| is_among(&BlockIdentity::of(block), &mut file.items.iter()))
}

/// Identifies a block within a list of items: the type and the methods' names.
#[derive(PartialEq)]
struct BlockIdentity {
    ty: String,
    methods: Vec<String>,
}

impl BlockIdentity {
    fn of(block: &ItemImpl) -> Self {
        let methods = block.items.iter().filter_map(|item| {
            if let ImplItem::Fn(function) = item { Some(function.sig.ident.to_string()) } else { None }
        });
        Self { ty: block.self_ty.to_token_stream().to_string(), methods: methods.collect() }
    }
}

/// Searches a list of items, including the content of its modules and functions.
fn is_among(wanted: &BlockIdentity, items: &mut dyn Iterator<Item = &Item>) -> bool {
    let mut earlier = 0;
    for item in items {
        if let Item::Impl(block) = item
            && block.attrs.iter().any(is_actions)
        {
            let key = BlockIdentity::of(block);
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
