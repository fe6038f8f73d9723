//! PostgreSQL.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::process::{End, Folder, ServerChild};

/// The time within which a server is ready.
const READY: Duration = Duration::from_secs(60);

/// A PostgreSQL server on a Unix socket in a folder of its own.
pub struct PostgresServer {
    programs: PathBuf,
    folder: Folder,
    child: Mutex<Option<ServerChild>>,
    databases: AtomicUsize,
}

impl PostgresServer {
    /// Returns the server that the tests of this process share. Each test creates a
    /// [database](Self::database) in it.
    ///
    /// # Panics
    /// As [`start`](Self::start).
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<PostgresServer> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// Starts a server for a test that stops it.
    ///
    /// # Panics
    /// Panics if PostgreSQL is not installed or does not start.
    pub fn start() -> Self {
        let programs = programs().unwrap_or_else(|| {
            panic!(
                "PostgreSQL is not installed: install the package `postgresql`, or set the variable \
                 POSTGRES_BIN to the folder of its programs"
            )
        });
        let folder = Folder::create("postgres", "postgres");
        let mut initdb = folder.command(&programs.join("initdb"));
        let initdb = initdb.args(["-D", "data", "-A", "trust", "-U", "postgres", "-E", "UTF8"]);
        let made = initdb.args(["--locale=C", "--no-sync"]).output().expect("initdb can be started");
        assert!(made.status.success(), "initdb failed: {}", String::from_utf8_lossy(&made.stderr));
        let server = Self { programs, folder, child: Mutex::default(), databases: AtomicUsize::default() };
        server.resume();
        server
    }

    /// Creates an empty database and returns its address.
    ///
    /// # Panics
    /// Panics if the server does not run.
    pub fn database(&self) -> String {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.query("postgres", &format!("CREATE DATABASE {name}"));
        self.address(&name)
    }

    /// Runs a statement with `psql`, past the code under test, and returns its rows.
    ///
    /// # Panics
    /// Panics if it fails.
    pub fn query(&self, database: &str, sql: &str) -> String {
        let mut psql = self.folder.command(&self.programs.join("psql"));
        psql.args(["-X", "-A", "-t", "-q", "-U", "postgres", "-d", database, "-c", sql, "-h"])
            .arg(&self.folder.path);
        let done = psql.output().expect("psql can be started");
        assert!(done.status.success(), "{sql}: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8_lossy(&done.stdout).trim().to_owned()
    }

    /// Returns the path of the server's socket.
    pub fn socket(&self) -> PathBuf {
        self.folder.path.join(".s.PGSQL.5432")
    }

    /// Stops the server: connections are closed. Does nothing if it does not run.
    pub fn stop(&self) {
        self.end(End::Stop);
    }

    /// Kills the server. Does nothing if it does not run.
    pub fn kill(&self) {
        self.end(End::Kill);
    }

    /// Starts the server again, with its data.
    ///
    /// # Panics
    /// Panics if it is not ready in time.
    pub fn resume(&self) {
        let folder = self.folder.path.to_str().expect("the path is text");
        // Only a failure of the machine could lose what was not synchronised, and no test has one.
        let args = [
            "-D",
            "data",
            "-k",
            folder,
            "-c",
            "listen_addresses=",
            "-c",
            "fsync=off",
            "-c",
            "max_connections=200",
        ];
        let begun = Instant::now();
        let mut running = self.running();
        loop {
            let child = self.folder.start(&self.programs.join("postgres"), &args);
            // After a SIGKILL, the server refuses to start until its old processes have ended.
            if self.is_ready_within(Duration::from_secs(5)) {
                *running = Some(child);
                return;
            }
            child.end(End::Kill);
            assert!(begun.elapsed() < READY, "PostgreSQL does not start: {}", self.folder.log());
        }
    }

    fn address(&self, database: &str) -> String {
        format!("host={} user=postgres dbname={database}", self.folder.path.display())
    }

    fn is_ready_within(&self, limit: Duration) -> bool {
        let begun = Instant::now();
        while begun.elapsed() < limit {
            let mut ready = self.folder.command(&self.programs.join("pg_isready"));
            ready.args(["-q", "-h"]).arg(&self.folder.path).stdout(Stdio::null());
            if ready.status().is_ok_and(|status| status.success()) {
                return true;
            }
            thread::sleep(Duration::from_millis(20));
        }
        false
    }

    fn end(&self, how: End) {
        if let Some(child) = self.running().take() {
            child.end(how);
        }
    }

    fn running(&self) -> MutexGuard<'_, Option<ServerChild>> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        match self.running().take() {
            Some(child) => child.remove(),
            None => drop(std::fs::remove_dir_all(&self.folder.path)),
        }
    }
}

/// Finds the folder of the programs: `POSTGRES_BIN`, or the newest version that Debian's package
/// has installed.
fn programs() -> Option<PathBuf> {
    if let Some(folder) = std::env::var_os("POSTGRES_BIN") {
        return Some(folder.into());
    }
    let versions = Path::new("/usr/lib/postgresql").read_dir().ok()?;
    let folders = versions.filter_map(|version| {
        let version = version.ok()?;
        let number: u32 = version.file_name().to_str()?.parse().ok()?;
        let folder = version.path().join("bin");
        folder.join("initdb").exists().then_some((number, folder))
    });
    folders.max().map(|(_, folder)| folder)
}
