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
        let methods = block.items.iter().filter_map(|item| match item {
            ImplItem::Fn(function) => Some(function.sig.ident.to_string()),
            _ => None,
        });
        Self { ty: block.self_ty.to_token_stream().to_string(), methods: methods.collect() }
    }
}

/// Looks at a list of items, and at those inside of its modules and functions.
fn is_among<'a>(wanted: &Key, items: &mut dyn Iterator<Item = &'a Item>) -> bool {
    let mut earlier = 0;
    for item in items {
        let is_inside = match item {
            Item::Impl(block) if block.attrs.iter().any(is_actions) => {
                let key = Key::of(block);
                if key == *wanted && earlier > 0 {
                    return true;
                }
                earlier += usize::from(key.ty == wanted.ty);
                false
            }
            Item::Mod(module) => {
                module.content.as_ref().is_some_and(|(_, items)| is_among(wanted, &mut items.iter()))
            }
            Item::Fn(function) => {
                let mut items = function.block.stmts.iter().filter_map(|statement| match statement {
                    Stmt::Item(item) => Some(item),
                    _ => None,
                });
                is_among(wanted, &mut items)
            }
            _ => false,
        };
        if is_inside {
            return true;
        }
    }
    false
}

fn is_actions(attr: &Attribute) -> bool {
    attr.path().segments.last().is_some_and(|last| last.ident == "actions")
}
