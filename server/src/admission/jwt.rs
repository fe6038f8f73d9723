//! Identities from JSON Web Tokens: the feature `jwt`.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
pub use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;
use serde_json::value::RawValue;
use vivaz_components::{Identity, User};

use crate::admission::cookies::cookies;
use crate::admission::identify::IdentityError;
use crate::telemetry::log::{ClientLog, Quoted, client_event};

/// Identifies users by tokens that another service signed. Tokens are verified and never signed
/// here. Cheap to clone.
///
/// A token is read from `Authorization: Bearer …`, from a cookie or a query parameter if its name
/// is set, or from the `auth` of a `HELLO`. A visitor without a token is anonymous. A token that is
/// invalid or expired is refused. So is a request whose `Authorization` header cannot be parsed or
/// occurs twice. A connection that is open when its token expires is closed.
///
/// Claims: `sub` is the user's id, `name` the display name, `tenant` the tenant, `sid` the
/// [login](Identity::with_login), and `permissions` (a list) and `scope` (words separated by
/// spaces) are the permissions.
///
/// ```
/// use vivaz::Runtime;
/// use vivaz::jwt::Jwt;
///
/// let jwt = Jwt::hs256(b"a key shared with the issuer, at least 32 bytes").cookie("token");
/// let runtime = Runtime::builder().jwt(jwt).build()?;
/// # Ok::<(), vivaz::BuildError>(())
/// ```
#[derive(Clone)]
pub struct Jwt {
    verifier: Arc<TokenVerifier>,
    cookie: Option<Arc<str>>,
    query: Option<Arc<str>>,
}

struct TokenVerifier {
    key: DecodingKey,
    validation: Validation,
    /// Limits the log entries that clients with invalid tokens cause.
    log: ClientLog,
}

#[derive(Deserialize)]
struct TokenClaims {
    sub: String,
    name: Option<String>,
    tenant: Option<String>,
    sid: Option<String>,
    #[serde(default)]
    permissions: Vec<String>,
    #[serde(default)]
    scope: String,
    exp: Option<u64>,
}

impl Jwt {
    /// Accepts tokens signed with this key. The validation restricts the algorithms, the issuers
    /// and the audiences.
    #[must_use]
    pub fn new(key: DecodingKey, validation: Validation) -> Self {
        Self {
            verifier: Arc::new(TokenVerifier { key, validation, log: ClientLog::default() }),
            cookie: None,
            query: None,
        }
    }

    /// Accepts tokens signed with HMAC-SHA-256 and a key shared with the issuer. A token without
    /// `exp` is refused.
    #[must_use]
    pub fn hs256(key: &[u8]) -> Self {
        Self::new(DecodingKey::from_secret(key), Validation::new(Algorithm::HS256))
    }

    /// Reads the token from this cookie too. The service that sets the cookie should set
    /// `HttpOnly`, `Secure` and `SameSite=Lax`.
    #[must_use]
    pub fn cookie(mut self, name: &str) -> Self {
        self.cookie = Some(name.into());
        self
    }

    /// Reads the token from this query parameter too, as in `/live?token=…`, for clients that can
    /// set neither headers nor cookies nor the `auth` of a `HELLO`. Every server on the way may log
    /// the URL, so such tokens should be valid for a few seconds only.
    #[must_use]
    pub fn query(mut self, name: &str) -> Self {
        self.query = Some(name.into());
        self
    }

    /// Verifies a token and returns the identity in its claims.
    ///
    /// # Errors
    /// Returns [`IdentityError::Refused`] if the token is invalid or expired.
    pub fn verify(&self, token: &str) -> Result<Identity, IdentityError> {
        let TokenVerifier { key, validation, log } = &*self.verifier;
        let claims = match jsonwebtoken::decode::<TokenClaims>(token, key, validation) {
            Ok(token) => token.claims,
            Err(error) => {
                client_event!(log, INFO, error = %Quoted(&error), "token refused");
                return Err(IdentityError::Refused);
            }
        };
        let name = claims.name.unwrap_or_else(|| claims.sub.clone());
        let words = claims.scope.split_whitespace().map(str::to_owned);
        let mut identity = Identity::of(User::new(claims.sub, name))
            .with_permissions(claims.permissions.into_iter().chain(words));
        // The identity expires when the validation would refuse the token. A time that SystemTime
        // cannot represent is refused: without an expiry, the token would be valid for ever.
        if let Some(at) = claims.exp.filter(|_| validation.validate_exp) {
            let seconds = at.checked_add(validation.leeway).ok_or(IdentityError::Refused)?;
            let expires = SystemTime::UNIX_EPOCH
                .checked_add(Duration::from_secs(seconds))
                .ok_or(IdentityError::Refused)?;
            identity = identity.until(expires);
        }
        if let Some(tenant) = claims.tenant {
            identity = identity.with_tenant(tenant);
        }
        if let Some(login) = claims.sid {
            identity = identity.with_login(login);
        }
        Ok(identity)
    }

    /// Returns the identity of the client that sent a request.
    ///
    /// # Errors
    /// Returns [`IdentityError::Refused`] if the request has an invalid token, or an
    /// `Authorization` header that cannot be parsed or occurs twice.
    pub fn request(&self, request: &Parts) -> Result<Identity, IdentityError> {
        let token = bearer(&request.headers)?
            .or_else(|| self.cookie.as_ref().and_then(|name| cookies(&request.headers, name).next()))
            .or_else(|| self.query.as_ref().and_then(|name| parameter(request.uri.query()?, name)));
        token.map_or_else(|| Ok(Identity::anonymous()), |token| self.verify(token))
    }

    /// Returns the identity of the client that sent a `HELLO` with this `auth`. `identity` is the
    /// identity of the request that opened the connection. It is returned if `auth` is absent.
    ///
    /// # Errors
    /// Returns [`IdentityError::Refused`] if `auth` is not a JSON string with a valid token.
    pub fn hello(&self, identity: Identity, auth: Option<&RawValue>) -> Result<Identity, IdentityError> {
        let Some(auth) = auth else { return Ok(identity) };
        let token: String = serde_json::from_str(auth.get()).map_err(|_| IdentityError::Refused)?;
        self.verify(&token)
    }
}

impl std::fmt::Debug for Jwt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut jwt = f.debug_struct("Jwt");
        jwt.field("cookie", &self.cookie).field("query", &self.query).finish_non_exhaustive()
    }
}

/// Returns the token of `Authorization: Bearer …`; `None` for another scheme, which may be meant
/// for a proxy.
fn bearer(headers: &HeaderMap) -> Result<Option<&str>, IdentityError> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let value = value.to_str().map_err(|_| IdentityError::Refused)?;
    if values.next().is_some() {
        return Err(IdentityError::Refused);
    }
    let (scheme, token) = value.split_once(' ').unwrap_or((value, ""));
    Ok(scheme.eq_ignore_ascii_case("bearer").then(|| token.trim()))
}

/// Returns the value of a query parameter without percent-decoding: tokens contain only characters
/// that need no escape.
fn parameter<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    query
        .split('&')
        .filter_map(|one| one.split_once('='))
        .find_map(|(key, value)| (key == name).then_some(value))
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderValue, Request};
    use jsonwebtoken::{EncodingKey, Header, encode, get_current_timestamp};
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    const KEY: &[u8] = b"a key that the issuer has too, 32 bytes and more";

    fn token(claims: &Value, key: &[u8], algorithm: Algorithm) -> String {
        encode(&Header::new(algorithm), claims, &EncodingKey::from_secret(key)).unwrap()
    }

    fn in_an_hour() -> u64 {
        get_current_timestamp() + 3_600
    }

    fn parts(name: &str, value: &str) -> Parts {
        Request::builder().header(name, value).body(()).unwrap().into_parts().0
    }

    #[test]
    fn claims_become_an_identity() {
        let claims = json!({
            "sub": "7", "name": "Ada", "tenant": "acme", "exp": in_an_hour(),
            "permissions": ["moderate"], "scope": "read write", "sid": "login-2311",
        });
        let token = token(&claims, KEY, Algorithm::HS256);
        let jwt = Jwt::hs256(KEY).cookie("token");
        for (name, value) in [
            ("authorization", format!("Bearer {token}")),
            ("authorization", format!("bearer {token}")),
            ("cookie", format!("a=b; token={token}; c=d")),
        ] {
            let identity = jwt.request(&parts(name, &value)).unwrap();
            assert_eq!(identity.user().unwrap(), &User::new("7", "Ada"));
            assert_eq!(identity.tenant(), Some("acme"));
            assert_eq!(identity.login(), Some("login-2311"));
            assert!(identity.expires().unwrap() > SystemTime::now() + Duration::from_secs(3_000));
            assert_eq!(identity.permissions().collect::<Vec<_>>(), ["moderate", "read", "write"]);
        }
        let auth = serde_json::value::to_raw_value(&token).unwrap();
        assert_eq!(jwt.hello(Identity::anonymous(), Some(&auth)).unwrap().user_id(), Some("7"));
    }

    #[test]
    fn an_invalid_token_is_refused_and_a_missing_one_is_anonymous() {
        let jwt = Jwt::hs256(KEY);
        let good = json!({ "sub": "7", "exp": in_an_hour() });
        assert!(jwt.verify(&token(&good, KEY, Algorithm::HS256)).is_ok());
        let expired = json!({ "sub": "7", "exp": get_current_timestamp() - 3_600 });
        // `{"alg":"none"}` and no signature.
        let unsigned = "eyJhbGciOiJub25lIn0.eyJzdWIiOiI3IiwiZXhwIjo5OTk5OTk5OTk5fQ.";
        for wrong in [
            token(&good, b"another key of thirty-two bytes and more", Algorithm::HS256),
            token(&good, KEY, Algorithm::HS384),
            token(&expired, KEY, Algorithm::HS256),
            token(&json!({ "sub": "7" }), KEY, Algorithm::HS256),
            token(&json!({ "sub": "7", "exp": u64::MAX }), KEY, Algorithm::HS256),
            token(&json!({ "sub": "7", "exp": -1 }), KEY, Algorithm::HS256),
            token(&json!({ "sub": "7", "exp": 1e300 }), KEY, Algorithm::HS256),
            token(&json!({ "sub": "7", "exp": in_an_hour().to_string() }), KEY, Algorithm::HS256),
            token(&json!({ "sub": 7, "exp": in_an_hour() }), KEY, Algorithm::HS256),
            token(&json!({ "sub": "7", "exp": in_an_hour(), "permissions": "all" }), KEY, Algorithm::HS256),
            unsigned.to_owned(),
            String::new(),
        ] {
            assert!(matches!(jwt.verify(&wrong), Err(IdentityError::Refused)), "{wrong}");
            assert!(jwt.request(&parts("authorization", &format!("Bearer {wrong}"))).is_err());
        }
        let cookie = parts("cookie", "token=nonsense");
        assert_eq!(jwt.request(&cookie).unwrap(), Identity::anonymous(), "no cookie was named");
        assert!(jwt.cookie("token").request(&cookie).is_err());
    }

    #[test]
    fn an_invalid_authorization_header_is_refused() {
        let good = token(&json!({ "sub": "7", "exp": in_an_hour() }), KEY, Algorithm::HS256);
        let jwt = Jwt::hs256(KEY).cookie("token");
        let with = |values: &[&[u8]]| {
            let mut parts = parts("cookie", &format!("token={good}"));
            for value in values {
                parts.headers.append(header::AUTHORIZATION, HeaderValue::from_bytes(value).unwrap());
            }
            jwt.request(&parts)
        };
        assert_eq!(with(&[]).unwrap().user_id(), Some("7"));
        assert_eq!(with(&[b"Basic YTpi"]).unwrap().user_id(), Some("7"));
        for values in
            [&[&b"Bearer \xff"[..]][..], &[b"\xff"], &[b"Bearer"], &[b"Bearer "], &[b"Basic x", b"Bearer x"]]
        {
            assert!(matches!(with(values), Err(IdentityError::Refused)), "{values:?}");
        }
    }

    proptest! {
        /// No text in place of a token yields a user.
        #[test]
        fn arbitrary_text_yields_no_user(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let jwt = Jwt::hs256(KEY).cookie("token").query("token");
            let is_nobody = |parts: &Parts| jwt.request(parts).map_or(true, |who| who == Identity::anonymous());
            for (name, prefix) in [("authorization", "Bearer "), ("authorization", ""), ("cookie", "token=")] {
                let value = HeaderValue::from_bytes(&[prefix.as_bytes(), &bytes].concat());
                let Ok(value) = value else { continue };
                let request = Request::builder().header(name, value).body(()).unwrap();
                prop_assert!(is_nobody(&request.into_parts().0));
            }
            let text = String::from_utf8_lossy(&bytes);
            if let Ok(request) = Request::builder().uri(format!("/live?token={text}")).body(()) {
                prop_assert!(is_nobody(&request.into_parts().0));
            }
            prop_assert!(jwt.verify(&text).is_err());
            let auth = serde_json::value::to_raw_value(&text).unwrap();
            prop_assert!(jwt.hello(Identity::anonymous(), Some(&auth)).is_err());
        }
    }

    #[test]
    fn the_query_is_read_only_if_its_parameter_is_set() {
        let token = token(&json!({ "sub": "7", "exp": in_an_hour() }), KEY, Algorithm::HS256);
        let parts = |address: &str| Request::builder().uri(address).body(()).unwrap().into_parts().0;
        let asked = parts(&format!("/live?a=b&token={token}"));
        assert_eq!(Jwt::hs256(KEY).request(&asked).unwrap(), Identity::anonymous());
        let jwt = Jwt::hs256(KEY).query("token");
        assert_eq!(jwt.request(&asked).unwrap().user_id(), Some("7"));
        assert_eq!(jwt.request(&parts("/live?tokens=x")).unwrap(), Identity::anonymous());
        assert!(jwt.request(&parts("/live?token=x")).is_err());
    }

    #[test]
    fn an_auth_that_is_not_a_token_is_refused() {
        let jwt = Jwt::hs256(KEY);
        for auth in ["7", "{}", "null", "\"\""] {
            let auth = RawValue::from_string(auth.to_owned()).unwrap();
            assert!(jwt.hello(Identity::anonymous(), Some(&auth)).is_err());
        }
        let ada = Identity::of(User::new("ada", "Ada"));
        assert_eq!(jwt.hello(ada.clone(), None).unwrap(), ada);
    }
}
