//! Values that have no JSON form, or that would be read back differently, are refused when they are
//! created, and the state does not change.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use vivaz_components::instance::Job;
use vivaz_components::{
    ActionError, Async, Context, Effect, Env, ErrorCode, Hub, Identity, List, LiveComponent, LiveState,
    Registration, Result, Shared, States, Topic, TopicContext, Tracked, actions,
};

use crate::drive::{Page, act, raw};

#[derive(LiveState, Serialize, Deserialize, Clone, Default, Debug)]
struct Row {
    id: u64,
    weight: f64,
}

/// Is read back as another value.
#[derive(Clone, Default, Debug, PartialEq)]
struct Forgetful(u32);

impl Serialize for Forgetful {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_u32(self.0)
    }
}

impl<'de> Deserialize<'de> for Forgetful {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let read = u32::deserialize(deserializer)?;
        if read == 13 {
            return Err(serde::de::Error::custom("not that one"));
        }
        Ok(Self(read.min(5)))
    }
}

/// One field of each kind.
#[derive(LiveComponent, Clone)]
#[live(name = "every-kind", inline = "<input live:model=\"text\">{{ level }} {{ twice }}", open)]
struct EveryKind {
    #[live(model, default)]
    text: String,
    #[live(default)]
    level: f64,
    #[live(default)]
    small: f32,
    #[live(private, default)]
    secret: Option<f64>,
    #[live(default, opaque)]
    nested: Vec<BTreeMap<String, (f64, u8)>>,
    #[live(default)]
    rows: List<Row>,
    #[live(private, default)]
    hidden_rows: List<Row>,
    #[live(default, opaque)]
    tracked: Tracked<Vec<f64>>,
    #[live(default)]
    fetched: Async<f64>,
    #[live(default)]
    halved: f64,
    #[live(private, default)]
    forgetful: Forgetful,
    #[live(private, default)]
    maps: HashMap<String, HashSet<u32>>,
    #[live(shared = "weather/{text}")]
    weather: Shared<Weather>,
}

#[derive(LiveState, Serialize, Clone, Default)]
struct Weather {
    degrees: f64,
    rows: List<Row>,
}

impl Topic for Weather {
    type Key = String;

    async fn load(_: &String, _: &TopicContext) -> Result<Self> {
        Ok(Self::default())
    }

    async fn authorize(_: &String, _: &Identity) -> Result {
        Ok(())
    }
}

#[actions]
impl EveryKind {
    #[live(computed)]
    fn twice(&self) -> f64 {
        1.0 / (1.0 - self.halved)
    }

    /// Sets an invalid number, after a valid change.
    #[action]
    fn spoil(&mut self, cx: &mut Context, place: String, kind: String) -> Result<Option<f64>> {
        self.text = "changed".into();
        let odd = match kind.as_str() {
            "nan" => f64::NAN,
            "infinity" => f64::INFINITY,
            _ => f64::NEG_INFINITY,
        };
        match place.as_str() {
            "level" => self.level = odd,
            #[expect(clippy::cast_possible_truncation, reason = "it is none in both")]
            "small" => self.small = odd as f32,
            "secret" => self.secret = Some(odd),
            "nested" => self.nested = vec![BTreeMap::from([("a".to_owned(), (odd, 1))])],
            "rows" => self.rows.push(Row { id: 9, weight: odd }),
            "row" => _ = self.rows.update(2, |row| row.weight = odd),
            "replaced" => self.rows.replace([Row { id: 7, weight: odd }]),
            "hidden_rows" => self.hidden_rows.push(Row { id: 9, weight: odd }),
            "tracked" => self.tracked.push(odd),
            "fetched" => self.fetched.set(odd),
            "twice" => self.halved = 1.0,
            "topic" => self.weather.update(move |weather| weather.degrees = odd),
            "topic_row" => self.weather.update(move |weather| weather.rows.push(Row { id: 1, weight: odd })),
            "event" => cx.emit("bell", odd)?,
            "result" => return Ok(Some(odd)),
            "key" => self.rows.push(Row { id: u64::MAX, weight: 1.0 }),
            "hidden_key" => self.hidden_rows.push(Row { id: 1 << 63, weight: 1.0 }),
            "replaced_key" => self.rows.replace([Row { id: u64::MAX, weight: 1.0 }]),
            "renamed_key" => _ = self.rows.update(2, |row| row.id = u64::MAX),
            "topic_key" => {
                self.weather.update(|weather| weather.rows.push(Row { id: u64::MAX, weight: 1.0 }));
            }
            "different" => self.forgetful = Forgetful(6),
            "unreadable" => self.forgetful = Forgetful(13),
            _ => return Err(ActionError::user("there is no such place")),
        }
        Ok(None)
    }

    #[action]
    fn touch(&mut self) {
        self.level += 1.0;
        self.rows.push(Row { id: 2, weight: 0.5 });
        self.maps.entry("a".into()).or_default().extend(0..50);
        self.maps.entry("b".into()).or_default().extend(50..90);
        self.forgetful = Forgetful(4);
    }

    fn updated(&mut self, property: &str) {
        if property == "text" && self.text == "nan" {
            self.level = f64::NAN;
        }
    }

    #[event]
    fn spoiled(&mut self) {
        self.level = f64::NAN;
    }

    #[action]
    fn fetch(&mut self, cx: &mut Context) {
        self.fetched.load(cx, async { Ok(f64::NAN) });
    }
}

fn env() -> Env {
    Env::new(Identity::anonymous(), States::default(), Hub::new())
}

async fn page() -> Page {
    let mut page = Page::mount_in::<EveryKind>(env(), json!({})).await;
    page.call("touch", json!([])).await.unwrap();
    page
}

/// Runs a job that must be refused, applies its staged changes, and returns the reason.
async fn refused(page: &mut Page, job: Job) -> String {
    let before = (page.state.clone(), page.instance().save().unwrap());
    let finished = page.run(job).await;
    assert!(finished.effects.is_empty(), "{:?} is left of what failed", finished.effects);
    let error = finished.result.unwrap_err();
    assert_eq!((&page.last, &page.state), (&None, &before.0), "{error}");
    assert_eq!(error.code(), ErrorCode::ActionFailed);
    assert_eq!(error.message(), "the action failed", "the page learns nothing of it");
    let saved: Value = serde_json::from_slice(&page.instance().save().unwrap()).unwrap();
    let was: Value = serde_json::from_slice(&before.1).unwrap();
    assert_eq!(saved["level"], was["level"], "{error}");
    assert_eq!(saved["text"], was["text"], "{error}");
    assert_eq!(saved["rows"], was["rows"], "{error}");
    error.to_string()
}

#[tokio::test]
async fn a_number_without_a_json_form_is_refused_at_any_place() {
    for kind in ["nan", "infinity", "-infinity"] {
        for (place, named) in [
            ("level", "`level`"),
            ("small", "`small`"),
            ("secret", "`secret`"),
            ("nested", "`nested`"),
            ("rows", "`rows`"),
            ("row", "`rows`"),
            ("replaced", "`rows`"),
            ("hidden_rows", "`hidden_rows`"),
            ("tracked", "`tracked`"),
            ("fetched", "`fetched`"),
            ("twice", "`twice`"),
            ("topic", "`degrees`"),
            ("topic_row", "`rows`"),
            ("event", "the event `bell`"),
            ("result", "the value that the method returned"),
        ] {
            let mut page = page().await;
            let error = refused(&mut page, act("spoil", json!([place, kind]))).await;
            assert!(error.contains(named) && error.contains("JSON cannot represent"), "{place}: {error}");
            // The component continues with its previous state.
            page.call("touch", json!([])).await.unwrap();
            assert_eq!(page.state["level"], 2.0, "{place}");
        }
    }
}

#[tokio::test]
async fn an_invalid_key_is_refused_without_a_panic() {
    for (place, named) in [
        ("key", "`rows`"),
        ("hidden_key", "`hidden_rows`"),
        ("replaced_key", "`rows`"),
        ("renamed_key", "`rows`"),
        ("topic_key", "`rows`"),
    ] {
        let mut page = page().await;
        let error = refused(&mut page, act("spoil", json!([place, ""]))).await;
        assert!(error.contains(named) && error.contains("the key of a list item"), "{place}: {error}");
        page.call("touch", json!([])).await.unwrap();
    }
}

#[tokio::test]
async fn state_that_is_read_back_differently_is_refused_in_debug_builds() {
    if !cfg!(debug_assertions) {
        return;
    }
    for (place, how) in [("different", "comes back as 5"), ("unreadable", "cannot be read back")] {
        let mut page = page().await;
        let error = refused(&mut page, act("spoil", json!([place, ""]))).await;
        assert!(error.contains("`forgetful`") && error.contains(how), "{place}: {error}");
    }
}

#[tokio::test]
async fn a_hook_and_an_event_with_an_invalid_field_do_not_change_the_state() {
    let mut page = page().await;
    let job = Job::Property { property: "text".into(), value: raw(&json!("nan")) };
    let error = refused(&mut page, job).await;
    assert!(error.contains("`level`"), "{error}");
    let event = vivaz_components::ServerEvent::new("spoiled", &()).unwrap();
    let error = refused(&mut page, Job::Event { event }).await;
    assert!(error.contains("`level`"), "{error}");
    let job =
        Job::Action { action: "touch".into(), payload: None, set: vec![("text".into(), raw(&json!("nan")))] };
    let error = refused(&mut page, job).await;
    assert!(error.contains("`level`"), "{error}");
}

#[tokio::test]
async fn a_load_that_yields_no_number_is_one_that_failed() {
    let mut page = page().await;
    let finished = page.run(act("fetch", json!([]))).await;
    let Some(Effect::Load(load)) = finished.effects.into_iter().next() else { panic!("it loads") };
    let loaded = load.await.unwrap();
    page.run(Job::Loaded { loaded }).await;
    assert_eq!(page.state["fetched"]["failed"], true);
    assert_eq!(page.state["fetched"]["error"], "the action failed");
    page.instance().save().unwrap();
}

#[derive(LiveComponent, Clone)]
#[live(name = "born-odd", inline = "{{ level }}")]
struct BornOdd {
    level: f64,
    #[live(private)]
    rows: List<Row>,
}

#[actions]
impl BornOdd {
    fn mount(props: BornOddProps) -> Self {
        let _ = props;
        Self { level: 1.0, rows: [Row { id: 1, weight: f64::NAN }].into_iter().collect() }
    }
}

#[tokio::test]
async fn mounted_state_is_checked_too() {
    let Err(error) = Page::try_mount_in::<BornOdd>(env(), json!({})).await else {
        panic!("it has no JSON form");
    };
    assert_eq!((error.code(), error.message()), (ErrorCode::ActionFailed, "the action failed"));
    assert!(error.to_string().contains("`rows`"), "{error}");
    let _ = Registration::of::<BornOdd>();
}

/// One field of each kind, and the place of the invalid number in the initial state.
#[derive(LiveComponent, Clone)]
#[live(name = "born-in-every-kind", inline = "{{ level }} {{ twice }} {{ climate.degrees }}", open)]
struct BornInEveryKind {
    #[live(prop)]
    place: String,
    #[live(prop, default)]
    given: f64,
    #[live(default)]
    level: f64,
    #[live(default)]
    small: f32,
    #[live(private, default)]
    secret: Option<f64>,
    #[live(default, opaque)]
    nested: Vec<BTreeMap<String, (f64, u8)>>,
    #[live(default)]
    rows: List<Row>,
    #[live(default, opaque)]
    tracked: Tracked<Vec<f64>>,
    #[live(default)]
    fetched: Async<f64>,
    #[live(shared = "climate/{place}")]
    climate: Shared<Climate>,
}

#[actions]
impl BornInEveryKind {
    #[live(computed)]
    fn twice(&self) -> f64 {
        if self.place == "computed" { f64::NAN } else { 2.0 }
    }

    #[action]
    fn turn(&mut self, place: String) {
        self.place = place;
    }

    fn mount(props: BornInEveryKindProps) -> Self {
        let mut born = Self {
            place: props.place,
            given: props.given,
            level: 0.0,
            small: 0.0,
            secret: None,
            nested: Vec::new(),
            rows: List::default(),
            tracked: Tracked::default(),
            fetched: Async::default(),
            climate: Shared::new(),
        };
        let odd = f64::INFINITY;
        match born.place.as_str() {
            "level" => born.level = odd,
            "small" => born.small = f32::NAN,
            "secret" => born.secret = Some(odd),
            "nested" => born.nested = vec![BTreeMap::from([("a".to_owned(), (odd, 1))])],
            "rows" => born.rows.push(Row { id: 9, weight: odd }),
            "tracked" => born.tracked.push(odd),
            "fetched" => born.fetched.set(odd),
            _ => {}
        }
        born
    }
}

/// A topic with one of these numbers in its initial state.
#[derive(LiveState, Serialize, Clone, Default)]
struct Climate {
    degrees: f64,
    #[serde(skip)]
    odd: f64,
    rows: List<Row>,
}

#[actions]
impl Climate {
    #[live(computed)]
    fn doubled(&self) -> f64 {
        self.odd * 2.0
    }
}

impl Topic for Climate {
    type Key = String;

    async fn load(key: &String, _: &TopicContext) -> Result<Self> {
        let mut climate = Self::default();
        match key.as_str() {
            "degrees" => climate.degrees = f64::NAN,
            "doubled" => climate.odd = f64::NEG_INFINITY,
            "topic_rows" => climate.rows.push(Row { id: 1, weight: f64::NAN }),
            _ => {}
        }
        Ok(climate)
    }

    async fn authorize(_: &String, _: &Identity) -> Result {
        Ok(())
    }
}

const TOPICS: [(&str, &str); 3] =
    [("degrees", "`degrees`"), ("doubled", "`doubled`"), ("topic_rows", "`rows`")];

#[tokio::test]
async fn a_number_that_json_has_none_for_is_refused_at_mount_and_when_a_topic_is_loaded() {
    let of_fields = [
        ("level", "`level`"),
        ("small", "`small`"),
        ("secret", "`secret`"),
        ("nested", "`nested`"),
        ("rows", "`rows`"),
        ("tracked", "`tracked`"),
        ("fetched", "`fetched`"),
        ("computed", "`twice`"),
    ];
    for (place, named) in of_fields.into_iter().chain(TOPICS) {
        let Err(error) = Page::try_mount_in::<BornInEveryKind>(env(), json!({ "place": place })).await else {
            panic!("{place} has no JSON form");
        };
        assert_eq!((error.code(), error.message()), (ErrorCode::ActionFailed, "the action failed"));
        let error = error.to_string();
        assert!(error.contains(named) && error.contains("JSON cannot represent"), "{place}: {error}");
    }
    // The props of a typed mount were never JSON.
    let props = BornInEveryKindProps { place: "fine".into(), given: f64::NAN };
    let Err(error) =
        vivaz_components::mount::<BornInEveryKind>(props, vivaz_components::MountContext::new(env())).await
    else {
        panic!("the prop has no JSON form");
    };
    assert!(error.to_string().contains("`given`"), "{error}");
}

#[tokio::test]
async fn a_topic_with_a_number_that_json_has_none_for_is_not_turned_to() {
    for (place, named) in TOPICS {
        let mut page = Page::mount_in::<BornInEveryKind>(env(), json!({ "place": "fine" })).await;
        let finished = page.run(act("turn", json!([place]))).await;
        let error = finished.result.unwrap_err().to_string();
        assert!(error.contains(named) && error.contains("JSON cannot represent"), "{place}: {error}");
        assert_eq!(page.state["place"], "fine");
        page.call("turn", json!(["elsewhere"])).await.unwrap();
        assert_eq!(page.state["place"], "elsewhere");
    }
}
