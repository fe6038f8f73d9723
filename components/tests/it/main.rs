//! Components as an application writes them, driven as a session drives them.

mod counter;
mod drive;
mod hub;
mod room;
mod ui;
