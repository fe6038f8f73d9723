//! Processes that are killed: what they saved and committed is there for the next one.

#![cfg(unix)]

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use vivaz::Runtime;
use vivaz::sqlite::{Connection, Sqlite};

use crate::app::Bench;
use crate::client::Client;

/// Names the folder of the process.
const FOLDER: &str = "VIVAZ_TEST_KILLED";

/// Not a test of its own: the process that the others kill.
#[tokio::test]
#[ignore = "the process of another test"]
async fn a_process_to_be_killed() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let database = Sqlite::open(PathBuf::from(folder).join("app.sqlite")).unwrap();
    let runtime = Runtime::builder().state(Arc::<Bench>::default()).store(database).build().unwrap();
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
        let folder = std::env::temp_dir().join(format!("vivaz-killed-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir(&folder).unwrap();
        Self { folder, child: None }
    }

    fn start(&mut self) -> SocketAddr {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["--exact", "killed::a_process_to_be_killed", "--ignored", "--nocapture"])
            .env(FOLDER, &self.folder)
            .stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
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

    /// The state of the component as the store has it.
    fn stored(&self, component: &str) -> Value {
        let database = Connection::open(self.folder.join("app.sqlite")).unwrap();
        database.busy_timeout(Duration::from_secs(20)).unwrap();
        let sql = "SELECT state FROM vivaz_components WHERE id = ?1";
        let state: Vec<u8> = database.query_row(sql, [component], |row| row.get(0)).unwrap();
        serde_json::from_slice(&state).unwrap()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.kill();
        std::fs::remove_dir_all(&self.folder).unwrap();
    }
}

#[tokio::test]
async fn what_the_store_has_of_a_plain_component_outlives_a_kill() {
    let mut place = Place::new();
    let mut page = Client::greet_at(place.start()).await;
    page.mount("lab", "lab", json!({})).await;
    for seen in 1..=5 {
        assert_eq!(page.act("lab", "see", json!([])).await["result"], seen);
    }
    // How long it takes is asserted where time is the test's own: `saving.rs`.
    let saved = async {
        while place.stored("lab")["seen"] != 5 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), saved).await.expect("it is saved before long");
    place.kill();
    let mut page = Client::resume_at(place.start(), &page.welcome, 6).await.unwrap();
    assert_eq!(page.welcome["resumed"], true);
    assert_eq!(page.act("lab", "see", json!([])).await["result"], 6);
}

#[tokio::test]
async fn a_durable_component_is_in_its_rooms_after_a_kill() {
    let mut place = Place::new();
    let mut page = Client::greet_at(place.start()).await;
    page.mount("m", "member-durable", json!({})).await;
    // Each is acknowledged, and the process is killed at once.
    let steps = [("go", "+a", true), ("go", "-a", false), ("go_in_transaction", "+a", true)];
    for (acked, (action, step, is_in)) in (2..).zip(steps) {
        assert_eq!(page.act("m", action, json!([[step]])).await["type"], "ACK");
        place.kill();
        let address = place.start();
        page = Client::resume_at(address, &page.welcome, acked).await.unwrap();
        let mut other = Client::greet_at(address).await;
        other.mount("lab", "lab", json!({})).await;
        other.act("lab", "shout", json!(["a", "tea"])).await;
        if is_in {
            while page.next().await["type"] != "EVENT" {}
        } else {
            let heard = page.drain().await;
            assert!(heard.iter().all(|message| message["type"] != "EVENT"), "{step}: {heard:?}");
        }
    }
}
