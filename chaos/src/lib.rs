//! Servers that are killed, connections that break, and what has to hold all the same.
//!
//! A run is a server in a process of its own, pages that talk to it over sockets which are cut at
//! any byte, and somebody who kills the server or restarts it. In the order of a run: [`plan`] says
//! how much of everything, [`process`] has the server, [`app`] is what it serves, [`client`] drives
//! a [`page`] over a [`wire`], and [`verdict`] looks at what is left.
//!
//! What happens is drawn from a seed. The same seed gives the same decisions to each page; what
//! they meet depends on how the machine schedules, so a failure may take several runs of its seed
//! to be seen again.

pub mod app;
pub mod client;
pub mod page;
pub mod plan;
pub mod process;
pub mod random;
pub mod run;
pub mod verdict;
pub mod wire;
