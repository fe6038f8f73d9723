//! The demo as an operator and a browser meet it: a process, its output, its pages.

mod demo;
mod http;
mod pages;
mod process;
mod shapes;
mod socket;
