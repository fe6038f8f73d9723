//! Removes unused functions of wasm-bindgen from the wasm module.

use walrus::{ElementItems, ExportItem, FunctionId, Module};

/// Exports that wasm-bindgen's JavaScript calls and `client-wasm/js/glue.js` does not. Without them
/// the client has 65 bytes less in brotli.
const UNUSED: [&str; 4] =
    ["__wbindgen_free", "__wbindgen_realloc", "__abort_handler", "__instance_terminated"];

/// Parts of the names of unused functions in the table. wasm-bindgen calls them only while it binds
/// the module, to find the types of closures. No optimiser can detect that. Without them the client
/// has 619, 149 and 29 bytes less in brotli.
const DEAD: [&str; 3] = ["::convert::closures::", "::futures::jspi::", "::link_mem_intrinsics"];

/// Removes unused exports, and replaces unused functions in the table by another function of it.
pub(super) fn prune(module: &mut Module) {
    let unused: Vec<_> = module
        .exports
        .iter()
        .filter(|export| UNUSED.contains(&&*export.name))
        .map(walrus::Export::id)
        .collect();
    for id in unused {
        module.exports.delete(id);
    }
    let exported: Vec<FunctionId> = module
        .exports
        .iter()
        .filter_map(|export| if let ExportItem::Function(id) = export.item { Some(id) } else { None })
        .collect();
    let is_dead = |id: &FunctionId| {
        let name = module.funcs.get(*id).name.as_deref().unwrap_or_default();
        DEAD.iter().any(|part| name.contains(part)) && !exported.contains(id)
    };
    for element in module.elements.iter_mut() {
        if let ElementItems::Functions(items) = &mut element.items
            && let Some(live) = items.iter().copied().find(|id| !is_dead(id))
        {
            for id in items.iter_mut().filter(|id| is_dead(id)) {
                *id = live;
            }
        }
    }
}
