//! What starts a load: a handler, or `mount` for a page that is streamed.

use crate::effect::Effect;
use crate::future::BoxFuture;
use crate::tracking::Loaded;
use crate::{Context, MountContext};

/// A context in which a load can be started: the [`Context`] of a handler, and the [`MountContext`]
/// of `mount`.
pub trait LoadContext: sealed::Sealed {
    #[doc(hidden)]
    fn start_load(&mut self, load: BoxFuture<Option<Loaded>>) -> LoadStart;
}

/// When a load starts.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoadStart {
    /// When its handler succeeds.
    Handler,
    /// With the first paint, which waits for it.
    FirstPaint,
    /// Not here: the page is shown without it.
    Later,
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for crate::Context {}
    impl Sealed for crate::MountContext {}
}

impl LoadContext for Context {
    fn start_load(&mut self, load: BoxFuture<Option<Loaded>>) -> LoadStart {
        self.effects().stage(Effect::Load(load));
        LoadStart::Handler
    }
}

impl LoadContext for MountContext {
    fn start_load(&mut self, load: BoxFuture<Option<Loaded>>) -> LoadStart {
        match self.first_loads() {
            Some(loads) => {
                loads.add(load);
                LoadStart::FirstPaint
            }
            None => LoadStart::Later,
        }
    }
}
