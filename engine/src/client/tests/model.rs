//! The client against a model of a server, over connections that break anywhere. Whatever happens:
//! each call is settled once, what was answered took effect exactly once and in order, and in the
//! end the page shows what the server has, with what was typed last.

use std::collections::{BTreeMap, VecDeque};

use serde_json::{Value, json};

use super::*;

/// A sequence of numbers that is the same for the same seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// A session as the server keeps it: one component, and what it answered.
struct Kept {
    secret: String,
    mounted: bool,
    count: u64,
    title: String,
    rev: u64,
    epoch: String,
    patches: BTreeMap<u64, Value>,
    replies: BTreeMap<u64, Value>,
}

#[derive(Default)]
struct Server {
    sessions: BTreeMap<String, Kept>,
    made: u64,
    /// The session of the connection that is open.
    current: Option<String>,
    /// Every `add` that took effect, by its session, in order.
    added: Vec<(String, u64)>,
    put: Vec<u64>,
    /// It is too busy now and then: what is tried again later comes later.
    busy: bool,
}

impl Server {
    fn name(&mut self, of: &str) -> String {
        self.made += 1;
        format!("{of}{}", self.made)
    }

    /// What is sent in answer to a frame.
    fn receive(&mut self, frame: &Value, dice: &mut Dice) -> Vec<Value> {
        let kind = frame["type"].as_str().unwrap();
        if kind == "HELLO" {
            return self.hello(&frame["payload"], dice);
        }
        let name = self.current.clone().unwrap();
        let kept = self.sessions.get_mut(&name).unwrap();
        if kind == "PING" {
            return vec![json!({"v":1,"type":"PONG"})];
        }
        if kind == "RESYNC" {
            return vec![kept.snapshot()];
        }
        let reference = frame["ref"].as_u64().unwrap();
        if let Some(reply) = kept.replies.get(&reference) {
            return vec![kept.again(reply)];
        }
        let newest = kept.replies.keys().next_back().copied().unwrap_or(0);
        assert!(reference > newest, "refs come in order");
        let mut ack = json!({"v":1,"type":"ACK","ref":reference,"componentId":"c1"});
        let mut patch = json!({});
        if kind != "COMPONENT_MOUNT" && !kept.mounted {
            let early = json!({"v":1,"type":"ERROR","ref":reference,"componentId":"c1","payload":{"code":"not_mounted","message":""}});
            kept.replies.insert(reference, early.clone());
            return vec![early];
        }
        if self.busy && dice.roll(12) == 0 {
            let busy = json!({"v":1,"type":"ERROR","ref":reference,"componentId":"c1","payload":{"code":"overloaded","message":"","retryMs":10}});
            kept.replies.insert(reference, busy.clone());
            return vec![busy];
        }
        match kind {
            "COMPONENT_MOUNT" => {
                assert!(!kept.mounted, "mounted once in a session");
                kept.mounted = true;
                ack = kept.shown(Some(reference));
            }
            "PROPERTY_UPDATE" => {
                kept.title = frame["payload"]["value"].as_str().unwrap().into();
                patch["title"] = json!(kept.title);
            }
            "COMPONENT_ACTION" => {
                if let Some(title) = frame["set"]["title"].as_str() {
                    kept.title = title.into();
                    patch["title"] = json!(title);
                }
                let number = frame["payload"][0].as_u64().unwrap();
                match frame["action"].as_str().unwrap() {
                    "add" if dice.roll(8) == 0 => {
                        ack = json!({"v":1,"type":"ERROR","ref":reference,"componentId":"c1","payload":{"code":"action_failed","message":""}});
                    }
                    "add" => {
                        kept.count += 1;
                        patch["count"] = json!(kept.count);
                        self.added.push((name, number));
                    }
                    _ => self.put.push(number),
                }
                ack["payload"] = if ack["type"] == "ACK" { json!(number) } else { ack["payload"].take() };
            }
            other => panic!("{other} is not sent here"),
        }
        kept.replies.insert(reference, ack.clone());
        if patch == json!({}) {
            return vec![ack];
        }
        kept.rev += 1;
        kept.patches.insert(kept.rev, patch.clone());
        let mut update =
            json!({"v":1,"type":"STATE_UPDATE","componentId":"c1","rev":kept.rev,"payload":patch});
        if ack["type"] == "ERROR" {
            return vec![update, ack];
        }
        update["ref"] = json!(reference);
        update["result"] = ack["payload"].take();
        vec![update]
    }

    fn hello(&mut self, payload: &Value, dice: &mut Dice) -> Vec<Value> {
        let asked = payload["session"].as_str().unwrap_or_default().to_owned();
        let secret = self.name("secret");
        let connection = self.name("connection");
        let known = self.sessions.get_mut(&asked).filter(|kept| kept.secret == payload["resume"]);
        let Some(kept) = known else {
            let (session, epoch) = (self.name("session"), self.name("epoch"));
            let fresh = Kept {
                secret: secret.clone(),
                mounted: false,
                count: 0,
                title: String::new(),
                rev: 0,
                epoch,
                patches: BTreeMap::new(),
                replies: BTreeMap::new(),
            };
            self.sessions.insert(session.clone(), fresh);
            self.current = Some(session.clone());
            return vec![
                json!({"v":1,"type":"WELCOME","payload":{"session":session,"resume":secret,"connection":connection,
                "resumed":false,"done":[],"heartbeatMs":1000,"limits":{"messageBytes":4000,"inFlight":5}}}),
            ];
        };
        kept.secret.clone_from(&secret);
        let acked = payload["acked"].as_u64().unwrap();
        kept.replies.retain(|reference, _| *reference > acked);
        let done: Vec<u64> = kept.replies.keys().copied().collect();
        let mut out = vec![
            json!({"v":1,"type":"WELCOME","payload":{"session":asked,"resume":secret,"connection":connection,
            "resumed":true,"done":done,"heartbeatMs":1000,"limits":{"messageBytes":4000,"inFlight":5}}}),
        ];
        let stream = &payload["streams"]["c:c1"];
        if let (Some(epoch), Some(rev)) = (stream[0].as_str(), stream[1].as_u64()) {
            if epoch != kept.epoch || dice.roll(3) == 0 {
                out.push(kept.snapshot());
            } else {
                for (rev, patch) in kept.patches.range(rev + 1..) {
                    out.push(
                        json!({"v":1,"type":"STATE_UPDATE","componentId":"c1","rev":rev,"payload":patch}),
                    );
                }
            }
        }
        out.extend(kept.replies.values().map(|reply| kept.again(reply)));
        self.current = Some(asked);
        out
    }
}

impl Kept {
    fn state(&self) -> Value {
        json!({"count": self.count, "title": self.title})
    }

    fn snapshot(&self) -> Value {
        json!({"v":1,"type":"STATE_SNAPSHOT","componentId":"c1","rev":self.rev,"epoch":self.epoch,"payload":self.state()})
    }

    fn shown(&self, reference: Option<u64>) -> Value {
        let mut frame = json!({"v":1,"type":"COMPONENT_MOUNTED","componentId":"c1","rev":self.rev,"epoch":self.epoch,
            "payload":{"component":"x","template":"h","state":self.state(),"topics":{},"retry":["put"]}});
        if let Some(reference) = reference {
            frame["ref"] = json!(reference);
        }
        frame
    }

    /// A reply that is sent again carries no patch; a mount is as of now.
    fn again(&self, reply: &Value) -> Value {
        if reply["type"] == "COMPONENT_MOUNTED" { self.shown(reply["ref"].as_u64()) } else { reply.clone() }
    }
}

struct World {
    client: Client,
    server: Server,
    dice: Dice,
    socket: Option<u32>,
    up: VecDeque<String>,
    down: VecDeque<String>,
    timers: Vec<u32>,
    settled: BTreeMap<u32, Result<u64, String>>,
}

impl World {
    /// Does what the client wants done.
    #[expect(clippy::wildcard_enum_match_arm, reason = "what views show is not played here")]
    fn obey(&mut self) {
        for output in self.client.take() {
            match output {
                Output::Socket(SocketCommand::Connect(socket)) => {
                    self.cut();
                    self.socket = Some(socket);
                    self.client.opened(socket);
                    self.obey();
                }
                Output::Socket(SocketCommand::Send(frame)) if self.socket.is_some() => {
                    self.up.push_back(frame);
                }
                Output::Socket(SocketCommand::Close(_)) => self.cut(),
                Output::Timer { token, .. } => self.timers.push(token),
                Output::Settled { ticket, ok, value } => {
                    let outcome = if ok { Ok(value.int().unwrap()) } else { Err(code(&value).to_owned()) };
                    assert_eq!(self.settled.insert(ticket, outcome), None, "settled once");
                }
                Output::Reload => panic!("nothing asks for a reload"),
                _ => {}
            }
        }
    }

    /// What is on the way is lost.
    fn cut(&mut self) {
        self.up.clear();
        self.down.clear();
        self.socket = None;
        self.server.current = None;
    }

    fn deliver_up(&mut self) {
        if let Some(frame) = self.up.pop_front() {
            understood(&frame);
            let frame: Value = serde_json::from_str(&frame).unwrap();
            let answers = self.server.receive(&frame, &mut self.dice);
            self.down.extend(answers.iter().map(Value::to_string));
        }
    }

    fn deliver_down(&mut self) {
        if let (Some(frame), Some(socket)) = (self.down.pop_front(), self.socket) {
            self.client.frame(socket, &frame);
            self.obey();
        }
    }

    fn close(&mut self, code: u16) {
        if let Some(socket) = self.socket {
            self.cut();
            self.client.closed(socket, code);
            self.obey();
        }
    }

    fn fire(&mut self) {
        if !self.timers.is_empty() {
            let at = self.dice.roll(self.timers.len() as u64) as usize;
            let token = self.timers.swap_remove(at);
            self.client.timer(token);
            self.obey();
        }
    }

    /// Nothing is on the way, and nothing waits.
    fn settle(&mut self) {
        for _ in 0..10_000 {
            if self.up.is_empty() && self.down.is_empty() {
                if self.client.is_connected() && !self.client.waits(0, &|_| true) {
                    return;
                }
                self.fire();
            }
            self.deliver_up();
            self.deliver_down();
        }
        let waiting = &self.client.requests;
        panic!("it never comes to rest: {:?} {waiting:?}", self.client.link);
    }
}

fn play(seed: u64) {
    let mut world = World {
        client: Client::new(seed),
        server: Server { busy: seed.is_multiple_of(2), ..Server::default() },
        dice: Dice(seed),
        socket: None,
        up: VecDeque::new(),
        down: VecDeque::new(),
        timers: Vec::new(),
        settled: BTreeMap::new(),
    };
    let (title, mut typed, mut calls, mut puts) = (Key::of("title"), String::new(), 0_u32, Vec::new());
    world.client.mount(0, "c1", open("x"));
    world.obey();
    for step in 0..400 {
        match world.dice.roll(40) {
            0..8 => {
                calls += 1;
                let update = vec![set("count", 1000)];
                world.client.action(
                    0,
                    Key::of("add"),
                    parse(&format!("[{calls}]")).unwrap(),
                    Origin::default(),
                    calls,
                    update,
                );
            }
            8..10 => {
                calls += 1;
                // Before the mount the client does not know that this action is idempotent.
                puts.push((calls, world.client.root(0, title).is_some()));
                world.client.action(
                    0,
                    Key::of("put"),
                    parse(&format!("[{calls}]")).unwrap(),
                    Origin::default(),
                    calls,
                    Vec::new(),
                );
            }
            10..14 if world.client.root(0, title).is_some() => {
                typed = format!("t{step}");
                world.client.edit(0, title, Val::text(&typed));
                if world.dice.roll(2) == 0 {
                    world.client.commit(0, title, 0);
                }
            }
            14..24 => world.deliver_up(),
            24..34 => world.deliver_down(),
            34 => world.close(1006),
            35 => {
                let code = [1001, 4408, 4413, 4429, 4410, 4409][world.dice.roll(6) as usize];
                if code == 4410
                    && let Some(ended) = world.server.current.clone()
                {
                    world.server.sessions.remove(&ended);
                }
                world.close(code);
            }
            36 => {
                // Killed, and nothing of it was stored.
                if world.dice.roll(4) == 0 {
                    world.server.sessions.clear();
                }
                world.close(1006);
            }
            37 => world.client.wake(),
            _ => world.fire(),
        }
        world.obey();
        if !typed.is_empty() {
            let shown = world.client.root(0, title).and_then(Val::str);
            assert_eq!(shown, Some(typed.as_str()), "seed {seed}: typed text is always shown");
        }
    }
    world.client.commit(0, title, 0);
    world.client.wake();
    world.obey();
    world.settle();

    let kept = &world.server.sessions[world.server.current.as_ref().unwrap()];
    let shown: Value = serde_json::from_str(&world.client.whole(0).json()).unwrap();
    assert_eq!(shown, kept.state(), "seed {seed}");
    assert_eq!(kept.title, typed, "seed {seed}");
    assert!(!world.client.is_dirty(0, None), "seed {seed}");
    for (one, next) in world.server.added.iter().zip(world.server.added.iter().skip(1)) {
        assert!(world.server.busy || one.1 < next.1, "seed {seed}: in the order of the calls");
    }
    assert_eq!(world.settled.len() as u32, calls, "seed {seed}: every call is settled");
    for (ticket, outcome) in &world.settled {
        let number = u64::from(*ticket);
        let times = world.server.added.iter().filter(|(_, n)| *n == number).count();
        match outcome {
            Ok(result) => assert_eq!(*result, number, "seed {seed}"),
            Err(code) => {
                assert!(["session_lost", "action_failed", "overloaded"].contains(&code.as_str()), "{code}");
            }
        }
        if let Some((_, known)) = puts.iter().find(|(put, _)| put == ticket) {
            let lost = |code: &String| code == "overloaded" || code == "session_lost" && !known;
            let done = world.server.put.contains(&number);
            assert!(done || outcome.as_ref().is_err_and(lost), "seed {seed}: {outcome:?}");
        } else {
            let least = usize::from(outcome.is_ok());
            assert!((least..=1).contains(&times), "seed {seed}: {ticket} ran {times} times, {outcome:?}");
        }
    }
}

#[test]
fn every_action_runs_once_however_the_connection_breaks() {
    for seed in 1..=150 {
        play(seed);
    }
}
