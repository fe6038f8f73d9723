//! The same with processes that are killed, and programs that differ. A file makes the topics of a process fail.

#![cfg(unix)]

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use serde_json::{Value, json};
use vivaz::sqlite::Sqlite;
use vivaz::store::StoredComponent;
use vivaz::{Runtime, Save};

use super::versions::other_schema;
use super::{Call, FOLDER, KINDS};
use crate::app::Bench;
use crate::client::Client;
use crate::stores::Translated;

/// Set for a process that is another program: its components have another schema.
const OTHER: &str = "VIVAZ_TEST_OTHER";
/// Why the server does not resume a session now.
const NOT_NOW: u16 = 4503;

/// Not a test of its own: the process that the others kill.
#[tokio::test]
#[ignore = "the process of another test"]
async fn a_process_whose_topics_fail_on_demand() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let database = Sqlite::open(PathBuf::from(folder).join("app.sqlite")).unwrap();
    let translate: fn(&mut StoredComponent) =
        if std::env::var_os(OTHER).is_some() { other_schema } else { |_| () };
    let store = Translated::new(database, translate);
    let builder = Runtime::builder().state(Arc::<Bench>::default()).store(store).save(Save::Always);
    let runtime = builder.build().unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    writeln!(std::io::stdout(), "\nhttp://{}", listener.local_addr().unwrap()).unwrap();
    vivaz::serve(listener, runtime.router(), runtime).await.unwrap();
}

/// A folder with a database, and the processes that have it one after the other.
struct Place {
    folder: PathBuf,
    child: Option<Child>,
}

impl Place {
    fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("vivaz-failing-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir(&folder).unwrap();
        Self { folder, child: None }
    }

    fn start(&mut self, is_other: bool) -> SocketAddr {
        let mut command = Command::new(std::env::current_exe().unwrap());
        let test = "failing::killed::a_process_whose_topics_fail_on_demand";
        command.args(["--exact", test, "--ignored", "--nocapture"]).env(FOLDER, &self.folder);
        if is_other {
            command.env(OTHER, "1");
        }
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let address = lines.filter_map(|line| Some(line.strip_prefix("http://")?.to_owned())).next().unwrap();
        self.child = Some(child);
        address.parse().unwrap()
    }

    fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    fn fails(&self, call: Call, fails: bool) {
        let file = self.folder.join(format!("{call:?}"));
        if fails { std::fs::write(file, "").unwrap() } else { std::fs::remove_file(file).unwrap() }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.kill();
        std::fs::remove_dir_all(&self.folder).unwrap();
    }
}

/// Mounts a component of each kind and adds to it five times; gives the `WELCOME` and the last ref.
async fn five_each(address: SocketAddr) -> (Client, u64) {
    let mut client = Client::greet_at(address).await;
    for kind in KINDS {
        client.mount(kind, kind, json!({ "key": "one" })).await;
        for _ in 0..5 {
            client.act(kind, "add", json!([])).await;
        }
    }
    (client, 12)
}

/// Resumes the session when it can be resumed: the page loses nothing. Adds one to each component.
async fn is_back_with(address: SocketAddr, welcome: &Value, acked: u64, items: i64) -> Client {
    let mut client = Client::resume_at(address, welcome, acked).await.unwrap();
    assert_eq!((&client.welcome["resumed"], &client.welcome["session"]), (&json!(true), &welcome["session"]));
    for kind in KINDS {
        assert_eq!(client.act(kind, "add", json!([])).await["result"], items, "{kind}");
    }
    client
}

#[tokio::test]
async fn a_process_that_was_killed_and_a_topic_that_fails_after_it() {
    for call in [Call::Load, Call::Authorize] {
        let mut place = Place::new();
        let (client, acked) = five_each(place.start(false)).await;
        place.kill();
        place.fails(call, true);
        // A second process that cannot restore it is killed too.
        for _ in 0..2 {
            let address = place.start(false);
            for _ in 0..2 {
                let refused = Client::resume_at(address, &client.welcome, acked).await.err();
                assert_eq!(refused, Some(NOT_NOW), "{call:?}");
            }
            place.kill();
        }
        let address = place.start(false);
        assert_eq!(Client::resume_at(address, &client.welcome, acked).await.err(), Some(NOT_NOW));
        place.fails(call, false);
        is_back_with(address, &client.welcome, acked, 6).await;
    }
}

#[tokio::test]
async fn a_topic_that_does_not_answer_at_a_reconnect_and_a_kill_after_it() {
    let mut place = Place::new();
    let address = place.start(false);
    let (client, acked) = five_each(address).await;
    let welcome = client.welcome.clone();
    client.cut();
    place.fails(Call::Authorize, true);
    for _ in 0..2 {
        assert_eq!(Client::resume_at(address, &welcome, acked).await.err(), Some(NOT_NOW));
    }
    place.fails(Call::Authorize, false);
    let client = is_back_with(address, &welcome, acked, 6).await;
    let (welcome, acked) = (client.welcome.clone(), acked + 2);
    client.cut();
    place.fails(Call::Authorize, true);
    assert_eq!(Client::resume_at(address, &welcome, acked).await.err(), Some(NOT_NOW));
    place.kill();
    place.fails(Call::Authorize, false);
    is_back_with(place.start(false), &welcome, acked, 7).await;
}

#[tokio::test]
async fn a_deploy_that_cannot_read_the_state_is_killed_and_rolled_back() {
    let mut place = Place::new();
    let (client, acked) = five_each(place.start(false)).await;
    place.kill();
    place.fails(Call::Migrate, true);
    let after = is_back_with(place.start(true), &client.welcome, acked, 1).await;
    place.kill();
    is_back_with(place.start(false), &after.welcome, acked + 2, 6).await;
}
