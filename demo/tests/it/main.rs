//! The demo for operators and browsers: a process, its output, its pages.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails at an unexpected error"
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
