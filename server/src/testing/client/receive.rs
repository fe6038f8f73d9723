//! Handles the received frames.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use vivaz_components::{ComponentId, ErrorCode};
use vivaz_protocol::{
    ErrorMessage, Mounted, RawJson, Ref, ServerMessage, StreamId, Update, Welcome, decode_server,
};

use super::{Answer, Ask, Client, Received, Refusal, Stream, Unanswered};
use crate::testing::property;

/// Explains a refusal without a `ref`, such as that of a `PING`.
const RATE_LIMITED: &str = "the page sent more messages than its rate allows (rate_limited). Paused time does not \
    pass between calls, so the burst is not refilled: raise `messages_per_second` and `burst` of the `Limits` of \
    the test's runtime, or let time pass";

impl Client {
    pub(super) fn handle(&mut self, frame: &str) -> Result<Received, String> {
        let message = decode_server(frame).map_err(|error| error.to_string())?;
        if self.has_welcome == matches!(message, ServerMessage::Welcome(_)) {
            return Err("`WELCOME` must be the first message and must not be repeated".to_owned());
        }
        match message {
            ServerMessage::Welcome(welcome) => Ok(self.welcome(&welcome)),
            ServerMessage::Mounted(mounted) => self.mounted(mounted),
            ServerMessage::Update(update) => self.update(update),
            ServerMessage::Snapshot { stream, rev, epoch, state } => {
                self.streams.insert(stream.clone(), Stream::new(rev, epoch, state)?);
                self.compare_typed(&stream);
                Ok(Received::Changed(stream))
            }
            ServerMessage::Ack { reference, result, .. } => {
                self.answered(reference, Answer::Done(value(result)?))
            }
            ServerMessage::Error(error) => self.refused(error),
            ServerMessage::Event { stream, name, data } => {
                let data = value(Some(data))?.unwrap_or_default();
                Ok(Received::Event { stream, name: name.into_owned(), data })
            }
            ServerMessage::Unmounted { component_id, reason } => {
                self.forget(&component_id);
                Ok(Received::Unmounted(component_id, reason.into_owned()))
            }
            ServerMessage::Drain { reconnect_after_ms } => Ok(Received::Drain(reconnect_after_ms)),
            ServerMessage::Template { .. } => Ok(Received::Other),
            ServerMessage::Pong { payload } => {
                let number = payload.and_then(|payload| payload.get().parse::<u64>().ok());
                Ok(if number.is_some_and(|number| self.pings.remove(&number)) {
                    Received::Pong
                } else {
                    Received::Other
                })
            }
        }
    }

    fn welcome(&mut self, welcome: &Welcome<'_>) -> Received {
        let known = self.session.is_some();
        self.has_welcome = true;
        self.connection = Some(welcome.connection.clone());
        self.session = Some((welcome.session.clone(), welcome.secret.clone().into_owned()));
        if welcome.resumed {
            for (reference, one) in &mut self.unanswered {
                // The server sends its answer without another request.
                one.sent = welcome.done.contains(reference);
            }
        } else if known && self.is_observer {
            self.start_over();
        } else if known {
            self.lose_session();
        }
        Received::Welcome { resumed: welcome.resumed }
    }

    fn lose_session(&mut self) {
        self.streams.clear();
        self.visible.clear();
        let lost = std::mem::take(&mut self.unanswered);
        // Components with an unanswered unmount ended with the session.
        for one in lost.values().filter(|one| one.ask == Ask::Unmount) {
            self.forget(&one.component);
        }
        let typed = self.take_typed(&lost);
        // An unanswered mount keeps its ref in the new session: the page has not shown the
        // component.
        let mounting: BTreeSet<_> =
            lost.values().filter(|one| one.ask.is_mount()).map(|one| one.component.clone()).collect();
        let mut mounted: Vec<_> = self
            .components
            .iter()
            .map(|(id, shown)| (id.clone(), shown.source.clone()))
            .filter(|(id, source)| !mounting.contains(id) || matches!(source, Ask::MountChild { .. }))
            .collect();
        // Parents before their children.
        mounted.sort_by_key(|(id, _)| self.nesting(id));
        let mut children = BTreeMap::new();
        for (id, source) in mounted {
            let again = self.enqueue(id.clone(), source);
            children.insert(id, again);
        }
        let mut edits = BTreeMap::new();
        for (id, property, value) in typed {
            let again = self.enqueue(id.clone(), Ask::Property { property: property.clone(), value });
            edits.insert((id, property), again);
        }
        for (reference, one) in lost {
            if matches!(one.ask, Ask::MountChild { .. })
                && let Some(again) = children.get(&one.component)
            {
                self.resent.insert(reference, *again);
            } else if one.ask.is_mount() && self.components.contains_key(&one.component) {
                self.unanswered.insert(reference, Unanswered { sent: false, ..one });
            } else if one.ask == Ask::Unmount {
                self.answers.insert(reference, Answer::Done(None));
            } else if let Some(again) = self.resend(one, &edits) {
                self.resent.insert(reference, again);
            } else {
                self.answers.insert(reference, Answer::SessionLost);
            }
        }
    }

    /// Returns the number of ancestors of a component.
    fn nesting(&self, id: &ComponentId) -> usize {
        let mut depth = 0;
        let mut shown = self.components.get(id);
        while let Some(Ask::MountChild { parent, .. }) = shown.map(|shown| &shown.source)
            && depth < self.components.len()
        {
            depth += 1;
            shown = self.components.iter().find(|(id, _)| id.as_str() == parent).map(|(_, shown)| shown);
        }
        depth
    }

    /// Sends a request of a lost session again, and returns its new ref. Returns `None` if it must
    /// not be repeated. An edit is already queued again. An action marked `retry` is sent without
    /// its edits, which are queued separately.
    fn resend(&mut self, one: Unanswered, edits: &BTreeMap<(ComponentId, String), Ref>) -> Option<Ref> {
        match one.ask {
            Ask::Property { property, .. } => edits.get(&(one.component, property)).copied(),
            Ask::Action { action, arguments, .. } => {
                let may_be_repeated = self.components.get(&one.component)?.retry.contains(&action);
                may_be_repeated.then(|| self.enqueue(one.component, Ask::action(action, arguments)))
            }
            Ask::MountSealed { .. }
            | Ask::MountChild { .. }
            | Ask::MountOpen { .. }
            | Ask::Props(_)
            | Ask::PageProps(_)
            | Ask::Unmount => None,
        }
    }

    /// Forgets the accepted edits of fields that the server has changed.
    fn compare_typed(&mut self, stream: &StreamId) {
        if let StreamId::Component(id) = stream
            && let (Some(shown), Some(stream)) = (self.components.get_mut(id), self.streams.get(stream))
        {
            shown.typed.retain(|field, value| property::find(&stream.state, field) == Some(value));
        }
    }

    /// Removes and returns the accepted and the unanswered edits, which are sent again in a new
    /// session.
    fn take_typed(&mut self, unanswered: &BTreeMap<Ref, Unanswered>) -> Vec<(ComponentId, String, Value)> {
        for one in unanswered.values() {
            if let Some(shown) = self.components.get_mut(&one.component) {
                shown.typed.extend(one.ask.edits().map(|(field, value)| (field.to_owned(), value.clone())));
            }
        }
        let mut all = Vec::new();
        for (id, shown) in &mut self.components {
            let typed = std::mem::take(&mut shown.typed);
            all.extend(typed.into_iter().map(|(field, value)| (id.clone(), field, value)));
        }
        all
    }

    fn mounted(&mut self, mounted: Mounted<'_>) -> Result<Received, String> {
        let Mounted { reference, component_id: id, rev, epoch, component, template, state, topics, retry } =
            mounted;
        let Some(shown) = self.components.get_mut(&id) else {
            return Err(format!("component {id} was not requested"));
        };
        shown.name = component.into_owned();
        shown.template = template.into_owned();
        shown.retry = retry.into_iter().map(Cow::into_owned).collect();
        shown.topics = topics.into_iter().map(|(field, topic)| (field.into_owned(), topic)).collect();
        let state = match (&state, self.painted.get(&id)) {
            (Some(state), _) => *state,
            (None, Some(painted)) => RawJson::trusted(painted),
            (None, None) => return Err(format!("component {id} was mounted without its state")),
        };
        self.streams.insert(id.clone().into(), Stream::new(rev, epoch, state)?);
        self.forget_topics();
        match reference {
            Some(reference) => self.answered(reference, Answer::Mounted),
            None => Ok(Received::Replaced(id)),
        }
    }

    fn update(&mut self, update: Update<'_>) -> Result<Received, String> {
        let Some(stream) = self.streams.get_mut(&update.stream) else {
            return match &update.stream {
                StreamId::Component(id) => Err(format!("there is no component {id} to patch")),
                // The last component that shows the topic has just been unmounted.
                StreamId::Topic(_) => Ok(Received::Other),
            };
        };
        stream.patch(update.rev, update.patch)?;
        self.compare_typed(&update.stream);
        let own = update.by.into_iter().filter(|by| self.connection.as_ref() == Some(&by.connection));
        self.visible.extend(own.map(|by| by.reference));
        if let (Some(topics), StreamId::Component(id)) = (update.topics, &update.stream)
            && let Some(shown) = self.components.get_mut(id)
        {
            shown.topics = topics.into_iter().map(|(field, topic)| (field.into_owned(), topic)).collect();
            self.forget_topics();
        }
        match update.reference {
            Some(reference) => {
                let result = value(update.result)?;
                if self.answers.contains_key(&reference) {
                    return Err("a repeated answer must not carry a patch".to_owned());
                }
                self.answered(reference, Answer::Done(result))
            }
            None => Ok(Received::Changed(update.stream)),
        }
    }

    fn refused(&mut self, error: ErrorMessage<'_>) -> Result<Received, String> {
        let refusal = Refusal {
            code: error.code,
            message: error.message.into_owned(),
            details: value(error.details)?,
            retry_ms: error.retry_ms,
        };
        match error.reference {
            Some(reference) => self.answered(reference, Answer::Refused(refusal)),
            None if refusal.code == ErrorCode::RateLimited => Err(RATE_LIMITED.to_owned()),
            None => Err(format!("a well-formed message was refused without its ref ({refusal})")),
        }
    }

    fn answered(&mut self, reference: Ref, answer: Answer) -> Result<Received, String> {
        self.since_ack += 1;
        if let Some(first) = self.answers.get(&reference) {
            let is_lost = matches!(&answer, Answer::Refused(refusal) if refusal.code == ErrorCode::ReplyLost);
            // A delayed copy of a request can ask for a reply that the page has acknowledged.
            return if *first == answer || is_lost {
                Ok(Received::AnsweredAgain(reference))
            } else {
                Err(format!("the answer differs from the first one, {first:?}"))
            };
        }
        let Some(one) = self.unanswered.remove(&reference) else {
            return Err(format!("an answer to the unknown ref {reference}"));
        };
        self.visible.remove(&reference);
        if let Some(shown) = self.components.get_mut(&one.component)
            && let Some(stream) = self.streams.get(&StreamId::from(one.component.clone()))
        {
            // Edits that were sent with a refused action may have been accepted too.
            let accepted =
                one.ask.edits().filter(|(field, value)| property::find(&stream.state, field) == Some(*value));
            shown.typed.extend(accepted.map(|(field, value)| (field.to_owned(), value.clone())));
        }
        let is_gone = match &answer {
            Answer::Refused(refusal) => one.ask.is_mount() && refusal.code != ErrorCode::DuplicateComponent,
            Answer::Done(_) => matches!(one.ask, Ask::Unmount),
            Answer::Mounted | Answer::SessionLost => false,
        };
        if is_gone {
            self.forget(&one.component);
        }
        self.answers.insert(reference, answer);
        Ok(Received::Answered(reference))
    }

    fn forget(&mut self, id: &ComponentId) {
        self.components.remove(id);
        self.streams.remove(&StreamId::from(id.clone()));
        self.forget_topics();
    }

    /// Removes the topics that no component shows.
    fn forget_topics(&mut self) {
        let components = &self.components;
        self.streams.retain(|id, _| match id {
            StreamId::Component(_) => true,
            StreamId::Topic(topic) => components
                .values()
                .any(|shown| shown.template.is_empty() || shown.topics.values().any(|shows| shows == topic)),
        });
    }
}

fn value(json: Option<RawJson<'_>>) -> Result<Option<Value>, String> {
    json.map(|json| serde_json::from_str(json.get()).map_err(|error| error.to_string())).transpose()
}
