//! The demo as an operator and a browser meet it: a process, its output, its pages.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test stops at what it did not expect"
)]

mod demo;
mod http;
mod killed;
mod limits;
mod pages;
mod process;
mod readme;
mod shapes;
mod socket;
