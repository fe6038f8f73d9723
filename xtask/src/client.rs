//! `cargo xtask client`: builds the browser's client, which the server embeds.
//!
//! [`codes`] → cargo → wasm-bindgen → [`prune`] → wasm-opt → [`glue`] → esbuild with [`names`] and
//! terser, one file for the client and one for each optional module → [`dist`]. `dist` stores the
//! sizes and a hash of the sources. The hash lets `--check` detect outdated files without a build.

mod codes;
mod dist;
mod glue;
mod names;
mod prune;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};
use lexopt::Arg::{Long, Short};

use dist::{Built, Capture, Module};
use glue::Renamed;
use names::Names;

use crate::step::{command, output, print_line, root, run, run_command};

/// The sources of the client. The template language is included only as far as it runs in the page:
/// changes of the parser do not make the client outdated.
const SOURCES: [&str; 17] = [
    "client-wasm/Cargo.toml",
    "client-wasm/package.json",
    "client-wasm/package-lock.json",
    "client-wasm/js",
    "client-wasm/src",
    "engine/Cargo.toml",
    "engine/src",
    "template/src/code.rs",
    "template/src/compiled.rs",
    "template/src/data.rs",
    "template/src/data",
    "template/src/eval.rs",
    "template/src/eval",
    "template/src/expr.rs",
    "template/src/lib.rs",
    "xtask/src/client",
    "xtask/src/client.rs",
];

/// WebAssembly features that browsers have supported for years. All others stay off: with every
/// feature on, wasm-opt writes imports in forms that browsers refuse.
const FEATURES: &str = "--enable-bulk-memory --enable-bulk-memory-opt --enable-mutable-globals --enable-nontrapping-float-to-int \
                        --enable-reference-types --enable-sign-ext --enable-multivalue";

/// Compiles a panic to a trap and removes the data of panic messages. These are unstable options of
/// the stable compiler. Functions are inlined across crates, which saves 1.9 kB in brotli.
const FLAGS: &str = "-Zunstable-options -Cpanic=immediate-abort -Zlocation-detail=none -Zfmt-debug=none \
                     -Zcross-crate-inline-threshold=always";

/// Options of wasm-opt. The module stores nothing in the first kilobyte of memory, which makes some
/// addresses shorter. Only [`glue`] and [`names`] use the names of imports and exports, so these
/// may be short. Flattening and rebuilding the control flow before each round saves 280 bytes in
/// brotli.
const OPTIMISE: &str = "--flatten --rereloop -Oz --one-caller-inline-max-function-size=80 --flatten --rereloop -Oz \
                        -Oz --low-memory-unused --minify-imports-and-exports-and-modules";

/// Placeholder in `client.js` for the version of the client, which is known when all files are
/// built. The version is a hash of all files, with as many digits as the placeholder.
const VERSION: &str = "VERSION_OF_FILES";

const USAGE: &str = "\
Usage: cargo xtask client [--dev | --check]

Builds the browser client into client-wasm/dist.

  --dev    keeps panic messages and the names of functions
  --check  only reports whether client-wasm/dist is current";

pub(crate) fn run_build(mut args: lexopt::Parser) -> anyhow::Result<()> {
    let command = match args.next()? {
        None => || build(Kind::Release),
        Some(Long("dev")) => || build(Kind::Dev),
        Some(Long("check")) => check,
        Some(Short('h') | Long("help")) => || print_line(USAGE),
        Some(other) => return Err(other.unexpected().into()),
    };
    match args.next()? {
        None => command(),
        Some(other) => Err(other.unexpected().into()),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// As small as possible: a panic is a trap without a message.
    Release,
    /// Keeps panic messages and the names of functions.
    Dev,
}

/// Checks that the generated files belong to the current sources.
///
/// # Errors
/// If `codes.js` or `dist` is outdated.
fn check() -> anyhow::Result<()> {
    let root = root()?;
    let codes = fs::read_to_string(codes::path(&root))?;
    ensure!(
        codes == codes::generate(&root)?,
        "client-wasm/js/codes.js is outdated: run `cargo xtask client` and commit its output"
    );
    let manifest = root.join("client-wasm/dist/manifest.json");
    let text =
        fs::read_to_string(&manifest).with_context(|| format!("cannot read {}", manifest.display()))?;
    let manifest: serde_json::Value = serde_json::from_str(&text)?;
    let current = source_hash()?;
    ensure!(
        manifest.get("source").and_then(|hash| hash.as_str()) == Some(&current),
        "client-wasm/dist is outdated: run `cargo xtask client` and commit its output"
    );
    print_line("client-wasm/dist is current")
}

fn build(kind: Kind) -> anyhow::Result<()> {
    let root = root()?;
    let work = root.join("target/client");
    let _ = fs::remove_dir_all(&work);
    fs::create_dir_all(&work)?;
    fs::write(codes::path(&root), codes::generate(&root)?)?;
    for (what, missing) in [
        ("target add wasm32-unknown-unknown", "wasm32-unknown-unknown"),
        ("component add rust-src", "rust-src"),
    ] {
        let list = if missing == "rust-src" {
            "rustup component list --installed"
        } else {
            "rustup target list --installed"
        };
        if !output("", list)?.contains(missing) {
            run("", &format!("rustup {what}"))?;
        }
    }
    let bound = bind(&compile(&root, kind)?, &work.join("bound"), kind)?;
    if ["binaryen", "esbuild", "terser", "typescript"]
        .iter()
        .any(|tool| !root.join("client-wasm/node_modules").join(tool).exists())
    {
        run("client-wasm", "npm ci --no-progress")?;
    }
    let bindgen = fs::read_to_string(bound.join("vivaz_client_bg.js"))?;
    let (small, renamed) = match kind {
        Kind::Release => {
            let (small, output) = optimise(&bound, &work)?;
            (small, Renamed::parse(&output)?)
        }
        Kind::Dev => (bound.join("vivaz_client_bg.wasm"), Renamed::unchanged(&bindgen)),
    };
    let bytes = fs::read(&small)?;
    let name = format!("client-{}.wasm", &blake3::hash(&bytes).to_hex()[..32]);
    let imports = work.join("imports.js");
    glue::write(&root.join("client-wasm/js"), &bindgen, &renamed, &imports)?;
    let names = match kind {
        Kind::Release => Names::read(&root, work.join("names.json"), &renamed.exports)?.options(),
        Kind::Dev => String::new(),
    };
    let bundler = Bundler { work: &work, kind, names: &names };
    let script = bundler.client(&imports, &name)?;
    let capture = bundler.capture()?;
    let modules = bundler.modules(&root)?;
    let built = Built::new(bytes, name, &script, capture, modules)?;
    built.write(&root.join("client-wasm/dist"), &source_hash()?, kind)
}

fn compile(root: &Path, kind: Kind) -> anyhow::Result<PathBuf> {
    let line = "cargo build --package vivaz-client --lib --target wasm32-unknown-unknown";
    let (profile, folder) = match kind {
        Kind::Release => {
            ("--profile wasm-release -Zbuild-std=std -Zbuild-std-features=optimize_for_size", "wasm-release")
        }
        Kind::Dev => ("--release", "release"),
    };
    let mut cargo = command("", &format!("{line} {profile}"))?;
    // A separate target folder: different flags in the same folder would rebuild all crates.
    let target = root.join("target/client-target");
    cargo.env("CARGO_TARGET_DIR", &target);
    // An incremental build splits the code differently: the size would depend on the environment.
    cargo.env("CARGO_INCREMENTAL", "0");
    if kind == Kind::Release {
        // The standard library is compiled for size too.
        cargo.env("RUSTC_BOOTSTRAP", "1").env("RUSTFLAGS", FLAGS);
    }
    run_command(cargo)?;
    Ok(target.join("wasm32-unknown-unknown").join(folder).join("vivaz_client.wasm"))
}

/// Runs wasm-bindgen and removes unused functions from the module. Uses the library instead of the
/// program, so that Cargo.lock keeps its version equal to that of the crate.
fn bind(wasm: &Path, out: &Path, kind: Kind) -> anyhow::Result<PathBuf> {
    let mut bindgen = wasm_bindgen_cli_support::Bindgen::new();
    bindgen.input_path(wasm);
    bindgen.bundler(true)?;
    bindgen.typescript(false);
    bindgen.remove_name_section(kind == Kind::Release);
    bindgen.remove_producers_section(true);
    let mut output = bindgen.generate_output()?;
    prune::prune(output.wasm_mut());
    output.emit(out)?;
    Ok(out.to_owned())
}

/// Runs wasm-opt. Returns the path of the module, and the names of imports and exports as printed.
fn optimise(bound: &Path, work: &Path) -> anyhow::Result<(PathBuf, String)> {
    let (from, to) = (bound.join("vivaz_client_bg.wasm"), work.join("client.wasm"));
    let line = format!(
        "node node_modules/binaryen/bin/wasm-opt {} {FEATURES} {OPTIMISE} -o {}",
        from.display(),
        to.display()
    );
    Ok((to, output("client-wasm", &line)?))
}

/// Bundles and minifies the JavaScript.
struct Bundler<'a> {
    work: &'a Path,
    kind: Kind,
    /// Options of esbuild: [`Names::options`].
    names: &'a str,
}

/// How the browser runs a script.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Classic,
    Module,
}

impl Bundler<'_> {
    /// Builds `client.js`. `imports` is the file that [`glue::write`] has written, `wasm` the name
    /// of the wasm file.
    fn client(&self, imports: &Path, wasm: &str) -> anyhow::Result<String> {
        let options = format!(
            "--alias:vivaz-imports={} --define:WASM=\"{wasm}\" --define:VERSION=\"{VERSION}\"",
            imports.display()
        );
        let script = self.bundle(Path::new("js/client.js"), "client.js", Form::Module, &options)?;
        Ok(String::from_utf8(script)?)
    }

    /// Builds the script that runs before the client, and its hash for a content security policy.
    fn capture(&self) -> anyhow::Result<Capture> {
        let script = self.bundle(Path::new("js/capture.js"), "capture.js", Form::Classic, "")?;
        let hash = "require('crypto').createHash('sha256').update(require('fs').readFileSync(process.argv[1])).digest('base64')";
        let output = Command::new("node").args(["-p", hash]).arg(self.work.join("capture.js")).output();
        let output = output.context("node did not start")?;
        ensure!(output.status.success(), "the hash of capture.js could not be computed");
        let hash = format!("sha256-{}", String::from_utf8(output.stdout)?.trim());
        Ok(Capture { script, hash })
    }

    /// Builds a file for each optional module.
    fn modules(&self, root: &Path) -> anyhow::Result<Vec<Module>> {
        let mut paths = Vec::new();
        for entry in fs::read_dir(root.join("client-wasm/js/modules"))? {
            paths.push(entry?.path());
        }
        paths.sort();
        let mut modules = Vec::new();
        for path in paths {
            let name = path.file_stem().context("a module has a name")?.to_string_lossy().into_owned();
            let script = self.bundle(&path, &format!("modules/{name}.js"), Form::Module, "")?;
            modules.push(Module { name, script });
        }
        // The page itself loads this one, before the client.
        let script = self.bundle(Path::new("js/parts.js"), "modules/parts.js", Form::Classic, "")?;
        modules.push(Module { name: "parts".to_owned(), script });
        Ok(modules)
    }

    /// Builds one file from a script and its imports, as small as possible. Returns its content.
    fn bundle(&self, from: &Path, to: &str, form: Form, options: &str) -> anyhow::Result<Vec<u8>> {
        let out = self.work.join(to);
        let (bundle, names) = match form {
            Form::Module => ("--bundle --format=esm", self.names),
            Form::Classic => ("", ""),
        };
        let minify = match (self.kind, form) {
            (Kind::Release, _) => "--minify",
            (Kind::Dev, Form::Module) => "--sourcemap=inline",
            // Without a source map: an application may embed it in a page.
            (Kind::Dev, Form::Classic) => "",
        };
        let (from, file) = (from.display(), out.display());
        let tool = "node_modules/.bin/esbuild --target=es2022 --legal-comments=none --log-level=warning";
        // Does not print the command: the names alone are 3 kB.
        output(
            "client-wasm",
            &format!("{tool} {bundle} {minify} {options} {names} {from} --outfile={file}"),
        )?;
        if self.kind == Kind::Release {
            // terser folds expressions that esbuild does not: saves 3 %.
            let module = if form == Form::Module { "--module" } else { "" };
            let tool = "node_modules/.bin/terser --ecma 2022 --compress passes=3,hoist_funs=true --mangle";
            run("client-wasm", &format!("{tool} {module} --output {file} {file}"))?;
        }
        Ok(fs::read(out)?)
    }
}

/// Returns a hash of all sources and of their paths.
fn source_hash() -> anyhow::Result<String> {
    let root = root()?;
    let mut files = Vec::new();
    for source in SOURCES {
        collect(&root.join(source), &mut files)?;
    }
    files.sort();
    let mut hasher = blake3::Hasher::new();
    for file in files {
        hasher.update(file.strip_prefix(&root)?.to_string_lossy().as_bytes());
        hasher.update(&[0]);
        hasher.update(&fs::read(&file)?);
        hasher.update(&[0]);
    }
    Ok(hasher.finalize().to_hex()[..32].to_owned())
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    // Tests are not part of the client.
    if path.ends_with("tests") || path.ends_with("testing") {
        return Ok(());
    }
    if path.is_dir() {
        for entry in fs::read_dir(path)? {
            collect(&entry?.path(), files)?;
        }
    } else if !path.ends_with("tests.rs") && !path.ends_with("testing.rs") {
        files.push(path.to_owned());
    }
    Ok(())
}
