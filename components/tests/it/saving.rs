//! A state that cannot be saved is refused: for each way to change a state and each kind of field.
//! The error names the field, and the state does not change.

use std::any::Any;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use vivaz_components::instance::BoxFuture;
use vivaz_components::instance::{Finished, Instance, Job};
use vivaz_components::{
    Context, Effect, ErrorCode, Journal, LiveComponent, MessageId, MountContext, Registration, Result, Saved,
    ServerEvent, Transaction, Tx, actions,
};
use vivaz_databases::{DatabaseError, Driver, Row, Value as SqlValue};

use crate::drive::{Page, act, raw};

/// A number that may be the key of a map.
#[derive(Serialize, Deserialize, Clone, Copy, Debug)]
struct Score(f64);

impl PartialEq for Score {
    fn eq(&self, other: &Self) -> bool {
        self.0.total_cmp(&other.0).is_eq()
    }
}

impl Eq for Score {}

impl PartialOrd for Score {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Score {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

/// A map that compiles as a field, because its type does not show the types of its keys.
type Grid<K> = HashMap<K, u8>;

/// Writes a form that it cannot read.
#[derive(Clone, Default, Debug)]
struct OneWay(u32);

impl Serialize for OneWay {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_u32(self.0)
    }
}

impl<'de> Deserialize<'de> for OneWay {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let n = u32::deserialize(deserializer)?;
        if n == 0 { Ok(Self(n)) } else { Err(serde::de::Error::custom("only nothing")) }
    }
}

/// Fails to serialize.
#[derive(Deserialize, Clone, Default, Debug)]
struct Silent(bool);

impl Serialize for Silent {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        if self.0 { Err(serde::ser::Error::custom("no comment")) } else { serializer.serialize_bool(false) }
    }
}

/// The fields, public and private, that a test can make unsavable.
const PLACES: [&str; 11] = [
    "level",
    "small",
    "scores",
    "secret",
    "deep",
    "hidden_scores",
    "grid",
    "sealed",
    "silent",
    "one_way",
    "shown_grid",
];

macro_rules! keeper {
    ($component:ident, $props:ident, $name:literal, [$($durable:ident)?], [$($flushes:ident)?]) => {
        #[derive(LiveComponent, Clone)]
        #[live(name = $name, inline = "<input live:model=\"text\">{{ level }}", $($durable)?)]
        struct $component {
            #[live(prop, model, default)]
            text: String,
            #[live(prop, model, default)]
            ratio: f32,
            #[live(default)]
            level: f64,
            #[live(default, opaque)]
            small: Vec<(u8, Option<f32>)>,
            #[live(default, opaque)]
            scores: BTreeMap<Score, u8>,
            #[live(default, opaque)]
            shown_grid: Grid<(u32, u32)>,
            #[live(private, default)]
            secret: Option<f64>,
            #[live(private, default)]
            deep: HashMap<String, Vec<BTreeMap<u8, f32>>>,
            #[live(private, default)]
            hidden_scores: BTreeMap<Score, u8>,
            #[live(private, default)]
            grid: Grid<(u32, u32)>,
            #[live(private, default)]
            sealed: Vec<Grid<[u8; 2]>>,
            #[live(private, default)]
            silent: Silent,
            #[live(private, default)]
            one_way: OneWay,
            #[live(skip)]
            not_saved: f64,
        }

        #[actions]
        impl $component {
            fn mount(props: $props) -> Self {
                let mut this = Self::restore(&Saved::read(b"{}").unwrap()).unwrap();
                (this.text, this.ratio) = (props.text, props.ratio);
                this.spoil_if_asked();
                this
            }

            fn migrate(saved: &Saved<'_>) -> Result<Self> {
                let mut this = Self::restore(saved)?;
                this.spoil_if_asked();
                Ok(this)
            }

            /// Does it if the text is `spoil:PLACE`.
            fn spoil_if_asked(&mut self) {
                if let Some(place) = self.text.strip_prefix("spoil:") {
                    self.spoil(&place.to_owned());
                }
            }

            fn spoil(&mut self, place: &str) {
                self.level += 1.0;
                self.not_saved = f64::NAN;
                match place {
                    "level" => self.level = f64::NAN,
                    "small" => self.small.push((1, Some(f32::NEG_INFINITY))),
                    "scores" => _ = self.scores.insert(Score(f64::INFINITY), 1),
                    "shown_grid" => _ = self.shown_grid.insert((1, 2), 3),
                    "secret" => self.secret = Some(f64::INFINITY),
                    "deep" => _ = self.deep.insert("a".into(), vec![BTreeMap::from([(1, f32::NAN)])]),
                    "hidden_scores" => _ = self.hidden_scores.insert(Score(f64::NAN), 1),
                    "grid" => _ = self.grid.insert((1, 2), 3),
                    "sealed" => self.sealed.push(HashMap::from([([1, 2], 3)])),
                    "silent" => self.silent = Silent(true),
                    "one_way" => self.one_way = OneWay(1),
                    _ => {}
                }
            }

            #[action]
            fn now(&mut self, cx: &mut Context, place: String) -> Result {
                self.spoil(&place);
                cx.emit("told", 1)
            }

            #[action]
            async fn later(&mut self, place: String) {
                tokio::task::yield_now().await;
                self.spoil(&place);
            }

            #[event]
            fn happened(&mut self, place: String) {
                self.spoil(&place);
            }

            fn updated(&mut self, property: &str) {
                let _ = property;
                self.spoil_if_asked();
            }

            fn connected(&mut self) {
                self.spoil_if_asked();
            }

            $(
                #[doc = stringify!($flushes)]
                #[action]
                async fn step_by_step(&mut self, cx: &mut Context, place: String, ignored: bool) -> Result {
                    self.spoil(&place);
                    let flushed = cx.flush(self).await;
                    if ignored { Ok(()) } else { flushed }
                }
            )?

            $(
                #[doc = stringify!($durable)]
                #[action(transaction)]
                fn in_transaction(&mut self, tx: &mut Tx, place: String) {
                    let _ = tx;
                    self.spoil(&place);
                }
            )?
        }
    };
}

keeper!(Plain, PlainProps, "keeps-plain", [], [flushes]);
keeper!(Durable, DurableProps, "keeps-durable", [durable], []);

/// A database that no test uses.
struct Unused;

impl Driver for Unused {
    fn execute(&mut self, sql: &str, _: &[SqlValue]) -> Result<u64, DatabaseError> {
        panic!("{sql}");
    }

    fn query(&mut self, sql: &str, _: &[SqlValue]) -> Result<Vec<Row>, DatabaseError> {
        panic!("{sql}");
    }

    fn script(&mut self, sql: &str) -> Result<(), DatabaseError> {
        panic!("{sql}");
    }

    fn native(&self) -> &dyn Any {
        self
    }
}

/// Commits to memory.
#[derive(Default)]
struct Memory(std::sync::Mutex<Option<Vec<u8>>>);

impl Journal for Memory {
    fn commit(&self, transaction: Transaction) -> BoxFuture<Result> {
        let committed = (transaction.write)(&mut Tx::new(Unused)).map(|change| {
            *self.0.lock().unwrap() = Some(change.state);
            (transaction.publish)();
        });
        Box::pin(std::future::ready(committed))
    }

    fn message(&self) -> Option<MessageId> {
        None
    }
}

fn saved(instance: &mut dyn Instance) -> Value {
    serde_json::from_slice(&instance.save().unwrap()).unwrap()
}

fn edit(property: &str, value: Value) -> Job {
    Job::Property { property: property.to_owned().into(), value: raw(&value) }
}

fn event(place: &str) -> Job {
    Job::Event { event: ServerEvent::new("happened", &place).unwrap() }
}

/// Each way in which a job changes the state, by name.
fn ways<C: LiveComponent>(place: &str) -> Vec<(&'static str, Job)> {
    let asked = json!(format!("spoil:{place}"));
    let props = |page: &[&str]| Job::Props {
        props: raw(&json!({ "text": asked })),
        page: page.iter().map(|name| (*name).into()).collect(),
    };
    let with_edits = Job::Action {
        action: "now".into(),
        payload: Some(raw(&json!(["nowhere"]))),
        set: vec![("text".into(), raw(&asked))],
    };
    let mut ways = vec![
        ("action", act("now", json!([place]))),
        ("async action", act("later", json!([place]))),
        ("event", event(place)),
        ("edit", edit("text", asked.clone())),
        ("action with edits", with_edits),
        ("props", props(&["text"])),
    ];
    if C::SPEC.durable {
        ways.push(("transaction", act("in_transaction", json!([place]))));
    } else {
        ways.push(("flush", act("step_by_step", json!([place, false]))));
        ways.push(("flush whose error is ignored", act("step_by_step", json!([place, true]))));
    }
    ways
}

async fn run<C: LiveComponent>(page: &mut Page, journal: &Arc<Memory>, job: Job) -> Finished {
    let journal = C::SPEC.durable.then(|| Arc::clone(journal) as Arc<dyn Journal>);
    page.run_with(job, |cx| match journal {
        Some(journal) => cx.with_journal(journal),
        None => cx,
    })
    .await
}

fn is_checked(place: &str) -> bool {
    // Values are read back only in debug builds.
    place != "one_way" || cfg!(debug_assertions)
}

async fn every_job_is_refused<C: LiveComponent>() {
    for place in PLACES.into_iter().filter(|place| is_checked(place)) {
        for (way, job) in ways::<C>(place) {
            let at = format!("{} {way} {place}", C::SPEC.name);
            let mut page = Page::mount::<C>(json!({})).await;
            let journal = Arc::new(Memory::default());
            run::<C>(&mut page, &journal, act("now", json!(["nowhere"]))).await.result.unwrap();
            let (state, before) = (page.state.clone(), saved(page.instance()));
            *journal.0.lock().unwrap() = None;

            let finished = run::<C>(&mut page, &journal, job).await;
            let Err(error) = finished.result else { panic!("{at}") };
            assert_eq!(error.code(), ErrorCode::ActionFailed, "{at}");
            assert!(error.to_string().contains(&format!("`{place}`")), "{at}: {error}");
            assert!(!finished.effects.iter().any(|effect| matches!(effect, Effect::Emit { .. })), "{at}");
            assert_eq!((&page.state, &page.last, &page.flushed), (&state, &None, &Vec::new()), "{at}");
            assert_eq!(saved(page.instance()), before, "{at}");
            assert_eq!(*journal.0.lock().unwrap(), None, "{at}: nothing is committed");

            // The component continues with its state, and saved states can be restored.
            run::<C>(&mut page, &journal, act("now", json!(["nowhere"]))).await.result.unwrap();
            assert_eq!(page.state["level"], 2.0, "{at}");
            let bytes = page.instance().save().unwrap();
            if C::SPEC.durable {
                assert_eq!(journal.0.lock().unwrap().as_deref(), Some(&*bytes), "{at}");
            }
            let registration = Registration::of::<C>();
            let back = registration.restore(&bytes, C::SPEC.schema(), MountContext::default()).await.unwrap();
            assert_eq!(saved(back.into_instance().as_mut())["level"], 2.0, "{at}");
        }
    }
}

#[tokio::test]
async fn unsavable_state_is_refused_in_each_job() {
    every_job_is_refused::<Plain>().await;
    every_job_is_refused::<Durable>().await;
}

async fn every_beginning_is_refused<C: LiveComponent>() {
    let registration = Registration::of::<C>();
    for place in PLACES.into_iter().filter(|place| is_checked(place)) {
        let at = format!("{} {place}", C::SPEC.name);
        let asked = format!("spoil:{place}");
        let props = raw(&json!({ "text": asked }));
        let Err(error) = registration.mount(&props, MountContext::default()).await else {
            panic!("{at} is mounted");
        };
        assert!(error.to_string().contains(&format!("`{place}`")), "{at}: {error}");
        let state = json!({ "text": asked }).to_string();
        let migrated = registration.restore(state.as_bytes(), 1, MountContext::default()).await;
        let Err(error) = migrated else { panic!("{at}") };
        assert!(error.to_string().contains(&format!("`{place}`")), "{at}: {error}");
    }
}

#[tokio::test]
async fn unsavable_state_is_not_mounted_and_not_migrated_to() {
    every_beginning_is_refused::<Plain>().await;
    every_beginning_is_refused::<Durable>().await;
}

/// JSON has numbers that an `f32` cannot represent.
#[tokio::test]
async fn a_number_of_the_page_that_is_too_large_is_the_pages_mistake() {
    let mut page = Page::mount::<Plain>(json!({})).await;
    assert_eq!(page.set("ratio", json!(1e300)).await, Err(ErrorCode::BadValue));
    let with_edits =
        Job::Action { action: "now".into(), payload: None, set: vec![("ratio".into(), raw(&json!(-1e300)))] };
    assert_eq!(page.run(with_edits).await.result.unwrap_err().code(), ErrorCode::BadValue);
    let props = Job::Props { props: raw(&json!({ "ratio": 1e39 })), page: Vec::new() };
    assert_eq!(page.run(props).await.result.unwrap_err().code(), ErrorCode::BadProps);
    assert_eq!(page.state["ratio"], 0.0);
    page.set("ratio", json!(1e30)).await.unwrap();
    let Err(error) = Page::try_mount_in::<Plain>(page.env, json!({ "ratio": 1e300 })).await else {
        panic!("it has no JSON form");
    };
    assert_eq!(error.code(), ErrorCode::BadProps, "{error}");
}

/// Valid values of the same types can be saved.
#[tokio::test]
async fn unusual_values_with_a_json_form_are_restored_unchanged() {
    let state = json!({
        "text": "", "ratio": 1.175_494_4e-38, "level": f64::MIN, "small": [[1, 3.402_823_5e38], [2, null]],
        "scores": { "-0.0": 1, "1e-7": 2, "1.7976931348623157e308": 3 }, "shown_grid": {}, "secret": null,
        "deep": { "": [{ "0": 1.192_092_9e-7 }] }, "hidden_scores": { "0.1": 1 }, "grid": {}, "sealed": [{}],
        "silent": false, "one_way": 0,
    });
    let registration = Registration::of::<Durable>();
    let restore = async |state: Vec<u8>| {
        let back =
            registration.restore(&state, Durable::SPEC.schema(), MountContext::default()).await.unwrap();
        back.into_instance().save().unwrap()
    };
    let once = restore(state.to_string().into_bytes()).await;
    assert_eq!(restore(once.clone()).await, once);
    let once: Value = serde_json::from_slice(&once).unwrap();
    for name in ["ratio", "level", "small", "secret", "deep", "hidden_scores", "sealed"] {
        assert_eq!(once[name], state[name], "{name}");
    }
    assert_eq!(once["scores"].as_object().unwrap().len(), 3);
}
