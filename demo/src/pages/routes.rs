//! The addresses of the pages.

use serde::Deserialize;
use vivaz::prelude::*;

use crate::components::chat::RoomId;

#[derive(LiveRoute)]
#[live(path = "/")]
pub(crate) struct Home;

#[derive(LiveRoute)]
#[live(path = "/counter")]
pub(crate) struct Counter;

/// The lobby.
#[derive(LiveRoute)]
#[live(path = "/chat")]
pub(crate) struct Chat;

#[derive(LiveRoute, Deserialize)]
#[live(path = "/chat/{room}")]
pub(crate) struct Room {
    pub(crate) room: RoomId,
}

#[derive(LiveRoute)]
#[live(path = "/form")]
pub(crate) struct Form;

#[derive(LiveRoute)]
#[live(path = "/todo")]
pub(crate) struct Todo;

#[derive(LiveRoute)]
#[live(path = "/seats")]
pub(crate) struct Seats;

#[derive(LiveRoute)]
#[live(path = "/rows")]
pub(crate) struct Rows;

#[derive(LiveRoute)]
#[live(path = "/hook")]
pub(crate) struct Hook;
