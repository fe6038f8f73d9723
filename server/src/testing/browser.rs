//! A browser: sends requests with the cookies of one visitor, and opens pages.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};

use super::app::{self, Upgraded};
use super::page::{OpenError, Page};
use super::process::ServerProcess;

/// The default host of requests.
const HOST: &str = "localhost";
/// The maximum number of redirects that are followed to open a page.
const REDIRECTS: u32 = 10;

/// A browser that sends requests to the application's router, from
/// [`Server::browser`](super::Server::browser). Cheap to clone; clones share their cookies.
///
/// Every request goes through the application's routes and middleware. It carries all cookies that
/// responses have set, whatever their path and domain, and the headers with which a browser states
/// the origin of a request.
#[derive(Clone, Debug)]
pub struct Browser {
    server: Arc<ServerProcess>,
    state: Arc<Mutex<BrowserState>>,
}

#[derive(Debug, Default)]
struct BrowserState {
    cookies: BTreeMap<String, String>,
    headers: HeaderMap,
}

impl Browser {
    pub(super) fn new(server: Arc<ServerProcess>) -> Self {
        Self { server, state: Arc::default() }
    }

    /// Sends a GET request. A redirect is returned, not followed.
    ///
    /// # Panics
    /// Panics if the server is down or `path` is not a valid path.
    pub async fn get(&self, path: &str) -> Response<String> {
        self.send(self.request(Method::GET, path, Body::empty())).await
    }

    /// Sends a form as a POST request. A redirect is returned, not followed.
    ///
    /// # Panics
    /// Panics if the server is down or `path` is not a valid path.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Response<String> {
        let mut request = self.request(Method::POST, path, Body::from(encode(fields)));
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        request.headers_mut().insert(header::CONTENT_TYPE, form);
        self.send(request).await
    }

    /// Sends a request. Adds the headers set with [`set_header`](Self::set_header), and `Host` and
    /// `Cookie` if the request does not have them.
    ///
    /// # Panics
    /// Panics if the server is down.
    pub async fn send(&self, mut request: Request<Body>) -> Response<String> {
        self.add_headers(request.headers_mut());
        let Some(app) = self.server.app() else { panic!("the server is down") };
        let response = app::send(app, request).await;
        self.store_cookies(response.headers());
        response
    }

    /// Opens a page: requests it, follows redirects, connects with the browser's cookies, and
    /// mounts the components in the response. [`Page::component`] finds them.
    ///
    /// # Errors
    /// Returns an [`OpenError`] if the page, the connection or a component was refused.
    ///
    /// # Panics
    /// Panics if the server is down, or does not answer for a minute.
    pub async fn open(&self, path: &str) -> Result<Page, OpenError> {
        let mut path = path.to_owned();
        for _ in 0..REDIRECTS {
            let response = self.get(&path).await;
            let status = response.status();
            if status.is_redirection()
                && let Some(to) = response.headers().get(header::LOCATION)
            {
                let to = String::from_utf8_lossy(to.as_bytes());
                path =
                    resolve(&path, &to, &self.host()).ok_or_else(|| OpenError::Elsewhere(to.into_owned()))?;
                continue;
            }
            if status != StatusCode::OK {
                return Err(OpenError::Status(status));
            }
            return Page::open_in(Arc::clone(&self.server), self.clone(), response.body()).await;
        }
        Err(OpenError::Redirects(path))
    }

    /// Sets a header of all later requests, for example `Host` or a header that a proxy adds.
    /// Replaces a header of the same name.
    ///
    /// # Panics
    /// Panics if the name or the value is not valid in a header.
    pub fn set_header(&self, name: &str, value: &str) {
        match (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            (Ok(name), Ok(value)) => self.lock().headers.insert(name, value),
            _ => panic!("`{name}: {value}` is not a valid header"),
        };
    }

    /// Returns the value of a cookie.
    #[must_use]
    pub fn cookie(&self, name: &str) -> Option<String> {
        self.lock().cookies.get(name).cloned()
    }

    /// Sets a cookie, as a response does.
    pub fn set_cookie(&self, name: &str, value: &str) {
        self.lock().cookies.insert(name.to_owned(), value.to_owned());
    }

    /// Removes all cookies.
    pub fn clear_cookies(&self) {
        self.lock().cookies.clear();
    }

    /// Opens the page at an address.
    ///
    /// # Errors
    /// Returns the errors of [`open`](Self::open), and [`OpenError::Elsewhere`] for another server.
    pub(super) async fn open_address(&self, address: &str) -> Result<Page, OpenError> {
        match resolve("/", address, &self.host()) {
            Some(path) => self.open(&path).await,
            None => Err(OpenError::Elsewhere(address.to_owned())),
        }
    }

    /// Returns the headers that the browser adds to each request.
    pub(super) fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        self.add_headers(&mut headers);
        headers
    }

    /// Opens a connection with the current cookies.
    ///
    /// # Errors
    /// Returns the status of the response if the upgrade is refused.
    pub(super) async fn connect(&self, path: &str) -> Result<Upgraded, StatusCode> {
        let mut request = self.request(Method::GET, path, Body::empty());
        let headers = request.headers_mut();
        if let Ok(origin) = HeaderValue::try_from(format!("http://{}", self.host())) {
            headers.insert(header::ORIGIN, origin);
        }
        let offer = HeaderValue::from_static(self.server.encoding.subprotocol());
        headers.insert(header::SEC_WEBSOCKET_PROTOCOL, offer);
        self.add_headers(headers);
        let app = self.server.app().ok_or(StatusCode::SERVICE_UNAVAILABLE)?;
        let (upgraded, headers) = app::upgrade(app, request).await?;
        self.store_cookies(&headers);
        Ok(upgraded)
    }

    /// Returns the host of requests.
    fn host(&self) -> String {
        let state = self.lock();
        let host = state.headers.get(header::HOST).and_then(|host| host.to_str().ok());
        host.unwrap_or(HOST).to_owned()
    }

    fn request(&self, method: Method, path: &str, body: Body) -> Request<Body> {
        let site = if method == Method::GET { "none" } else { "same-origin" };
        let request = Request::builder().method(method).uri(path).header("sec-fetch-site", site).body(body);
        request.unwrap_or_else(|error| panic!("`{path}` is not a valid path: {error}"))
    }

    /// Adds the browser's headers and cookies to a request.
    fn add_headers(&self, headers: &mut HeaderMap) {
        let state = self.lock();
        for (name, value) in &state.headers {
            headers.insert(name, value.clone());
        }
        headers.entry(header::HOST).or_insert(HeaderValue::from_static(HOST));
        let cookies: Vec<_> = state.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if !cookies.is_empty()
            && let Ok(value) = HeaderValue::try_from(cookies.join("; "))
        {
            headers.entry(header::COOKIE).or_insert(value);
        }
    }

    /// Stores the cookies that a response sets, and removes those that it expires.
    fn store_cookies(&self, headers: &HeaderMap) {
        let mut state = self.lock();
        for set in headers.get_all(header::SET_COOKIE) {
            let set = String::from_utf8_lossy(set.as_bytes());
            let mut parts = set.split(';').map(str::trim);
            let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else { continue };
            if parts.any(is_removal) {
                state.cookies.remove(name);
            } else {
                state.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, BrowserState> {
        // The state stays consistent if a test panics while it holds the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Resolves the target of a redirect relative to a path, according to section 5 of RFC 3986.
/// Returns `None` if it leads to another server.
fn resolve(at: &str, to: &str, host: &str) -> Option<String> {
    let to = to.split('#').next().unwrap_or_default();
    let (at_path, _) = at.split_once('?').unwrap_or((at, ""));
    let absolute = ["http:", "https:", ""]
        .iter()
        .find_map(|scheme| to.strip_prefix(scheme)?.strip_prefix("//"))
        .map(|rest| rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len())));
    let to = match absolute {
        Some((authority, rest)) if authority.eq_ignore_ascii_case(host) => {
            if rest.starts_with('/') {
                rest.to_owned()
            } else {
                format!("/{rest}")
            }
        }
        Some(_) => return None,
        None if to.is_empty() => return Some(at.to_owned()),
        None if to.starts_with('/') => to.to_owned(),
        None if to.starts_with('?') => format!("{at_path}{to}"),
        // A colon before the first slash ends a scheme.
        None if to.split('/').next().is_some_and(|first| first.contains(':')) => return None,
        None => format!("{}/{to}", at_path.rsplit_once('/').map_or("", |(folder, _)| folder)),
    };
    let (path, query) = match to.split_once('?') {
        Some((path, query)) => (path, format!("?{query}")),
        None => (&*to, String::new()),
    };
    let mut segments: Vec<&str> = Vec::new();
    let mut is_folder = false;
    for segment in path.split('/').skip(1) {
        is_folder = matches!(segment, "." | ".." | "");
        match segment {
            "." => {}
            ".." => {
                segments.pop();
            }
            segment => segments.push(segment),
        }
    }
    if is_folder && segments.last().is_some_and(|last| !last.is_empty()) {
        segments.push("");
    }
    Some(format!("/{}{query}", segments.join("/")))
}

/// Checks whether an attribute removes its cookie: an age of zero or less, or an expiry in the
/// past.
fn is_removal(attribute: &str) -> bool {
    let Some((name, value)) = attribute.split_once('=') else { return false };
    if name.eq_ignore_ascii_case("max-age") {
        return value.trim().parse().is_ok_and(|age: i64| age <= 0);
    }
    name.eq_ignore_ascii_case("expires")
        && httpdate::parse_http_date(value.trim()).is_ok_and(|end| end <= SystemTime::now())
}

/// Encodes fields as `application/x-www-form-urlencoded`.
fn encode(fields: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_encoded_as_by_a_browser() {
        assert_eq!(
            encode(&[("name", "Ada L&é"), ("next", "/a?b=c"), ("", "")]),
            "name=Ada+L%26%C3%A9&next=%2Fa%3Fb%3Dc&="
        );
    }

    #[test]
    fn a_redirect_is_resolved_as_by_a_browser() {
        for (to, expected) in [
            ("/cart", Some("/cart")),
            ("/cart?a=b#top", Some("/cart?a=b")),
            ("cart", Some("/shop/cart")),
            ("./cart", Some("/shop/cart")),
            ("../cart", Some("/cart")),
            ("../../../cart/", Some("/cart/")),
            (".", Some("/shop/")),
            ("..", Some("/")),
            ("?tab=2", Some("/shop/list?tab=2")),
            ("#top", Some("/shop/list?tab=1")),
            ("", Some("/shop/list?tab=1")),
            ("a:b", None),
            ("./a:b", Some("/shop/a:b")),
            ("http://app.example/cart", Some("/cart")),
            ("https://App.example?x", Some("/?x")),
            ("//app.example", Some("/")),
            ("http://app.example.evil/cart", None),
            ("https://login.example/cart", None),
            ("//login.example/cart", None),
            ("mailto:ada@app.example", None),
        ] {
            assert_eq!(resolve("/shop/list?tab=1", to, "app.example").as_deref(), expected, "{to}");
        }
    }

    #[test]
    fn a_cookie_is_removed_by_its_age_or_expiry() {
        for removal in [
            "Max-Age=0",
            "max-age=-1",
            "Expires=Thu, 01 Jan 1970 00:00:00 GMT",
            "expires=Fri, 28 Nov 2025 10:00:00 GMT",
        ] {
            assert!(is_removal(removal), "{removal}");
        }
        for other in
            ["Max-Age=60", "Path=/", "HttpOnly", "Expires=Thu, 01 Jan 2037 00:00:00 GMT", "Max-Age=x"]
        {
            assert!(!is_removal(other), "{other}");
        }
    }
}
