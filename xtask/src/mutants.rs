//! `cargo xtask mutants`: checks with cargo-mutants that the tests notice wrong code.
//!
//! cargo-mutants changes one expression or function at a time (a mutant), builds, and runs the
//! tests of the area. A mutant that builds is viable. A viable mutant with which all tests pass is
//! missed: either a test is missing, or the code does nothing, or the change makes no difference.
//! Misses of the third kind are listed in `xtask/mutants.toml`.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, bail, ensure};
use lexopt::Arg::{Long, Short, Value};
use lexopt::ValueExt as _;

use crate::step::{command_line, print_line, root};
use crate::tools;

mod accepted;
mod areas;
mod outcome;

use accepted::Accepted;
use areas::{AREAS, Area};
use outcome::{Mutant, Tally};

/// The highest share of viable mutants that an area may miss, in percent.
const MISSED_PERCENT: usize = 5;

const USAGE: &str = "\
Usage: cargo xtask mutants [AREA…] [--shard K/N]

  --shard K/N  tests every N-th mutant of each area, starting with the K-th; K counts from 0

Fails if more than 5 % of an area's viable mutants are missed, if a missed one is not listed in
xtask/mutants.toml, or if that file lists a mutant that does not exist any more.
The logs of each mutant stay in target/mutants until the next run. Areas:";

/// Tests the mutants of the named areas, or of all.
pub(crate) fn run(mut args: lexopt::Parser) -> anyhow::Result<()> {
    let mut shard = None;
    let mut chosen: Vec<&Area> = Vec::new();
    while let Some(arg) = args.next()? {
        match arg {
            Long("shard") => shard = Some(args.value()?.string()?),
            Short('h') | Long("help") => {
                print_line(USAGE)?;
                return AREAS
                    .iter()
                    .try_for_each(|area| print_line(&format!("  {:10} {}", area.name, area.about)));
            }
            Value(name) => match AREAS.iter().find(|area| name == area.name) {
                Some(area) => chosen.push(area),
                None => bail!("unknown area {name:?}; `cargo xtask mutants --help` lists the areas"),
            },
            other @ (Short(_) | Long(_)) => return Err(other.unexpected().into()),
        }
    }
    let shard = shard.as_deref();
    if chosen.is_empty() {
        chosen.extend(AREAS);
    }
    let cargo_mutants = CargoMutants::new()?;
    let all = cargo_mutants.list()?;
    let accepted = Accepted::load()?;
    accepted.check(&all)?;

    let mut tallies = Vec::new();
    for area in chosen {
        print_line(&format!("\n== {}: {}", area.name, area.about))?;
        tallies.push((area, cargo_mutants.test(area, shard, &all)?));
    }
    report(&tallies, shard, &accepted)
}

/// The installed cargo-mutants and the root of the workspace.
struct CargoMutants {
    program: std::path::PathBuf,
    root: std::path::PathBuf,
}

impl CargoMutants {
    fn new() -> anyhow::Result<Self> {
        Ok(Self { program: tools::cargo_mutants()?, root: root()? })
    }

    /// Lists the mutants of all areas.
    fn list(&self) -> anyhow::Result<Vec<Mutant>> {
        let mut command = self.command();
        command.args(["--workspace", "--list", "--json"]);
        for area in AREAS {
            area.add_files(&mut command);
        }
        let output = command.output().context("cargo-mutants did not start")?;
        ensure!(
            output.status.success(),
            "cargo-mutants --list failed:\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
        outcome::parse_list(&output.stdout, &self.root)
    }

    /// Tests the mutants of an area, or a part of them.
    fn test(&self, area: &Area, shard: Option<&str>, all: &[Mutant]) -> anyhow::Result<Tally> {
        let folder = self.root.join("target/mutants").join(area.name);
        if folder.exists() {
            std::fs::remove_dir_all(&folder)?;
        }
        std::fs::create_dir_all(&folder)?;
        let mut command = self.command();
        command.args(["--package", area.package, "--timeout", &area.timeout.to_string(), "--jobs", "1"]);
        command.arg("--output").arg(&folder);
        if let Some(shard) = shard {
            command.args(["--shard", shard, "--sharding", "round-robin"]);
        }
        area.add_files(&mut command);
        area.add_tests(&mut command);
        // One folder for all builds: cargo-mutants copies the source and would build every
        // dependency in each copy.
        command.env("CARGO_TARGET_DIR", self.root.join("target/mutants/build"));
        command.env("CARGO_PROFILE_DEV_DEBUG", "false");
        print_line(&format!("$ {}", command_line(&command)))?;
        let status = command.status().context("cargo-mutants did not start")?;
        // 2: a mutant was missed; 3: a mutant timed out.
        ensure!(
            matches!(status.code(), Some(0 | 2 | 3)),
            "cargo-mutants ended with {status}; the logs are in {}",
            folder.display()
        );
        let outcomes = std::fs::read(folder.join("mutants.out/outcomes.json"))?;
        outcome::parse_outcomes(&outcomes, all)
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(["mutants", "--no-config", "--colors", "never"]).arg("--dir").arg(&self.root);
        command.current_dir(&self.root);
        command
    }
}

/// Prints the tallies.
///
/// # Errors
/// Fails if an area misses too many mutants, or one that is not accepted.
fn report(tallies: &[(&Area, Tally)], shard: Option<&str>, accepted: &Accepted) -> anyhow::Result<()> {
    let mut wrong = Vec::new();
    for (area, tally) in tallies {
        for mutant in &tally.missed {
            match accepted.reason(mutant) {
                Some(reason) => print_line(&format!("accepted: {}\n          {reason}", mutant.name))?,
                None => wrong.push(format!("no test of `{}` notices {}", area.name, mutant.name)),
            }
        }
        for mutant in tally.caught.iter().filter(|mutant| accepted.reason(mutant).is_some()) {
            print_line(&format!("caught although it is listed as missed: {}", mutant.name))?;
        }
        if tally.missed.len() * 100 > tally.viable() * MISSED_PERCENT {
            wrong.push(format!("`{}` misses more than {MISSED_PERCENT} % of its mutants", area.name));
        }
    }
    print_line(&format!("\n{:10} viable  caught  timed out  missed  noticed", "area"))?;
    for (area, tally) in tallies {
        print_line(&format!(
            "{:10} {:>6}  {:>6}  {:>9}  {:>6}  {:>5.1} %",
            area.name,
            tally.viable(),
            tally.caught.len(),
            tally.timed_out,
            tally.missed.len(),
            tally.noticed_percent(),
        ))?;
    }
    if let Some(shard) = shard {
        print_line(&format!("Only part {shard} of each area was tested."))?;
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

/// Returns the trimmed text of a line of a file; lines count from 1.
fn source_line(path: &Path, line: usize) -> anyhow::Result<String> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let line = line.checked_sub(1).and_then(|at| text.lines().nth(at));
    Ok(line.with_context(|| format!("{} has too few lines", path.display()))?.trim().to_owned())
}
