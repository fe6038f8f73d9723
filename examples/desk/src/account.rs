//! Logins of agents: a random token in a cookie, and its hash in the database.

use axum::Form;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response};
use axum_extra::extract::cookie::{Cookie, CookieJar, SameSite};
use serde::Deserialize;
use uuid::Uuid;
use vivaz::prelude::*;
use vivaz::sqlite::Sqlite;
use vivaz::{IdentityError, PagePath, User};

use crate::routes::SignIn;

const COOKIE: &str = "desk_login";

fn hash(token: &str) -> String {
    blake3::hash(token.as_bytes()).to_string()
}

/// Compares a text with a secret of the environment; to try the desk, it is `desk`. The comparison
/// of hashes takes the same time for all texts.
pub(crate) fn is_secret(name: &str, given: &str) -> bool {
    let secret = std::env::var(name).unwrap_or_else(|_| "desk".to_owned());
    blake3::hash(given.as_bytes()) == blake3::hash(secret.as_bytes())
}

/// Identifies the client of a page or a socket.
pub(crate) async fn identity(database: Sqlite, request: Parts) -> Result<Identity, IdentityError> {
    let cookies = CookieJar::from_headers(&request.headers);
    let Some(cookie) = cookies.get(COOKIE) else { return Ok(Identity::anonymous()) };
    let (login, select) = (hash(cookie.value()), "SELECT name FROM logins WHERE hash = ?1");
    let wanted = login.clone();
    let name: Option<String> = database.run(move |tx| tx.query_first(select, [wanted])).await?;
    let of = |name: String| Identity::of(User::new(name.to_lowercase(), name)).with_login(login);
    Ok(name.map_or_else(Identity::anonymous, of))
}

/// A request of an agent. Other visitors are sent to the page for signing in.
pub(crate) struct Agent(pub(crate) Live);

impl FromRequestParts<Runtime> for Agent {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, runtime: &Runtime) -> Result<Self, Response> {
        let live = Live::from_request_parts(parts, runtime).await.map_err(IntoResponse::into_response)?;
        if live.identity().user_id().is_some() {
            return Ok(Self(live));
        }
        let next = parts.uri.path_and_query().map(ToString::to_string);
        Err(Redirect::to(&SignIn { next, is_refused: None }.url()).into_response())
    }
}

#[derive(Deserialize)]
pub(crate) struct Credentials {
    name: String,
    password: String,
    next: String,
}

pub(crate) async fn sign_in(
    State(runtime): State<Runtime>,
    cookies: CookieJar,
    request: Parts,
    Form(Credentials { name, password, next }): Form<Credentials>,
) -> Result<(CookieJar, Redirect), RenderError> {
    let name: String = name.trim().chars().take(40).collect();
    if name.is_empty() || !is_secret("DESK_PASSWORD", &password) {
        let again = SignIn { next: Some(next), is_refused: Some(true) };
        return Ok((cookies, Redirect::to(&again.url())));
    }
    let token = Uuid::new_v4().to_string();
    let (insert, login) = ("INSERT INTO logins (hash, name) VALUES (?1, ?2)", hash(&token));
    runtime.state::<Sqlite>().run(move |tx| tx.execute(insert, [login, name])).await?;
    let cookie = Cookie::build((COOKIE, token)).path("/").http_only(true).same_site(SameSite::Lax);
    let cookie = cookie.secure(vivaz::is_https(&request)).permanent();
    let next = PagePath::parse(&next);
    Ok((cookies.add(cookie), Redirect::to(next.as_ref().map_or("/", PagePath::as_str))))
}

/// Ends the login. Its open pages load again, and then show the page for signing in.
pub(crate) async fn sign_out(
    State(runtime): State<Runtime>,
    cookies: CookieJar,
) -> Result<(CookieJar, Redirect), RenderError> {
    if let Some(cookie) = cookies.get(COOKIE) {
        let (login, delete) = (hash(cookie.value()), "DELETE FROM logins WHERE hash = ?1");
        let ended = login.clone();
        runtime.state::<Sqlite>().run(move |tx| tx.execute(delete, [ended])).await?;
        runtime.revoke_login(&login);
    }
    Ok((cookies.remove(Cookie::build(COOKIE).path("/")), Redirect::to("/sign-in")))
}
