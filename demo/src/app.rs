//! The shared state of the handlers, and all routes.

use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRef};
use vivaz::prelude::*;
use vivaz::{Compression, UnservedRoutes};

use crate::store::Store;
use crate::user::Cookies;
use crate::{assets, health, pages, rooms};

/// Maximum length of a request's body, in bytes. A form with a name is shorter.
const MAX_BODY: usize = 16 * 1024;

/// The state of every route.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) runtime: Runtime,
    pub(crate) store: Store,
    pub(crate) cookies: Cookies,
}

impl FromRef<App> for Runtime {
    fn from_ref(app: &App) -> Self {
        app.runtime.clone()
    }
}

impl App {
    /// Returns the whole application: pages, files, the API of the rooms, health, and the runtime's
    /// own routes.
    ///
    /// # Errors
    /// Returns an error if a route has no handler.
    pub(crate) fn router(self) -> Result<Router, UnservedRoutes> {
        let router = pages::router(&self)?
            .merge(assets::router())
            .merge(rooms::router())
            .merge(health::router())
            .merge(self.runtime.router())
            .layer(DefaultBodyLimit::max(MAX_BODY))
            .layer(self.runtime.cross_origin_protection())
            .layer(Compression::new())
            .with_state(self);
        Ok(router)
    }
}
