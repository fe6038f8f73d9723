//! Checks that each action takes effect once, although servers are killed and connections fail.
//!
//! A run starts a server process and pages. Connections break at any byte, and the server is killed
//! or restarted. In the order of a run: [`plan`] sets the size, [`process`] starts the server,
//! [`app`] has its components, [`client`] drives a [`page`] over a [`wire`], and [`verdict`] checks
//! the results.
//!
//! Failures are drawn from a seed. The same seed gives the same decisions to each page, but their
//! timing depends on the scheduler: a failure may need several runs of its seed to occur again.

pub mod app;
pub mod client;
pub mod page;
pub mod plan;
pub mod process;
pub mod random;
pub mod run;
pub mod verdict;
pub mod wire;
