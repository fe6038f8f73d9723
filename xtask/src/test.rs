//! `cargo xtask test`: everything that has to hold, in the order in which it is cheapest to learn
//! of a mistake.

use std::time::{Duration, Instant};

use anyhow::ensure;

use crate::deny;
use crate::step::{Failed, command, run, run_command, say};
use crate::{structure, tools};

mod browser;

struct Step {
    name: &'static str,
    about: &'static str,
    run: fn() -> anyhow::Result<()>,
}

const STEPS: &[Step] = &[
    Step { name: "tools", about: "what the other steps need is installed", run: tools::install },
    Step { name: "format", about: "rustfmt would change nothing", run: format },
    Step { name: "rules", about: "the source has no fault of structure", run: structure::check },
    Step { name: "deny", about: "dependencies have allowed licences and sources", run: deny::check },
    Step { name: "lints", about: "clippy has nothing to say", run: lints },
    Step { name: "docs", about: "the documentation builds without a warning", run: docs },
    Step { name: "tests", about: "unit, integration, documentation and compile-fail tests", run: tests },
    Step {
        name: "client",
        about: "the browser's client is rebuilt, current in the repository, and its JavaScript has no type errors",
        run: browser::client,
    },
    Step {
        name: "browser",
        about: "the demo's pages, driven in a browser, with the fresh client",
        run: browser::pages,
    },
    Step {
        name: "engines",
        about: "what depends on the engine, in Firefox and in WebKitGTK",
        run: browser::engines,
    },
];

/// Selects what the steps build. All of them use the same packages and features, so that cargo
/// compiles each dependency once. No crate of the workspace asks for these features, and
/// applications may. `xtask` has been compiled alone, with fewer features of its dependencies, and
/// the steps keep it so.
const WORKSPACE: &str = "--workspace --exclude xtask --features vivaz/jwt,vivaz/garde";

/// Runs all steps, or those named, and says how each went.
pub(crate) fn run_steps(names: &[String]) -> anyhow::Result<()> {
    if names.iter().any(|name| name == "--help" || name == "list") {
        return STEPS.iter().try_for_each(|step| say(&format!("{:8} {}", step.name, step.about)));
    }
    let unknown = names.iter().find(|name| STEPS.iter().all(|step| step.name != **name));
    ensure!(unknown.is_none(), "there is no step {unknown:?}; `cargo xtask test list` names them");
    let chosen: Vec<_> =
        STEPS.iter().filter(|step| names.is_empty() || names.iter().any(|n| n == step.name)).collect();

    let mut done: Vec<(&Step, Duration, anyhow::Result<()>)> = Vec::new();
    for step in &chosen {
        say(&format!("\n== {}: {}", step.name, step.about))?;
        let begun = Instant::now();
        let result = (step.run)();
        if let Err(error) = &result {
            say(&format!("!! {}: {error:#}", step.name))?;
        }
        // Without its tools no later step can say anything true.
        let stop = result.is_err() && step.name == "tools";
        done.push((step, begun.elapsed(), result));
        if stop {
            break;
        }
    }

    // Where the whole output is long, this is what is looked for.
    for (step, _, result) in &done {
        let Err(error) = result else { continue };
        say(&format!("\n== {} failed: {error:#}", step.name))?;
        let tail = error.downcast_ref::<Failed>().map(|failed| &failed.tail);
        tail.into_iter().flatten().try_for_each(|line| say(line))?;
    }
    say("")?;
    for (step, took, result) in &done {
        let word = if result.is_ok() { "ok" } else { "FAILED" };
        say(&format!("{:8} {word:6} {:>4} s  {}", step.name, took.as_secs(), step.about))?;
    }
    let failed: Vec<_> =
        done.iter().filter(|(.., result)| result.is_err()).map(|(step, ..)| step.name).collect();
    ensure!(failed.is_empty(), "failed: {}", failed.join(", "));
    say(&format!("\nAll {} steps passed.", done.len()))
}

fn format() -> anyhow::Result<()> {
    run("", "cargo fmt --all --check")
}

fn lints() -> anyhow::Result<()> {
    run("", &format!("cargo clippy {WORKSPACE} --all-targets -- -D warnings"))?;
    run("", "cargo clippy --package xtask --all-targets -- -D warnings")?;
    // As applications get it that ask for none of its features, which together the others do.
    run("", "cargo clippy --package vivaz -- -D warnings")?;
    run(
        "",
        "cargo clippy --package vivaz-client --all-targets --target wasm32-unknown-unknown -- -D warnings",
    )
}

fn docs() -> anyhow::Result<()> {
    // With the examples, dependencies have the features that the lints have checked them with.
    let bins = "--bin bench --bin demo --bin e2e-app --bin e2e-next";
    document(&format!("{WORKSPACE} --lib {bins} --examples"))?;
    document("--package xtask")
}

fn document(selection: &str) -> anyhow::Result<()> {
    let mut doc = command("", &format!("cargo doc {selection} --no-deps --document-private-items"))?;
    // The overview at the head of a crate may name its private modules: these pages are for those
    // who work on it.
    doc.env("RUSTDOCFLAGS", "-D warnings -A rustdoc::private_intra_doc_links");
    run_command(doc)
}

fn tests() -> anyhow::Result<()> {
    // Many tests wait for a process, a socket or a clock: two for each core.
    let mut tests = command("", &format!("cargo test {WORKSPACE}"))?;
    if std::env::var_os("RUST_TEST_THREADS").is_none() {
        let threads = 2 * std::thread::available_parallelism()?.get();
        tests.env("RUST_TEST_THREADS", threads.to_string());
    }
    run_command(tests)?;
    run("", "cargo test --package xtask")
}
