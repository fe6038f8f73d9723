//! A demo process for a test.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// A folder that is removed at the end of the test.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("demo-test-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        Self(std::env::temp_dir().join(name))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

pub(crate) struct Demo {
    child: Child,
    pub(crate) addr: SocketAddr,
}

/// Returns the command, with only the environment of this test.
pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_demo"));
    command.env_remove("DEMO_ADDR").env_remove("DEMO_DATA").env_remove("VIVAZ_SECRET").stderr(Stdio::null());
    command
}

impl Demo {
    pub(crate) fn start(folder: &Folder) -> Self {
        Self::start_with(folder, &[])
    }

    /// Starts the demo with further options.
    pub(crate) fn start_with(folder: &Folder, options: &[&str]) -> Self {
        Self::start_by(program(), folder, options)
    }

    /// Starts the demo through a command that forwards its arguments.
    pub(crate) fn start_by(mut command: Command, folder: &Folder, options: &[&str]) -> Self {
        let mut child = command
            .args(["--addr", "127.0.0.1:0", "--data"])
            .arg(folder.path())
            .args(options)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let addr = line
            .trim()
            .strip_prefix("Listening on http://")
            .expect("the first line contains the address")
            .parse()
            .unwrap();
        Self { child, addr }
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: &str) {
        // A process that answers a request has installed its signal handlers.
        assert_eq!(self.get("/health", "").status, 200);
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    }

    /// Sends a signal and waits for the process to end.
    pub(crate) fn end(mut self, signal: &str) -> ExitStatus {
        self.signal(signal);
        self.child.wait().unwrap()
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
