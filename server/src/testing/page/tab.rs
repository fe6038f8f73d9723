//! The browser's part of a page: the engine, a document, and its components.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde_json::Value;
use vivaz_components::ComponentId;
use vivaz_engine::testing::{Activation, ChildChange, Document, Event, EventEffect, Mount, Node};
use vivaz_engine::{Op, Page as Engine, Presentation, Slot, SocketCommand, Val, parse, phase};

use crate::testing::client::{Ask, Refusal};
use crate::testing::process::ServerProcess;

/// The return value of an action, or the refusal of a request.
pub(in crate::testing) type CallOutcome = Result<Option<Value>, Refusal>;

/// The engine of a page over a document in memory.
pub(in crate::testing) struct Tab {
    server: Arc<ServerProcess>,
    engine: Engine,
    pub(in crate::testing) document: Document,
    components: BTreeMap<Slot, TabComponent>,
    slots: Slot,
    tickets: u32,
    outcomes: HashMap<u32, CallOutcome>,
    /// The user that components are mounted for, as JSON.
    user: String,
    names: u32,
    /// The engine's pending commands for its socket.
    commands: Vec<SocketCommand>,
    /// Timers to start: tokens and milliseconds.
    timers: Vec<(u32, u32)>,
    /// The states, as JSON, that mounted components were painted with, until
    /// [`Tab::take_painted`].
    painted: Vec<(ComponentId, String)>,
    /// The requests of the user's last actions.
    sent: Vec<Awaited>,
    /// The user's answer to questions.
    pub(super) confirmation: Option<Confirmation>,
    /// The questions of `live:confirm` that the user was asked.
    pub(super) questions: Vec<String>,
    /// The edit that the server has just refused, until the reason is known.
    refused: Option<(Slot, String)>,
    /// The refusals of edits.
    refusals: HashMap<(Slot, String), Refusal>,
}

/// A component of the page.
#[derive(Debug)]
struct TabComponent {
    id: String,
    name: String,
    element: Node,
    /// The outcome of the mount; `None` until the server replies.
    outcome: Option<Result<(), Refusal>>,
    /// Whether the element was removed and the unmount is unanswered.
    is_gone: bool,
}

/// The user's answer to the questions of `live:confirm`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are self-explanatory")]
pub enum Confirmation {
    Accept,
    Decline,
}

/// A reply that a page waits for.
#[derive(Clone, Debug)]
pub(in crate::testing) enum Awaited {
    /// The reply to the request with this ticket.
    Ticket(u32),
    /// The reply to the last edit of this property.
    Edit(Slot, String),
    /// The reply to the unmount of this component.
    Unmount(Slot),
}

impl Tab {
    pub(super) fn new(server: Arc<ServerProcess>, user: String) -> Self {
        let mut engine = Engine::new(1);
        engine.set_hurried();
        Self {
            server,
            engine,
            document: Document::default(),
            components: BTreeMap::new(),
            slots: 0,
            tickets: 0,
            outcomes: HashMap::new(),
            user,
            names: 0,
            commands: Vec::new(),
            timers: Vec::new(),
            painted: Vec::new(),
            sent: Vec::new(),
            confirmation: None,
            questions: Vec::new(),
            refused: None,
            refusals: HashMap::new(),
        }
    }

    pub(super) fn set_user(&mut self, user: String) {
        self.user = user;
    }

    /// Adds server-rendered HTML to the page and mounts its components. Returns the outermost
    /// components.
    pub(super) fn add(&mut self, html: &str) -> Vec<Slot> {
        let elements = self.document.add(html);
        self.turn();
        elements.into_iter().filter_map(|element| self.document.slot(element)).collect()
    }

    /// Shows a whole page and mounts its components. Returns the outermost components.
    pub(super) fn load(&mut self, html: &str) -> Vec<Slot> {
        let elements = self.document.load(html);
        self.turn();
        elements.into_iter().filter_map(|element| self.document.slot(element)).collect()
    }

    /// Takes the states, as JSON, that components were painted with and mounted since the last
    /// call.
    pub(super) fn take_painted(&mut self) -> Vec<(ComponentId, String)> {
        std::mem::take(&mut self.painted)
    }

    /// Returns the outcome of a mount, once the server has replied.
    pub(super) fn mounted(&self, slot: Slot) -> Option<Result<(), Refusal>> {
        self.components.get(&slot)?.outcome.clone()
    }

    /// Checks whether a component waits for its mount.
    pub(super) fn is_mounting(&self) -> bool {
        self.components.values().any(|component| component.outcome.is_none() && !component.is_gone)
    }

    pub(super) fn id(&self, slot: Slot) -> Option<(&str, &str)> {
        self.components.get(&slot).map(|component| (&*component.id, &*component.name))
    }

    /// Removes the element of a component from the page.
    pub(super) fn remove(&mut self, slot: Slot) -> Vec<Awaited> {
        let Some(component) = self.components.get(&slot) else { return Vec::new() };
        self.document.tree_mut().detach(component.element);
        self.turn();
        vec![Awaited::Unmount(slot)]
    }

    /// Returns the component with this id.
    pub(in crate::testing) fn slot(&self, id: &str) -> Option<Slot> {
        let of = self.components.iter().find(|(_, component)| component.id == id && !component.is_gone);
        of.map(|(slot, _)| *slot)
    }

    /// Returns the element of the component with this id.
    pub(in crate::testing) fn element(&self, id: &str) -> Option<Node> {
        self.document.element(self.slot(id)?)
    }

    /// Returns the ids of the components with this name inside another component, in the order of
    /// their mounts.
    pub(in crate::testing) fn children(&self, id: &str, name: &str) -> Vec<String> {
        let Some(parent) = self.element(id) else { return Vec::new() };
        let inside: Vec<Node> = self.document.tree().inside(parent).collect();
        let is_child =
            |component: &&TabComponent| component.name == name && inside.contains(&component.element);
        self.components.values().filter(is_child).map(|component| component.id.clone()).collect()
    }

    /// Returns the state of a component as its template reads it.
    pub(in crate::testing) fn state(&self, id: &str) -> Option<Value> {
        let state = self.engine.state(self.slot(id)?).json();
        serde_json::from_str(&state).ok()
    }

    /// Returns the number of unanswered requests.
    pub(super) fn unanswered(&self) -> usize {
        self.engine.unanswered()
    }

    /// Returns the outcome of an awaited reply, or `None` if it has not arrived.
    pub(super) fn outcome(&self, awaited: &Awaited) -> Option<CallOutcome> {
        match awaited {
            Awaited::Ticket(ticket) => self.outcomes.get(ticket).cloned(),
            Awaited::Edit(slot, property) => {
                if let Some(refusal) = self.refusals.get(&(*slot, property.clone())) {
                    return Some(Err(refusal.clone()));
                }
                if !self.components.contains_key(slot) {
                    return Some(Err(Refusal::not_mounted()));
                }
                (!self.engine.is_edited(*slot, property)).then_some(Ok(None))
            }
            Awaited::Unmount(slot) => (!self.components.contains_key(slot)).then_some(Ok(None)),
        }
    }

    /// Sends a request for a component.
    ///
    /// # Panics
    /// Panics if the request is a mount.
    pub(super) fn ask(&mut self, id: &str, ask: Ask) -> Vec<Awaited> {
        let Some(slot) = self.slot(id) else {
            self.tickets += 1;
            self.outcomes.insert(self.tickets, Err(Refusal::not_mounted()));
            return vec![Awaited::Ticket(self.tickets)];
        };
        self.tickets += 1;
        let ticket = self.tickets;
        match ask {
            Ask::Action { action, arguments, set } => {
                for (field, value) in set {
                    self.engine.edit(slot, &field, val(&value));
                }
                self.engine.call(slot, &action, val(&Value::Array(arguments)), ticket);
            }
            Ask::Property { property, value } => self.engine.set(slot, &property, val(&value), ticket),
            Ask::Props(props) => {
                let name = self.components.get(&slot).map_or("", |component| &component.name);
                let source = serde_json::json!({ "component": name, "props": props });
                self.engine.props(slot, &source.to_string(), ticket);
            }
            Ask::Unmount => return self.remove(slot),
            Ask::MountSealed { .. } | Ask::MountChild { .. } | Ask::MountOpen { .. } | Ask::PageProps(_) => {
                panic!("a page mounts components by `Page::mount`, `Page::mount_open` and its templates")
            }
        }
        self.turn();
        vec![Awaited::Ticket(ticket)]
    }

    /// Carries out the effects of an event on a control. Returns whether there were any.
    fn turn_after_event(&mut self) -> bool {
        let effects = self.document.take_effects();
        let any = !effects.is_empty();
        self.carry_out(effects);
        self.turn();
        any
    }

    /// Asks the user a question.
    fn ask_user(&mut self, question: &str) -> Confirmation {
        self.questions.push(question.to_owned());
        match self.confirmation {
            Some(confirmation) => confirmation,
            None => panic!("the page asks `{question}`: call `Page::answer_questions` before that"),
        }
    }

    /// Removes and returns the requests of the user's last actions.
    pub(in crate::testing) fn take_sent(&mut self) -> Vec<Awaited> {
        std::mem::take(&mut self.sent)
    }

    /// Removes and returns the engine's commands for its socket.
    pub(super) fn take_commands(&mut self) -> Vec<SocketCommand> {
        std::mem::take(&mut self.commands)
    }

    /// Removes and returns the timers to start.
    pub(super) fn take_timers(&mut self) -> Vec<(u32, u32)> {
        std::mem::take(&mut self.timers)
    }

    pub(super) fn opened(&mut self, socket: u32) {
        self.engine.opened(socket);
        self.turn();
    }

    pub(super) fn frame(&mut self, socket: u32, frame: &str) {
        self.engine.frame(socket, frame);
        self.turn();
    }

    pub(super) fn closed(&mut self, socket: u32, code: u16) {
        self.engine.closed(socket, code);
        self.turn();
    }

    pub(super) fn timer(&mut self, token: u32) {
        self.engine.timer(token);
        self.turn();
    }

    /// Applies the engine's operations to the document, and the document's changes to the
    /// components.
    fn turn(&mut self) {
        loop {
            let commands = &mut self.commands;
            self.engine.turn(&mut |command| commands.push(command));
            let ops = std::mem::take(self.engine.ops());
            let is_idle = ops.is_empty();
            let effects = self.document.run(&ops);
            self.carry_out(effects);
            let components = &self.components;
            let id =
                |slot: Slot| components.get(&slot).map(|component| component.id.clone()).unwrap_or_default();
            let changes = self.document.reconcile(&id);
            if is_idle && changes.is_empty() {
                return;
            }
            for change in changes {
                self.change(change);
            }
        }
    }

    fn change(&mut self, change: ChildChange) {
        match change {
            ChildChange::Mount(element, mount) => self.mount(element, mount),
            ChildChange::Props(slot, source) => self.engine.props(slot, &source, 0),
            ChildChange::Unmount(slot) => {
                if let Some(component) = self.components.get_mut(&slot) {
                    component.is_gone = true;
                }
                self.engine.unmount(slot);
            }
        }
    }

    fn mount(&mut self, element: Node, mount: Mount) {
        let Mount { name, source, shape, template, painted } = mount;
        self.slots += 1;
        self.names += 1;
        let (slot, id) = (self.slots, format!("{name}-{}", self.names));
        self.document.tie(slot, element);
        let state = painted.as_deref().unwrap_or("null").to_owned();
        if let (Some(state), Ok(id)) = (painted, ComponentId::new(&id)) {
            self.painted.push((id, state));
        }
        let of = format!("[\"{id}\",{shape},{},\"{template}\",{state}]", self.user);
        self.engine.mount(slot, &source, parse(&of).unwrap_or_default(), Presentation::Element);
        self.components.insert(slot, TabComponent { id, name, element, outcome: None, is_gone: false });
    }

    fn carry_out(&mut self, effects: Vec<EventEffect>) {
        for effect in effects {
            match effect {
                EventEffect::Anew(slot) => self.engine.rebuild(slot),
                EventEffect::Edit(slot, property, value) => {
                    self.engine.edit(slot, &property, parse(&value).unwrap_or_default());
                    self.refusals.remove(&(slot, property));
                }
                EventEffect::Commit(slot, property) => {
                    if self.engine.commit(slot, &property, 0) {
                        self.sent.push(Awaited::Edit(slot, property));
                    }
                }
                EventEffect::Refused(slot, property) => self.refused = Some((slot, property)),
                EventEffect::Told(op, words, strings) => self.run_effect(op, &words, &strings),
            }
        }
    }

    /// Carries out an operation that concerns no node.
    fn run_effect(&mut self, op: Op, words: &[u32], strings: &[String]) {
        match (op, words, strings) {
            (Op::Fetch, _, [hash]) => {
                let template = self.server.template(hash).and_then(|json| parse(&json));
                self.engine.template(hash, template);
            }
            (Op::Timer, [token, ms], _) => self.timers.push((*token, *ms)),
            (Op::Settle, [ticket, ok], [json]) => {
                let value = serde_json::from_str(json).unwrap_or_default();
                let outcome = if *ok == 0 {
                    Err(Refusal::of(&value))
                } else {
                    Ok(Some(value).filter(|value| !value.is_null()))
                };
                self.outcomes.insert(*ticket, outcome);
            }
            (Op::Fault, [slot], [_, json]) => {
                if let Some((of, property)) = self.refused.take()
                    && of == *slot
                {
                    let failure = serde_json::from_str(json).unwrap_or_default();
                    self.refusals.insert((of, property), Refusal::of(&failure));
                }
            }
            (Op::Phase, [slot, phase], [json]) => {
                if let Some(component) = self.components.get_mut(slot) {
                    match *phase {
                        phase::LIVE => component.outcome = Some(Ok(())),
                        phase::FAILED => {
                            let failure = serde_json::from_str(json).unwrap_or_default();
                            component.outcome = Some(Err(Refusal::of(&failure)));
                        }
                        _ => {}
                    }
                }
            }
            (Op::Forgotten, _, [id]) => self.components.retain(|_, component| component.id != *id),
            _ => {}
        }
    }
}

impl Activation for Tab {
    fn document(&mut self) -> &mut Document {
        &mut self.document
    }

    fn dispatch(&mut self, event: &mut Event) -> bool {
        let handlers = self.document.handlers(event);
        let mut handled = self.turn_after_event();
        for handler in &handlers {
            let Some(fire) = self.document.consider(handler, event) else { continue };
            handled = true;
            if let Some(question) = &fire.question
                && self.ask_user(question) == Confirmation::Decline
            {
                self.document.declined(handler);
                continue;
            }
            let first = self.tickets + 1;
            self.engine.set_ticket(first);
            let actions = self.engine.event(fire.slot, fire.root, fire.address, fire.event.clone());
            self.sent.extend((first..self.engine.ticket()).map(Awaited::Ticket));
            self.tickets = self.engine.ticket() - 1;
            self.document.firing();
            self.turn();
            self.document.fired(&fire, actions);
            if fire.stops {
                break;
            }
        }
        handled
    }
}

impl std::fmt::Debug for Tab {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tab").field("components", &self.components).finish_non_exhaustive()
    }
}

fn val(value: &Value) -> Val {
    parse(&value.to_string()).unwrap_or_default()
}
