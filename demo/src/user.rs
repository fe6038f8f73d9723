//! The visitor: a signed cookie with an id and a name.
//!
//! There are no accounts and no passwords. The first page that a browser opens creates a visitor
//! with a random name, and a form changes the name. A browser with the cookie is that user in all
//! components; a socket without it has no user.

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use axum_extra::extract::cookie::{Cookie, Key, SameSite, SignedCookieJar};
use uuid::Uuid;
use vivaz::prelude::*;
use vivaz::{Secret, User};

use crate::names::plain;

const COOKIE_NAME: &str = "demo_user";
/// Maximum length of a name, in characters. Longer names are cut; this fits into a line of the
/// chat.
const MAX_NAME: usize = 40;

/// The purpose of the cookies' key. Other keys from the same secret differ.
const PURPOSE: &str = "demo user cookie";

/// The user who views a page.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Visitor {
    pub(crate) id: String,
    pub(crate) name: String,
}

impl Visitor {
    /// Creates a visitor with a random id and a name derived from it.
    pub(crate) fn random() -> Self {
        const FIRST: [&str; 16] = [
            "Amber", "Brisk", "Calm", "Dapper", "Early", "Fond", "Glad", "Hazel", "Ivory", "Jolly", "Keen",
            "Lucid", "Merry", "Noble", "Quiet", "Sunny",
        ];
        const SECOND: [&str; 16] = [
            "Badger", "Curlew", "Dolphin", "Egret", "Falcon", "Gecko", "Heron", "Ibis", "Jackdaw", "Kestrel",
            "Lynx", "Marten", "Newt", "Otter", "Puffin", "Raven",
        ];
        let id = Uuid::new_v4();
        let [first, second, ..] = id.as_bytes().map(|byte| usize::from(byte % 16));
        let name = format!(
            "{} {}",
            FIRST.get(first).copied().unwrap_or("New"),
            SECOND.get(second).copied().unwrap_or("Visitor")
        );
        Self { id: id.simple().to_string(), name }
    }

    /// Returns the identity for components.
    pub(crate) fn identity(&self) -> Identity {
        Identity::of(User::new(&self.id, &self.name))
    }

    /// Changes the name. The visitor keeps the old name if the new one has no visible characters.
    pub(crate) fn renamed(self, name: &str) -> Self {
        let name: String = plain(name).chars().take(MAX_NAME).collect();
        if name.is_empty() { self } else { Self { name, ..self } }
    }
}

/// Signs and verifies the visitors' cookies.
#[derive(Clone)]
pub(crate) struct Cookies {
    key: Key,
}

impl Cookies {
    /// Derives the key of the cookies from the runtime's secret.
    pub(crate) fn new(secret: &Secret) -> Self {
        Self { key: Key::derive_from(secret.sign(PURPOSE, b"key").as_bytes()) }
    }

    /// Returns the visitor of a request's cookie, if its signature is valid.
    pub(crate) fn visitor(&self, headers: &HeaderMap) -> Option<Visitor> {
        let cookie = self.jar(headers).get(COOKIE_NAME)?;
        let (id, name): (String, String) = serde_json::from_str(cookie.value()).ok()?;
        Some(Visitor { id, name: plain(&name) })
    }

    /// Returns the cookies that make the browser of a request this visitor for a year. If the
    /// request used TLS, the browser sends the cookie only over TLS.
    pub(crate) fn issue(&self, visitor: &Visitor, request: &Parts) -> SignedCookieJar {
        let value = serde_json::json!([visitor.id, visitor.name]).to_string();
        let cookie = Cookie::build((COOKIE_NAME, value))
            .path("/")
            .max_age(time::Duration::days(365))
            .http_only(true)
            .same_site(SameSite::Lax)
            .secure(vivaz::is_https(request));
        self.jar(&request.headers).add(cookie)
    }

    fn jar(&self, headers: &HeaderMap) -> SignedCookieJar {
        SignedCookieJar::from_headers(headers, self.key.clone())
    }
}

/// Returns the identity of a request, for the runtime's hook. The request of a page already has its
/// visitor from [`identify_visitor`]; the request of a socket has the cookie.
pub(crate) fn identity(cookies: &Cookies, parts: &Parts) -> Identity {
    let known = parts.extensions.get::<Visitor>().cloned();
    known
        .or_else(|| cookies.visitor(&parts.headers))
        .map_or_else(Identity::anonymous, |visitor| visitor.identity())
}

/// Identifies the visitor of each page, or creates one and sets the cookie.
///
/// The visitor is also put into the request, so that the handlers and the first paint's identity
/// use the new visitor before the browser has the cookie.
pub(crate) async fn identify_visitor(
    State(cookies): State<Cookies>,
    request: Request,
    next: Next,
) -> Response {
    let (mut parts, body) = request.into_parts();
    let known = cookies.visitor(&parts.headers);
    let is_new = known.is_none() && matches!(parts.method, Method::GET | Method::HEAD);
    let visitor = known.unwrap_or_else(Visitor::random);
    let issued = is_new.then(|| cookies.issue(&visitor, &parts));
    parts.extensions.insert(visitor);
    let response = next.run(Request::from_parts(parts, body)).await;
    match issued {
        Some(jar) => (jar, response).into_response(),
        None => response,
    }
}

impl<S: Sync> FromRequestParts<S> for Visitor {
    type Rejection = axum::http::StatusCode;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        parts.extensions.get().cloned().ok_or(axum::http::StatusCode::UNAUTHORIZED)
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use axum::http::header::{COOKIE, SET_COOKIE};

    use super::*;

    fn cookies() -> Cookies {
        Cookies::new(&Secret::new("a secret that is long enough for a test").unwrap())
    }

    fn headers(cookie: &str) -> HeaderMap {
        HeaderMap::from_iter([(COOKIE, HeaderValue::from_str(cookie).unwrap())])
    }

    fn request(scheme: &str) -> Parts {
        let request = Request::builder().header("x-forwarded-proto", scheme).body(axum::body::Body::empty());
        request.unwrap().into_parts().0
    }

    /// Returns the `Set-Cookie` header.
    fn header(cookies: &Cookies, visitor: &Visitor, scheme: &str) -> String {
        let response = cookies.issue(visitor, &request(scheme)).into_response();
        response.headers().get(SET_COOKIE).unwrap().to_str().unwrap().to_owned()
    }

    fn pair(header: &str) -> &str {
        header.split(';').next().unwrap()
    }

    #[test]
    fn a_cookie_identifies_its_visitor() {
        let cookies = cookies();
        let visitor = Visitor::random().renamed("Zoë “the otter”");
        let header = header(&cookies, &visitor, "http");
        assert_eq!(cookies.visitor(&headers(&format!("a=b; {}; c=d", pair(&header)))), Some(visitor));
        for attribute in ["Path=/", "Max-Age=31536000", "HttpOnly", "SameSite=Lax"] {
            assert!(header.contains(attribute), "{header}");
        }
    }

    #[test]
    fn a_cookie_with_another_signature_is_ignored() {
        let cookies = cookies();
        let visitor = Visitor::random();
        let foreign = header(&Cookies::new(&Secret::random().unwrap()), &visitor, "http");
        let own = header(&cookies, &visitor, "http");
        let forged = pair(&own).replace(&visitor.id, "1");
        assert_ne!(forged, pair(&own));
        for cookie in [pair(&foreign), &forged, "demo_user=", "demo_user=.", "demo_user=a.b", "other=x"] {
            assert_eq!(cookies.visitor(&headers(cookie)), None, "{cookie}");
        }
    }

    #[test]
    fn over_tls_the_cookie_is_secure() {
        let visitor = Visitor::random();
        for (scheme, is_secure) in [("https", true), ("http", false), ("https, http", true)] {
            let header = header(&cookies(), &visitor, scheme);
            assert_eq!(header.contains("; Secure"), is_secure, "{scheme}");
        }
    }

    #[test]
    fn the_name_of_a_cookie_is_cleaned_too() {
        let visitor = Visitor { id: "1".into(), name: "Ada\u{202e}nimdA".into() };
        let header = header(&cookies(), &visitor, "http");
        assert_eq!(cookies().visitor(&headers(pair(&header))).unwrap().name, "Ada nimdA");
    }

    #[test]
    fn a_name_is_one_line_and_not_empty() {
        let visitor = Visitor::random();
        assert_eq!(visitor.clone().renamed("  Ada \n Lovelace\t").name, "Ada Lovelace");
        assert_eq!(visitor.clone().renamed(" \n ").name, visitor.name);
        assert_eq!(visitor.clone().renamed("\u{202e}\u{200b}").name, visitor.name);
        assert_eq!(visitor.clone().renamed("\u{202e}Ada").name, "Ada");
        assert_eq!(visitor.clone().renamed(&"x".repeat(99)).name.len(), MAX_NAME);
    }
}
