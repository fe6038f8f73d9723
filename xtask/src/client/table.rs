//! Takes out of the module's table of functions what only wasm-bindgen's descriptions named.
//!
//! A description of a closure's type holds the function that calls such closures; descriptions of all types that the
//! crates around us know are run and dropped by the time the module is bound, but the functions stay in the table,
//! where no optimiser can tell that nobody looks them up.

use walrus::{ElementItems, ExportItem, FunctionId, Module};

const UNUSED: [&str; 4] = ["__wbindgen_free", "__wbindgen_realloc", "__abort_handler", "__instance_terminated"];

/// Puts the function of another entry in the place of those that nobody calls.
pub(super) fn prune(module: &mut Module) {
    let unused: Vec<_> =
        module.exports.iter().filter(|export| UNUSED.contains(&&*export.name)).map(walrus::Export::id).collect();
    for id in unused {
        module.exports.delete(id);
    }
    let exported: Vec<FunctionId> = module
        .exports
        .iter()
        .filter_map(|export| match export.item {
            ExportItem::Function(id) => Some(id),
            ExportItem::Table(_) | ExportItem::Memory(_) | ExportItem::Global(_) | ExportItem::Tag(_) => None,
        })
        .collect();
    let named = |id: FunctionId| module.funcs.get(id).name.as_deref().unwrap_or_default();
    let dead: Vec<FunctionId> = module
        .funcs
        .iter()
        .map(walrus::Function::id)
        .filter(|id| {
            let name = strip(named(*id));
            let described = name.contains("wasm_bindgen::convert::closures::") && !exported.contains(id);
            described
                || name.contains("js_sys::futures::jspi::")
                || name.contains("wasm_bindgen::__rt::link_mem_intrinsics")
        })
        .collect();
    for element in module.elements.iter_mut() {
        if let ElementItems::Functions(items) = &mut element.items
            && let Some(live) = items.iter().copied().find(|id| !dead.contains(id))
        {
            for id in items.iter_mut().filter(|id| dead.contains(id)) {
                *id = live;
            }
        }
    }
}

/// A name without the hashes of its crates: `core[15266d276e3a2055]::fmt` is `core::fmt`.
fn strip(name: &str) -> String {
    let mut out = String::new();
    for (at, part) in name.split('[').enumerate() {
        let hash = part.split_once(']').filter(|(hash, _)| at > 0 && hash.len() >= 12);
        out.push_str(match hash {
            Some((_, rest)) => rest,
            None => part,
        });
    }
    out
}
