//! Sessions without a connection: the jobs that run in them finish, what comes for them is handled, and then they wait,
//! or end.

use std::future::poll_fn;
use std::pin::pin;
use std::task::{Context, Poll};

use tokio::time::Instant;
use vivaz_components::UnmountReason;

use super::TURNS;
use crate::session::port::Mail;
use crate::session::{Done, Session};

/// Looks after a session without a connection until nothing is left to do, then lets it wait.
pub(crate) async fn drive_detached(mut session: Box<Session>, until: Instant) {
    // No page reads any more: jobs that waited for that go on.
    session.go_on();
    // A component may cause events for itself without an end, and then the session would never wait.
    let latest = until + session.supervisor().core().limits.action_time;
    let mut turns = 0_u32;
    loop {
        while let Some(turn) = next_turn(&mut session, &mut turns).await {
            if turns.is_multiple_of(TURNS) && Instant::now() >= latest {
                tracing::warn!(session = %session.id(), "what goes on in a session without its page has no end");
                return end(session, UnmountReason::Expired).await;
            }
            match turn {
                DetachedTurn::Done(done) | DetachedTurn::Mail(Mail::Done(done)) => session.done(*done),
                DetachedTurn::Mail(Mail::Event { component, event }) => session.event(component, &event),
                DetachedTurn::Mail(Mail::Sent { from, event }) => session.sent(&from, &event),
                DetachedTurn::Mail(Mail::Topic(topic)) => session.topic_changed(&topic),
                DetachedTurn::Mail(Mail::Yield(give)) => match give.send(session) {
                    Ok(()) => return,
                    Err(back) => session = back,
                },
                DetachedTurn::Mail(Mail::Save) => session.save_until(until),
                DetachedTurn::Mail(Mail::Enter(answer)) => session.enter(Some(until), answer),
                DetachedTurn::Mail(Mail::Evict(loss)) => return session.evict(loss),
                DetachedTurn::Mail(Mail::Expired) => {}
                // What runs finishes; with a store, the session is saved when it has.
                DetachedTurn::Mail(Mail::Drain(_)) if session.supervisor().core().keeper.is_some() => {
                    session.mark_unsaved();
                }
                DetachedTurn::Mail(Mail::Drain(_)) => return end(session, UnmountReason::Shutdown).await,
                DetachedTurn::Mail(Mail::Close(_)) if session.supervisor().core().keeper.is_some() => {
                    return session.save();
                }
                DetachedTurn::Mail(Mail::Close(_)) => return end(session, UnmountReason::Shutdown).await,
                DetachedTurn::Mail(Mail::End(_, reason)) => return end(session, reason).await,
            }
        }
        session.save_if_changed(until);
        let supervisor = session.supervisor().clone();
        match supervisor.sessions.park(session, until) {
            None => return,
            Some(back) => session = back,
        }
    }
}

/// What happens next to a session without a connection.
enum DetachedTurn {
    Done(Box<Done>),
    Mail(Mail),
}

/// Returns the next turn, counted in `turns`; `None` when no job runs and nothing waits. Other tasks of
/// the process have their turn after every [`TURNS`].
async fn next_turn(session: &mut Session, turns: &mut u32) -> Option<DetachedTurn> {
    let turn = poll_fn(|cx| poll_detached(session, cx)).await;
    *turns += 1;
    if turns.is_multiple_of(TURNS) {
        tokio::task::yield_now().await;
    }
    turn
}

/// `None` when no job runs and nothing waits.
fn poll_detached(session: &mut Session, cx: &mut Context<'_>) -> Poll<Option<DetachedTurn>> {
    if let Poll::Ready(mail) = session.port().poll_mail(cx) {
        return Poll::Ready(Some(DetachedTurn::Mail(mail)));
    }
    match session.poll_running(cx) {
        Poll::Ready(done) => Poll::Ready(Some(DetachedTurn::Done(done))),
        Poll::Pending if session.is_idle() => Poll::Ready(None),
        Poll::Pending => Poll::Pending,
    }
}

/// Ends a session: its components are told, and the jobs that run finish first.
pub(crate) async fn end(mut session: Box<Session>, reason: UnmountReason) {
    let supervisor = session.supervisor().clone();
    // Before nobody finds the session here, so that it is not restored from the store.
    let ending = supervisor.core().keeper.as_ref().map(|keeper| keeper.begin_end(session.id()));
    supervisor.sessions.end(session.id());
    session.unmount_all(reason);
    if session.is_idle() {
        drop(ending);
        return;
    }
    let finish = async {
        let mut turns = 0_u32;
        while let Some(turn) = next_turn(&mut session, &mut turns).await {
            match turn {
                DetachedTurn::Done(done) | DetachedTurn::Mail(Mail::Done(done)) => session.done(*done),
                // What runs cannot be kept, and waits in vain for that.
                DetachedTurn::Mail(Mail::Evict(_)) => return,
                // Nobody can resume it any more, and its components are on their way out.
                DetachedTurn::Mail(
                    Mail::Event { .. }
                    | Mail::Sent { .. }
                    | Mail::Topic(_)
                    | Mail::Yield(_)
                    | Mail::Save
                    | Mail::Drain(_)
                    | Mail::Close(_)
                    | Mail::Expired
                    | Mail::End(..)
                    | Mail::Enter(_),
                ) => {}
            }
        }
    };
    let limit = supervisor.core().limits.action_time;
    if tokio::time::timeout(limit, pin!(finish)).await.is_err() {
        tracing::warn!("handlers of an ended session did not finish in time");
    }
}
