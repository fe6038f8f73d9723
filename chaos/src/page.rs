//! The state of a page: its streams, its requests and their replies. Each received message is
//! checked against that state; a contradiction is an error.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail, ensure};
use serde_json::{Map, Value, json};
use vivaz_protocol::{Patch, RawJson};

/// The one component of each page.
const COMPONENT: &str = "c1";

/// The task of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Increments its counter.
    Counter,
    /// Sends messages to the room.
    Talker,
}

/// Which replies a message acknowledges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acknowledge {
    /// All received replies.
    All,
    /// Only replies that an earlier message has acknowledged.
    Nothing,
}

/// One stream.
#[derive(Clone, Debug)]
pub struct Stream {
    epoch: String,
    rev: u64,
    state: Value,
}

/// The identity of a session, from `WELCOME`.
#[derive(Clone, Debug)]
struct Session {
    id: Value,
    secret: Value,
}

/// A page and the state that it has received.
#[derive(Debug)]
pub struct Page {
    /// The number of the page.
    pub number: u64,
    /// The task of the page.
    pub role: Role,
    /// Whether the page applies the patches of the room, which is slow for a long room. The other
    /// pages only count them.
    follows: bool,
    session: Option<Session>,
    streams: BTreeMap<String, Stream>,
    /// Requests without a reply, by ref.
    pending: BTreeMap<u64, Value>,
    /// Requests with a reply that is not acknowledged. They may be sent again.
    unacknowledged: BTreeMap<u64, Value>,
    /// The first reply to each action, by ref.
    replies: BTreeMap<u64, Value>,
    last: u64,
    /// The highest acknowledged ref.
    acknowledged: u64,
    mounted: bool,
    /// The highest counter value in a reply.
    promised: u64,
    /// The number of resumes.
    pub resumed: u64,
    /// The number of repeated replies.
    pub repeated: u64,
}

impl Page {
    /// Creates a page without a session.
    pub fn new(number: u64, role: Role) -> Self {
        Self {
            number,
            role,
            follows: role == Role::Talker && number % 10 == 1,
            session: None,
            streams: BTreeMap::new(),
            pending: BTreeMap::new(),
            unacknowledged: BTreeMap::new(),
            replies: BTreeMap::new(),
            last: 0,
            acknowledged: 0,
            mounted: false,
            promised: 0,
            resumed: 0,
            repeated: 0,
        }
    }

    /// Returns the names of the page's streams: that of its component, and that of the room for a
    /// talker.
    pub fn streams(&self) -> &'static [&'static str] {
        match self.role {
            Role::Counter => &["c:c1"],
            Role::Talker => &["c:c1", "t:room/all"],
        }
    }

    /// Returns the number of actions that were sent.
    pub fn sent(&self) -> u64 {
        // The first request mounts the component.
        self.last.saturating_sub(1)
    }

    /// Returns the number of actions with a reply.
    pub fn replied(&self) -> u64 {
        self.replies.len() as u64
    }

    /// Returns the number of requests without a reply.
    pub fn waiting(&self) -> usize {
        self.pending.len()
    }

    /// Returns the requests without a reply, in order.
    pub fn pending(&self) -> impl Iterator<Item = (u64, &Value)> {
        self.pending.iter().map(|(reference, message)| (*reference, message))
    }

    /// Returns the requests with a reply that is not acknowledged, in order.
    pub fn unacknowledged(&self) -> impl Iterator<Item = (u64, &Value)> {
        self.unacknowledged.iter().map(|(reference, message)| (*reference, message))
    }

    /// Creates the `HELLO` message.
    pub fn hello(&mut self, acknowledge: Acknowledge) -> Value {
        let Some(session) = &self.session else { return json!({ "v": 1, "type": "HELLO", "payload": {} }) };
        let (id, secret) = (session.id.clone(), session.secret.clone());
        if acknowledge == Acknowledge::All {
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

    /// Applies the reply to `HELLO`. Returns the refs whose replies the server repeats without a
    /// request.
    ///
    /// # Errors
    /// Fails if the server has lost a session with a mounted component.
    pub fn welcome(&mut self, message: &Value) -> anyhow::Result<Vec<u64>> {
        let payload = get(message, "payload");
        ensure!(get(message, "type") == "WELCOME", "expected WELCOME after HELLO, received {message}");
        let resumed = get(payload, "resumed") == true;
        if resumed {
            ensure!(self.session.is_some(), "the server resumed an unknown session");
            self.resumed += 1;
        } else if let Some(Session { id, .. }) = &self.session {
            ensure!(!self.mounted, "page {}: the session {id} is lost: {message}", self.number);
            // Nothing was acknowledged in the lost session: the page starts again.
            self.pending.clear();
            self.last = 0;
        }
        self.session =
            Some(Session { id: get(payload, "session").clone(), secret: get(payload, "resume").clone() });
        let done = get(payload, "done").as_array().map(Vec::as_slice).unwrap_or_default();
        Ok(done.iter().filter_map(Value::as_u64).collect())
    }

    /// Creates the request that mounts the component.
    pub fn mount(&mut self, component: &str) -> Value {
        self.request("COMPONENT_MOUNT", &json!({ "component": component }))
    }

    /// Returns whether the mount was requested.
    pub fn is_mount_requested(&self) -> bool {
        self.last > 0
    }

    /// Creates the request that calls an action.
    pub fn call(&mut self, action: &str, arguments: &Value, acknowledge: Acknowledge) -> Value {
        let mut message = self.request("COMPONENT_ACTION", arguments);
        put(&mut message, "action", action.into());
        if acknowledge == Acknowledge::All {
            self.acknowledge();
        }
        // If the request is repeated, its acknowledgement is outdated but not wrong.
        if self.acknowledged > 0 {
            put(&mut message, "ack", self.acknowledged.into());
        }
        self.pending.insert(self.last, message.clone());
        message
    }

    fn request(&mut self, kind: &str, payload: &Value) -> Value {
        self.last += 1;
        let message =
            json!({ "v": 1, "type": kind, "ref": self.last, "componentId": COMPONENT, "payload": payload });
        self.pending.insert(self.last, message.clone());
        message
    }

    /// Acknowledges all replies before the first pending request.
    fn acknowledge(&mut self) {
        self.acknowledged = self.pending.keys().next().map_or(self.last, |first| first - 1);
        let acknowledged = self.acknowledged;
        self.unacknowledged.retain(|reference, _| *reference > acknowledged);
    }

    /// Creates the request for a snapshot of a stream.
    pub fn resync(name: &str) -> Value {
        match name.split_once(':') {
            Some(("t", topic)) => json!({ "v": 1, "type": "RESYNC", "topic": topic }),
            Some((_, id)) => json!({ "v": 1, "type": "RESYNC", "componentId": id }),
            None => Value::Null,
        }
    }

    /// Applies a message. Returns the name of the stream if the message is a snapshot.
    ///
    /// # Errors
    /// Fails if the message contradicts the state of the page.
    pub fn receive(&mut self, message: &Value) -> anyhow::Result<Option<String>> {
        self.apply(message).with_context(|| format!("page {} received {message}", self.number))
    }

    fn apply(&mut self, message: &Value) -> anyhow::Result<Option<String>> {
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
            other => bail!("unexpected message type {other}"),
        }
        if let Some(reference) = get(message, "ref").as_u64() {
            self.apply_reply(reference, message)?;
        }
        Ok(snapshot)
    }

    fn replace(&mut self, name: &str, message: &Value, state: &Value) -> anyhow::Result<()> {
        let rev = get(message, "rev").as_u64().context("a snapshot has a revision")?;
        let epoch = get(message, "epoch").as_str().context("a snapshot has an epoch")?.to_owned();
        if let Some(before) = self.streams.get(name)
            && before.epoch == epoch
        {
            ensure!(rev >= before.rev, "the snapshot is older than revision {}", before.rev);
        }
        if name.starts_with("c:") {
            let count = self.own_count(state)?;
            ensure!(
                count >= self.promised,
                "the snapshot has the count {count}, but {} was acknowledged",
                self.promised
            );
        }
        let state = state.clone();
        self.streams.insert(name.to_owned(), Stream { epoch, rev, state });
        Ok(())
    }

    fn change(&mut self, name: &str, message: &Value, patch: &Value) -> anyhow::Result<()> {
        let follows = self.follows || name.starts_with("c:");
        let stream = self.streams.get_mut(name).context("a patch of a stream without a snapshot")?;
        let rev = get(message, "rev").as_u64().context("a patch has a revision")?;
        ensure!(rev == stream.rev + 1, "missing patches after revision {}", stream.rev);
        stream.rev = rev;
        if follows {
            Patch::parse(RawJson::trusted(&patch.to_string()))?.apply(&mut stream.state)?;
        }
        Ok(())
    }

    fn apply_reply(&mut self, reference: u64, message: &Value) -> anyhow::Result<()> {
        let request = self.pending.remove(&reference);
        let kind = get(message, "type");
        if kind == "COMPONENT_MOUNTED" {
            return Ok(());
        }
        let result = if kind == "STATE_UPDATE" { get(message, "result") } else { get(message, "payload") };
        let count = result.as_u64().context("a reply has a result")?;
        self.promised = self.promised.max(count);
        if let Some(first) = self.replies.get(&reference) {
            ensure!(first == result, "the first reply to message {reference} was {first}");
            self.repeated += 1;
        }
        if let Some(request) = request {
            self.unacknowledged.insert(reference, request);
            self.replies.insert(reference, result.clone());
        }
        Ok(())
    }

    fn own_count(&self, state: &Value) -> anyhow::Result<u64> {
        let field = match self.role {
            Role::Counter => "count",
            Role::Talker => "sent",
        };
        get(state, field).as_u64().with_context(|| format!("the state has {field}"))
    }

    /// Returns the current state of a stream, for a comparison with a snapshot.
    pub fn position(&self, name: &str) -> Option<Stream> {
        self.streams.get(name).cloned()
    }

    /// Compares the state before a snapshot with the snapshot.
    ///
    /// # Errors
    /// Fails if they differ.
    pub fn check_snapshot(&self, name: &str, before: Option<&Stream>) -> anyhow::Result<()> {
        let now = self.streams.get(name).context("the stream has no snapshot")?;
        let before = before.context("the stream had no state before the snapshot")?;
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

    /// Checks that each action has a reply, in order, and took effect once.
    ///
    /// # Errors
    /// Fails if an action has no reply, or took effect several times or never.
    pub fn check_exact(&self, actions: u64) -> anyhow::Result<()> {
        ensure!(self.pending.is_empty(), "requests without a reply: {:?}", self.pending);
        let own = self.streams.get("c:c1").context("the component has no state")?;
        let count = self.own_count(&own.state)?;
        ensure!(count == actions, "{actions} actions were acknowledged, {count} took effect");
        let results = self.replies.values().filter_map(Value::as_u64);
        ensure!(results.eq(1..=actions), "wrong replies: {:?}", self.replies);
        Ok(())
    }

    /// Returns the messages of the room in the state of this page.
    pub fn room(&self) -> Vec<&str> {
        let Some(room) = self.streams.get("t:room/all") else { return Vec::new() };
        let messages = get(&room.state, "messages").as_array().map(Vec::as_slice).unwrap_or_default();
        messages.iter().filter_map(|message| get(message, "id").as_str()).collect()
    }
}

/// Returns a field of an object, or null if it does not exist.
fn get<'a>(value: &'a Value, field: &str) -> &'a Value {
    value.get(field).unwrap_or(&Value::Null)
}

fn put(value: &mut Value, field: &str, new: Value) {
    if let Value::Object(fields) = value {
        fields.insert(field.to_owned(), new);
    }
}
