//! `cargo xtask fuzz`: fuzzes each parser of external input for a limited time.
//!
//! The targets have the layout of cargo-fuzz, which can run them too. This command requires neither
//! cargo-fuzz nor a nightly compiler: coverage comes from flags of the stable one. The targets
//! detect panics and failed assertions. The address sanitizer is not used, because the code forbids
//! `unsafe`.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail, ensure};
use lexopt::Arg::{Long, Short, Value};

use crate::step::{number, output, print_line, root, run_command};

/// A fuzz target and the source of its first inputs.
struct Target {
    name: &'static str,
    about: &'static str,
    /// Names of the dictionaries in `fuzz/dictionaries`.
    dictionary: Option<&'static str>,
    seeds: fn(&Path) -> anyhow::Result<Vec<String>>,
}

const TARGETS: &[Target] = &[
    Target {
        name: "client_message",
        about: "the server's parser of messages",
        dictionary: Some("messages"),
        seeds: |root| both_forms(root, "client"),
    },
    Target {
        name: "server_message",
        about: "a client's parser of messages, and the page's parser of JSON",
        dictionary: Some("messages"),
        seeds: |root| both_forms(root, "server"),
    },
    Target {
        name: "patch",
        about: "patches: created, parsed and applied by the server and by the page",
        dictionary: Some("patches"),
        seeds: |_| Ok(PATCHES.iter().map(|&text| text.to_owned()).collect()),
    },
    Target {
        name: "template",
        about: "the template compiler and the renderer",
        dictionary: Some("templates"),
        seeds: |root| templates(root, Part::Source),
    },
    Target {
        name: "compiled",
        about: "the page's parser of compiled templates",
        dictionary: None,
        seeds: |root| templates(root, Part::Compiled),
    },
    Target { name: "seal", about: "sealed state", dictionary: None, seeds: |_| Ok(vec!["{}".repeat(20)]) },
];

/// Inputs of the target `patch`: two states and an independent patch each.
const PATCHES: &[&str] = &[
    "{\"a\":1,\"l\":[{\"id\":1,\"t\":\"x\"},{\"id\":\"b\"},{\"id\":3}]}\n{\"a\":2,\"l\":[{\"id\":3},{\"id\":1,\"t\":\"y\"},{\"id\":4}]}\n{\"l\":{\"$list\":[[\"-\",1],[\"+\",0,{\"id\":5}],[\">\",5,1],[\"~\",\"b\",{\"t\":1}],[\"=\",[5,\"b\",3]]]}}",
    "{\"a\":{\"$list\":1},\"b\":null}\n{\"a\":{\"$value\":{}},\"b\":[1.5,\"é\"],\"c\":{}}\n{\"a\":{\"$value\":{\"$list\":[]}}}",
    "{\"l\":[{\"id\":1,\"m\":[{\"id\":1},{\"id\":2}]}]}\n{\"l\":[{\"id\":1,\"m\":[{\"id\":2},{\"id\":1}]}]}\n{\"l\":{\"$list\":[[\"~\",1,{\"m\":{\"$list\":[[\"-\",2]]}}]]}}",
];

const USAGE: &str = "\
Usage: cargo xtask fuzz [TARGET…] [--seconds N] [--keep]

  --seconds N  the time for each target (60); 0 only runs the saved inputs
  --keep       saves inputs that reach new code in fuzz/corpus; without it they stay in fuzz/work, which is not
               part of the repository

An input that fails is written to fuzz/artifacts. The targets are:";

/// Builds the targets and runs the named ones, or all.
pub(crate) fn run(mut args: lexopt::Parser) -> anyhow::Result<()> {
    let mut seconds = 60_u64;
    let mut keep = false;
    let mut chosen = Vec::new();
    while let Some(arg) = args.next()? {
        match arg {
            Long("seconds") => seconds = number(&mut args, "--seconds")?,
            Long("keep") => keep = true,
            Short('h') | Long("help") => {
                print_line(USAGE)?;
                return TARGETS
                    .iter()
                    .try_for_each(|target| print_line(&format!("  {:15} {}", target.name, target.about)));
            }
            Value(name) => match TARGETS.iter().find(|target| name == target.name) {
                Some(target) => chosen.push(target),
                None => bail!("unknown target {name:?}; `cargo xtask fuzz --help` lists the targets"),
            },
            other @ (Short(_) | Long(_)) => return Err(other.unexpected().into()),
        }
    }
    if chosen.is_empty() {
        chosen.extend(TARGETS);
    }
    let folder = root()?.join("fuzz");
    let programs = build(&folder)?;
    for target in chosen {
        let program = programs.join(target.name);
        fuzz(&folder, target, &program, seconds)?;
        if keep {
            keep_corpus(&folder, target, &program)?;
        }
    }
    print_line("No target failed.")
}

/// Builds all targets with coverage. Returns the folder of their programs.
fn build(folder: &Path) -> anyhow::Result<PathBuf> {
    const COVERAGE: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
        -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
        -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1";
    let version = output("", "rustc -vV")?;
    let host = version
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .context("rustc does not print its host")?;
    let mut build = Command::new("cargo");
    // With an explicit target the flags do not apply to build scripts and macros, which run on the
    // host.
    build
        .args(["build", "--release", "--bins", "--target", host])
        .current_dir(folder)
        .env("RUSTFLAGS", COVERAGE);
    run_command(build)?;
    Ok(folder.join("target").join(host).join("release"))
}

fn fuzz(folder: &Path, target: &Target, program: &Path, seconds: u64) -> anyhow::Result<()> {
    let [work, artifacts] = ["work", "artifacts"].map(|name| folder.join(name).join(target.name));
    for path in [&work, &artifacts] {
        std::fs::create_dir_all(path)?;
    }
    let seeds = (target.seeds)(&root()?)?;
    for (number, seed) in seeds.into_iter().chain(kept(folder, target)?).enumerate() {
        std::fs::write(work.join(format!("seed-{number}")), seed)?;
    }
    print_line(&format!("\n== {}: {}", target.name, target.about))?;
    let mut fuzzer = Command::new(program);
    fuzzer
        .args(["-max_len=4096", "-timeout=20", "-rss_limit_mb=4096", "-print_final_stats=1", "-verbosity=0"])
        .arg(format!("-artifact_prefix={}/", artifacts.display()));
    match seconds {
        0 => fuzzer.arg("-runs=0"),
        seconds => fuzzer.arg(format!("-max_total_time={seconds}")),
    };
    if let Some(name) = target.dictionary {
        fuzzer.arg(format!("-dict={}/dictionaries/{name}.txt", folder.display()));
    }
    fuzzer.arg(&work);
    run_command(fuzzer)
}

/// Reads the saved inputs of a target: one file with a JSON string on each line, instead of
/// thousands of small files.
fn kept(folder: &Path, target: &Target) -> anyhow::Result<Vec<String>> {
    let path = corpus(folder, target);
    if !path.exists() {
        return Ok(Vec::new());
    }
    std::fs::read_to_string(path)?.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
}

fn corpus(folder: &Path, target: &Target) -> PathBuf {
    folder.join("corpus").join(target.name).with_extension("jsonl")
}

/// Saves the smallest set of inputs with the same coverage.
fn keep_corpus(folder: &Path, target: &Target, program: &Path) -> anyhow::Result<()> {
    let [work, merged] = ["work", "merged"].map(|name| folder.join(name).join(target.name));
    std::fs::create_dir_all(&merged)?;
    let mut merge = Command::new(program);
    merge.args(["-set_cover_merge=1", "-max_len=1024", "-rss_limit_mb=0"]).args([&merged, &work]);
    run_command(merge)?;
    let mut lines = Vec::new();
    for entry in std::fs::read_dir(&merged)? {
        // The targets reject input that is not UTF-8 before any parser reads it.
        if let Ok(text) = String::from_utf8(std::fs::read(entry?.path())?) {
            lines.push(serde_json::to_string(&text)?);
        }
    }
    lines.sort_by(|a, b| (a.len(), a).cmp(&(b.len(), b)));
    lines.push(String::new());
    std::fs::write(corpus(folder, target), lines.join("\n"))?;
    std::fs::remove_dir_all(merged)?;
    Ok(())
}

/// Reads all golden messages of a direction, as objects and in the compact form.
fn both_forms(root: &Path, direction: &str) -> anyhow::Result<Vec<String>> {
    let mut texts = golden(root, &format!("protocol/tests/golden/{direction}"))?;
    texts.extend(golden(root, &format!("protocol/tests/golden/compact/{direction}"))?);
    Ok(texts)
}

/// Reads all files of a folder.
fn golden(root: &Path, folder: &str) -> anyhow::Result<Vec<String>> {
    let mut texts = Vec::new();
    for entry in std::fs::read_dir(root.join(folder))? {
        texts.push(std::fs::read_to_string(entry?.path())?.trim_end().to_owned());
    }
    Ok(texts)
}

#[derive(Clone, Copy)]
enum Part {
    Source,
    Compiled,
}

/// Reads one part of each golden template.
fn templates(root: &Path, part: Part) -> anyhow::Result<Vec<String>> {
    let text = std::fs::read_to_string(root.join("template/tests/golden/templates.txt"))?;
    let mut texts = Vec::new();
    for one in text.split("==========\n") {
        let Some((source, rest)) = one.split_once("--- compiled\n") else { continue };
        let compiled = rest.split_once("--- rendered").map_or(rest, |(compiled, _)| compiled);
        texts.push(match part {
            Part::Source => source.trim_end().to_owned(),
            Part::Compiled => compiled.trim_end().to_owned(),
        });
    }
    ensure!(texts.len() > 20, "the format of the golden templates has changed");
    Ok(texts)
}
