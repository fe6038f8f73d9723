//! Requests of a handler to its page.

use cookie::Cookie;

use super::Context;
use crate::effect::Effect;
use crate::error::{ActionError, Result};
use crate::page_effect::{
    CookieError, FLASH_BYTES, Flash, PageEffect, PagePath, RedirectUrl, UrlError, checked_cookie,
};

/// The page receives these requests with the reply of the action, exactly once. The requests of
/// another handler, such as an `#[event]` method, reach a page only while it is connected.
impl Context {
    /// Shows another page of the application when the handler succeeds, as a link with
    /// `live:navigate` does: the page is requested over HTTP, the socket and the session stay, and
    /// the components of this page are unmounted. A guard of the page against unsaved changes does
    /// not stop it.
    ///
    /// ```
    /// # use vivaz_components::{Context, Result};
    /// fn save(cx: &mut Context, id: u64) -> Result {
    ///     cx.flash("info", "Saved.")?;
    ///     cx.navigate(&format!("/orders/{id}"))?;
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    /// Returns an error if `path` is not a path of this application: it has to start with one
    /// slash. Tabs and line breaks are removed first, as browsers do.
    pub fn navigate(&mut self, path: &str) -> Result<(), UrlError> {
        let path = PagePath::parse(path)?;
        self.request(PageEffect::Navigate(path));
        Ok(())
    }

    /// Makes the browser load another page when the handler succeeds: a path of this application,
    /// or an address with `http:` or `https:`. The session ends.
    ///
    /// An address that comes from a user can lead to any host: use [`navigate`](Self::navigate) for
    /// these.
    ///
    /// # Errors
    /// Returns an error for any other address, such as `javascript:` or `//host`.
    pub fn redirect(&mut self, url: &str) -> Result<(), UrlError> {
        let url = RedirectUrl::parse(url)?;
        self.request(PageEffect::Redirect(url));
        Ok(())
    }

    /// Sets the title of the page when the handler succeeds, until another page is shown.
    pub fn set_title(&mut self, title: impl Into<Box<str>>) {
        self.request(PageEffect::Title(title.into()));
    }

    /// Sets a cookie when the handler succeeds. The page fetches it with a sealed request, which is
    /// valid once and for a minute, before it follows a [`navigate`](Self::navigate) or
    /// [`redirect`](Self::redirect) of the same handler. So scripts never see the value.
    ///
    /// Unless the cookie says otherwise, it is `HttpOnly`, `SameSite=Lax`, `Path=/`, and `Secure`
    /// if the page was loaded over HTTPS.
    ///
    /// ```
    /// # use vivaz_components::{Context, CookieError};
    /// use cookie::Cookie;
    ///
    /// fn choose(cx: &mut Context, theme: String) -> Result<(), CookieError> {
    ///     cx.set_cookie(Cookie::build(("theme", theme)).permanent())
    /// }
    /// ```
    ///
    /// # Errors
    /// Returns an error if the name or the value has characters that would end it.
    pub fn set_cookie(&mut self, cookie: impl Into<Cookie<'static>>) -> Result<(), CookieError> {
        let cookie = checked_cookie(cookie.into())?;
        self.request(PageEffect::Cookie(Box::new(cookie)));
        Ok(())
    }

    /// Gives the next page a message, which `Live::flash` returns there. The message survives
    /// exactly one navigation, by [`navigate`](Self::navigate), a link or a load.
    ///
    /// # Errors
    /// Returns an error if the kind and the text have more than 1,000 bytes together.
    pub fn flash(&mut self, kind: impl Into<String>, text: impl Into<String>) -> Result {
        let flash = Flash { kind: kind.into(), text: text.into() };
        if flash.kind.len() + flash.text.len() > FLASH_BYTES {
            return Err(ActionError::internal(format!("a flash message has more than {FLASH_BYTES} bytes")));
        }
        self.request(PageEffect::Flash(flash));
        Ok(())
    }

    fn request(&mut self, effect: PageEffect) {
        self.effects.stage(Effect::Page(effect));
    }
}
