//! Reference-counted values.

/// A reference-counted pointer. WebAssembly has one thread, and `Rc` has smaller code.
#[cfg(target_arch = "wasm32")]
pub(crate) type Shared<T> = std::rc::Rc<T>;
/// A reference-counted pointer. Pages move between threads on this target.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) type Shared<T> = std::sync::Arc<T>;
