//! Processes of this test program, which the tests that started them kill.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use vivaz::Runtime;
use vivaz::sqlite::Sqlite;

/// Names the folder of a process.
pub(crate) const FOLDER: &str = "VIVAZ_TEST_FOLDER";

/// Returns the database of this process. `None` if no test has started it.
pub(crate) fn database() -> Option<Sqlite> {
    let folder = std::env::var_os(FOLDER)?;
    Some(Sqlite::open(PathBuf::from(folder).join("app.sqlite")).unwrap())
}

/// Serves a runtime until the process is killed.
pub(crate) async fn serve(runtime: Runtime) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut out = std::io::stdout();
    writeln!(out, "\nhttp://{}", listener.local_addr().unwrap()).unwrap();
    vivaz::serve(listener, runtime.router(), runtime).await.unwrap();
}

/// A folder that is deleted with its last place.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).unwrap();
    }
}

/// A folder with a database, and the processes that use it one after the other.
pub(crate) struct Place {
    folder: Arc<Folder>,
    /// The ignored test that the process runs.
    test: &'static str,
    child: Option<Child>,
}

impl Place {
    pub(crate) fn new(test: &'static str) -> Self {
        let folder = std::env::temp_dir().join(format!("vivaz-killed-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir(&folder).unwrap();
        Self { folder: Arc::new(Folder(folder)), test, child: None }
    }

    /// A place for other processes on the same folder.
    pub(crate) fn beside(&self) -> Self {
        Self { folder: Arc::clone(&self.folder), test: self.test, child: None }
    }

    /// Sends a signal to the process.
    #[cfg(unix)]
    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &id]).status().unwrap().success());
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder.0
    }

    pub(crate) fn start(&mut self) -> SocketAddr {
        self.start_with(&[])
    }

    /// Starts a process with these environment variables.
    pub(crate) fn start_with(&mut self, variables: &[(&str, &str)]) -> SocketAddr {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["--exact", self.test, "--ignored", "--nocapture"])
            .env(FOLDER, &self.folder.0)
            .envs(variables.iter().copied())
            .stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let address = lines.filter_map(|line| Some(line.strip_prefix("http://")?.to_owned())).next().unwrap();
        self.child = Some(child);
        address.parse().unwrap()
    }

    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.kill();
    }
}
