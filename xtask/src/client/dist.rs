//! Writes the built files to `client-wasm/dist`, which the server embeds. Checks their sizes.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use serde_json::{Map, Value, json};

use super::{Kind, VERSION};
use crate::step::print_line;

/// Limit of the download of every page, wasm and `client.js` together: bytes in brotli.
const CORE_CEILING: usize = 40_000;
/// Limit of the script that runs before the client: bytes in brotli.
const CAPTURE_CEILING: usize = 1_050;
/// Limit of each optional module: bytes in brotli.
const MODULE_CEILING: usize = 3_000;

/// An optional module: a file beside `client.js` that only some pages load.
pub(super) struct Module {
    pub(super) name: String,
    pub(super) script: Vec<u8>,
}

/// The script that runs before the client.
pub(super) struct Capture {
    pub(super) script: Vec<u8>,
    /// The hash for a content security policy: `sha256-` and Base64.
    pub(super) hash: String,
}

/// All files of a build.
pub(super) struct Built {
    wasm: Vec<u8>,
    wasm_name: String,
    script: String,
    capture: Capture,
    modules: Vec<Module>,
    version: String,
}

impl Built {
    /// Computes the version and writes it into `client.js`.
    ///
    /// # Errors
    /// Fails if `client.js` does not contain the placeholder of the version.
    pub(super) fn new(
        wasm: Vec<u8>,
        wasm_name: String,
        script: &str,
        capture: Capture,
        modules: Vec<Module>,
    ) -> anyhow::Result<Self> {
        ensure!(script.contains(VERSION), "client.js has no placeholder for its version");
        let mut hasher = blake3::Hasher::new();
        hasher.update(&wasm).update(script.as_bytes()).update(&capture.script);
        for module in &modules {
            hasher.update(module.name.as_bytes()).update(&[0]).update(&module.script).update(&[0]);
        }
        let hash = hasher.finalize().to_hex();
        let version = hash.get(..VERSION.len()).context("a hash is longer than a version")?.to_owned();
        let script = script.replace(VERSION, &version);
        Ok(Self { wasm, wasm_name, script, capture, modules, version })
    }

    /// Writes all files, plain and compressed, and the manifest; prints a table of sizes. An
    /// unchanged file keeps its time stamp, so that cargo does not recompile the server.
    ///
    /// # Errors
    /// Fails if a file of a release exceeds its limit, after all files are written.
    pub(super) fn write(&self, dist: &Path, source: &str, kind: Kind) -> anyhow::Result<()> {
        fs::create_dir_all(dist.join("module"))?;
        let mut table = Table::default();
        print_line("                               raw     gzip   brotli        limit")?;
        let wasm = table.write(dist, "client.wasm", &self.wasm, None)?;
        let script = table.write(dist, "client.js", self.script.as_bytes(), None)?;
        table.row("core", None, wasm + script, Some(CORE_CEILING))?;
        table.write(dist, "capture.js", &self.capture.script, Some(CAPTURE_CEILING))?;
        for module in &self.modules {
            let file = format!("module/{}.js", module.name);
            table.write(dist, &file, &module.script, Some(MODULE_CEILING))?;
        }
        let manifest = json!({
            "capture": self.capture.hash,
            "wasm": self.wasm_name,
            "version": self.version,
            "source": source,
            "sizes": table.sizes,
        });
        put(&dist.join("manifest.json"), (serde_json::to_string_pretty(&manifest)? + "\n").as_bytes())?;
        table.remove_others(dist)?;
        table.remove_others(&dist.join("module"))?;
        let excess = table.excess;
        ensure!(
            kind == Kind::Dev || excess.is_empty(),
            "files exceed their size limits: {}",
            excess.join(", ")
        );
        Ok(())
    }
}

/// The files written so far, and their sizes.
#[derive(Default)]
struct Table {
    sizes: Map<String, Value>,
    /// The files that exceed their limit.
    excess: Vec<String>,
    written: Vec<PathBuf>,
}

impl Table {
    /// Writes one file, plain and compressed. Returns its size in brotli.
    fn write(&mut self, dist: &Path, file: &str, bytes: &[u8], most: Option<usize>) -> anyhow::Result<usize> {
        let (gzip, brotli) = (gzip(bytes)?, brotli(bytes)?);
        for (end, bytes) in [("", bytes), (".gz", &gzip), (".br", &brotli)] {
            let path = dist.join(format!("{file}{end}"));
            put(&path, bytes)?;
            self.written.push(path);
        }
        self.row(file, Some((bytes.len(), gzip.len())), brotli.len(), most)?;
        let size = json!({ "raw": bytes.len(), "gzip": gzip.len(), "brotli": brotli.len() });
        self.sizes.insert(file.to_owned(), size);
        Ok(brotli.len())
    }

    /// Removes files of earlier builds.
    fn remove_others(&self, folder: &Path) -> anyhow::Result<()> {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            let is_ours = path
                .extension()
                .is_some_and(|kind| ["wasm", "js", "gz", "br"].iter().any(|known| kind == *known));
            if is_ours && !self.written.contains(&path) {
                fs::remove_file(path)?;
            }
        }
        Ok(())
    }

    /// Prints a row, and records whether it exceeds its limit.
    fn row(
        &mut self,
        name: &str,
        plain: Option<(usize, usize)>,
        brotli: usize,
        most: Option<usize>,
    ) -> anyhow::Result<()> {
        let (raw, gzip) =
            plain.map_or_else(Default::default, |(raw, gzip)| (raw.to_string(), gzip.to_string()));
        let ceiling = most.map_or_else(String::new, |most| most.to_string());
        if most.is_some_and(|most| brotli > most) {
            self.excess.push(name.to_owned());
        }
        print_line(&format!("{name:26} {raw:>8} {gzip:>8} {brotli:>8} {ceiling:>12}"))
    }
}

/// Writes a file unless it already has that content.
fn put(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    if fs::read(path).is_ok_and(|before| before == bytes) {
        return Ok(());
    }
    Ok(fs::write(path, bytes)?)
}

fn gzip(bytes: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}

fn brotli(bytes: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut out = Vec::new();
    let params =
        brotli::enc::BrotliEncoderParams { quality: 11, size_hint: bytes.len(), ..Default::default() };
    brotli::BrotliCompress(&mut &*bytes, &mut out, &params)?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn built(script: &str, module: &str) -> Built {
        let module = Module { name: "one".to_owned(), script: module.into() };
        let script = format!("{script} '{VERSION}'");
        let capture = Capture { script: b"early".to_vec(), hash: "sha256-x".to_owned() };
        Built::new(b"wasm".to_vec(), "client.wasm".to_owned(), &script, capture, vec![module]).unwrap()
    }

    #[test]
    fn the_version_depends_on_every_file_and_is_written_into_the_script() {
        let (one, same) = (built("a", "b"), built("a", "b"));
        assert_eq!(one.version, same.version);
        assert_ne!(one.version, built("b", "b").version);
        assert_ne!(one.version, built("a", "c").version);
        assert_eq!(one.script, format!("a '{}'", one.version));
    }

    #[test]
    fn a_module_above_its_limit_fails_a_release() {
        let folder = std::env::temp_dir().join(format!("vivaz-dist-{}", std::process::id()));
        let mut random = 7_u32;
        let noise: String = (0..6000)
            .map(|_| {
                random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                char::from(b'!' + (random >> 24) as u8 % 90)
            })
            .collect();
        let large = built("a", &noise);
        let error = large.write(&folder, "source", Kind::Release).unwrap_err();
        assert!(error.to_string().contains("module/one.js"), "{error}");
        large.write(&folder, "source", Kind::Dev).unwrap();
        built("a", "b").write(&folder, "source", Kind::Release).unwrap();
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn unchanged_files_are_not_written_and_old_files_are_removed() {
        let folder = std::env::temp_dir().join(format!("vivaz-dist-same-{}", std::process::id()));
        let build = |script: &str| built(script, "b").write(&folder, "source", Kind::Release).unwrap();
        build("a");
        let other = folder.join("module/other.js");
        fs::write(&other, "old").unwrap();
        let long_ago = std::time::SystemTime::UNIX_EPOCH;
        let times = fs::FileTimes::new().set_modified(long_ago);
        for file in ["client.wasm.br", "client.js"] {
            fs::File::options().write(true).open(folder.join(file)).unwrap().set_times(times).unwrap();
        }
        build("c");
        let is_old = |file: &str| fs::metadata(folder.join(file)).unwrap().modified().unwrap() == long_ago;
        assert_eq!((is_old("client.wasm.br"), is_old("client.js")), (true, false));
        assert!(!other.exists());
        fs::remove_dir_all(folder).unwrap();
    }
}
