//! The types of `docs/glossary.md`.

use std::collections::BTreeSet;

const GLOSSARY: &str = include_str!("../../../docs/glossary.md");

/// Imports types and defines a function that returns their paths.
macro_rules! types {
    ($($($part:ident)::+,)+) => {
        $(#[allow(unused_imports, reason = "the import is the test")] use $($part)::+ as _;)+

        fn imported() -> BTreeSet<String> {
            let paths = [$(stringify!($($part)::+)),+];
            paths.iter().map(|path| path.split_whitespace().collect()).collect()
        }
    };
}

types! {
    vivaz::Builder,
    vivaz::Call,
    vivaz::ConnectionId,
    vivaz::Context,
    vivaz::Hub,
    vivaz::Identity,
    vivaz::Key,
    vivaz::Limits,
    vivaz::List,
    vivaz::LifecycleEvent,
    vivaz::LiveComponent,
    vivaz::LivePage,
    vivaz::LiveRoute,
    vivaz::MemoryStore,
    vivaz::Presence,
    vivaz::Rooms,
    vivaz::Runtime,
    vivaz::Secret,
    vivaz::SessionId,
    vivaz::SessionStore,
    vivaz::Stats,
    vivaz::Topic,
    vivaz::cluster::Bus,
    vivaz::cluster::Cluster,
    vivaz::cluster::LogEntry,
    vivaz::cluster::NodeId,
    vivaz::cluster::TopicLog,
    vivaz::instance::Effect,
    vivaz::instance::Job,
    vivaz::postgres::Postgres,
    vivaz::sqlite::Sqlite,
    vivaz::store::Fence,
    vivaz::store::SessionHead,
    vivaz::store::SessionState,
    vivaz::store::Snapshot,
    vivaz::testing::Call,
    vivaz_components::__private::ApplyPatch,
    vivaz_components::Broadcast,
    vivaz_components::CatchUp,
    vivaz_components::OperationId,
    vivaz_components::ServerEvent,
    vivaz_components::ShownValue,
    vivaz_components::Subscription,
    vivaz_components::spec::FieldKind,
    vivaz_components::spec::Hook,
    vivaz_protocol::ClientMessage,
    vivaz_protocol::Epoch,
    vivaz_protocol::Patch,
    vivaz_protocol::Ref,
    vivaz_protocol::ResumeSecret,
    vivaz_protocol::Rev,
    vivaz_protocol::Seal,
    vivaz_protocol::ServerMessage,
    vivaz_protocol::StreamId,
    vivaz_template::Compiled,
    vivaz_template::Hole,
}

/// Returns the paths of the types in the second column. `xtask` checks the members of types.
fn named() -> BTreeSet<String> {
    let cells =
        GLOSSARY.lines().filter(|line| line.starts_with('|')).filter_map(|line| line.split('|').nth(2));
    let references = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2));
    let paths =
        references.filter(|reference| reference.chars().all(|c| c.is_alphanumeric() || ":_".contains(c)));
    let paths = paths.filter(|path| !path.starts_with("live:"));
    let is_type = |name: &str| name.starts_with(|c: char| c.is_ascii_uppercase());
    paths
        .map(|path| {
            let parent = path.rsplit_once("::").map_or("", |(parent, _)| parent);
            let is_member = is_type(parent.rsplit("::").next().unwrap_or_default());
            let path = if is_member { parent } else { path };
            if path.starts_with("vivaz_") { path.to_owned() } else { format!("vivaz::{path}") }
        })
        .collect()
}

#[test]
fn every_type_of_the_glossary_can_be_imported() {
    assert_eq!(named(), imported());
}
