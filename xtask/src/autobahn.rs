//! Autobahn's fuzzing client against an echo on the server's transport: five hundred cases of RFC
//! 6455.
//!
//! The suite is a program for Python 2.7, which few systems still have; so it is no step of `test`.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use anyhow::{Context as _, bail, ensure};
use serde_json::{Value, json};

use crate::step::{root, run_command, say};

/// The release that the cases are of.
const SUITE: &str = "autobahntestsuite==25.10.1";
/// Runs it from the folder where it is installed, which has to be a site: zope is a package in
/// pieces.
const PROGRAM: &str = "import os, site; site.addsitedir(os.environ['AUTOBAHN_SITE']); \
                       from autobahntestsuite import wstest; wstest.run()";
/// The test that serves until it is ended.
const ECHO: &str = "upgrade::echo::serve";
/// Long enough to compile it on a slow machine.
const PATIENCE: Duration = Duration::from_secs(1_200);

/// Runs all cases, or those named (`9.*`), and fails if one of them fails.
pub(crate) fn run(cases: &[String]) -> anyhow::Result<()> {
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
        "cases": if cases.is_empty() { &all } else { cases },
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

/// Where Python 2.7 is: on the path, or where pyenv puts it.
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
        "Autobahn's suite needs Python 2.7 with pip: install it (`pyenv install 2.7.18`), or name it in PYTHON27",
    )
}

/// Installs the suite into a folder of its own, once.
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

/// The echo, until it is dropped.
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
                bail!("the echo ended with {status}");
            }
            ensure!(started.elapsed() < PATIENCE, "the echo does not answer");
            thread::sleep(Duration::from_millis(50));
        }
        Ok(echo)
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        if let Err(error) = self.0.kill().and_then(|()| self.0.wait().map(drop)) {
            eprintln!("the echo may still run: {error}");
        }
    }
}

/// Compiles the server's own tests, one of which is the echo, and says where they are.
fn test_binary() -> anyhow::Result<PathBuf> {
    let mut cargo = Command::new("cargo");
    cargo
        .args(["test", "--package", "vivaz", "--lib", "--no-run", "--message-format", "json"])
        .current_dir(root()?)
        .stderr(Stdio::inherit());
    say("$ cargo test --package vivaz --lib --no-run")?;
    let output = cargo.output()?;
    ensure!(output.status.success(), "the echo does not compile");
    let messages = String::from_utf8(output.stdout)?;
    let binary =
        messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()).find_map(|message| {
            let is_it =
                message.pointer("/target/name")? == "vivaz" && message.pointer("/profile/test")? == true;
            is_it.then(|| message.get("executable")?.as_str().map(PathBuf::from)).flatten()
        });
    binary.context("cargo names no test binary of vivaz")
}

/// Counts what came of the cases. Compression is not offered, so its cases are not implemented;
/// that is no failure.
fn judge(reports: &Path) -> anyhow::Result<()> {
    let index: Value = serde_json::from_str(&fs::read_to_string(reports.join("index.json"))?)?;
    let cases = index.get("vivaz").and_then(Value::as_object).context("the report has no results")?;
    let (mut passed, mut skipped, mut failed) = (0, 0, Vec::new());
    for (name, case) in cases {
        let word = |key| case.get(key).and_then(Value::as_str).unwrap_or("missing");
        match (word("behavior"), word("behaviorClose")) {
            ("OK" | "NON-STRICT" | "INFORMATIONAL", "OK" | "INFORMATIONAL") => passed += 1,
            ("UNIMPLEMENTED", _) => skipped += 1,
            (behaviour, close) => failed.push(format!("{name}: {behaviour}, close {close}")),
        }
    }
    say(&format!("{passed} passed, {skipped} not implemented (compression), {} failed", failed.len()))?;
    say(&format!("report: {}", reports.join("index.html").display()))?;
    ensure!(!cases.is_empty(), "no case was run");
    ensure!(failed.is_empty(), "failed:\n  {}", failed.join("\n  "));
    Ok(())
}
