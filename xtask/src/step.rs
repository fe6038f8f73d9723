//! Running other programs, and saying so.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, IsTerminal as _, Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

/// So many of the last lines of a command that failed are said once more at the end.
const TAIL: usize = 60;

/// A command that failed.
#[derive(Debug, thiserror::Error)]
#[error("{command} ended with {status}")]
pub(crate) struct Failed {
    command: String,
    status: ExitStatus,
    /// The last lines that it wrote; none where they went to a terminal.
    pub(crate) tail: Vec<String>,
}

/// The root of the workspace.
pub(crate) fn root() -> anyhow::Result<PathBuf> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    Ok(manifest.parent().context("xtask stands in the workspace")?.to_owned())
}

/// A line for whoever watches.
pub(crate) fn say(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()?;
    Ok(())
}

/// A command line, split at spaces, to run in a folder of the workspace.
pub(crate) fn command(folder: &str, line: &str) -> anyhow::Result<Command> {
    let mut words = line.split_whitespace();
    let program = words.next().context("an empty command")?;
    let mut command = Command::new(program);
    command.args(words).current_dir(root()?.join(folder));
    Ok(command)
}

/// Shows a command line, runs it, and fails if it fails.
pub(crate) fn run(folder: &str, line: &str) -> anyhow::Result<()> {
    run_command(command(folder, line)?)
}

/// The same for a command that needs more than words.
pub(crate) fn run_command(mut command: Command) -> anyhow::Result<()> {
    say(&format!("$ {}", command_line(&command)))?;
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

/// Runs a command, passes on what it writes, and keeps the last lines of that.
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
    // A process that the command has left behind may hold the pipes open for ever.
    let until = Instant::now() + Duration::from_secs(5);
    while !readers.iter().all(JoinHandle::is_finished) && Instant::now() < until {
        thread::sleep(Duration::from_millis(10));
    }
    let tail = std::mem::take(&mut *kept.lock().unwrap_or_else(PoisonError::into_inner));
    Ok((status, tail.into()))
}

/// A reader that is gone is no reason to end the command.
fn write_line(to: &mut dyn std::io::Write, line: &[u8]) {
    let _ = to.write_all(line).and_then(|()| to.write_all(b"\n"));
}

/// What a command prints; fails if it fails.
pub(crate) fn output(folder: &str, line: &str) -> anyhow::Result<String> {
    let mut command = command(folder, line)?;
    let output = command.stderr(Stdio::inherit()).output().with_context(|| format!("cannot run {line}"))?;
    if !output.status.success() {
        bail!("{line} ended with {}", output.status);
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// Whether a command can be run and succeeds; what it prints is not shown.
pub(crate) fn succeeds(line: &str) -> bool {
    let Ok(mut command) = command("", line) else { return false };
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|s| s.success())
}

/// Returns the command as it would be typed, with the variables it sets.
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
