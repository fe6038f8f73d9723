//! The requests of other processes to release sessions.

use std::sync::Weak;
use std::time::Duration;

use vivaz_databases::sqlite::WeakDatabase;
use vivaz_databases::sqlite::rusqlite::{Connection, params};

use super::leases::session_id;
use super::processes::Processes;
use super::rows::unsigned;
use crate::persist::store::{Fence, ReleaseRequest, StoreError, StoreTime};

/// How often a process looks for other processes while it is alone.
const ALONE: Duration = Duration::from_secs(1);
/// How often a process looks for questions while there are others.
const AMONG_OTHERS: Duration = Duration::from_millis(50);

/// Leaves a request for a holder in another process.
pub(super) fn ask(db: &Connection, holder: &str, request: &ReleaseRequest) -> Result<(), StoreError> {
    let ReleaseRequest { session, fence, generation } = request;
    db.prepare_cached(
        "INSERT OR REPLACE INTO vivaz_asked (holder, session, fence, generation) VALUES (?1, ?2, ?3, ?4)",
    )?
    .execute(params![holder, session.as_str(), fence.get().cast_signed(), generation.cast_signed()])?;
    Ok(())
}

/// Takes the sessions that a process is asked to release. Returns `None` if no other process has a
/// valid lease, so that there is none to ask.
fn asked(db: &Connection, by: &str, now: u64) -> Result<Option<Vec<ReleaseRequest>>, StoreError> {
    let asked = db
        .prepare_cached("SELECT session, fence, generation FROM vivaz_asked WHERE holder = ?1")?
        .query_map([by], |row| Ok((row.get(0)?, Fence::new(unsigned(row, 1)?), unsigned(row, 2)?)))?
        .collect::<Result<Vec<(String, Fence, u64)>, _>>()?;
    if !asked.is_empty() {
        db.prepare_cached("DELETE FROM vivaz_asked WHERE holder = ?1")?.execute([by])?;
    }
    let has_others = !asked.is_empty()
        || db
            .prepare_cached("SELECT 1 FROM vivaz_leases WHERE holder <> ?1 AND ends > ?2")?
            .exists(params![by, now.cast_signed()])?;
    let asked = asked
        .into_iter()
        .map(|(id, fence, generation)| Ok(ReleaseRequest { session: session_id(&id)?, fence, generation }));
    let asked = asked.collect::<Result<_, StoreError>>()?;
    Ok(has_others.then_some(asked))
}

/// Looks for questions of other processes, often only while there are some. Ends with the database.
pub(super) async fn look(database: WeakDatabase, processes: Weak<Processes>, name: String, time: StoreTime) {
    let mut pause = ALONE;
    loop {
        tokio::time::sleep(pause).await;
        let Some(upgraded) = database.upgrade() else { return };
        let (by, now) = (name.clone(), time.now());
        let requests = upgraded.submit(move |tx| asked(tx.native()?, &by, now), |asked| asked);
        drop(upgraded);
        let requests: Result<_, StoreError> = requests.await;
        pause = match requests {
            Ok(None) => ALONE,
            Ok(Some(asked)) => {
                let listener = processes.upgrade().and_then(|processes| processes.listener(&name));
                let Some(listener) = listener else { return };
                asked.into_iter().for_each(|request| listener.ask(request));
                AMONG_OTHERS
            }
            Err(error) => {
                tracing::warn!(%error, "cannot look for sessions to release; retrying");
                ALONE
            }
        };
    }
}
