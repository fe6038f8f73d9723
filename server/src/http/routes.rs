//! A router whose routes are types, so that links and handlers agree.

use std::collections::BTreeMap;

use axum::Router;
use axum::routing::MethodRouter;
use vivaz_components::LiveRoute;
use vivaz_components::route;
use vivaz_components::spec::RouteSpec;

use super::forms::with_forms;

/// Builds a router of typed routes, and checks that every route of the program has a handler.
///
/// ```
/// use axum::Router;
/// use axum::routing::get;
/// use vivaz::{LiveRoute, Routes};
///
/// #[derive(LiveRoute)]
/// #[live(path = "/items/{id}")]
/// struct Item {
///     id: u32,
/// }
///
/// # async fn item() {}
/// let router: Router = Routes::new().route::<Item>(get(item)).finish()?;
/// assert_eq!(Item { id: 7 }.url(), "/items/7");
/// # Ok::<(), vivaz::UnservedRoutes>(())
/// ```
#[derive(Debug)]
#[must_use]
pub struct Routes<S = ()> {
    router: Router<S>,
    unserved: BTreeMap<&'static str, &'static RouteSpec>,
}

impl<S: Clone + Send + Sync + 'static> Routes<S> {
    /// Creates a router without routes.
    pub fn new() -> Self {
        Self::of(route::linked())
    }

    fn of(routes: impl IntoIterator<Item = &'static RouteSpec>) -> Self {
        let unserved = routes.into_iter().map(|spec| (spec.type_name, spec)).collect();
        Self { router: Router::new(), unserved }
    }

    /// Adds the handler of a route. It also receives the forms of its page, as
    /// [`with_forms`] describes.
    ///
    /// # Panics
    /// As [`Router::route`]: if two handlers have overlapping paths.
    pub fn route<R: LiveRoute>(mut self, handler: MethodRouter<S>) -> Self {
        self.router = self.router.route(R::SPEC.path, with_forms(handler));
        self.elsewhere::<R>()
    }

    /// Declares that another router, or another program, serves a route.
    pub fn elsewhere<R: LiveRoute>(mut self) -> Self {
        self.unserved.remove(R::SPEC.type_name);
        self
    }

    /// Returns the router.
    ///
    /// # Errors
    /// Returns the routes of the program that have no handler.
    pub fn finish(self) -> Result<Router<S>, UnservedRoutes> {
        if self.unserved.is_empty() {
            return Ok(self.router);
        }
        let unserved = self.unserved.values().map(|spec| format!("{} ({})", spec.type_name, spec.path));
        Err(UnservedRoutes { routes: unserved.collect::<Vec<_>>().join(", ") })
    }
}

impl<S: Clone + Send + Sync + 'static> Default for Routes<S> {
    fn default() -> Self {
        Self::new()
    }
}

/// Routes of the program have no handler, so that links to them would lead nowhere.
#[derive(thiserror::Error)]
#[error(
    "no handler for {routes}: add one with `.route::<R>(…)`, or `.elsewhere::<R>()` if another router serves it"
)]
pub struct UnservedRoutes {
    routes: String,
}

vivaz_components::debug_as_message!(UnservedRoutes);

#[cfg(test)]
mod tests {
    use axum::routing::get;

    use super::*;

    #[derive(vivaz_components::LiveRoute)]
    #[live(path = "/items/{id}", crate = "vivaz_components")]
    struct Item {
        id: u32,
        #[live(query)]
        page: Option<u32>,
    }

    #[derive(vivaz_components::LiveRoute)]
    #[live(path = "/about", crate = "vivaz_components")]
    struct About;

    #[test]
    fn a_route_without_a_handler_fails_at_start() {
        let routes = || Routes::<()>::of([Item::SPEC, About::SPEC]).route::<Item>(get(|| async {}));
        let error = routes().finish().unwrap_err().to_string();
        assert!(
            error.starts_with("no handler for ") && error.contains("::About (/about): add one"),
            "{error}"
        );
        assert!(routes().elsewhere::<About>().finish().is_ok());
        assert!(routes().route::<About>(get(|| async {})).finish().is_ok());
    }

    #[test]
    fn a_route_writes_its_url() {
        assert_eq!(Item { id: 7, page: None }.url(), "/items/7");
        assert_eq!(Item { id: 7, page: Some(2) }.url(), "/items/7?page=2");
        assert_eq!(About.url(), "/about");
    }
}
