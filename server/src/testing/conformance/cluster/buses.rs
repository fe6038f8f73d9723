//! Messages between nodes.

use std::any::Any;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;

use super::support::{quiet, topic, until};
use super::{ClusterCase, ClusterUnderTest, cluster_cases};
use crate::cluster::{Address, Bus, NodeId, TopicId};

pub(super) const CASES: &[ClusterCase] = cluster_cases![
    messages_of_a_node_to_an_address_keep_their_order,
    a_node_does_not_receive_its_own_messages,
    messages_reach_every_listener_of_their_address_and_no_other,
    a_listener_that_was_dropped_is_not_called,
    messages_are_kept_byte_for_byte,
    nodes_are_those_with_valid_leases,
    a_flush_fails_without_the_engine,
];

/// What a listener has received.
type Messages = Arc<Mutex<Vec<(NodeId, Bytes)>>>;

fn listen(bus: &dyn Bus, to: &Address) -> (Messages, Box<dyn Any + Send + Sync>) {
    let received = Messages::default();
    let list = Arc::clone(&received);
    let add = move |from: &NodeId, message: Bytes| {
        list.lock().unwrap_or_else(PoisonError::into_inner).push((from.clone(), message));
    };
    (received, bus.listen(to, Arc::new(add)))
}

fn messages(received: &Messages) -> Vec<(NodeId, Bytes)> {
    received.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

fn room(tenant: Option<&str>, name: &str) -> Address {
    Address::Room { tenant: tenant.map(Into::into), name: name.into() }
}

/// Sends messages until one arrives: an engine may learn late who listens.
async fn connect(bus: &dyn Bus, to: &Address, received: &Messages) {
    until("a message", || async {
        bus.send(to, "hello".into());
        quiet().await;
        !messages(received).is_empty()
    })
    .await;
    quiet().await;
}

async fn messages_of_a_node_to_an_address_keep_their_order(cluster: Arc<dyn ClusterUnderTest>) {
    let to = room(None, "order");
    let (received, _guard) = listen(&*cluster.bus(2), &to);
    for node in 0..2 {
        connect(&*cluster.bus(node), &to, &received).await;
    }
    for number in 0..300_u32 {
        for node in 0..2 {
            cluster.bus(node).send(&to, format!("{number}").into());
        }
        if number % 20 == 0 {
            for node in 0..2 {
                cluster.bus(node).flush(Duration::from_secs(10)).await.unwrap();
            }
        }
    }
    quiet().await;
    for node in 0..2 {
        let id = cluster.bus(node).node().clone();
        let of_node = || messages(&received).into_iter().filter(|(from, _)| *from == id).collect::<Vec<_>>();
        until("the last message", || async {
            of_node().last().is_some_and(|(_, last)| last == "299") || of_node().len() >= 300
        })
        .await;
        let numbers = of_node().into_iter().filter(|(_, message)| message != "hello");
        let numbers: Vec<u32> =
            numbers.map(|(_, text)| std::str::from_utf8(&text).unwrap().parse().unwrap()).collect();
        assert!(numbers.is_sorted_by(|one, next| one < next), "out of order or repeated: {numbers:?}");
        assert!(numbers.len() > 200, "most messages arrive");
    }
}

async fn a_node_does_not_receive_its_own_messages(cluster: Arc<dyn ClusterUnderTest>) {
    let to = Address::Everyone;
    let (own, _own) = listen(&*cluster.bus(0), &to);
    let (others, _others) = listen(&*cluster.bus(1), &to);
    connect(&*cluster.bus(0), &to, &others).await;
    assert_eq!(messages(&own), [], "messages of the node itself");
    let node = cluster.bus(0).node().clone();
    assert!(messages(&others).iter().all(|(from, _)| *from == node));
    connect(&*cluster.bus(1), &to, &own).await;
}

async fn messages_reach_every_listener_of_their_address_and_no_other(cluster: Arc<dyn ClusterUnderTest>) {
    let of_tenant = TopicId { tenant: Some("t".into()), ..topic("name") };
    let addresses = [
        room(None, "name"),
        room(Some(""), "name"),
        room(Some("t"), "name"),
        room(None, "t/name"),
        room(None, "t:name"),
        room(None, "*"),
        room(None, ">"),
        room(None, "Name"),
        room(None, "everyone"),
        Address::Topic(topic("name")),
        Address::Topic(of_tenant),
        Address::Everyone,
        Address::Node(cluster.bus(1).node().clone()),
        Address::Node(cluster.bus(2).node().clone()),
    ];
    let bus = cluster.bus(1);
    let listeners: Vec<_> =
        addresses.iter().flat_map(|to| [listen(&*bus, to), listen(&*bus, to)].map(|one| (to, one))).collect();
    for (number, to) in addresses.iter().enumerate() {
        let all = || listeners.iter().filter(|(of, _)| *of == to);
        let body = Bytes::from(format!("to {number}"));
        until("every listener has received it", || async {
            cluster.bus(0).send(to, body.clone());
            quiet().await;
            all().all(|(_, (received, _))| !messages(received).is_empty())
        })
        .await;
    }
    for (to, (received, _)) in &listeners {
        let number = addresses.iter().position(|address| address == *to).unwrap();
        let body = Bytes::from(format!("to {number}"));
        assert!(messages(received).iter().all(|(_, message)| *message == body), "{to:?}");
    }
}

async fn a_listener_that_was_dropped_is_not_called(cluster: Arc<dyn ClusterUnderTest>) {
    let to = room(None, "dropped");
    let (dropped, guard) = listen(&*cluster.bus(1), &to);
    let (kept, _kept) = listen(&*cluster.bus(1), &to);
    connect(&*cluster.bus(0), &to, &dropped).await;
    drop(guard);
    quiet().await;
    let before = (messages(&dropped).len(), messages(&kept).len());
    until("a message to the other listener", || async {
        cluster.bus(0).send(&to, "after".into());
        quiet().await;
        messages(&kept).len() > before.1
    })
    .await;
    assert_eq!(messages(&dropped).len(), before.0, "messages after it was dropped");
}

async fn messages_are_kept_byte_for_byte(cluster: Arc<dyn ClusterUnderTest>) {
    let to = room(Some("'\"\u{0}"), "'; --\r\n{}");
    let every: Vec<u8> = (0..=255).collect();
    for body in [Vec::new(), vec![0], every.clone(), every.repeat(256)] {
        let (received, _guard) = listen(&*cluster.bus(1), &to);
        until("a message", || async {
            cluster.bus(0).send(&to, body.clone().into());
            quiet().await;
            !messages(&received).is_empty()
        })
        .await;
        assert!(messages(&received).iter().all(|(_, message)| *message == body), "{} bytes", body.len());
    }
}

/// Waits until a node takes exactly these nodes for alive.
async fn sees(cluster: &Arc<dyn ClusterUnderTest>, node: usize, expected: &[usize]) {
    let mut expected: Vec<NodeId> = expected.iter().map(|node| cluster.bus(*node).node().clone()).collect();
    expected.sort();
    until("the nodes with valid leases", || async {
        let mut nodes = cluster.bus(node).nodes().map(|nodes| nodes.to_vec()).unwrap_or_default();
        nodes.sort();
        nodes == expected
    })
    .await;
}

async fn nodes_are_those_with_valid_leases(cluster: Arc<dyn ClusterUnderTest>) {
    for node in 0..3 {
        sees(&cluster, node, &[0, 1, 2]).await;
    }
    cluster.cut(2).await;
    until("the node notices it", || async { cluster.bus(2).nodes().is_none() }).await;
    for node in 0..2 {
        sees(&cluster, node, &[0, 1]).await;
    }
    assert!(cluster.bus(2).nodes().is_none(), "it cannot know who is alive");
    cluster.restore(2).await;
    for node in 0..3 {
        sees(&cluster, node, &[0, 1, 2]).await;
    }
}

async fn a_flush_fails_without_the_engine(cluster: Arc<dyn ClusterUnderTest>) {
    let (bus, limit) = (cluster.bus(0), Duration::from_secs(2));
    bus.flush(limit).await.unwrap();
    cluster.cut(0).await;
    bus.send(&Address::Everyone, "lost".into());
    assert!(bus.flush(limit).await.is_err(), "the engine does not have the message");
    cluster.restore(0).await;
    until("the node reaches the engine", || async { bus.flush(limit).await.is_ok() }).await;
}
