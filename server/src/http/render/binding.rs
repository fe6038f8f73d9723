//! What the seals of a response are bound to.

use axum::http::request::Parts;
use vivaz_components::Identity;

use crate::admission::browser::{BrowserCookie, BrowserId, CookieScope};
use crate::runtime::Runtime;

/// What seals are bound to in addition to the identity.
#[derive(Clone, Debug)]
pub(super) enum SealBinding {
    /// Nothing: the client has a user, or the application binds no seals to browsers.
    Identity,
    /// A browser that sent its cookie.
    KnownBrowser(BrowserId),
    /// A browser that gets its cookie with the response.
    NewBrowser { browser: BrowserId, cookie: BrowserCookie, scope: CookieScope },
}

impl SealBinding {
    /// Returns what the seals in the response to a request are bound to.
    ///
    /// # Errors
    /// Returns an error if the browser needs an id and the system's random number generator fails.
    /// Seals without the id could be opened in any browser.
    pub(super) fn of(
        parts: &mut Parts,
        runtime: &Runtime,
        identity: &Identity,
    ) -> Result<Self, getrandom::Error> {
        let core = runtime.core();
        if identity.user_id().is_some() || !core.binds_browsers {
            return Ok(Self::Identity);
        }
        let scope = CookieScope::of(parts);
        if let Some(browser) = BrowserId::of_page(&parts.headers, &core.secret, scope) {
            return Ok(Self::KnownBrowser(browser));
        }
        // Kept in the request, so that all `Live`s of a handler are of the same browser. Without
        // `serve`, only the responses of `Live::page` and `Live::headers` set the cookie.
        let cookie = parts.extensions.get_or_insert_default::<BrowserCookie>().clone();
        Ok(Self::NewBrowser { browser: cookie.browser()?, cookie, scope })
    }
}

#[cfg(test)]
mod tests {
    use axum::extract::Request;

    use super::*;
    use crate::admission::secret::faults::without_randomness;

    #[test]
    fn seals_are_not_created_without_the_browser_that_they_are_bound_to() {
        let runtime = Runtime::builder().build().unwrap();
        let binding = |identity: &Identity| {
            let (mut parts, ()) = Request::new(()).into_parts();
            SealBinding::of(&mut parts, &runtime, identity)
        };
        assert!(matches!(binding(&Identity::anonymous()), Ok(SealBinding::NewBrowser { .. })));
        assert!(without_randomness(|| binding(&Identity::anonymous())).is_err());
        let user = Identity::of(vivaz_components::User::new("ada", "Ada"));
        assert!(without_randomness(|| binding(&user)).is_ok());
    }
}
