//! The texts of notifications. One has less than 8,000 bytes, so a message may take several.

use std::collections::HashMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use vivaz_protocol::TopicName;

use super::statements::TopicKey;
use crate::cluster::{Address, NodeId, TopicId};

/// The largest message with its address, in bytes.
pub(super) const MOST_BYTES: usize = 1 << 20;

/// The length of a part.
const PART: usize = 7_800;

/// An address as it is sent.
#[derive(Serialize, Deserialize)]
enum SentAddress {
    Room(Option<Arc<str>>, Arc<str>),
    Topic(Option<Arc<str>>, Arc<str>),
    Everyone,
    Node(Arc<str>),
}

/// Writes a message with its address. Returns `None` if it is too large.
pub(super) fn write_message(to: &Address, message: &[u8]) -> Option<Vec<u8>> {
    let to = match to {
        Address::Room { tenant, name } => SentAddress::Room(tenant.clone(), Arc::clone(name)),
        Address::Topic(topic) => SentAddress::Topic(topic.tenant.clone(), topic.name.as_str().into()),
        Address::Everyone => SentAddress::Everyone,
        Address::Node(node) => SentAddress::Node(node.as_str().into()),
    };
    let to = serde_json::to_vec(&to).ok()?;
    if to.len() + message.len() + 4 > MOST_BYTES {
        return None;
    }
    let length = u32::try_from(to.len()).ok()?;
    Some([&length.to_be_bytes()[..], &to, message].concat())
}

/// Reads a message with its address. Returns `None` if it is not one.
fn read_message(raw: &Bytes) -> Option<(Address, Bytes)> {
    let (length, rest) = raw.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    let to = match serde_json::from_slice(rest.get(..length)?).ok()? {
        SentAddress::Room(tenant, name) => Address::Room { tenant, name },
        SentAddress::Topic(tenant, name) => {
            Address::Topic(TopicId { tenant, name: TopicName::new(&name).ok()? })
        }
        SentAddress::Everyone => Address::Everyone,
        SentAddress::Node(node) => Address::Node(NodeId::new(&node)),
    };
    Some((to, raw.slice(4 + length..)))
}

/// Splits a message into the texts of notifications. The server drops notifications of one
/// transaction that are equal, so `number` makes them different.
pub(super) fn parts(node: &NodeId, number: u64, message: &[u8]) -> Vec<String> {
    let text = BASE64.encode(message);
    let parts = text.as_bytes().chunks(PART);
    let count = parts.len();
    let text_of = |part| str::from_utf8(part).unwrap_or_default();
    parts.enumerate().map(|(at, part)| format!("{node}:{number}:{at}:{count}:{}", text_of(part))).collect()
}

/// Puts the parts of messages together. Those of one message follow each other, because they are
/// sent by one transaction.
#[derive(Default)]
pub(super) struct Assembly(HashMap<Box<str>, PartialText>);

struct PartialText {
    number: u64,
    parts: usize,
    text: String,
}

impl Assembly {
    /// Adds a part. Returns the message if it is complete, with its sender.
    pub(super) fn add(&mut self, payload: &str) -> Option<(NodeId, Address, Bytes)> {
        let mut fields = payload.splitn(5, ':');
        let mut field = || fields.next();
        let (node, number, at, count) =
            (field()?, field()?.parse().ok()?, field()?.parse::<usize>().ok()?, field()?.parse().ok()?);
        let text = field()?;
        if count > MOST_BYTES.div_ceil(PART) * 2 || at >= count {
            return None;
        }
        let mut message = match self.0.remove(node) {
            Some(begun) if at > 0 => begun,
            Some(_) | None => PartialText { number, parts: 0, text: String::new() },
        };
        // The first parts were sent before this node listened.
        if message.number != number || message.parts != at {
            return None;
        }
        message.parts += 1;
        message.text.push_str(text);
        if message.parts < count {
            self.0.insert(node.into(), message);
            return None;
        }
        let (to, message) = read_message(&BASE64.decode(message.text).ok()?.into())?;
        Some((NodeId::new(node), to, message))
    }

    /// Forgets messages whose other parts were missed.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

/// Writes the notification of a topic's new entry.
pub(super) fn write_topic(node: &NodeId, topic: &TopicKey, rev: u64) -> String {
    format!("{node}:{}:{rev}", topic.to_hex())
}

/// Reads the notification of a topic's new entry, with its sender.
pub(super) fn read_topic(payload: &str) -> Option<(&str, TopicKey)> {
    let mut fields = payload.splitn(3, ':');
    let (node, key) = (fields.next()?, fields.next()?);
    Some((node, TopicKey::from_hex(key).ok()?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Messages of two nodes arrive whole, whatever comes between their parts.
        #[test]
        fn messages_are_put_together(
            bodies in prop::collection::vec((0..40_000_usize, any::<u8>()), 1..6),
            order in prop::collection::vec(any::<bool>(), 200),
        ) {
            let (nodes, to) = ([NodeId::new("a"), NodeId::new("b")], Address::Everyone);
            let sent: Vec<Vec<u8>> = bodies.iter().map(|(length, byte)| vec![*byte; *length]).collect();
            let mut queues = nodes.each_ref().map(|node| {
                let parts = sent.iter().zip(0..).flat_map(|(body, number)| {
                    parts(node, number, &write_message(&to, body).unwrap())
                });
                parts.collect::<std::collections::VecDeque<_>>()
            });
            let (mut assembly, mut received) = (Assembly::default(), [const { Vec::new() }; 2]);
            for first in order.into_iter().chain([true, false].repeat(100)) {
                let Some(part) = queues[usize::from(first)].pop_front() else { continue };
                prop_assert!(part.len() < 8_000);
                if let Some((node, _, body)) = assembly.add(&part) {
                    received[usize::from(node == nodes[1])].push(body.to_vec());
                }
            }
            prop_assert_eq!(&received[0], &sent);
            prop_assert_eq!(&received[1], &sent);
        }

        #[test]
        fn unreadable_notifications_are_ignored(payload in ".{0,60}|a:0:0:1:[A-Za-z0-9]{0,40}") {
            let _read = Assembly::default().add(&payload);
            let _read = read_topic(&payload);
        }
    }

    #[test]
    fn a_message_whose_begin_was_missed_is_not_delivered() {
        let (node, mut assembly) = (NodeId::new("a"), Assembly::default());
        let large = parts(&node, 1, &write_message(&Address::Everyone, &[7; 20_000]).unwrap());
        assert!(large.len() > 2);
        for part in large.iter().skip(1) {
            assert!(assembly.add(part).is_none());
        }
        assert!(assembly.add(&large[0]).is_none());
        assembly.clear();
        let received: Vec<_> = large.iter().filter_map(|part| assembly.add(part)).collect();
        assert_eq!(received.len(), 1);
        assert!(write_message(&Address::Everyone, &[0; MOST_BYTES]).is_none());
    }
}
