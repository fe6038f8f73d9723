//! Running other programs, and saying so.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail, ensure};

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
    let status = command.status().with_context(|| format!("cannot run {}", command_line(&command)))?;
    ensure!(status.success(), "{} ended with {status}", command_line(&command));
    Ok(())
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
