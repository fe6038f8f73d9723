//! Start and end of the process.

use std::os::unix::fs::PermissionsExt as _;

use crate::demo::{Demo, Folder, program};

#[test]
fn it_ends_cleanly_on_both_signals() {
    for signal in ["-TERM", "-INT"] {
        let folder = Folder::new();
        let demo = Demo::start(&folder);
        assert_eq!(demo.get("/health", "").status, 200);
        assert_eq!(demo.get("/ready", "").status, 200);
        let status = demo.end(signal);
        assert_eq!(status.code(), Some(0), "{signal}: {status}");
    }
}

#[test]
fn data_is_in_its_folder_and_the_key_is_private() {
    let folder = Folder::new();
    let demo = Demo::start(&folder);
    let first = demo.get("/", "");
    let cookie = format!("Cookie: {}\r\n", first.header("set-cookie").split(';').next().unwrap());
    demo.end("-TERM");
    assert!(folder.path().join("demo.sqlite").is_file());
    let mode = std::fs::metadata(folder.path().join("secret")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    // With the same folder, and so the same key, the visitor is recognised again.
    let demo = Demo::start(&folder);
    assert!(demo.get("/", &cookie).headers("set-cookie").is_empty());
}

#[test]
fn errors_are_printed_and_end_the_process() {
    let help = program().arg("--help").output().unwrap();
    assert!(help.status.success());
    assert!(String::from_utf8(help.stdout).unwrap().contains("--addr"));

    let wrong = program().arg("--bogus").stderr(std::process::Stdio::piped()).output().unwrap();
    assert!(!wrong.status.success());
    assert!(String::from_utf8(wrong.stderr).unwrap().contains("--bogus"));

    let folder = Folder::new();
    let demo = Demo::start(&folder);
    let taken = program()
        .args(["--addr", &demo.addr.to_string(), "--data"])
        .arg(folder.path())
        .stderr(std::process::Stdio::piped())
        .output()
        .unwrap();
    assert!(!taken.status.success());
    assert!(String::from_utf8(taken.stderr).unwrap().contains("cannot listen"));
}

#[test]
fn variables_have_the_effect_of_options() {
    use std::io::{BufRead as _, BufReader};
    let folder = Folder::new();
    let mut child = program()
        .env("DEMO_ADDR", "127.0.0.1:0")
        .env("DEMO_DATA", folder.path())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(line.starts_with("Listening on http://127.0.0.1:"), "{line}");
    assert!(folder.path().join("demo.sqlite").is_file());
}
