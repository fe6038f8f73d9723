//! `cargo xtask autobahn`: runs Autobahn's fuzzing client against an echo on the server's
//! transport, with 500 cases of RFC 6455.
//!
//! The suite requires Python 2.7, which few systems have. It is therefore not a step of `test`.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use anyhow::{Context as _, bail, ensure};
use lexopt::{Arg, ValueExt as _};
use serde_json::{Value, json};

use crate::step::{print_line, root, run_command};

/// The release of the suite.
const SUITE: &str = "autobahntestsuite==25.10.1";
/// Runs the suite from its folder. The folder must be a site directory, because zope is a namespace
/// package.
const PROGRAM: &str = "import os, site; site.addsitedir(os.environ['AUTOBAHN_SITE']); \
                       from autobahntestsuite import wstest; wstest.run()";
/// The test that serves the echo until it is killed.
const ECHO: &str = "upgrade::echo::serve";
/// The time limit for the start of the echo, including its compilation on a slow machine.
const PATIENCE: Duration = Duration::from_secs(1_200);

const USAGE: &str = "\
Usage: cargo xtask autobahn [CASE…]

Runs Autobahn's RFC 6455 cases, or only the named ones, such as 9.*; requires Python 2.7.";

/// Runs all cases, or the named ones (`9.*`).
///
/// # Errors
/// Fails if a case fails.
pub(crate) fn run(mut args: lexopt::Parser) -> anyhow::Result<()> {
    let mut cases = Vec::new();
    while let Some(arg) = args.next()? {
        match arg {
            Arg::Short('h') | Arg::Long("help") => return print_line(USAGE),
            Arg::Value(case) => cases.push(case.string()?),
            other @ (Arg::Short(_) | Arg::Long(_)) => return Err(other.unexpected().into()),
        }
    }
    let python = python()?;
    let folder = root()?.join("target/autobahn");
    fs::create_dir_all(&folder)?;
    let suite = install(&python, &folder)?;
    let address = free_address()?;
    let echo = Echo::start(address)?;
    let reports = folder.join("reports");
    if reports.exists() {
        fs::remove_dir_all(&reports)?;
    }
    let all = ["*".to_owned()];
    let spec = json!({
        "outdir": reports,
        "servers": [{ "agent": "vivaz", "url": format!("ws://{address}"), "options": { "version": 18 } }],
        "cases": if cases.is_empty() { &all } else { &*cases },
        "exclude-cases": [],
        "exclude-agent-cases": {},
    });
    let spec_file = folder.join("fuzzingclient.json");
    fs::write(&spec_file, spec.to_string())?;
    let mut client = Command::new(&python);
    client
        .args(["-c", PROGRAM, "-m", "fuzzingclient", "-s"])
        .arg(&spec_file)
        .env("AUTOBAHN_SITE", &suite)
        .current_dir(&folder)
        .stdout(Stdio::null());
    run_command(client)?;
    drop(echo);
    judge(&reports)
}

/// Finds Python 2.7: in `PYTHON27`, on the path, or in the folder of pyenv.
fn python() -> anyhow::Result<PathBuf> {
    let mut places: Vec<PathBuf> = env::var_os("PYTHON27").map(PathBuf::from).into_iter().collect();
    places.push("python2.7".into());
    if let Some(home) = env::var_os("HOME") {
        let versions = fs::read_dir(Path::new(&home).join(".pyenv/versions"));
        for version in versions.into_iter().flatten().flatten() {
            places.push(version.path().join("bin/python2.7"));
        }
    }
    let works = |place: &PathBuf| {
        let probe = Command::new(place)
            .args(["-m", "pip", "--version"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        probe.is_ok_and(|status| status.success())
    };
    places.into_iter().find(works).context(
        "Autobahn's suite requires Python 2.7 with pip; install it (`pyenv install 2.7.18`) or set PYTHON27 to its path",
    )
}

/// Installs the suite into a folder unless it is installed. Returns the folder.
fn install(python: &Path, folder: &Path) -> anyhow::Result<PathBuf> {
    let site = folder.join("site");
    if !site.join("autobahntestsuite").exists() {
        let mut pip = Command::new(python);
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target"])
            .arg(&site)
            .arg(SUITE);
        run_command(pip)?;
    }
    Ok(site)
}

fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

/// The process of the echo, which is killed when this value is dropped.
struct Echo(Child);

impl Echo {
    fn start(address: SocketAddr) -> anyhow::Result<Self> {
        let binary = test_binary()?;
        let child = Command::new(&binary)
            .args(["--ignored", "--exact", ECHO])
            .env("VIVAZ_ECHO", address.to_string())
            .stdout(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot run {}", binary.display()))?;
        let mut echo = Self(child);
        let started = Instant::now();
        while TcpStream::connect(address).is_err() {
            if let Some(status) = echo.0.try_wait()? {
                bail!("the echo exited with {status}");
            }
            ensure!(started.elapsed() < PATIENCE, "the echo does not accept connections");
            thread::sleep(Duration::from_millis(50));
        }
        Ok(echo)
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        if let Err(error) = self.0.kill().and_then(|()| self.0.wait().map(drop)) {
            eprintln!("cannot stop the echo: {error}");
        }
    }
}

/// Compiles the unit tests of the server, one of which is the echo. Returns the path of the test
/// program.
fn test_binary() -> anyhow::Result<PathBuf> {
    let mut cargo = Command::new("cargo");
    cargo
        .args(["test", "--package", "vivaz", "--lib", "--no-run", "--message-format", "json"])
        .current_dir(root()?)
        .stderr(Stdio::inherit());
    print_line("$ cargo test --package vivaz --lib --no-run")?;
    let output = cargo.output()?;
    ensure!(output.status.success(), "the echo does not compile");
    let messages = String::from_utf8(output.stdout)?;
    let binary =
        messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()).find_map(|message| {
            let is_it =
                message.pointer("/target/name")? == "vivaz" && message.pointer("/profile/test")? == true;
            is_it.then(|| message.get("executable")?.as_str().map(PathBuf::from)).flatten()
        });
    binary.context("cargo reports no test program of vivaz")
}

/// Counts the results of the cases. The server does not offer compression: its cases are reported
/// as not implemented, which is not a failure.
fn judge(reports: &Path) -> anyhow::Result<()> {
    let index: Value = serde_json::from_str(&fs::read_to_string(reports.join("index.json"))?)?;
    let cases = index.get("vivaz").and_then(Value::as_object).context("the report contains no results")?;
    let (mut passed, mut skipped, mut failed) = (0, 0, Vec::new());
    for (name, case) in cases {
        let word = |key| case.get(key).and_then(Value::as_str).unwrap_or("missing");
        match (word("behavior"), word("behaviorClose")) {
            ("OK" | "NON-STRICT" | "INFORMATIONAL", "OK" | "INFORMATIONAL") => passed += 1,
            ("UNIMPLEMENTED", _) => skipped += 1,
            (behaviour, close) => failed.push(format!("{name}: {behaviour}, close {close}")),
        }
    }
    print_line(&format!(
        "{passed} passed, {skipped} not implemented (compression), {} failed",
        failed.len()
    ))?;
    print_line(&format!("report: {}", reports.join("index.html").display()))?;
    ensure!(!cases.is_empty(), "the report contains no case");
    ensure!(failed.is_empty(), "failed:\n  {}", failed.join("\n  "));
    Ok(())
}
