//! Nodes that stay the same, whatever the log does to their calls.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep};
use vivaz_components::__private::AnyShared as _;
use vivaz_components::{ErrorCode, Result, Shared, StagedUpdate, TopicHandle, User};

use super::board::{Board, NAME, Node, change, id, settle};
use super::log::{Dice, Faults, MemoryEngine};

const FAULTS: Faults = Faults { unknown: 15, unavailable: 5, notification: 40, delay: 20, read: 3 };

async fn nodes(engine: &Arc<MemoryEngine>) -> Vec<Node> {
    let mut nodes = Vec::new();
    for number in 1..=3 {
        nodes.push(Node::start(engine, number).await);
    }
    nodes
}

/// Makes a change as a handler, or as code outside of components.
async fn update(board: &TopicHandle<Board>, name: String, seed: u64) -> Result {
    let update = move |board: &mut Board| {
        change(board, seed);
        *board.counts.entry(name.clone()).or_default() += 1;
    };
    if seed.is_multiple_of(2) {
        return board.update(update).await;
    }
    let mut shared = Shared::<Board>::new();
    shared.bind(board.topic())?;
    shared.update(update);
    StagedUpdate::agree_all(shared.take_staged(), None).await.map(drop)
}

/// Makes updates at a node for a while. Returns their names and outcomes.
async fn use_node(
    board: TopicHandle<Board>,
    ear: Arc<crate::hub::Ear>,
    node: u64,
    seed: u64,
) -> Vec<(String, Result)> {
    let (mut dice, mut running, mut outcomes) = (Dice::new(seed * 31 + node), Vec::new(), Vec::new());
    for number in 0..24 {
        let (name, seed) = (format!("n{node}-{number}-"), dice.roll(1 << 40));
        let (board, ear) = (board.clone(), Arc::clone(&ear));
        running.push(tokio::spawn(async move {
            let outcome = update(&board, name.clone(), seed).await;
            if outcome.is_ok() {
                assert!(ear.has(&name), "the reply of {name} is before its patch");
            }
            (name, outcome)
        }));
        if dice.roll(3) == 0 {
            sleep(Duration::from_millis(dice.roll(60))).await;
        }
        if dice.roll(4) == 0 {
            for task in running.drain(..) {
                outcomes.push(task.await.unwrap());
            }
        }
    }
    for task in running {
        outcomes.push(task.await.unwrap());
    }
    outcomes
}

async fn use_all(nodes: &[Node], seed: u64) -> Vec<(String, Result)> {
    let tasks: Vec<_> = (1..)
        .zip(nodes)
        .map(|(number, node)| tokio::spawn(use_node(node.board.clone(), Arc::clone(&node.ear), number, seed)))
        .collect();
    let mut outcomes = Vec::new();
    for task in tasks {
        outcomes.extend(task.await.unwrap());
    }
    outcomes
}

/// Removes the members that are null: a page has null for a field that is not written any more.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let members = members.into_iter().filter(|(_, value)| !value.is_null());
            members.map(|(name, value)| (name, without_nulls(value))).collect()
        }
        Value::Array(items) => items.into_iter().map(without_nulls).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value,
    }
}

/// Checks that all nodes and their pages have one state.
fn assert_same(nodes: &mut [Node], what: &str) {
    let first = nodes[0].shared_state();
    for node in &mut *nodes {
        let (state, snapshot) = node.shared_state();
        assert_eq!(state, first.0, "{what}");
        assert_eq!(snapshot, first.1, "{what}");
        let now: Value = serde_json::from_str(node.board.topic().snapshot().unwrap().json()).unwrap();
        assert_eq!(
            without_nulls(node.page_state()),
            without_nulls(now),
            "{what}: a page differs from its node"
        );
    }
}

/// Each update is made once if it was acknowledged, never if it was refused, and at most once if
/// its outcome is unknown.
fn assert_once(nodes: &[Node], outcomes: &[(String, Result)], what: &str) {
    let value = nodes[0].board.value();
    for (name, outcome) in outcomes {
        let count = value.counts.get(name).copied().unwrap_or_default();
        match outcome {
            Ok(()) => assert_eq!(count, 1, "{what}: {name} was acknowledged"),
            Err(error) if error.code() == ErrorCode::Overloaded => {
                assert_eq!(count, 0, "{what}: {name} was refused: {error}");
            }
            Err(error) => assert!(count <= 1, "{what}: {name}: {error}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn nodes_have_one_state_and_send_the_same_frames() {
    for seed in 1..=60 {
        let engine = MemoryEngine::new(seed, Faults::default());
        let mut nodes = nodes(&engine).await;
        engine.set_faults(FAULTS);
        let outcomes = use_all(&nodes, seed).await;
        settle().await;
        let what = format!("seed {seed}");
        assert_same(&mut nodes, &what);
        assert_once(&nodes, &outcomes, &what);
        assert!(outcomes.iter().all(|(_, outcome)| outcome.is_ok()), "{what}: {outcomes:?}");
        for node in &nodes {
            assert_eq!(node.frames, nodes[0].frames, "{what}");
            assert_eq!(
                node.board.value().own / 1_000_000,
                nodes.iter().position(|one| std::ptr::eq(one, node)).unwrap() as u64 + 1,
                "own"
            );
        }
        assert!(nodes[0].frames.len() > 20, "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_tail_begins_an_epoch_in_which_all_are_the_same() {
    let mut epochs = 0;
    for seed in 1..=40 {
        let engine = MemoryEngine::new(seed, Faults::default());
        let mut nodes = nodes(&engine).await;
        let epoch = nodes[0].board.topic().epoch();
        engine.set_faults(FAULTS);
        let losing = tokio::spawn({
            let engine = Arc::clone(&engine);
            async move {
                let mut dice = Dice::new(seed);
                for _ in 0..4 {
                    sleep(Duration::from_millis(50 + dice.roll(300))).await;
                    engine.lose_tail(&id(), 1 + dice.roll(3) as usize);
                }
            }
        });
        use_all(&nodes, seed).await;
        losing.await.unwrap();
        settle().await;
        assert_same(&mut nodes, &format!("seed {seed}"));
        epochs += u32::from(nodes[0].board.topic().epoch() != epoch);
    }
    assert!(epochs > 20, "{epochs}");
}

/// An engine that loses entries which a node still has gets them back.
#[tokio::test(start_paused = true)]
async fn a_node_restores_what_the_log_has_lost() {
    let engine = MemoryEngine::new(1, Faults::default());
    let mut nodes = nodes(&engine).await;
    for number in 0..5 {
        update(&nodes[0].board, format!("u{number}"), number).await.unwrap();
    }
    engine.lose_tail(&id(), 3);
    settle().await;
    assert_same(&mut nodes, "lost");
    assert_eq!(nodes[1].board.value().counts.len(), 5);
    engine.expire(&id());
    settle().await;
    update(&nodes[2].board, "last".to_owned(), 2).await.unwrap();
    settle().await;
    assert_same(&mut nodes, "expired");
    assert_eq!(nodes[1].board.value().counts.len(), 6);
}

#[tokio::test(start_paused = true)]
async fn without_the_log_updates_wait_and_fail_and_reading_goes_on() {
    let engine = MemoryEngine::new(1, Faults::default());
    let mut nodes = nodes(&engine).await;
    update(&nodes[0].board, "before".to_owned(), 2).await.unwrap();
    settle().await;
    engine.set_faults(Faults { unavailable: 100, ..Faults::default() });
    for seed in [2, 3] {
        let began = Instant::now();
        let refused = update(&nodes[1].board, "refused".to_owned(), seed).await.unwrap_err();
        assert_eq!(refused.code(), ErrorCode::Overloaded);
        assert!((4_900..5_500).contains(&began.elapsed().as_millis()), "{:?}", began.elapsed());
    }
    assert_eq!(nodes[1].board.value().counts.len(), 1);
    let waiting = tokio::spawn({
        let board = nodes[2].board.clone();
        async move { update(&board, "waited".to_owned(), 3).await }
    });
    sleep(Duration::from_secs(4)).await;
    engine.set_faults(Faults::default());
    waiting.await.unwrap().unwrap();
    settle().await;
    assert_same(&mut nodes, "after the outage");
    assert_eq!(nodes[0].board.value().counts.keys().collect::<Vec<_>>(), ["before", "waited"]);
}

#[tokio::test(start_paused = true)]
async fn a_poll_finds_entries_whose_notifications_are_lost() {
    let engine = MemoryEngine::new(1, Faults::default());
    let mut nodes = nodes(&engine).await;
    // A percentage of notifications, of which each is sent up to two times or not at all.
    engine.set_faults(Faults { notification: 100, ..Faults::default() });
    for number in 0..40 {
        update(&nodes[number as usize % 3].board, format!("u{number}"), number * 7).await.unwrap();
    }
    sleep(Duration::from_millis(1_500)).await;
    assert_same(&mut nodes, "polled");
}

#[tokio::test(start_paused = true)]
async fn one_update_of_a_batch_fails_alone() {
    let engine = MemoryEngine::new(1, Faults { delay: 30, ..Faults::default() });
    let mut nodes = nodes(&engine).await;
    let outcomes: Vec<_> = (0..30_u64)
        .map(|number| {
            let board = nodes[number as usize % 3].board.clone();
            tokio::spawn(async move {
                let mut shared = Shared::<Board>::new();
                shared.bind(board.topic()).unwrap();
                shared.update(move |board| {
                    board.title = format!("t{number}");
                    match number % 5 {
                        1 => panic!("as the test wants"),
                        2 => board.title = "x".repeat(70_000),
                        _ => _ = board.counts.insert(number.to_string(), 1),
                    }
                });
                StagedUpdate::agree_all(shared.take_staged(), None)
                    .await
                    .map(drop)
                    .map_err(|error| error.code())
            })
        })
        .collect();
    for (number, outcome) in (0..).zip(outcomes) {
        let expected = match number % 5 {
            1 => Err(ErrorCode::Panicked),
            2 => Err(ErrorCode::TooLarge),
            _ => Ok(()),
        };
        assert_eq!(outcome.await.unwrap(), expected, "{number}");
    }
    settle().await;
    assert_same(&mut nodes, "batch");
    assert_eq!(nodes[0].board.value().counts.len(), 18);
    assert!(engine.entries(&id()) < 18, "several updates are one entry");
}

#[tokio::test(start_paused = true)]
async fn a_log_has_a_snapshot_and_few_entries() {
    let engine = MemoryEngine::new(1, Faults::default());
    let mut nodes = nodes(&engine).await;
    for number in 0..700_u64 {
        update(&nodes[number as usize % 3].board, format!("u{}", number % 9), number * 2).await.unwrap();
    }
    settle().await;
    assert!(engine.entries(&id()) < 256, "{}", engine.entries(&id()));
    nodes.push(Node::start(&engine, 4).await);
    assert_same(&mut nodes, "a node that starts later");
    // A page that comes from another node gets the patches after its revision.
    let (epoch, rev) = (nodes[0].board.topic().epoch(), nodes[0].board.topic().rev());
    update(&nodes[1].board, "last".to_owned(), 4).await.unwrap();
    settle().await;
    let mut missed = None;
    let ear = crate::hub::Ear::new("moved");
    let _subscription = nodes[3].board.topic().subscribe(ear, Some((&epoch, rev)), &mut |catch_up| {
        missed = Some(matches!(catch_up, vivaz_components::CatchUp::Patches(patches) if patches.len() == 1));
    });
    assert_eq!(missed, Some(true));
}

/// Nothing that cannot be read becomes a state.
#[tokio::test(start_paused = true)]
async fn an_unreadable_log_changes_nothing() {
    for body in [&b"not json"[..], br#"{"patch":{"title":1}}"#, br#"{"patch":{"rows":{"$list":[["-",99]]}}}"#]
    {
        let engine = MemoryEngine::new(1, Faults::default());
        let mut nodes = nodes(&engine).await;
        update(&nodes[0].board, "before".to_owned(), 2).await.unwrap();
        settle().await;
        let before = nodes[0].shared_state();
        engine.corrupt(&id(), body);
        settle().await;
        for node in &nodes {
            assert_eq!(node.shared_state(), before);
            for seed in [2, 3] {
                assert!(update(&node.board, "after".to_owned(), seed).await.is_err());
            }
        }
        assert_eq!(nodes[2].page_state()["counts"], serde_json::json!({ "before": 1 }));
        let states = vivaz_components::States::default().with(7_u64);
        let late = vivaz_components::Hub::new().with_log(Arc::new(super::log::MemoryLog(engine)));
        assert!(late.open::<Board>(NAME, &states).await.is_err());
    }
}

#[tokio::test(start_paused = true)]
async fn an_unloaded_topic_follows_no_more_and_is_opened_as_it_was() {
    let engine = MemoryEngine::new(1, Faults::default());
    let mut one = nodes(&engine).await;
    update(&one[0].board, "a".to_owned(), 2).await.unwrap();
    let Node { hub, board, .. } = one.remove(0);
    let weak = Arc::downgrade(&board.value());
    drop(board);
    drop(one);
    let now = std::time::Instant::now();
    hub.sweep(now, Duration::ZERO);
    tokio::task::yield_now().await;
    assert!(weak.upgrade().is_none(), "the state is still in memory");
    let again = Node::start(&engine, 5).await;
    assert_eq!(again.board.value().counts.keys().collect::<Vec<_>>(), ["a"]);
}

#[tokio::test(start_paused = true)]
async fn users_are_present_on_all_nodes() {
    let engine = MemoryEngine::new(1, Faults::default());
    let mut nodes = nodes(&engine).await;
    let ada = nodes[0].board.topic().enter(&User::new("1", "Ada")).unwrap();
    let bob = nodes[1].board.topic().enter(&User::new("2", "Bob")).unwrap();
    settle().await;
    assert_same(&mut nodes, "entered");
    assert_eq!(nodes[2].board.value().users.len(), 2);
    engine.set_faults(Faults { unavailable: 100, ..Faults::default() });
    drop(ada);
    sleep(Duration::from_secs(20)).await;
    engine.set_faults(Faults::default());
    settle().await;
    assert_eq!(nodes[2].board.value().users.iter().map(|user| &*user.id).collect::<Vec<_>>(), ["2"]);
    drop(bob);
    settle().await;
    assert_same(&mut nodes, "left");
    assert!(nodes[2].board.value().users.is_empty());
    let offline = nodes[2].frames.iter().filter(|frame| frame.contains("user.offline")).count();
    assert_eq!(offline, 2, "events are sent on all nodes");
}
