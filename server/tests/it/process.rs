//! Processes of this test program, which the tests that started them kill.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

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

/// A folder with a database, and the processes that use it one after the other.
pub(crate) struct Place {
    folder: PathBuf,
    /// The ignored test that the process runs.
    test: &'static str,
    child: Option<Child>,
}

impl Place {
    pub(crate) fn new(test: &'static str) -> Self {
        let folder = std::env::temp_dir().join(format!("vivaz-killed-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir(&folder).unwrap();
        Self { folder, test, child: None }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn start(&mut self) -> SocketAddr {
        self.start_with(&[])
    }

    /// Starts a process with these environment variables.
    pub(crate) fn start_with(&mut self, variables: &[(&str, &str)]) -> SocketAddr {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["--exact", self.test, "--ignored", "--nocapture"])
            .env(FOLDER, &self.folder)
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
        std::fs::remove_dir_all(&self.folder).unwrap();
    }
}
