//! State of an earlier version of a component: detected and migrated, never replaced by defaults.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use vivaz_components::{
    Decoded, LiveComponent, MountContext, Registration, RestoreFailure, Result, Saved, actions,
};

/// Components of the same fields whose nested types differ.
macro_rules! version {
    ($version:ident, $name:literal, { $($types:item)* }) => {
        mod $version {
            use super::*;

            $(
                #[derive(Serialize, Deserialize, Clone)]
                $types
            )*

            #[derive(LiveComponent, Clone)]
            #[live(name = $name, inline = "<p>{{ total }}</p>")]
            pub(crate) struct Board {
                #[live(default)]
                pub(crate) total: u32,
                #[live(default)]
                pub(crate) rows: Vec<Row>,
                #[live(private, default = Mood::Calm)]
                pub(crate) mood: Mood,
            }

            #[actions]
            impl Board {
                #[action]
                fn add(&mut self) {
                    self.total += 1;
                }
            }
        }
    };
}

version!(first, "board-first", {
    pub(crate) struct Row {
        id: u32,
    }
    pub(crate) enum Mood {
        Calm,
        Angry,
    }
});

version!(renamed, "board-renamed", {
    pub(crate) struct Line {
        id: u32,
    }
    pub(crate) enum Mood {
        Angry,
        Calm,
    }
    #[serde(transparent)]
    pub(crate) struct Row(Line);
});

version!(gained, "board-gained", {
    pub(crate) struct Row {
        id: u32,
        label: String,
    }
    pub(crate) enum Mood {
        Calm,
        Angry,
    }
});

version!(gained_with_default, "board-gained-default", {
    pub(crate) struct Row {
        id: u32,
        #[serde(default)]
        label: String,
    }
    pub(crate) enum Mood {
        Calm,
        Angry,
    }
});

version!(lost, "board-lost", {
    pub(crate) struct Row {
        id: u32,
    }
    pub(crate) enum Mood {
        Calm,
    }
});

/// The same fields, with `migrate`.
mod migrating {
    use super::*;

    #[derive(Serialize, Deserialize, Clone)]
    struct Row {
        id: u32,
        label: String,
    }

    #[derive(Serialize, Deserialize, Clone)]
    enum Mood {
        Calm,
    }

    #[derive(LiveComponent, Clone)]
    #[live(name = "board-migrating", inline = "<p>{{ total }}</p>")]
    pub(crate) struct Board {
        #[live(default)]
        total: u32,
        #[live(default)]
        rows: Vec<Row>,
        #[live(private, default = Mood::Calm)]
        mood: Mood,
    }

    #[actions]
    impl Board {
        fn migrate(saved: &Saved<'_>) -> Result<Self> {
            #[derive(Deserialize)]
            struct Old {
                id: u32,
            }
            let rows: Vec<Old> = saved.take("rows")?;
            Ok(Self {
                total: saved.take("total")?,
                rows: rows.into_iter().map(|Old { id }| Row { id, label: format!("row {id}") }).collect(),
                mood: saved.take("mood").unwrap_or(Mood::Calm),
            })
        }
    }
}

/// The state that a component of the first version has saved, with its schema.
fn saved(mood: &str) -> (Vec<u8>, u64) {
    let state = json!({ "total": 99, "rows": [{ "id": 1 }, { "id": 2 }], "mood": mood });
    (state.to_string().into_bytes(), first::Board::SPEC.schema())
}

async fn restore<C: LiveComponent>(saved: &(Vec<u8>, u64)) -> Result<Decoded, RestoreFailure> {
    Registration::of::<C>().restore(&saved.0, saved.1, MountContext::default()).await
}

/// The state that is saved of a restored component.
fn again(restored: Decoded) -> Value {
    serde_json::from_slice(&restored.into_instance().save().unwrap()).unwrap()
}

#[tokio::test]
async fn state_of_the_same_schema_is_restored_unchanged() {
    let restored = restore::<first::Board>(&saved("Angry")).await.unwrap();
    assert!(matches!(restored, Decoded::AsSaved(_)), "{restored:?}");
    let saved = saved("Angry").0;
    assert_eq!(again(restored), serde_json::from_slice::<Value>(&saved).unwrap());
}

#[tokio::test]
async fn other_names_for_the_same_json_are_the_same_schema() {
    assert_eq!(first::Board::SPEC.schema(), renamed::Board::SPEC.schema());
    assert!(matches!(restore::<renamed::Board>(&saved("Angry")).await.unwrap(), Decoded::AsSaved(_)));
}

#[test]
fn every_change_of_a_nested_type_is_another_schema() {
    let first = first::Board::SPEC.schema();
    for (version, schema) in [
        ("gained", gained::Board::SPEC.schema()),
        ("gained with a default", gained_with_default::Board::SPEC.schema()),
        ("lost", lost::Board::SPEC.schema()),
        ("migrating", migrating::Board::SPEC.schema()),
    ] {
        assert_ne!(schema, first, "{version}");
    }
}

#[tokio::test]
async fn migrate_is_called_when_a_nested_type_has_changed() {
    let restored = restore::<migrating::Board>(&saved("Angry")).await.unwrap();
    assert!(matches!(restored, Decoded::Migrated(_)), "{restored:?}");
    let rows = json!([{ "id": 1, "label": "row 1" }, { "id": 2, "label": "row 2" }]);
    assert_eq!(again(restored), json!({ "total": 99, "rows": rows, "mood": "Calm" }));
}

#[tokio::test]
async fn without_migrate_only_decodable_state_is_used() {
    let restored = restore::<gained_with_default::Board>(&saved("Angry")).await.unwrap();
    assert!(matches!(restored, Decoded::Migrated(_)), "{restored:?}");
    assert_eq!(again(restored)["rows"][1], json!({ "id": 2, "label": "" }));
    let restored = restore::<lost::Board>(&saved("Calm")).await.unwrap();
    assert_eq!(again(restored)["total"], 99);
    for failure in [
        restore::<gained::Board>(&saved("Calm")).await.unwrap_err(),
        restore::<lost::Board>(&saved("Angry")).await.unwrap_err(),
    ] {
        assert!(matches!(failure, RestoreFailure::Undecodable(_)), "{failure}");
    }
}

/// Reads fewer fields than it had when it was saved, which its schema does not show.
#[derive(Serialize, Clone, Default, Debug)]
struct Strict(u32);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        match u32::deserialize(deserializer)? {
            13 => Err(serde::de::Error::custom("not that one")),
            #[expect(clippy::panic, reason = "an application's code may")]
            14 => panic!("not that one either"),
            n => Ok(Self(n)),
        }
    }
}

#[derive(LiveComponent, Clone)]
#[live(name = "strict", inline = "<p>{{ total }}</p>")]
struct StrictBoard {
    #[live(default)]
    total: u32,
    #[live(private, default)]
    strict: Strict,
}

#[derive(LiveComponent, Clone)]
#[live(name = "lenient", inline = "<p>{{ total }}</p>")]
struct LenientBoard {
    #[live(default)]
    total: u32,
    #[live(private, default)]
    strict: Strict,
}

#[actions]
impl LenientBoard {
    fn migrate(saved: &Saved<'_>) -> Result<Self> {
        Ok(Self { total: saved.take("total")?, strict: Strict(0) })
    }
}

#[tokio::test]
async fn migrate_is_called_for_undecodable_state_of_the_same_schema() {
    assert_eq!(StrictBoard::SPEC.schema(), LenientBoard::SPEC.schema());
    for odd in [13, 14] {
        let saved =
            (json!({ "total": 99, "strict": odd }).to_string().into_bytes(), LenientBoard::SPEC.schema());
        let restored = restore::<LenientBoard>(&saved).await.unwrap();
        assert!(matches!(restored, Decoded::Migrated(_)), "{restored:?}");
        assert_eq!(again(restored), json!({ "total": 99, "strict": 0 }));
        let failure = restore::<StrictBoard>(&saved).await.unwrap_err();
        assert!(matches!(failure, RestoreFailure::Undecodable(_)), "{failure}");
    }
    for broken in [&b"{\"total\":99"[..], b"", b"[]", b"\xff"] {
        let failure =
            restore::<LenientBoard>(&(broken.to_vec(), LenientBoard::SPEC.schema())).await.unwrap_err();
        assert!(matches!(failure, RestoreFailure::Undecodable(_)), "{failure}");
    }
}

/// Compares the results of two processes.
#[test]
fn a_schema_is_the_same_in_every_process() {
    const PRINT: &str = "VIVAZ_PRINT_SCHEMAS";
    let schemas = format!("{:x} {:x}", first::Board::SPEC.schema(), migrating::Board::SPEC.schema());
    if std::env::var_os(PRINT).is_some() {
        #[expect(clippy::print_stdout, reason = "the other process reads it")]
        {
            println!("schemas: {schemas};");
        }
        return;
    }
    let other = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "schemas::a_schema_is_the_same_in_every_process", "--nocapture"])
        .env(PRINT, "1")
        .output()
        .unwrap();
    let printed = String::from_utf8(other.stdout).unwrap();
    assert!(printed.contains(&format!("schemas: {schemas};")), "{printed}");
}
