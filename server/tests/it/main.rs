//! The server as clients see it: over real sockets, checked against the protocol.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value,
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test that finds something else than it expects has failed"
)]

mod app;
mod client;
mod process;

mod acknowledged;
mod actions;
mod addresses;
mod authority;
mod away;
mod brittle;
mod budget_ways;
mod budgets;
mod chaos;
mod cluster;
mod compression;
mod connecting;
mod cross_origin;
mod depth;
mod drain;
mod encodings;
mod endless;
mod exactly_once;
mod failing;
mod features;
mod floods;
mod flush;
mod forms;
mod given;
mod glossary;
mod hand_over;
mod held;
mod hello;
mod hostile;
mod http;
mod intervals;
mod killed;
mod kit;
mod leases;
mod lifecycle;
mod limits;
mod loading;
mod locked;
mod logs;
mod membership;
mod messages;
mod metrics;
mod missing;
mod mistakes;
mod modules;
mod mounting;
mod moved;
mod nested;
mod nesting;
mod numbers;
mod order;
mod other_server;
mod outcomes;
mod paint;
mod patience;
mod places;
mod postgres_store;
mod presence;
mod props;
mod props_of_topics;
mod refusals;
mod repeats;
mod replaced;
mod resent;
mod restart;
mod resume;
mod revoked;
mod rooms;
mod saving;
mod seals;
mod shown;
mod shutdown;
mod slow;
mod slow_http;
mod spans;
mod spawned;
mod starting;
mod stores;
mod syncing;
mod tables;
mod topics;
mod transaction_control;
mod transactions;
mod unanswered;
mod unheard;
mod unmounting;
mod url;
mod waiting;
mod withdrawn;
