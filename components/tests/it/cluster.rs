//! Several nodes that share topics through a log.

mod board;
mod faults;
mod log;
mod operations;
mod transactions;
