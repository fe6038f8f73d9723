//! Who is looking: a cookie with an id and a name, signed so that nobody can speak for somebody else.
//!
//! There is no account and no password: the first page that somebody opens invents a name for them, and a form
//! changes it. A browser with the cookie is that user in every component; a socket without it has no user.

use axum::extract::{FromRequestParts, Request, State};
use axum::http::header::{COOKIE, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use uuid::Uuid;
use vivaz::prelude::*;
use vivaz::{Secret, User};

use crate::names::plain;

const COOKIE_NAME: &str = "demo_user";
/// Names are cut to this many characters, which is what fits in a line of the chat.
const LONGEST_NAME: usize = 40;

/// What the signature is for; nothing else that is signed with the same secret is good as a cookie.
const PURPOSE: &str = "demo user cookie";

/// Somebody who looks at a page.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Visitor {
    pub(crate) id: String,
    pub(crate) name: String,
}

impl Visitor {
    /// Somebody new, with a name made up from their id.
    pub(crate) fn invent() -> Self {
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

    /// Who they are to components.
    pub(crate) fn identity(&self) -> Identity {
        Identity::of(User::new(&self.id, &self.name))
    }

    /// The same user by another name; a name in which nothing can be seen is no name, and the old
    /// one stays.
    pub(crate) fn renamed(self, name: &str) -> Self {
        let name: String = plain(name).chars().take(LONGEST_NAME).collect();
        if name.is_empty() { self } else { Self { name, ..self } }
    }
}

/// Signs cookies and checks them.
#[derive(Clone)]
pub(crate) struct Cookies {
    secret: Secret,
}

impl Cookies {
    pub(crate) fn new(secret: Secret) -> Self {
        Self { secret }
    }

    /// The user whose cookie this request carries, if its signature is ours.
    pub(crate) fn user(&self, headers: &HeaderMap) -> Option<Visitor> {
        headers
            .get_all(COOKIE)
            .iter()
            .filter_map(|header| header.to_str().ok())
            .flat_map(|header| header.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .filter(|(name, _)| *name == COOKIE_NAME)
            .find_map(|(_, value)| self.open(value))
    }

    /// The header that makes the browser behind a request this user for a year. Where the request
    /// came over TLS, the cookie goes over nothing else.
    pub(crate) fn header(&self, visitor: &Visitor, request: &Parts) -> HeaderValue {
        let secure = if vivaz::is_https(request) { "; Secure" } else { "" };
        let value = format!(
            "{COOKIE_NAME}={}; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax{secure}",
            self.seal(visitor)
        );
        // Base64 and the names above are visible ASCII, which every header can hold.
        HeaderValue::try_from(value).unwrap_or(HeaderValue::from_static(""))
    }

    fn seal(&self, visitor: &Visitor) -> String {
        let text = BASE64.encode(serde_json::json!([visitor.id, visitor.name]).to_string());
        let signature = self.secret.sign(PURPOSE, text.as_bytes());
        format!("{text}.{signature}")
    }

    fn open(&self, value: &str) -> Option<Visitor> {
        let (text, signature) = value.split_once('.')?;
        if !self.secret.verify(PURPOSE, text.as_bytes(), signature) {
            return None;
        }
        let (id, name) = serde_json::from_slice(&BASE64.decode(text).ok()?).ok()?;
        // One that was signed before names were looked at is looked at now.
        let name: String = name;
        Some(Visitor { id, name: plain(&name) })
    }
}

/// The runtime's question: who is this? A page was asked before and carries the answer; a socket has its cookie.
pub(crate) fn identify(cookies: &Cookies, parts: &Parts) -> Identity {
    let known = parts.extensions.get::<Visitor>().cloned();
    known
        .or_else(|| cookies.user(&parts.headers))
        .map_or_else(Identity::anonymous, |visitor| visitor.identity())
}

/// Before every page: finds the user, or invents one and sets the cookie.
///
/// The cookie of somebody new is put into the request as well, so that what runs further in, the first paint's
/// identity included, sees the user that the browser is about to become.
pub(crate) async fn know_the_user(State(cookies): State<Cookies>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let known = cookies.user(&parts.headers);
    let user = known.clone().unwrap_or_else(Visitor::invent);
    let newcomer = known.is_none() && matches!(parts.method, Method::GET | Method::HEAD);
    let header = newcomer.then(|| cookies.header(&user, &parts));
    parts.extensions.insert(user);
    let mut response = next.run(Request::from_parts(parts, body)).await;
    if let Some(header) = header {
        response.headers_mut().append(SET_COOKIE, header);
    }
    response
}

impl<S: Sync> FromRequestParts<S> for Visitor {
    type Rejection = axum::http::StatusCode;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        parts.extensions.get().cloned().ok_or(axum::http::StatusCode::UNAUTHORIZED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cookies() -> Cookies {
        Cookies::new(Secret::new("a secret that is long enough for a test").unwrap())
    }

    fn headers(cookie: &str) -> HeaderMap {
        HeaderMap::from_iter([(COOKIE, HeaderValue::from_str(cookie).unwrap())])
    }

    fn request(scheme: &str) -> Parts {
        let request = Request::builder().header("x-forwarded-proto", scheme).body(axum::body::Body::empty());
        request.unwrap().into_parts().0
    }

    fn pair(header: &HeaderValue) -> String {
        header.to_str().unwrap().split(';').next().unwrap().to_owned()
    }

    #[test]
    fn a_cookie_says_who_somebody_is() {
        let cookies = cookies();
        let user = Visitor::invent().renamed("Zoë “the otter”");
        let cookie = pair(&cookies.header(&user, &request("http")));
        assert_eq!(cookies.user(&headers(&format!("a=b; {cookie}; c=d"))), Some(user));
    }

    #[test]
    fn what_was_not_signed_here_is_nobody() {
        let cookies = cookies();
        let user = Visitor::invent();
        let foreign = pair(&Cookies::new(Secret::random().unwrap()).header(&user, &request("http")));
        let own = pair(&cookies.header(&user, &request("http")));
        let (_, signature) = own.split_once('.').unwrap();
        let forged = format!("{COOKIE_NAME}={}.{signature}", BASE64.encode(r#"["1","Mallory"]"#));
        for cookie in
            [foreign.as_str(), forged.as_str(), "demo_user=", "demo_user=.", "demo_user=a.b", "other=x"]
        {
            assert_eq!(cookies.user(&headers(cookie)), None, "{cookie}");
        }
    }

    #[test]
    fn over_tls_the_cookie_is_secure() {
        let user = Visitor::invent();
        for (scheme, is_secure) in [("https", true), ("http", false), ("https, http", true)] {
            let header = cookies().header(&user, &request(scheme));
            assert_eq!(header.to_str().unwrap().contains("; Secure"), is_secure, "{scheme}");
        }
    }

    #[test]
    fn a_name_signed_long_ago_is_looked_at_too() {
        let user = Visitor { id: "1".into(), name: "Ada\u{202e}nimdA".into() };
        let cookie = pair(&cookies().header(&user, &request("http")));
        assert_eq!(cookies().user(&headers(&cookie)).unwrap().name, "Ada nimdA");
    }

    #[test]
    fn a_name_is_one_line_and_not_empty() {
        let user = Visitor::invent();
        assert_eq!(user.clone().renamed("  Ada \n Lovelace\t").name, "Ada Lovelace");
        assert_eq!(user.clone().renamed(" \n ").name, user.name);
        assert_eq!(user.clone().renamed("\u{202e}\u{200b}").name, user.name);
        assert_eq!(user.clone().renamed("\u{202e}Ada").name, "Ada");
        assert_eq!(user.clone().renamed(&"x".repeat(99)).name.len(), LONGEST_NAME);
    }
}
