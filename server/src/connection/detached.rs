//! Drives sessions without a connection: finishes their jobs, processes their mail, then suspends
//! or ends them.

use std::future::poll_fn;
use std::pin::pin;
use std::task::{Context, Poll};

use tokio::time::Instant;
use vivaz_components::UnmountReason;

use super::TURNS;
use crate::session::port::mail::Mail;
use crate::session::sessions::Suspension;
use crate::session::{Completion, EndingSession, ReleaseOutcome, Session};
use crate::telemetry::lifecycle::LifecycleEvent;

/// What follows when a session without a connection has no work left.
#[derive(Clone, Copy, PartialEq, Eq)]
enum AfterWork {
    /// It is suspended.
    Suspend,
    /// It is released, because another process asks for it.
    Release,
}

/// Drives a session without a connection until it has no work left, then suspends it until `until`.
pub(crate) async fn drive_detached(session: Box<Session>, until: Instant) {
    drive(session, until, AfterWork::Suspend).await;
}

/// Drives a session without a connection until it has no work left, then releases it for another
/// process. If that fails, it is suspended until `until`.
pub(super) async fn release_detached(mut session: Box<Session>, until: Instant) {
    session.save_until(until);
    drive(session, until, AfterWork::Release).await;
}

async fn drive(mut session: Box<Session>, until: Instant, mut after: AfterWork) {
    // Jobs that waited for the page to read may run, because there is no page.
    session.resume_jobs();
    // A component may cause events for itself without an end, so that the session is never idle.
    let latest = until + session.supervisor().core().limits.action_time;
    let mut turns = 0_u32;
    loop {
        while let Some(turn) = next_turn(&mut session, &mut turns).await {
            if turns.is_multiple_of(TURNS) && Instant::now() >= latest {
                tracing::warn!(session = %session.id(), "a session without a connection does not become idle; ending it");
                return end_session(session, UnmountReason::Expired).await;
            }
            match turn {
                DetachedTurn::Completed(completion) | DetachedTurn::Mail(Mail::Completed(completion)) => {
                    session.complete(*completion);
                }
                DetachedTurn::Mail(Mail::Event { component, event }) => {
                    session.deliver_event(component, &event);
                }
                DetachedTurn::Mail(Mail::ComponentEvent { from, event }) => {
                    session.deliver_component_event(&from, &event);
                }
                DetachedTurn::Mail(Mail::TopicChanged(topic)) => session.handle_topic_change(&topic),
                DetachedTurn::Mail(Mail::HandOver(sender)) => match sender.send(session) {
                    Ok(()) => return,
                    Err(back) => session = back,
                },
                DetachedTurn::Mail(Mail::Save) => session.save_until(until),
                DetachedTurn::Mail(Mail::WriteWhole(answer)) => session.write_whole(Some(until), answer),
                // A page that no longer waits needs no answer.
                #[cfg(feature = "testing")]
                DetachedTurn::Mail(Mail::IsIdle(answer)) => drop(answer.send(session.is_idle())),
                DetachedTurn::Mail(Mail::Release(generation)) if !session.is_asked_for(generation) => {}
                DetachedTurn::Mail(Mail::Release(_)) => {
                    after = AfterWork::Release;
                    // If the jobs take too long, the other process takes the session as it is
                    // stored.
                    session.save_until(until);
                }
                DetachedTurn::Mail(Mail::Evict(reason)) => return session.evict(reason),
                DetachedTurn::Mail(Mail::IdentityExpired) => {}
                // The running jobs finish. With a store, the session is saved afterwards.
                DetachedTurn::Mail(Mail::Drain(_)) if session.supervisor().core().keeper.is_some() => {
                    session.mark_expiry_changed();
                }
                DetachedTurn::Mail(Mail::Drain(_)) => {
                    return end_session(session, UnmountReason::Shutdown).await;
                }
                DetachedTurn::Mail(Mail::Close(_)) if session.supervisor().core().keeper.is_some() => {
                    return session.save();
                }
                DetachedTurn::Mail(Mail::Close(_)) => {
                    return end_session(session, UnmountReason::Shutdown).await;
                }
                DetachedTurn::Mail(Mail::End(_, reason)) => return end_session(session, reason).await,
            }
        }
        if after == AfterWork::Release {
            match Box::pin(session.release(until)).await {
                ReleaseOutcome::Released => return,
                ReleaseOutcome::HasMail(back) => {
                    session = back;
                    continue;
                }
                ReleaseOutcome::Kept(back) => {
                    session = back;
                    after = AfterWork::Suspend;
                }
            }
        }
        session.save_if_changed(until);
        let (supervisor, id) = (session.supervisor().clone(), session.id().clone());
        match supervisor.sessions.suspend(session, until) {
            Suspension::Suspended => {
                supervisor.core().lifecycle.emit(|| LifecycleEvent::Suspended { session: id });
                return;
            }
            Suspension::HasMail(back) => session = back,
            // The process is shutting down and has released the session.
            Suspension::Removed(removed) => return drop(removed),
        }
    }
}

/// The next event of a session without a connection.
enum DetachedTurn {
    Completed(Box<Completion>),
    Mail(Mail),
}

/// Returns the next event and counts it in `turns`. Returns `None` if no job runs and there is no
/// mail. Yields to other tasks of the process after every [`TURNS`] events.
async fn next_turn(session: &mut Session, turns: &mut u32) -> Option<DetachedTurn> {
    let turn = poll_fn(|cx| poll_detached(session, cx)).await;
    *turns += 1;
    if turns.is_multiple_of(TURNS) {
        tokio::task::yield_now().await;
    }
    turn
}

/// Polls for the next event. `None` means that no job runs and there is no mail.
fn poll_detached(session: &mut Session, cx: &mut Context<'_>) -> Poll<Option<DetachedTurn>> {
    if let Poll::Ready(mail) = session.port().poll_mail(cx) {
        return Poll::Ready(Some(DetachedTurn::Mail(mail)));
    }
    match session.poll_running(cx) {
        Poll::Ready(completion) => Poll::Ready(Some(DetachedTurn::Completed(completion))),
        Poll::Pending if session.is_idle() => Poll::Ready(None),
        Poll::Pending => Poll::Pending,
    }
}

/// Ends a session: unmounts its components, after their running jobs have finished.
pub(crate) async fn end_session(session: Box<Session>, reason: UnmountReason) {
    let ending = session.begin_end();
    session.supervisor().sessions.remove(session.port());
    finish_session(EndingSession::new(session, ending), reason).await;
}

/// Ends a session, like [`end_session`], that has left the map.
pub(crate) async fn finish_session(ending: EndingSession, reason: UnmountReason) {
    let EndingSession { mut session, ending } = ending;
    let supervisor = session.supervisor().clone();
    session.report_end(reason);
    tracing::debug!(session = %session.id(), ?reason, "session ended");
    session.unmount_all(reason);
    if session.is_idle() {
        drop(ending);
        return;
    }
    let finish = async {
        let mut turns = 0_u32;
        while let Some(turn) = next_turn(&mut session, &mut turns).await {
            match turn {
                DetachedTurn::Completed(completion) | DetachedTurn::Mail(Mail::Completed(completion)) => {
                    session.complete(*completion);
                }
                // The running jobs wait for a commit that will never complete.
                DetachedTurn::Mail(Mail::Evict(_)) => return,
                // The dropped sender reports that the session ends.
                #[cfg(feature = "testing")]
                DetachedTurn::Mail(Mail::IsIdle(_)) => {}
                // The session cannot be resumed any more, and its components are being unmounted.
                DetachedTurn::Mail(
                    Mail::Event { .. }
                    | Mail::ComponentEvent { .. }
                    | Mail::TopicChanged(_)
                    | Mail::HandOver(_)
                    | Mail::Release(_)
                    | Mail::Save
                    | Mail::Drain(_)
                    | Mail::Close(_)
                    | Mail::IdentityExpired
                    | Mail::End(..)
                    | Mail::WriteWhole(_),
                ) => {}
            }
        }
    };
    let limit = supervisor.core().limits.action_time;
    if tokio::time::timeout(limit, pin!(finish)).await.is_err() {
        tracing::warn!(session = %session.id(), "handlers of an ended session did not finish in time");
    }
}
