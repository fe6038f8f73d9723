//! Values with several owners.

/// A pointer that counts its owners. WebAssembly has one thread, and `Rc` is smaller there.
#[cfg(target_arch = "wasm32")]
pub(crate) type Shared<T> = std::rc::Rc<T>;
/// A pointer that counts its owners. Pages move between threads here.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) type Shared<T> = std::sync::Arc<T>;
