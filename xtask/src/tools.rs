//! Programs that the commands need beside Rust itself: installed where that can be done, else named.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use crate::deny;
use crate::step::{output, root, run, say, succeeds};

/// One thing that has to be there.
struct Tool {
    name: &'static str,
    why: &'static str,
    is_there: fn() -> anyhow::Result<bool>,
    /// `None` where it cannot be installed on this system.
    install: fn() -> anyhow::Result<Option<()>>,
    by_hand: &'static str,
}

const TOOLS: &[Tool] = &[
    Tool {
        name: "the wasm32 target",
        why: "the client runs in the browser",
        is_there: || Ok(rustup_has("target list --installed", "wasm32-unknown-unknown")),
        install: || rustup("rustup target add wasm32-unknown-unknown"),
        by_hand: "install Rust's standard library for wasm32-unknown-unknown",
    },
    Tool {
        name: "Rust's own source",
        why: "the client is built with a standard library made for size",
        is_there: || Ok(sysroot()?.join("lib/rustlib/src/rust/library/Cargo.lock").exists()),
        install: || rustup("rustup component add rust-src"),
        by_hand: "install the component rust-src",
    },
    Tool {
        name: "rustfmt and clippy",
        why: "the source is formatted and free of warnings",
        is_there: || Ok(succeeds("cargo fmt --version") && succeeds("cargo clippy --version")),
        install: || rustup("rustup component add rustfmt clippy"),
        by_hand: "install the components rustfmt and clippy",
    },
    Tool {
        name: "a C compiler",
        why: "SQLite is compiled into the demo",
        is_there: || Ok(succeeds("cc --version")),
        install: || apt("build-essential"),
        by_hand: "install a C compiler that is called cc",
    },
    Tool {
        name: "curl",
        why: "the commands in the README are run",
        is_there: || Ok(succeeds("curl --version")),
        install: || apt("curl"),
        by_hand: "install curl",
    },
    Tool {
        name: "Chromium",
        why: "the pages are driven in a real browser",
        is_there: || Ok(chromium().exists()),
        install: || apt("chromium"),
        by_hand: "install Chromium and name it in the variable CHROMIUM",
    },
    Tool {
        name: "chromedriver",
        why: "the client's own tests run in that browser",
        is_there: || Ok(succeeds("chromedriver --version")),
        install: || apt("chromium-driver"),
        by_hand: "install the chromedriver of the same version as Chromium",
    },
    Tool {
        name: "Node.js with npm",
        why: "Playwright and wasm-opt come from npm",
        is_there: || Ok(succeeds("node --version") && succeeds("npm --version")),
        install: || apt("nodejs npm"),
        by_hand: "install Node.js 20 or newer, with npm",
    },
    Tool {
        name: "cargo-deny",
        why: "licences and sources of dependencies are checked",
        is_there: || Ok(deny::program()?.exists()),
        install: || deny::install().map(Some),
        by_hand: "install cargo-deny of the version in xtask/src/deny.rs into target/tools",
    },
    Tool {
        name: "wasm-bindgen-test-runner",
        why: "it brings the client's own tests into the browser",
        is_there: || Ok(test_runner()?.exists()),
        install: install_test_runner,
        by_hand: "install wasm-bindgen-cli of the version in Cargo.lock into target/tools",
    },
];

const CARGO_MUTANTS: Tool = Tool {
    name: "cargo-mutants",
    why: "it makes the changes that a test must notice",
    is_there: || Ok(cargo_mutants_path()?.exists()),
    install: install_cargo_mutants,
    by_hand: "install cargo-mutants of the version in xtask/src/tools.rs into target/tools",
};

/// The version that `cargo xtask mutants` reads the results of.
const CARGO_MUTANTS_VERSION: &str = "27.1.0";

/// Installs what the steps of the check need, and fails with a list if something is missing still.
pub(crate) fn install() -> anyhow::Result<()> {
    provide(TOOLS)?;
    // Exactly what the lockfile says; `ci` also removes what it does not say.
    run("e2e", "npm ci --no-audit --no-fund")
}

/// Installs those tools that are missing.
///
/// # Errors
/// If a tool could not be installed; the message lists all of these and how to install them.
fn provide(tools: &[Tool]) -> anyhow::Result<()> {
    let mut missing = Vec::new();
    for tool in tools {
        if (tool.is_there)()? {
            say(&format!("{} is there", tool.name))?;
            continue;
        }
        say(&format!("{} is missing ({}): installing it", tool.name, tool.why))?;
        match (tool.install)() {
            Ok(Some(())) if (tool.is_there)()? => {}
            Ok(_) => missing.push(format!("- {}: {}", tool.name, tool.by_hand)),
            Err(error) => missing.push(format!("- {}: {} ({error:#})", tool.name, tool.by_hand)),
        }
    }
    if !missing.is_empty() {
        bail!("this is missing and could not be installed here:\n{}", missing.join("\n"));
    }
    Ok(())
}

/// Installs cargo-mutants if it is missing. Returns the path of its program.
pub(crate) fn cargo_mutants() -> anyhow::Result<PathBuf> {
    provide(&[CARGO_MUTANTS])?;
    cargo_mutants_path()
}

fn cargo_mutants_path() -> anyhow::Result<PathBuf> {
    Ok(root()?.join(format!("target/tools/cargo-mutants-{CARGO_MUTANTS_VERSION}/bin/cargo-mutants")))
}

fn install_cargo_mutants() -> anyhow::Result<Option<()>> {
    // `--debug`: builds and tests of the mutants take nearly all of the time, not this program.
    run(
        "",
        &format!(
            "cargo install cargo-mutants --version ={CARGO_MUTANTS_VERSION} --locked --debug --root target/tools/cargo-mutants-{CARGO_MUTANTS_VERSION}"
        ),
    )?;
    Ok(Some(()))
}

/// The browser that the tests use.
pub(crate) fn chromium() -> PathBuf {
    std::env::var_os("CHROMIUM").map_or_else(|| PathBuf::from("/usr/bin/chromium"), PathBuf::from)
}

/// Where the runner of the client's tests is, in the version that belongs to the locked wasm-bindgen.
pub(crate) fn test_runner() -> anyhow::Result<PathBuf> {
    let version = wasm_bindgen_version()?;
    Ok(root()?.join(format!("target/tools/wasm-bindgen-{version}/bin/wasm-bindgen-test-runner")))
}

fn install_test_runner() -> anyhow::Result<Option<()>> {
    let version = wasm_bindgen_version()?;
    // Not `--locked`: its lockfile may name versions that a mirror does not have yet, and only tests run with it.
    // `--debug`: it is compiled several times as fast, and its own speed does not matter.
    run(
        "",
        &format!(
            "cargo install wasm-bindgen-cli --version ={version} --debug --bin wasm-bindgen-test-runner --root target/tools/wasm-bindgen-{version}"
        ),
    )?;
    Ok(Some(()))
}

fn wasm_bindgen_version() -> anyhow::Result<String> {
    let lock = std::fs::read_to_string(root()?.join("Cargo.lock"))?;
    let package = lock.split("[[package]]").find(|package| package.contains("name = \"wasm-bindgen\"\n"));
    let version = package.and_then(|package| package.split("version = \"").nth(1)?.split('"').next());
    Ok(version.context("Cargo.lock has no wasm-bindgen")?.to_owned())
}

fn sysroot() -> anyhow::Result<PathBuf> {
    Ok(PathBuf::from(output("", "rustc --print sysroot")?.trim()))
}

fn rustup_has(list: &str, item: &str) -> bool {
    output("", &format!("rustup {list}")).is_ok_and(|all| all.lines().any(|line| line == item))
}

fn rustup(line: &str) -> anyhow::Result<Option<()>> {
    if !succeeds("rustup --version") {
        return Ok(None);
    }
    run("", line)?;
    Ok(Some(()))
}

/// With apt, as root or by sudo; nothing is tried on other systems.
fn apt(packages: &str) -> anyhow::Result<Option<()>> {
    if !Path::new("/usr/bin/apt-get").exists() {
        return Ok(None);
    }
    let is_root = output("", "id -u")?.trim() == "0";
    let sudo = if is_root { "" } else { "sudo " };
    run("", &format!("{sudo}apt-get update -qq"))?;
    run("", &format!("{sudo}apt-get install -y -qq {packages}"))?;
    Ok(Some(()))
}
