//! A server's process, which ends with the process that has started it.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

/// A shell that starts the server and reads how to end it. Its input ends with the process of the
/// test: then the folder is removed too.
const SCRIPT: &str = r#"
folder=$1; shift
exec >>"$folder/log" 2>&1
"$@" &
server=$!
read -r how
case $how in
    stop) kill -INT $server ;;
    *) kill -KILL $server ;;
esac
wait $server
[ -n "$how" ] || rm -rf "$folder"
"#;

/// The folder of a server, and the user that the server runs as.
pub(crate) struct Folder {
    pub(crate) path: PathBuf,
    /// The ids of user and group. `None`: those of this process.
    user: Option<(u32, u32)>,
}

impl Folder {
    /// Creates a folder. The server runs as `user` if this process is that of the superuser.
    ///
    /// # Panics
    /// Panics if the folder cannot be created, and if the user does not exist.
    pub(crate) fn create(name: &str, user: &str) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("vivaz-{name}-{}-{count}", std::process::id()));
        fs::create_dir(&path).expect("a folder for a server can be created");
        let is_superuser = fs::metadata(&path).is_ok_and(|metadata| metadata.uid() == 0);
        let user = is_superuser.then(|| ids(user));
        if let Some((user, group)) = user {
            std::os::unix::fs::chown(&path, Some(user), Some(group))
                .expect("the superuser can give a folder away");
        }
        Self { path, user }
    }

    /// Creates a command that runs in the folder, as the user of the server.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.path);
        if let Some((user, group)) = self.user {
            command.uid(user).gid(group);
        }
        command
    }

    /// Starts a server.
    ///
    /// # Panics
    /// Panics if the shell cannot be started.
    pub(crate) fn start(&self, program: &Path, args: &[&str]) -> ServerChild {
        let mut shell = self.command(Path::new("/bin/sh"));
        shell.args(["-c", SCRIPT, "sh"]).arg(&self.path).arg(program).args(args);
        // A signal of the terminal ends the test, and the server by that.
        shell.process_group(0);
        let mut shell = shell.stdin(Stdio::piped()).spawn().expect("a shell can be started");
        let input = shell.stdin.take().expect("the input is piped");
        ServerChild { shell, input }
    }

    /// Returns what the server has printed.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.path.join("log")).unwrap_or_default()
    }
}

/// A server that runs.
pub(crate) struct ServerChild {
    shell: Child,
    input: ChildStdin,
}

/// How a server ends.
#[derive(Clone, Copy)]
pub(crate) enum End {
    /// By SIGINT: connections are closed.
    Stop,
    /// By SIGKILL.
    Kill,
}

impl ServerChild {
    /// Ends the server and waits for its end. Its folder stays.
    pub(crate) fn end(mut self, how: End) {
        let how = match how {
            End::Stop => "stop\n",
            End::Kill => "kill\n",
        };
        // If the shell has ended, so has the server.
        let _ = self.input.write_all(how.as_bytes());
        let _ = self.shell.wait();
    }

    /// Ends the server and removes its folder.
    pub(crate) fn remove(self) {
        let Self { mut shell, input } = self;
        drop(input);
        let _ = shell.wait();
    }
}

fn ids(user: &str) -> (u32, u32) {
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let ids = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, _, id, group) = (fields.next()?, fields.next(), fields.next()?, fields.next()?);
        (name == user).then_some((id.parse().ok()?, group.parse().ok()?))
    });
    ids.unwrap_or_else(|| {
        panic!("the user `{user}` does not exist, and the server refuses to run as the superuser")
    })
}
