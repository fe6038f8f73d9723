use std::future::poll_fn;
use std::time::Duration;

use vivaz_components::User;
use vivaz_protocol::ConnectionId;

use proptest::prelude::*;

use super::*;
use crate::admission::secret::random_bytes;
use crate::connection::drive_detached;
use crate::persist::store::{Fence, MemoryStore};
use crate::runtime::Runtime;

/// A runtime, and the secret that each of its sessions began with.
struct World {
    runtime: Runtime,
}

impl World {
    fn new() -> Self {
        Self { runtime: Runtime::builder().build().unwrap() }
    }

    fn with_store() -> Self {
        Self { runtime: Runtime::builder().store(MemoryStore::new()).build().unwrap() }
    }

    fn sessions(&self) -> &Sessions {
        &self.runtime.supervisor().sessions
    }

    /// Enters a session, which the caller holds.
    fn enter(&self, name: &str, owner: &Identity) -> (Box<Session>, ResumeSecret<'static>) {
        let port = Port::new(id(name), Fence::FIRST, self.runtime.supervisor().as_owner());
        port.attach_task();
        let (member, _) = self.runtime.core().users.admit(owner, port.session()).unwrap();
        let secret =
            self.sessions().insert(Arc::clone(&port), owner.clone(), member, &random_bytes().unwrap());
        let connection = ConnectionId::new("c").unwrap();
        (
            Box::new(Session::new(Arc::clone(self.runtime.supervisor()), port, owner.clone(), connection)),
            secret,
        )
    }

    /// Enters a session that waits.
    fn wait(&self, name: &str, until: Instant) -> ResumeSecret<'static> {
        let (session, secret) = self.enter(name, &Identity::anonymous());
        assert!(is_suspended(self.sessions().suspend(session, until)));
        secret
    }
}

fn id(name: &str) -> SessionId {
    SessionId::new(name).unwrap()
}

fn ada() -> Identity {
    Identity::of(User::new("ada", "Ada"))
}

#[expect(clippy::needless_pass_by_value, reason = "the result of the call is given away")]
fn is_suspended(suspension: Suspension) -> bool {
    matches!(suspension, Suspension::Suspended)
}

fn is_there(claim: Option<Claim>) -> Option<Box<Session>> {
    match claim {
        Some(Claim::Session(session)) => Some(session),
        Some(Claim::Requested(_)) => panic!("a task has it"),
        Some(Claim::Superseded) | None => None,
    }
}

#[tokio::test]
async fn a_secret_is_good_until_the_client_has_proved_that_it_has_the_next_one() {
    let world = World::new();
    let sessions = world.sessions();
    let (session, first) = world.enter("s", &ada());
    assert_eq!(sessions.secrets(&id("s")).unwrap().generation, 1);
    assert!(is_suspended(sessions.suspend(session, Instant::now())));
    let session = is_there(sessions.claim(&id("s"), &first, &ada(), Instant::now())).unwrap();
    let (second, secrets) = sessions.renew_secret(&id("s"), ada()).unwrap().unwrap();
    assert_eq!((secrets.generation, Some(&secrets)), (2, sessions.secrets(&id("s")).as_ref()));
    assert!(
        matching_secret_hash(&first, &secrets).is_some() && matching_secret_hash(&second, &secrets).is_some()
    );
    assert!(sessions.confirm_secret(&id("s")));
    assert!(!sessions.confirm_secret(&id("s")), "there is none before");
    let secrets = sessions.secrets(&id("s")).unwrap();
    assert!(
        matching_secret_hash(&first, &secrets).is_none() && matching_secret_hash(&second, &secrets).is_some()
    );
    // The one that was shown stays good.
    assert!(is_suspended(sessions.suspend(session, Instant::now())));
    assert!(sessions.claim(&id("s"), &first, &ada(), Instant::now()).is_none());
    assert!(sessions.claim(&id("s"), &second, &Identity::anonymous(), Instant::now()).is_none());
    let earlier = Instant::now();
    tokio::time::sleep(Duration::from_millis(1)).await;
    let _session = is_there(sessions.claim(&id("s"), &second, &ada(), Instant::now())).unwrap();
    // A `HELLO` that arrived before, on a connection that the page has left, does not take it away.
    assert!(matches!(sessions.claim(&id("s"), &second, &ada(), earlier), Some(Claim::Superseded)));
    let (third, _) = sessions.renew_secret(&id("s"), ada()).unwrap().unwrap();
    let secrets = sessions.secrets(&id("s")).unwrap();
    assert!(
        matching_secret_hash(&second, &secrets).is_some() && matching_secret_hash(&third, &secrets).is_some()
    );
    for nonsense in ["", "?", "AAAAAAAAAAAAAAAAAAAAAA"] {
        assert!(matching_secret_hash(&ResumeSecret::new(nonsense), &secrets).is_none());
    }
}

/// The page sent a message, lost the connection, and reconnected. The task of the lost connection
/// reads the message after the claim. The next `WELCOME` may be lost.
#[tokio::test]
async fn a_claim_keeps_its_secret_valid_when_the_lost_connection_confirms_it() {
    let world = World::new();
    let sessions = world.sessions();
    let (_session, first) = world.enter("s", &ada());
    let claim = sessions.claim(&id("s"), &first, &ada(), Instant::now());
    assert!(matches!(claim, Some(Claim::Requested(_))));
    sessions.confirm_secret(&id("s"));
    let (_second, secrets) = sessions.renew_secret(&id("s"), ada()).unwrap().unwrap();
    assert!(matching_secret_hash(&first, &secrets).is_some());
}

#[tokio::test]
async fn a_session_is_in_one_place() {
    let world = World::new();
    let sessions = world.sessions();
    let (session, secret) = world.enter("s", &ada());
    // A task has it, and is asked; with no secret too, if its copy is no good.
    let asked = [sessions.claim(&id("s"), &secret, &ada(), Instant::now()), sessions.seize(session.port())];
    assert!(asked.iter().all(|claim| matches!(claim, Some(Claim::Requested(_)))));
    drop(asked);
    assert!(sessions.take_suspended(&id("s")).is_none(), "no other task takes it");
    assert_eq!((sessions.driven().len(), sessions.ports().len()), (1, 1));
    // What was put in has to be looked at first.
    let Suspension::HasMail(session) = sessions.suspend(session, Instant::now()) else {
        panic!("it has mail");
    };
    for _ in 0..2 {
        poll_fn(|cx| session.port().poll_mail(cx)).await;
    }
    let until = Instant::now() + Duration::from_secs(9);
    assert!(is_suspended(sessions.suspend(session, until)));
    assert_eq!((sessions.driven().len(), sessions.ports().len()), (0, 1));
    let (session, waits) = sessions.take_suspended(&id("s")).unwrap();
    assert_eq!(waits, until);
    assert!(is_suspended(sessions.suspend(session, until)));
    let port = sessions.port(&id("s")).unwrap();
    let seized = is_there(sessions.seize(&port)).unwrap();
    assert_eq!(sessions.driven().len(), 1);
    // It is not brought here twice.
    let (member, _) = world.runtime.core().users.admit(&ada(), &id("s")).unwrap();
    let secrets = sessions.secrets(&id("s")).unwrap();
    let other = Port::new(id("s"), Fence::FIRST, world.runtime.supervisor().as_owner());
    assert!(!sessions.insert_restored(Arc::clone(&other), ada(), member, secrets.clone(), Instant::now()));
    assert!(sessions.seize(&other).is_none(), "another copy has this port");
    drop(seized);
    assert!(!sessions.contains(&id("s")) && sessions.port(&id("s")).is_none());
    assert!(sessions.seize(&port).is_none() && sessions.secrets(&id("s")).is_none());
    let (member, _) = world.runtime.core().users.admit(&ada(), &id("s")).unwrap();
    assert!(sessions.insert_restored(Arc::clone(&other), ada(), member, secrets, Instant::now()));
    sessions.remove(&port);
    assert!(sessions.contains(&id("s")));
    sessions.remove(&other);
    assert!(!sessions.contains(&id("s")));
}

#[tokio::test]
async fn those_that_have_waited_for_too_long_go_and_those_that_are_too_many() {
    let world = World::new();
    let sessions = world.sessions();
    let (_held, _) = world.enter("held", &ada());
    let start = Instant::now();
    for seconds in 1..=9 {
        world.wait(&format!("w{seconds}"), start + Duration::from_secs(seconds));
    }
    let seen = std::cell::Cell::new(0);
    let sweep = |seconds, room| {
        let now = start + Duration::from_secs(seconds);
        let room = SuspensionLimits { sessions: room, bytes: 0 };
        let swept = sessions.sweep(now, room, |port, owner| {
            assert_eq!((port.session(), owner.user_id()), (&id("held"), Some("ada")));
            seen.set(seen.get() + 1);
        });
        let mut names: Vec<_> = swept.expired.iter().map(|one| one.session.id().to_string()).collect();
        names.sort_unstable();
        (names, swept.driven, swept.suspended)
    };
    assert_eq!(sweep(0, 9), (vec![], 1, 9));
    assert_eq!(sweep(2, 9), (vec!["w1".to_owned(), "w2".to_owned()], 1, 7));
    assert_eq!(sweep(2, 7), (vec![], 1, 7));
    assert_eq!(sweep(2, 5), (vec!["w3".to_owned(), "w4".to_owned()], 1, 5), "those nearest to their end");
    assert_eq!(sweep(6, 4), (vec!["w5".to_owned(), "w6".to_owned()], 1, 3));
    assert_eq!(sweep(6, 0).2, 0);
    assert_eq!(seen.get(), 6);
}

#[tokio::test]
async fn a_session_that_the_sweep_removes_has_ended_before_it_leaves_the_map() {
    let world = World::with_store();
    let (sessions, core) = (world.sessions(), world.runtime.core());
    let keeper = core.keeper.as_ref().unwrap();
    let start = Instant::now();
    world.wait("expired", start);
    let (large, _) = world.enter("large", &Identity::anonymous());
    let _state = large.budget.known(100);
    assert!(is_suspended(sessions.suspend(large, start + Duration::from_secs(9))));
    let swept = sessions.sweep(start, SuspensionLimits { sessions: 9, bytes: 50 }, |_, _| ());
    assert_eq!(swept.expired.len(), 2);
    for name in ["expired", "large"] {
        assert!(keeper.has_ended(&id(name), Fence::FIRST) && !sessions.contains(&id(name)), "{name}");
    }
}

#[tokio::test]
async fn a_copy_that_is_dropped_does_not_remove_the_copy_that_has_replaced_it() {
    let world = World::new();
    let sessions = world.sessions();
    let (old, _) = world.enter("s", &ada());
    let secrets = sessions.secrets(&id("s")).unwrap();
    sessions.remove(old.port());
    let (member, _) = world.runtime.core().users.admit(&ada(), &id("s")).unwrap();
    let port = Port::new(id("s"), Fence::FIRST, world.runtime.supervisor().as_owner());
    assert!(sessions.insert_restored(Arc::clone(&port), ada(), member, secrets, Instant::now()));
    drop(old);
    assert!(sessions.port(&id("s")).is_some_and(|one| Arc::ptr_eq(&one, &port)));
}

#[tokio::test]
async fn a_session_that_the_map_has_no_more_is_dropped_and_not_driven_for_ever() {
    let world = World::new();
    let (session, _) = world.enter("s", &ada());
    world.sessions().remove(session.port());
    // In real time: a task that never waits would keep paused time from advancing.
    let driven = tokio::time::timeout(Duration::from_secs(5), drive_detached(session, Instant::now()));
    assert!(driven.await.is_ok());
    assert_eq!(world.runtime.stats().sessions, 0);
}

#[tokio::test]
async fn mail_to_a_session_that_is_gone_is_dropped() {
    let world = World::new();
    let (session, _) = world.enter("s", &ada());
    let port = Arc::clone(session.port());
    drop(session);
    let (sender, mut receiver) = oneshot::channel();
    assert_eq!(port.post(Mail::HandOver(sender), usize::MAX), Posted::Closed);
    assert_eq!(receiver.try_recv().err(), Some(oneshot::error::TryRecvError::Closed));
}

#[tokio::test]
async fn ports_are_found_by_their_owners() {
    let world = World::new();
    let sessions = world.sessions();
    let tenant = ada().with_tenant("acme");
    let kept: Vec<_> = [("1", ada()), ("2", tenant), ("3", Identity::anonymous())]
        .iter()
        .map(|(name, owner)| world.enter(name, owner))
        .collect();
    let of = |such: fn(&Identity) -> bool| {
        let mut names: Vec<_> =
            sessions.ports_of(such).iter().map(|port| port.session().to_string()).collect();
        names.sort_unstable();
        names
    };
    assert_eq!(of(|owner| owner.user_id() == Some("ada")), ["1", "2"]);
    assert_eq!(of(|owner| owner.tenant().is_none()), ["1", "3"]);
    assert_eq!(sessions.ports().len(), 3);
    assert_eq!(sessions.port(&id("2")).unwrap().session(), &id("2"));
    drop(kept);
    assert!(sessions.ports().is_empty());
}

proptest! {
    #[test]
    fn a_wrong_secret_resumes_no_session(shown in "[ -~]{0,40}|[A-Za-z0-9_-]{22}", given in any::<SecretBytes>()) {
        let secrets = Secrets { generation: 1, current: hash_secret(&given), previous: None };
        prop_assert_eq!(matching_secret_hash(&ResumeSecret::new(shown.as_str()), &secrets), None);
        let right = encode_secret(&given);
        prop_assert!(matching_secret_hash(&right, &secrets).is_some());
        for cut in 0..right.expose().len() {
            prop_assert_eq!(matching_secret_hash(&ResumeSecret::new(&right.expose()[..cut]), &secrets), None);
        }
    }
}
