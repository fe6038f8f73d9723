//! The commands of the README have the documented results on a new demo.

use std::process::Command;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::Value;
use tokio_tungstenite::tungstenite::Message;

use crate::demo::{Demo, Folder};

const README: &str = include_str!("../../../README.md");
const ADDRESS: &str = "127.0.0.1:3000";

#[test]
fn the_curl_lines_succeed() {
    let folder = Folder::new();
    let demo = Demo::start(&folder);
    let lines: Vec<&str> = README.lines().filter(|line| line.starts_with("curl ")).collect();
    assert!(lines.len() >= 3 && lines.iter().all(|line| line.contains(ADDRESS)), "{lines:?}");
    for line in lines {
        // Without `--fail`, curl accepts any status.
        let line = line.replace(ADDRESS, &demo.addr.to_string()).replacen("curl ", "curl --fail -sS ", 1);
        let output = Command::new("sh").args(["-c", &line]).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && !output.stdout.is_empty(), "{line}: {error}");
    }
}

#[tokio::test]
async fn the_socket_lines_are_answered() {
    let folder = Folder::new();
    let demo = Demo::start(&folder);
    let lines: Vec<&str> = README.lines().filter(|line| line.starts_with("{\"v\":1")).collect();
    let (mut socket, _) = tokio_tungstenite::connect_async(format!("ws://{}/live", demo.addr)).await.unwrap();
    let mut answers = Vec::new();
    for line in lines {
        socket.send(Message::text(line)).await.unwrap();
        let answer = socket.next().await.unwrap().unwrap();
        let answer: Value = serde_json::from_str(answer.to_text().unwrap()).unwrap();
        answers.push(answer["type"].as_str().unwrap().to_owned());
    }
    assert_eq!(answers, ["WELCOME", "COMPONENT_MOUNTED", "STATE_UPDATE"]);
}
