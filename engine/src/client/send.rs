//! Encodes and queues messages to the server.

use vivaz_protocol::words;

use super::failure::{OVERLOADED, TOO_LARGE, UNKNOWN_ITEM, failure};
use super::output::{Output, SocketCommand};
use super::request::{Reply, Request, RequestKind, Verdict, start_frame};
use super::{Client, connection_state};
use crate::store::Stream;
use crate::value::{Key, write_count, write_string};

/// Maximum number of unanswered messages, also without a connection; further calls fail at once.
const QUEUE: usize = 500;
/// Number of replies after which the next request acknowledges them.
const ACK_EVERY: u32 = 16;

impl Client {
    pub(super) fn hello(&self) -> String {
        let mut hello = start_frame(words::kind::HELLO);
        hello.push_str(",\"payload\":{");
        if !self.session.is_empty() {
            hello.push_str("\"session\":");
            write_string(&self.session, &mut hello);
            hello.push_str(",\"resume\":");
            write_string(&self.secret, &mut hello);
            hello.push_str(",\"acked\":");
            write_count(self.acknowledged(), &mut hello);
            hello.push_str(",\"streams\":");
            let mut comma = '{';
            let mut position = |prefix: &str, name: Key, stream: &Stream| {
                if !stream.epoch.is_empty() {
                    hello.push(comma);
                    comma = ',';
                    let mut key = String::from(prefix);
                    key.push_str(name.name());
                    write_string(&key, &mut hello);
                    hello.push_str(":[");
                    write_string(&stream.epoch, &mut hello);
                    hello.push(',');
                    write_count(stream.rev, &mut hello);
                    hello.push(']');
                }
            };
            for (_, component) in self.components.iter() {
                position(words::stream::COMPONENT, component.id, &component.stream);
            }
            for topic in &self.topics {
                position(words::stream::TOPIC, topic.name, &topic.stream);
            }
            hello.push_str(if comma == '{' { "{}" } else { "}" });
        }
        hello.push_str("}}");
        hello
    }

    /// Returns the highest ref up to which every reply has arrived.
    pub(super) fn acknowledged(&self) -> u64 {
        self.requests.first().map_or(self.last_reference, |request| request.reference - 1)
    }

    /// Queues a request and sends the requests that can be sent.
    pub(super) fn ask(&mut self, mut request: Request) {
        let slot = request.slot;
        if self.requests.len() + self.retries.len() >= QUEUE
            && !matches!(request.kind, RequestKind::Mount | RequestKind::Unmount)
        {
            return self.refuse(&request, &failure(OVERLOADED, "too many messages"));
        }
        self.last_reference += 1;
        request.reference = self.last_reference;
        let waits = |other: &Request| other.slot == slot && other.timer == 0;
        if request.is_lost {
            let verdict = Verdict::of_failure(request.kind, UNKNOWN_ITEM);
            self.conclude(&request, verdict);
            self.settle(&request, Reply::Failure, failure(UNKNOWN_ITEM, ""));
        } else if self.is_pending(&mut request)
            // A retried request skips this queue, whose requests may wait for its reply.
            || request.tries == 0 && self.retries.iter().any(waits)
        {
            request.timer = 0;
            self.retries.push(request);
        } else {
            self.requests.push(request);
            self.send_waiting();
        }
        self.out.push(Output::Wire { slot });
    }

    /// Sends, in order, the requests not yet sent over this connection, up to the server's limits.
    pub(super) fn send_waiting(&mut self) {
        if self.link.phase == connection_state::ConnectionPhase::Open {
            self.send_while(&|_| true);
        }
    }

    /// Sends the mounts that precede all other requests.
    pub(super) fn send_mounts(&mut self) {
        self.send_while(&|request| request.kind == RequestKind::Mount);
    }

    /// Sends, in order, the requests not yet sent over this connection, up to the first one that is
    /// not `allowed`.
    fn send_while(&mut self, allowed: &dyn Fn(&Request) -> bool) {
        let mut room = self.in_flight.saturating_sub(self.requests.iter().filter(|r| r.sent).count());
        let mut at = 0;
        while room > 0 {
            let ack = if self.unacknowledged >= ACK_EVERY { self.acknowledged() } else { 0 };
            let Some(request) = self.requests.get_mut(at).filter(|request| allowed(request)) else { break };
            at += 1;
            if request.sent {
                continue;
            }
            let Some(component) = self.components.get(request.slot) else { continue };
            let frame = request.frame(component.id, ack);
            if frame.len() > self.message_bytes {
                if self.link.phase != connection_state::ConnectionPhase::Open {
                    // `WELCOME` may allow more.
                    return;
                }
                at -= 1;
                let request = self.requests.remove(at);
                self.refuse(&request, &failure(TOO_LARGE, "too large"));
                // Requests that wait for an item added by this one are refused too.
                return self.ask_waiting();
            }
            if ack != 0 {
                self.unacknowledged = 0;
            }
            request.sent = true;
            request.left = true;
            room -= 1;
            self.out.push(Output::Socket(SocketCommand::Send(frame)));
        }
    }

    /// Returns the number of actions and edits that wait for a connection.
    pub(super) fn queued(&self) -> u32 {
        let mut queued = 0;
        if self.link.phase != connection_state::ConnectionPhase::Open {
            for list in &[&self.requests, &self.retries] {
                for request in *list {
                    queued += u32::from(matches!(request.kind, RequestKind::Action | RequestKind::Property));
                }
            }
        }
        queued
    }

    pub(super) fn ask_template(&mut self, hash: Key) {
        if self.link.phase == connection_state::ConnectionPhase::Open {
            self.tell(words::kind::TEMPLATE, ",\"payload\":{\"hash\":", hash, "}}");
        }
    }

    /// Sends a message whose only value is a name.
    pub(super) fn tell(&mut self, kind: &str, start: &str, name: Key, end: &str) {
        let mut frame = start_frame(kind);
        frame.push_str(start);
        write_string(name.name(), &mut frame);
        frame.push_str(end);
        self.out.push(Output::Socket(SocketCommand::Send(frame)));
    }

    /// Returns unanswered actions and edits as a JSON list: the `HELLO` that resumes their session,
    /// then for each a list of a flag (1 if the server may have handled it, else 0) and its frame.
    pub(crate) fn queue(&self) -> String {
        let mut queue = String::from("[");
        queue.push_str(&self.hello());
        for list in &[&self.requests, &self.retries] {
            for request in *list {
                let Some(component) = self.component(request.slot) else { continue };
                if matches!(request.kind, RequestKind::Action | RequestKind::Property) {
                    queue.push_str(if request.left { ",[1," } else { ",[0," });
                    queue.push_str(&request.frame(component.id, 0));
                    queue.push(']');
                }
            }
        }
        queue.push(']');
        queue
    }
}
