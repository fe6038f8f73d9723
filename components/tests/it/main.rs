//! Components of applications, driven as a session drives them.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value,
    reason = "a test that goes wrong is meant to stop"
)]

mod cluster;
mod counter;
mod drive;
mod flush;
mod forms;
mod hub;
mod intervals;
mod loading;
mod nested;
mod presence;
mod refusals;
mod registry;
mod reserved;
mod room;
mod saving;
mod schemas;
mod shapes;
mod topic_limit;
mod topics;
mod ui;
mod unfit;
