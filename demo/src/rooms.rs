//! The chat's rooms over plain HTTP.

use axum::extract::{Path, State};
use axum::http::header::{ACCEPT, LOCATION};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::json;
use uuid::Uuid;
use vivaz::DatabaseError;

use crate::app::App;
use crate::components::chat::RoomId;
use crate::store::rooms::RoomCreation;

/// Returns the routes `GET /chat/rooms/ROOM` and `POST /chat/rooms`.
pub(crate) fn router() -> Router<App> {
    Router::new().route("/chat/rooms", post(make)).route("/chat/rooms/{room}", get(look))
}

/// The database failed while a request was answered.
struct DatabaseFailure(DatabaseError);

impl From<DatabaseError> for DatabaseFailure {
    fn from(error: DatabaseError) -> Self {
        Self(error)
    }
}

impl IntoResponse for DatabaseFailure {
    fn into_response(self) -> Response {
        tracing::error!(error = %self.0, "a request failed");
        (StatusCode::INTERNAL_SERVER_ERROR, Json(json!({ "error": "the database did not answer" })))
            .into_response()
    }
}

/// Returns information about a room; 404 if it was never used.
async fn look(State(app): State<App>, Path(room): Path<String>) -> Result<Response, DatabaseFailure> {
    let known = match RoomId::try_from(room) {
        Ok(room) => app.store.room(room.as_str()).await?,
        Err(_) => None,
    };
    Ok(match known {
        Some(room) => Json(room).into_response(),
        None => (StatusCode::NOT_FOUND, Json(json!({ "error": "no such room" }))).into_response(),
    })
}

/// Creates a room with a random name. A program receives the room; a browser's form is redirected
/// to its page.
async fn make(State(app): State<App>, headers: HeaderMap) -> Result<Response, DatabaseFailure> {
    let id = Uuid::new_v4().to_string();
    if app.store.make_room(&id).await? == RoomCreation::Full {
        let error = json!({ "error": "the maximum number of rooms exists" });
        return Ok((StatusCode::SERVICE_UNAVAILABLE, Json(error)).into_response());
    }
    let from_a_form = headers
        .get(ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("text/html"));
    if from_a_form {
        return Ok(Redirect::to(&format!("/chat/{id}")).into_response());
    }
    let room = app.store.room(&id).await?;
    Ok((StatusCode::CREATED, [(LOCATION, format!("/chat/rooms/{id}"))], Json(room)).into_response())
}
