//! Runs other programs and prints their command lines.

use std::collections::VecDeque;
use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, IsTerminal as _, Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow, bail};
use lexopt::ValueExt as _;

/// The number of last lines of a failed command that are repeated at the end.
const TAIL: usize = 60;

/// The error of a command that failed.
#[derive(Debug, thiserror::Error)]
#[error("{command} ended with {status}")]
pub(crate) struct Failed {
    command: String,
    status: ExitStatus,
    /// The last lines of its output; empty if the output went to a terminal.
    pub(crate) tail: Vec<String>,
}

/// The error of a program that has printed its own error text. Nothing more is printed.
#[derive(Debug, thiserror::Error)]
#[error("{0} failed")]
pub(crate) struct Reported(String);

/// Returns the root of the workspace.
pub(crate) fn root() -> anyhow::Result<PathBuf> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    Ok(manifest.parent().context("xtask is a folder of the workspace")?.to_owned())
}

/// Prints a line and flushes it.
pub(crate) fn print_line(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()?;
    Ok(())
}

/// Parses the value of an option as a number.
///
/// # Errors
/// Fails if the value is missing or not a number.
pub(crate) fn number<T: FromStr>(args: &mut lexopt::Parser, option: &str) -> anyhow::Result<T> {
    let value = args.value()?.string()?;
    value.parse().map_err(|_| anyhow!("{option} takes a number, not {value:?}"))
}

/// Whether an argument requests the usage text.
pub(crate) fn is_help(arg: &OsStr) -> bool {
    arg == "--help" || arg == "-h"
}

/// Creates a command from a line split at spaces, to run in a folder of the workspace.
pub(crate) fn command(folder: &str, line: &str) -> anyhow::Result<Command> {
    let mut words = line.split_whitespace();
    let program = words.next().context("the command line is empty")?;
    let mut command = Command::new(program);
    command.args(words).current_dir(root()?.join(folder));
    Ok(command)
}

/// Prints a command line and runs it.
///
/// # Errors
/// Returns [`Failed`] if the command fails.
pub(crate) fn run(folder: &str, line: &str) -> anyhow::Result<()> {
    run_command(command(folder, line)?)
}

/// Prints and runs a command. Like [`run`].
pub(crate) fn run_command(mut command: Command) -> anyhow::Result<()> {
    print_line(&format!("$ {}", command_line(&command)))?;
    let done = if std::io::stdout().is_terminal() {
        command.status().map(|status| (status, Vec::new()))
    } else {
        status_and_tail(&mut command)
    };
    let (status, tail) = done.with_context(|| format!("cannot run {}", command_line(&command)))?;
    if !status.success() {
        return Err(Failed { command: command_line(&command), status, tail }.into());
    }
    Ok(())
}

/// Runs a command that prints its own errors.
///
/// # Errors
/// Returns [`Reported`] if the command fails.
pub(crate) fn forward(mut command: Command) -> anyhow::Result<()> {
    let line = command_line(&command);
    print_line(&format!("$ {line}"))?;
    let status = command.status().with_context(|| format!("cannot run {line}"))?;
    if !status.success() {
        return Err(Reported(line).into());
    }
    Ok(())
}

/// Runs a command, forwards its output, and keeps the last lines.
fn status_and_tail(command: &mut Command) -> std::io::Result<(ExitStatus, Vec<String>)> {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let kept = Arc::new(Mutex::new(VecDeque::new()));
    let pass_on = |from: Option<Box<dyn Read + Send>>, to: fn(&[u8])| {
        let kept = Arc::clone(&kept);
        thread::spawn(move || {
            let Some(from) = from else { return };
            // Not every program writes UTF-8 only.
            for line in BufReader::new(from).split(b'\n').map_while(Result::ok) {
                to(&line);
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                if kept.len() == TAIL {
                    kept.pop_front();
                }
                kept.push_back(String::from_utf8_lossy(&line).into_owned());
            }
        })
    };
    let out = child.stdout.take().map(|out| Box::new(out) as Box<dyn Read + Send>);
    let err = child.stderr.take().map(|err| Box::new(err) as Box<dyn Read + Send>);
    let readers = [
        pass_on(out, |line| write_line(&mut std::io::stdout().lock(), line)),
        pass_on(err, |line| write_line(&mut std::io::stderr().lock(), line)),
    ];
    let status = child.wait()?;
    // A background process of the command may keep the pipes open without end.
    let until = Instant::now() + Duration::from_secs(5);
    while !readers.iter().all(JoinHandle::is_finished) && Instant::now() < until {
        thread::sleep(Duration::from_millis(10));
    }
    let tail = std::mem::take(&mut *kept.lock().unwrap_or_else(PoisonError::into_inner));
    Ok((status, tail.into()))
}

/// Writes a line. Errors are ignored: the command continues without a reader of its output.
fn write_line(to: &mut dyn std::io::Write, line: &[u8]) {
    let _ = to.write_all(line).and_then(|()| to.write_all(b"\n"));
}

/// Runs a command and returns its output.
///
/// # Errors
/// Fails if the command fails or its output is not UTF-8.
pub(crate) fn output(folder: &str, line: &str) -> anyhow::Result<String> {
    let mut command = command(folder, line)?;
    let output = command.stderr(Stdio::inherit()).output().with_context(|| format!("cannot run {line}"))?;
    if !output.status.success() {
        bail!("{line} ended with {}", output.status);
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// Whether a command can be run and succeeds. Its output is dropped.
pub(crate) fn succeeds(line: &str) -> bool {
    let Ok(mut command) = command("", line) else { return false };
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|s| s.success())
}

/// Returns the command line, with the environment variables that the command sets.
pub(crate) fn command_line(command: &Command) -> String {
    let mut line = String::new();
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            line.push_str(&format!("{}={} ", name.to_string_lossy(), value.to_string_lossy()));
        }
    }
    line.push_str(&command.get_program().to_string_lossy());
    for arg in command.get_args() {
        line.push(' ');
        line.push_str(&arg.to_string_lossy());
    }
    line
}
