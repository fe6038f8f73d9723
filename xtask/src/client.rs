//! `cargo xtask client`: the browser's client, from source to what the server embeds.
//!
//! cargo → wasm-bindgen → wasm-opt → [`glue`] → one JavaScript file, and one for each optional
//! module → [`dist`], with the sizes and a hash of the sources, so that a check without building
//! can say whether the files are current.

mod dist;
mod glue;
mod table;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail, ensure};

use dist::{Built, Capture, Module};

use crate::step::{command, root, run, run_command, say};

/// What the client is made of. Of the template language only what runs in the page: the parser may change freely.
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

/// WebAssembly features that browsers have had for years. All others stay off: with every feature on, imports come
/// out in forms that browsers refuse.
const FEATURES: &str = "--enable-bulk-memory --enable-bulk-memory-opt --enable-mutable-globals --enable-nontrapping-float-to-int \
                        --enable-reference-types --enable-sign-ext --enable-multivalue";

/// A panic becomes a trap at once, and nothing is kept that only its message would need. Unstable options of the
/// stable compiler. All crates are compiled as if they were one, so that functions of the engine that the page calls in
/// one place are inlined there: 1.9 kB less in brotli.
const FLAGS: &str = "-Zunstable-options -Cpanic=immediate-abort -Zlocation-detail=none -Zfmt-debug=none \
                     -Zcross-crate-inline-threshold=always";

/// Nothing of ours stands in the first kilobyte of memory, which makes some addresses shorter. Names of imports and
/// exports are for the glue alone, which [`glue`] writes. Flattening and rebuilding the control
/// flow before each round saves 280 bytes in brotli.
const OPTIMISE: &str = "--flatten --rereloop -Oz --one-caller-inline-max-function-size=80 --flatten --rereloop -Oz \
                        -Oz --low-memory-unused --minify-imports-and-exports-and-modules";

/// Stands in `client.js` for the version of the client until everything is built. The version is a
/// hash of all files, in as many digits.
const VERSION: &str = "VERSION_OF_FILES";

/// Properties that are the client's own business, and no browser's: they get short names.
const PRIVATE: &str = "_wbg_cb_unref|watches|parts|listen|flags|debounce|address|heard|settle|modifiers|\
                       changed|told";

pub(crate) fn run_build(args: &[String]) -> anyhow::Result<()> {
    match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => build(Kind::Release),
        ["--dev"] => build(Kind::Dev),
        ["--check"] => check(),
        other => bail!("client takes --dev or --check, not {other:?}"),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// As small as it gets: a panic is a trap and cannot say why.
    Release,
    /// Keeps the texts of panics and the names of functions.
    Dev,
}

/// Whether `dist` was built from the sources as they are.
fn check() -> anyhow::Result<()> {
    let manifest = root()?.join("client-wasm/dist/manifest.json");
    let text =
        fs::read_to_string(&manifest).with_context(|| format!("cannot read {}", manifest.display()))?;
    let manifest: serde_json::Value = serde_json::from_str(&text)?;
    let current = source_hash()?;
    ensure!(
        manifest.get("source").and_then(|hash| hash.as_str()) == Some(&current),
        "client-wasm/dist is not built from the sources as they are: run `cargo xtask client` and commit what it writes"
    );
    say("client-wasm/dist is current")
}

fn build(kind: Kind) -> anyhow::Result<()> {
    let root = root()?;
    let work = root.join("target/client");
    let _ = fs::remove_dir_all(&work);
    fs::create_dir_all(&work)?;
    for (what, missing) in [
        ("target add wasm32-unknown-unknown", "wasm32-unknown-unknown"),
        ("component add rust-src", "rust-src"),
    ] {
        let list = if missing == "rust-src" {
            "rustup component list --installed"
        } else {
            "rustup target list --installed"
        };
        if !crate::step::output("", list)?.contains(missing) {
            run("", &format!("rustup {what}"))?;
        }
    }
    let wasm = compile(&root, kind)?;
    let bound = bind(&wasm, &work.join("bound"), kind)?;
    if ["binaryen", "esbuild", "terser"]
        .iter()
        .any(|tool| !root.join("client-wasm/node_modules").join(tool).exists())
    {
        run("client-wasm", "npm ci --no-progress")?;
    }
    let (small, renamed) = optimise(&bound, &work, kind)?;
    glue::rewrite(&bound.join("vivaz_client_bg.js"), &renamed)?;
    let bytes = fs::read(&small)?;
    let name = format!("client-{}.wasm", &blake3::hash(&bytes).to_hex()[..32]);
    let script = fs::read_to_string(bundle(&root, &bound, &work, &name, kind)?)?;
    let capture = capture(&work, kind)?;
    let modules = modules(&root, &work, kind)?;
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
    // A target folder of its own: other flags would make cargo build everything again each time.
    let target = root.join("target/client-target");
    cargo.env("CARGO_TARGET_DIR", &target);
    if kind == Kind::Release {
        // The standard library is built anew, for size.
        cargo.env("RUSTC_BOOTSTRAP", "1").env("RUSTFLAGS", FLAGS);
    }
    run_command(cargo)?;
    Ok(target.join("wasm32-unknown-unknown").join(folder).join("vivaz_client.wasm"))
}

/// Makes the JavaScript that goes with the wasm. The library and not the program, so that its version is locked with
/// that of the crate.
fn bind(wasm: &Path, out: &Path, kind: Kind) -> anyhow::Result<PathBuf> {
    let mut bindgen = wasm_bindgen_cli_support::Bindgen::new();
    bindgen.input_path(wasm);
    bindgen.bundler(true)?;
    bindgen.typescript(false);
    bindgen.remove_name_section(kind == Kind::Release);
    bindgen.remove_producers_section(true);
    let mut output = bindgen.generate_output()?;
    table::prune(output.wasm_mut());
    output.emit(out)?;
    Ok(out.to_owned())
}

/// Makes it small; what imports and exports are called then, as wasm-opt tells it.
fn optimise(bound: &Path, work: &Path, kind: Kind) -> anyhow::Result<(PathBuf, String)> {
    let from = bound.join("vivaz_client_bg.wasm");
    if kind == Kind::Dev {
        return Ok((from, String::new()));
    }
    let to = work.join("client.wasm");
    let line = format!(
        "node node_modules/binaryen/bin/wasm-opt {} {FEATURES} {OPTIMISE} -o {}",
        from.display(),
        to.display()
    );
    Ok((to, crate::step::output("client-wasm", &line)?))
}

/// Puts all JavaScript into one file.
fn bundle(root: &Path, bound: &Path, work: &Path, wasm: &str, kind: Kind) -> anyhow::Result<PathBuf> {
    // The file that Rust imports was copied beside the glue; the others go beside that copy, so that there is only
    // one of it.
    let snippets = bound.join("snippets");
    let folder = fs::read_dir(&snippets)?
        .filter_map(Result::ok)
        .find(|entry| entry.file_name().to_string_lossy().starts_with("vivaz-client-"))
        .context("wasm-bindgen copied no file of the client")?
        .path()
        .join("js");
    for entry in fs::read_dir(root.join("client-wasm/js"))? {
        let entry = entry?;
        if entry.path().extension().is_some_and(|kind| kind == "js") {
            fs::copy(entry.path(), folder.join(entry.file_name()))?;
        }
    }
    let out = work.join("client.js");
    let minify = if kind == Kind::Release { "--minify" } else { "--sourcemap=inline" };
    run(
        "client-wasm",
        &format!(
            "node_modules/.bin/esbuild {} --bundle --format=esm --target=es2022 {minify} --legal-comments=none \
             --log-level=warning --alias:vivaz-engine={} --define:WASM=\"{wasm}\" \
             --define:VERSION=\"{VERSION}\" --outfile={}",
            folder.join("client.js").display(),
            bound.join("vivaz_client_bg.js").display(),
            out.display()
        ),
    )?;
    if kind == Kind::Release {
        // Once more by another tool, which folds what the first one leaves: 3 % less.
        let line = "node_modules/.bin/terser --module --ecma 2022 --compress passes=3,hoist_funs=true --mangle \
                    --mangle-props";
        run("client-wasm", &format!("{line} regex=/^({PRIVATE})$/ --output {0} {0}", out.display()))?;
    }
    Ok(out)
}

/// Makes the script that runs before the client, and its hash for a content security policy.
fn capture(work: &Path, kind: Kind) -> anyhow::Result<Capture> {
    let out = work.join("capture.js");
    let script = shrink(Path::new("js/capture.js"), &out, Form::Classic, kind)?;
    let hash = "require('crypto').createHash('sha256').update(require('fs').readFileSync(process.argv[1])).digest('base64')";
    let output = Command::new("node").args(["-p", hash]).arg(&out).output().context("node did not start")?;
    ensure!(output.status.success(), "the hash of capture.js could not be computed");
    let hash = format!("sha256-{}", String::from_utf8(output.stdout)?.trim());
    Ok(Capture { script, hash })
}

/// Puts each optional module into a file of its own.
fn modules(root: &Path, work: &Path, kind: Kind) -> anyhow::Result<Vec<Module>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(root.join("client-wasm/js/modules"))? {
        paths.push(entry?.path());
    }
    paths.sort();
    let mut modules = Vec::new();
    for path in paths {
        let name = path.file_stem().context("a module has a name")?.to_string_lossy().into_owned();
        let out = work.join("modules").join(format!("{name}.js"));
        let script = shrink(&path, &out, Form::Module, kind)?;
        check_names(str::from_utf8(&script)?).with_context(|| format!("the module {name}"))?;
        modules.push(Module { name, script });
    }
    Ok(modules)
}

/// Refuses a module that names a property which has a short name in `client.js`: there it would be
/// `undefined`.
fn check_names(module: &str) -> anyhow::Result<()> {
    let continues = |next: char| next.is_alphanumeric() || matches!(next, '_' | '$');
    for name in PRIVATE.split('|') {
        let access = format!(".{name}");
        let is_named = module.split(&access).skip(1).any(|after| !after.starts_with(continues));
        ensure!(!is_named, "`{access}` has a short name in client.js: take it out of PRIVATE");
    }
    Ok(())
}

/// How a browser runs a script.
#[derive(Clone, Copy)]
enum Form {
    Classic,
    Module,
}

/// Makes a script as small as it gets, and returns it.
fn shrink(from: &Path, to: &Path, form: Form, kind: Kind) -> anyhow::Result<Vec<u8>> {
    let (bundle, module) = match form {
        Form::Classic => ("", ""),
        Form::Module => ("--bundle --format=esm", "--module"),
    };
    let minify = match (kind, form) {
        (Kind::Release, _) => "--minify",
        (Kind::Dev, Form::Module) => "--sourcemap=inline",
        // It may be written into a page.
        (Kind::Dev, Form::Classic) => "",
    };
    let (from, out) = (from.display(), to.display());
    let tool = "node_modules/.bin/esbuild --target=es2022 --legal-comments=none --log-level=warning";
    run("client-wasm", &format!("{tool} {bundle} {minify} {from} --outfile={out}"))?;
    if kind == Kind::Release {
        let tool = "node_modules/.bin/terser --ecma 2022 --compress passes=3 --mangle";
        run("client-wasm", &format!("{tool} {module} --output {out} {out}"))?;
    }
    Ok(fs::read(to)?)
}

/// One hash of all sources, their names included.
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
    // Tests are no part of what is built.
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
