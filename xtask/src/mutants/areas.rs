//! The areas whose mutants are tested.

use std::process::Command;

/// Files whose mutants are tested together, and the tests that are run for each of these mutants.
pub(super) struct Area {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    pub(super) package: &'static str,
    /// Globs, relative to the workspace.
    files: &'static [&'static str],
    /// Arguments that choose what `cargo test` builds and runs.
    targets: &'static [&'static str],
    /// Arguments of the test programs: parts of the names of the tests to run. Empty: all tests.
    filter: &'static [&'static str],
    /// The time limit of the tests with a mutant, in seconds: several times their usual duration.
    pub(super) timeout: u32,
}

const UNIT: &[&str] = &["--lib"];
const UNIT_AND_INTEGRATION: &[&str] = &["--lib", "--test=it"];
/// The tests of stored sessions.
const STORED: &[&str] = &[
    "keeper",
    "sessions",
    "store",
    "sqlite",
    "aside",
    "away",
    "connecting",
    "failing",
    "given",
    "held",
    "leases",
    "membership",
    "moved",
    "outcomes",
    "restart",
    "resume",
    "revoked",
    "saving",
    "shown",
    "tables",
    "transaction",
    "unmounting",
];
/// The tests of the number of sessions and of their processes.
const SESSIONS: &[&str] =
    &["sessions", "away", "budgets", "held", "leases", "patience", "restart", "resume", "revoked"];
/// The tests of the messages to a session.
const REQUESTS: &[&str] = &[
    "session",
    "actions",
    "aside",
    "authority",
    "away",
    "brittle",
    "budget",
    "connecting",
    "connection",
    "encodings",
    "exactly_once",
    "failing",
    "floods",
    "flush",
    "given",
    "held",
    "hostile",
    "intervals",
    "killed",
    "limits",
    "loading",
    "membership",
    "mistakes",
    "mounting",
    "moved",
    "nesting",
    "order",
    "outcomes",
    "patience",
    "places",
    "props",
    "restart",
    "resume",
    "revoked",
    "rooms",
    "saving",
    "seals",
    "shown",
    "slow",
    "topics",
    "transaction",
    "unmounting",
    "waiting",
    "withdrawn",
];
/// Skips the compile-fail tests, which take longer than all others together and test only the
/// macros.
const NOT_COMPILE_FAIL: &[&str] = &["--skip", "ui::"];

pub(super) const AREAS: &[Area] = &[
    Area {
        name: "patch",
        about: "patches on the wire",
        package: "vivaz-protocol",
        files: &["protocol/src/patch.rs", "protocol/src/patch/*.rs"],
        targets: UNIT_AND_INTEGRATION,
        filter: &["patch", "list"],
        timeout: 30,
    },
    Area {
        name: "list",
        about: "keyed lists and their operations",
        package: "vivaz-components",
        files: &["components/src/list.rs", "components/src/list/*.rs"],
        targets: UNIT_AND_INTEGRATION,
        filter: NOT_COMPILE_FAIL,
        timeout: 60,
    },
    Area {
        name: "tracking",
        about: "detection of changed fields",
        package: "vivaz-components",
        files: &["components/src/tracking.rs", "components/src/tracking/*.rs"],
        targets: UNIT_AND_INTEGRATION,
        filter: NOT_COMPILE_FAIL,
        timeout: 60,
    },
    Area {
        name: "topic",
        about: "state that many sessions share",
        package: "vivaz-components",
        files: &["components/src/topic.rs", "components/src/topic/*.rs"],
        targets: UNIT_AND_INTEGRATION,
        filter: NOT_COMPILE_FAIL,
        timeout: 60,
    },
    Area {
        name: "client",
        about: "the page's state machine",
        package: "vivaz-engine",
        files: &["engine/src/client.rs", "engine/src/client/*.rs"],
        targets: UNIT,
        filter: &[],
        timeout: 60,
    },
    Area {
        name: "page-store",
        about: "the page's state, confirmed and optimistic",
        package: "vivaz-engine",
        files: &["engine/src/store.rs", "engine/src/store/*.rs"],
        targets: UNIT,
        filter: &[],
        timeout: 60,
    },
    Area {
        name: "keeper",
        about: "flushes to the session store",
        package: "vivaz",
        files: &["server/src/persist/keeper.rs", "server/src/persist/keeper/*.rs"],
        targets: UNIT_AND_INTEGRATION,
        filter: STORED,
        timeout: 120,
    },
    Area {
        name: "sessions",
        about: "the map of all sessions",
        package: "vivaz",
        files: &["server/src/session/sessions.rs", "server/src/session/sessions/*.rs"],
        targets: UNIT_AND_INTEGRATION,
        filter: SESSIONS,
        timeout: 120,
    },
    Area {
        name: "session",
        about: "one session: requests, components, replies",
        package: "vivaz",
        files: &["server/src/session.rs", "server/src/session/**/*.rs"],
        targets: UNIT_AND_INTEGRATION,
        filter: REQUESTS,
        timeout: 240,
    },
    Area {
        name: "sqlite",
        about: "sessions in SQLite",
        package: "vivaz",
        files: &["server/src/persist/sqlite.rs", "server/src/persist/sqlite/*.rs"],
        targets: UNIT_AND_INTEGRATION,
        filter: STORED,
        timeout: 120,
    },
    Area {
        name: "store",
        about: "the contract of session stores, and the one in memory",
        package: "vivaz",
        files: &["server/src/persist/store.rs", "server/src/persist/store/*.rs"],
        targets: UNIT_AND_INTEGRATION,
        filter: STORED,
        timeout: 120,
    },
    Area {
        name: "address",
        about: "limits by address, and proxies",
        package: "vivaz",
        files: &["server/src/admission/address.rs", "server/src/admission/address/*.rs"],
        targets: UNIT_AND_INTEGRATION,
        filter: &["address", "proxies", "limits"],
        timeout: 120,
    },
];

impl Area {
    pub(super) fn add_files(&self, command: &mut Command) {
        for file in self.files {
            command.args(["--file", file]);
        }
    }

    pub(super) fn add_tests(&self, command: &mut Command) {
        for target in self.targets {
            command.arg(format!("--cargo-arg={target}"));
        }
        if !self.filter.is_empty() {
            command.args(["--", "--"]).args(self.filter);
        }
    }
}
