//! `cargo xtask test`: runs all checks, the cheapest first.

use std::time::{Duration, Instant};

use anyhow::{bail, ensure};
use lexopt::Arg::{Long, Short, Value};
use lexopt::ValueExt as _;

use crate::deny;
use crate::step::{Failed, command, print_line, run, run_command};
use crate::{structure, tools};

mod browser;

struct Step {
    name: &'static str,
    about: &'static str,
    run: fn() -> anyhow::Result<()>,
}

const STEPS: &[Step] = &[
    Step { name: "tools", about: "the tools of the other steps are installed", run: tools::install },
    Step { name: "format", about: "the source is formatted by rustfmt", run: format },
    Step { name: "rules", about: "the source follows the rules of structure", run: structure::check },
    Step { name: "deny", about: "dependencies have allowed licences and sources", run: deny::check },
    Step { name: "lints", about: "clippy has no warnings", run: lints },
    Step { name: "docs", about: "the documentation builds without warnings", run: docs },
    Step { name: "tests", about: "unit, integration, documentation and compile-fail tests", run: tests },
    Step {
        name: "client",
        about: "the browser client in the repository is current and builds, and its JavaScript has no type errors",
        run: browser::client,
    },
    Step {
        name: "browser",
        about: "browser tests of the demo in Chromium, with the client that was just built",
        run: browser::pages,
    },
    Step {
        name: "engines",
        about: "engine-dependent browser tests in Firefox and WebKitGTK",
        run: browser::engines,
    },
];

/// The selection of packages and features. All steps use the same one, so that cargo compiles each
/// dependency once. The features are those that applications may enable and no crate of the
/// workspace does. `cargo xtask` compiles `xtask` alone, with fewer features of its dependencies;
/// the steps keep that selection.
const WORKSPACE: &str = "--workspace --exclude xtask --features vivaz/jwt,vivaz/garde";

/// Runs all steps, or the named ones, and prints the result of each.
pub(crate) fn run_steps(mut args: lexopt::Parser) -> anyhow::Result<()> {
    let mut names = Vec::new();
    while let Some(arg) = args.next()? {
        match arg {
            Value(name) if name == "list" => return list(),
            Value(name) => names.push(name.string()?),
            Short('h') | Long("help") => {
                print_line("Usage: cargo xtask test [STEP…]\n\nRuns all steps, or the named ones:\n")?;
                return list();
            }
            other @ (Short(_) | Long(_)) => return Err(other.unexpected().into()),
        }
    }
    if let Some(unknown) = names.iter().find(|name| STEPS.iter().all(|step| step.name != **name)) {
        bail!("unknown step {unknown:?}; `cargo xtask test list` lists the steps");
    }
    let chosen: Vec<_> =
        STEPS.iter().filter(|step| names.is_empty() || names.iter().any(|n| n == step.name)).collect();

    let mut done: Vec<(&Step, Duration, anyhow::Result<()>)> = Vec::new();
    for step in &chosen {
        print_line(&format!("\n== {}: {}", step.name, step.about))?;
        let begun = Instant::now();
        let result = (step.run)();
        if let Err(error) = &result {
            print_line(&format!("!! {}: {error:#}", step.name))?;
        }
        // Without the tools the results of later steps would be meaningless.
        let stop = result.is_err() && step.name == "tools";
        done.push((step, begun.elapsed(), result));
        if stop {
            break;
        }
    }

    // Errors are repeated at the end, because the whole output is long.
    for (step, _, result) in &done {
        let Err(error) = result else { continue };
        print_line(&format!("\n== {} failed: {error:#}", step.name))?;
        let tail = error.downcast_ref::<Failed>().map(|failed| &failed.tail);
        tail.into_iter().flatten().try_for_each(|line| print_line(line))?;
    }
    print_line("")?;
    for (step, took, result) in &done {
        let word = if result.is_ok() { "ok" } else { "FAILED" };
        print_line(&format!("{:8} {word:6} {:>4} s  {}", step.name, took.as_secs(), step.about))?;
    }
    let failed: Vec<_> =
        done.iter().filter(|(.., result)| result.is_err()).map(|(step, ..)| step.name).collect();
    ensure!(failed.is_empty(), "failed: {}", failed.join(", "));
    print_line(&format!("\nAll {} steps passed.", done.len()))
}

fn list() -> anyhow::Result<()> {
    STEPS.iter().try_for_each(|step| print_line(&format!("{:8} {}", step.name, step.about)))
}

fn format() -> anyhow::Result<()> {
    run("", "cargo fmt --all --check")
}

fn lints() -> anyhow::Result<()> {
    run("", &format!("cargo clippy {WORKSPACE} --all-targets -- -D warnings"))?;
    run("", "cargo clippy --package xtask --all-targets -- -D warnings")?;
    // With the default features: the other crates together enable more.
    run("", "cargo clippy --package vivaz -- -D warnings")?;
    run(
        "",
        "cargo clippy --package vivaz-client --all-targets --target wasm32-unknown-unknown -- -D warnings",
    )
}

fn docs() -> anyhow::Result<()> {
    // The examples give dependencies the features that the lints have used.
    let bins = "--bin bench --bin demo --bin desk --bin e2e-app --bin e2e-next";
    document(&format!("{WORKSPACE} --lib {bins} --examples"))?;
    document("--package xtask")
}

fn document(selection: &str) -> anyhow::Result<()> {
    let mut doc = command("", &format!("cargo doc {selection} --no-deps --document-private-items"))?;
    // The overview of a crate may link to private modules: these pages are for its developers.
    doc.env("RUSTDOCFLAGS", "-D warnings -A rustdoc::private_intra_doc_links");
    run_command(doc)
}

fn tests() -> anyhow::Result<()> {
    // Two tests for each core, because many wait for a process, a socket or a clock.
    let mut tests = command("", &format!("cargo test {WORKSPACE}"))?;
    if std::env::var_os("RUST_TEST_THREADS").is_none() {
        let threads = 2 * std::thread::available_parallelism()?.get();
        tests.env("RUST_TEST_THREADS", threads.to_string());
    }
    run_command(tests)?;
    run("", "cargo test --package xtask")
}
