//! What a page knows: the state it was sent, what it has asked, and what it was answered. Every
//! message that comes is held against that; one that cannot be true is an error.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail, ensure};
use serde_json::{Map, Value, json};
use vivaz_protocol::{Patch, RawJson};

/// The one component of each page.
const COMPONENT: &str = "c1";

/// What a page does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Counts.
    Counts,
    /// Talks in the room.
    Talks,
}

/// One stream of state.
#[derive(Clone, Debug)]
pub struct Stream {
    epoch: String,
    rev: u64,
    state: Value,
}

/// A session, as a `WELCOME` described it.
#[derive(Clone, Debug)]
struct Session {
    id: Value,
    secret: Value,
}

/// A page.
#[derive(Debug)]
pub struct Page {
    /// Which one of all.
    pub number: u64,
    /// What it does.
    pub role: Role,
    /// Whether it applies the patches of the room, which costs the more the longer the room is; it
    /// counts them anyway.
    follows: bool,
    session: Option<Session>,
    streams: BTreeMap<String, Stream>,
    /// What was asked and not answered yet.
    unanswered: BTreeMap<u64, Value>,
    /// What was asked and answered, and may be asked again because the server was not told that the
    /// answer came.
    unacknowledged: BTreeMap<u64, Value>,
    /// Every action's first answer.
    answers: BTreeMap<u64, Value>,
    last: u64,
    /// The highest ref up to which the server was told that all answers came.
    acknowledged: u64,
    mounted: bool,
    /// The highest value of its own counter that an answer promised.
    promised: u64,
    /// How often it was welcomed back.
    pub resumed: u64,
    /// How many answers it got again.
    pub repeated: u64,
}

impl Page {
    /// A page that has done nothing yet.
    pub fn new(number: u64, role: Role) -> Self {
        Self {
            number,
            role,
            follows: role == Role::Talks && number % 10 == 1,
            session: None,
            streams: BTreeMap::new(),
            unanswered: BTreeMap::new(),
            unacknowledged: BTreeMap::new(),
            answers: BTreeMap::new(),
            last: 0,
            acknowledged: 0,
            mounted: false,
            promised: 0,
            resumed: 0,
            repeated: 0,
        }
    }

    /// The names of its streams: its component's, and the room's if it looks at it.
    pub fn streams(&self) -> &'static [&'static str] {
        match self.role {
            Role::Counts => &["c:c1"],
            Role::Talks => &["c:c1", "t:room/all"],
        }
    }

    /// How many actions were asked for.
    pub fn asked(&self) -> u64 {
        // The first message asks for the component.
        self.last.saturating_sub(1)
    }

    /// How many actions were answered.
    pub fn answered(&self) -> u64 {
        self.answers.len() as u64
    }

    /// How much is not answered yet.
    pub fn waiting(&self) -> usize {
        self.unanswered.len()
    }

    /// The messages without an answer, in order.
    pub fn unanswered(&self) -> impl Iterator<Item = (u64, &Value)> {
        self.unanswered.iter().map(|(reference, message)| (*reference, message))
    }

    /// Messages that have an answer of which the server was not told that it came.
    pub fn unacknowledged(&self) -> impl Iterator<Item = (u64, &Value)> {
        self.unacknowledged.iter().map(|(reference, message)| (*reference, message))
    }

    /// The greeting. `forgetful`: without saying which answers came since it was last said.
    pub fn hello(&mut self, forgetful: bool) -> Value {
        let Some(session) = &self.session else { return json!({ "v": 1, "type": "HELLO", "payload": {} }) };
        let (id, secret) = (session.id.clone(), session.secret.clone());
        if !forgetful {
            self.acknowledge();
        }
        let streams: Map<String, Value> = self
            .streams
            .iter()
            .map(|(name, stream)| (name.clone(), json!([stream.epoch, stream.rev])))
            .collect();
        let payload =
            json!({ "session": id, "resume": secret, "acked": self.acknowledged, "streams": streams });
        json!({ "v": 1, "type": "HELLO", "payload": payload })
    }

    /// Takes the answer to the greeting, and gives the refs whose answers follow by themselves.
    ///
    /// # Errors
    /// If a session is lost in which something was promised.
    pub fn welcome(&mut self, message: &Value) -> anyhow::Result<Vec<u64>> {
        let payload = get(message, "payload");
        ensure!(get(message, "type") == "WELCOME", "HELLO was answered with {message}");
        let resumed = get(payload, "resumed") == true;
        if resumed {
            ensure!(self.session.is_some(), "resumed what never was");
            self.resumed += 1;
        } else if let Some(Session { id, .. }) = &self.session {
            ensure!(!self.mounted, "page {}: the session {id} is lost: {message}", self.number);
            // Nothing was promised in it: the page starts anew.
            self.unanswered.clear();
            self.last = 0;
        }
        self.session =
            Some(Session { id: get(payload, "session").clone(), secret: get(payload, "resume").clone() });
        let done = get(payload, "done").as_array().map(Vec::as_slice).unwrap_or_default();
        Ok(done.iter().filter_map(Value::as_u64).collect())
    }

    /// Asks for the page's component.
    pub fn mount(&mut self, component: &str) -> Value {
        self.ask("COMPONENT_MOUNT", &json!({ "component": component }))
    }

    /// Whether the component was asked for.
    pub fn has_begun(&self) -> bool {
        self.last > 0
    }

    /// Calls an action.
    pub fn call(&mut self, action: &str, arguments: &Value, acknowledges: bool) -> Value {
        let mut message = self.ask("COMPONENT_ACTION", arguments);
        put(&mut message, "action", action.into());
        if acknowledges {
            self.acknowledge();
        }
        // Sent again later, it says less than could be said by then, and nothing wrong.
        if self.acknowledged > 0 {
            put(&mut message, "ack", self.acknowledged.into());
        }
        self.unanswered.insert(self.last, message.clone());
        message
    }

    fn ask(&mut self, kind: &str, payload: &Value) -> Value {
        self.last += 1;
        let message =
            json!({ "v": 1, "type": kind, "ref": self.last, "componentId": COMPONENT, "payload": payload });
        self.unanswered.insert(self.last, message.clone());
        message
    }

    /// From now on the server is told that all answers came up to the first message without one.
    fn acknowledge(&mut self) {
        self.acknowledged = self.unanswered.keys().next().map_or(self.last, |first| first - 1);
        let acknowledged = self.acknowledged;
        self.unacknowledged.retain(|reference, _| *reference > acknowledged);
    }

    /// Asks for the state of a stream.
    pub fn resync(name: &str) -> Value {
        match name.split_once(':') {
            Some(("t", topic)) => json!({ "v": 1, "type": "RESYNC", "topic": topic }),
            Some((_, id)) => json!({ "v": 1, "type": "RESYNC", "componentId": id }),
            None => Value::Null,
        }
    }

    /// Takes a message in. Gives the name of the stream if it was a snapshot.
    ///
    /// # Errors
    /// If it contradicts what came before.
    pub fn take_in(&mut self, message: &Value) -> anyhow::Result<Option<String>> {
        self.take(message).with_context(|| format!("page {} was sent {message}", self.number))
    }

    fn take(&mut self, message: &Value) -> anyhow::Result<Option<String>> {
        let name = match (get(message, "componentId"), get(message, "topic")) {
            (Value::String(id), _) => format!("c:{id}"),
            (_, Value::String(topic)) => format!("t:{topic}"),
            (_, _) => String::new(),
        };
        let payload = get(message, "payload");
        let mut snapshot = None;
        match get(message, "type").as_str().context("a message has a type")? {
            "COMPONENT_MOUNTED" => {
                self.mounted = true;
                self.replace(&name, message, get(payload, "state"))?;
            }
            "STATE_SNAPSHOT" => {
                self.replace(&name, message, payload)?;
                snapshot = Some(name);
            }
            "STATE_UPDATE" => self.change(&name, message, payload)?,
            "ACK" | "DRAIN" => {}
            other => bail!("a {other} is not expected"),
        }
        if let Some(reference) = get(message, "ref").as_u64() {
            self.answer(reference, message)?;
        }
        Ok(snapshot)
    }

    fn replace(&mut self, name: &str, message: &Value, state: &Value) -> anyhow::Result<()> {
        let rev = get(message, "rev").as_u64().context("a snapshot has a revision")?;
        let epoch = get(message, "epoch").as_str().context("a snapshot has an epoch")?.to_owned();
        if let Some(before) = self.streams.get(name)
            && before.epoch == epoch
        {
            ensure!(rev >= before.rev, "revision {} was there already", before.rev);
        }
        if name.starts_with("c:") {
            let count = self.own_count(state)?;
            ensure!(count >= self.promised, "{} had been promised", self.promised);
        }
        let state = state.clone();
        self.streams.insert(name.to_owned(), Stream { epoch, rev, state });
        Ok(())
    }

    fn change(&mut self, name: &str, message: &Value, patch: &Value) -> anyhow::Result<()> {
        let follows = self.follows || name.starts_with("c:");
        let stream =
            self.streams.get_mut(name).context("a patch of something that the page does not have")?;
        let rev = get(message, "rev").as_u64().context("a patch has a revision")?;
        ensure!(rev == stream.rev + 1, "a gap: the page has revision {}", stream.rev);
        stream.rev = rev;
        if follows {
            Patch::parse(RawJson::trusted(&patch.to_string()))?.apply(&mut stream.state)?;
        }
        Ok(())
    }

    fn answer(&mut self, reference: u64, message: &Value) -> anyhow::Result<()> {
        let asked = self.unanswered.remove(&reference);
        let kind = get(message, "type");
        if kind == "COMPONENT_MOUNTED" {
            return Ok(());
        }
        let result = if kind == "STATE_UPDATE" { get(message, "result") } else { get(message, "payload") };
        let count = result.as_u64().context("an answer without its result")?;
        self.promised = self.promised.max(count);
        if let Some(first) = self.answers.get(&reference) {
            ensure!(first == result, "message {reference} was answered {first} before");
            self.repeated += 1;
        }
        if let Some(asked) = asked {
            self.unacknowledged.insert(reference, asked);
            self.answers.insert(reference, result.clone());
        }
        Ok(())
    }

    fn own_count(&self, state: &Value) -> anyhow::Result<u64> {
        let field = match self.role {
            Role::Counts => "count",
            Role::Talks => "said",
        };
        get(state, field).as_u64().with_context(|| format!("the state has {field}"))
    }

    /// Where it is in a stream: to be compared with a snapshot of it.
    pub fn position(&self, name: &str) -> Option<Stream> {
        self.streams.get(name).cloned()
    }

    /// Whether what it had before a snapshot of now is what the snapshot says.
    ///
    /// # Errors
    /// If it is not.
    pub fn agrees(&self, name: &str, before: Option<&Stream>) -> anyhow::Result<()> {
        let now = self.streams.get(name).context("the stream is there")?;
        let before = before.context("the stream was there")?;
        ensure!((&before.epoch, before.rev) == (&now.epoch, now.rev), "{name}: {before:?} is not {now:?}");
        if self.follows || name.starts_with("c:") {
            ensure!(
                before.state == now.state,
                "{name}: the page had {}, the server {}",
                before.state,
                now.state
            );
        }
        Ok(())
    }

    /// Whether every action was answered once, in order, and took effect once.
    ///
    /// # Errors
    /// If not.
    pub fn is_exact(&self, actions: u64) -> anyhow::Result<()> {
        ensure!(self.unanswered.is_empty(), "without an answer: {:?}", self.unanswered);
        let own = self.streams.get("c:c1").context("the component is there")?;
        let count = self.own_count(&own.state)?;
        ensure!(count == actions, "{actions} actions were acknowledged, {count} took effect");
        let results = self.answers.values().filter_map(Value::as_u64);
        ensure!(results.eq(1..=actions), "the answers are {:?}", self.answers);
        Ok(())
    }

    /// The room as this page was sent it last.
    pub fn room(&self) -> Vec<&str> {
        let Some(room) = self.streams.get("t:room/all") else { return Vec::new() };
        let messages = get(&room.state, "messages").as_array().map(Vec::as_slice).unwrap_or_default();
        messages.iter().filter_map(|message| get(message, "id").as_str()).collect()
    }
}

/// A field of an object; null if it has none of that name.
fn get<'a>(value: &'a Value, field: &str) -> &'a Value {
    value.get(field).unwrap_or(&Value::Null)
}

fn put(value: &mut Value, field: &str, new: Value) {
    if let Value::Object(fields) = value {
        fields.insert(field.to_owned(), new);
    }
}
