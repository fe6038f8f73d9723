//! Reads and writes the rows of sessions and replies.

use serde::Deserialize;
use vivaz_databases::{DatabaseError, SqlStatement, Tx, Value};

use super::components::{self, ComponentTable, from_json, to_json};
use super::processes::PostgresProcesses;
use crate::persist::store::{
    Commit, CommitError, CommitRecord, Fence, HolderStatus, Owner, Secrets, SessionHead, SessionState,
    Snapshot, SnapshotHead, StoreError, StoredChange, StoredReply, StoredSession, WriteError, WriteRefusal,
    millis,
};

#[derive(Deserialize)]
struct HeadRow {
    user_id: Option<String>,
    tenant: Option<String>,
    login: Option<String>,
    generation: i64,
    secret: Vec<u8>,
    previous: Option<Vec<u8>>,
    holder: String,
    fence: i64,
    released: bool,
    has_lease: bool,
    is_locked: bool,
}

/// Returns the data that decides whether a session may be resumed. `now`: the time that a test
/// gives.
pub(super) fn find(
    tx: &mut Tx,
    processes: &PostgresProcesses,
    session: &str,
    now: Option<i64>,
) -> Result<Option<SessionHead>, StoreError> {
    // The lock of the holder is free if it can be shared; it is shared until the end of this
    // transaction only.
    let sql = "SELECT user_id, tenant, login, generation, secret, previous, holder, fence, released, \
         EXISTS (SELECT 1 FROM vivaz_leases WHERE holder = one.holder AND ends > vivaz_now(?2)) AS has_lease, \
         NOT pg_try_advisory_xact_lock_shared(vivaz_process_key(holder)) AS is_locked \
         FROM vivaz_sessions AS one WHERE id = ?1";
    let Some(row): Option<HeadRow> = tx.query_first(sql, (session, now))? else { return Ok(None) };
    let status = if row.released {
        HolderStatus::Released
    } else if row.has_lease && processes.is_running(&row.holder, row.is_locked) {
        HolderStatus::Running
    } else {
        HolderStatus::Gone
    };
    Ok(Some(SessionHead {
        owner: Owner { user: row.user_id, tenant: row.tenant, login: row.login },
        secrets: secrets(row.generation, row.secret, row.previous)?,
        holder: row.holder,
        fence: Fence::new(row.fence.cast_unsigned()),
        status,
    }))
}

#[derive(Deserialize)]
struct ClaimedRow {
    user_id: Option<String>,
    tenant: Option<String>,
    login: Option<String>,
    generation: i64,
    secret: Vec<u8>,
    previous: Option<Vec<u8>>,
    progress: String,
    exact: bool,
}

/// Makes `by` the holder of a session, if its fence and generation are those of `seen`.
pub(super) fn claim(
    tx: &mut Tx,
    session: &str,
    by: &str,
    seen: &SessionHead,
) -> Result<Option<StoredSession>, StoreError> {
    let fence = seen.fence.next();
    let sql = "UPDATE vivaz_sessions SET holder = ?2, fence = ?3, released = false, ends = NULL \
         WHERE id = ?1 AND fence = ?4 AND generation = ?5 \
         RETURNING user_id, tenant, login, generation, secret, previous, progress, exact";
    let (new, old) = (fence.get().cast_signed(), seen.fence.get().cast_signed());
    let params = (session, by, new, old, seen.secrets.generation.cast_signed());
    let Some(row): Option<ClaimedRow> = tx.query_first(sql, params)? else { return Ok(None) };
    let replies = "SELECT reference, body FROM vivaz_replies WHERE session = ?1 ORDER BY reference";
    let replies: Vec<(i64, String)> = tx.query(replies, [session])?;
    let reply = |(reference, body): (i64, String)| StoredReply { reference: reference.cast_unsigned(), body };
    Ok(Some(StoredSession {
        owner: Owner { user: row.user_id, tenant: row.tenant, login: row.login },
        secrets: secrets(row.generation, row.secret, row.previous)?,
        progress: from_json(&row.progress)?,
        components: components::select(tx, ComponentTable::Components, session)?,
        aside: components::select(tx, ComponentTable::Aside, session)?,
        replies: replies.into_iter().map(reply).collect(),
        exact: row.exact,
        fence,
    }))
}

fn secrets(generation: i64, current: Vec<u8>, previous: Option<Vec<u8>>) -> Result<Secrets, StoreError> {
    let read = |bytes: Vec<u8>| {
        <[u8; 16]>::try_from(bytes).map_err(|_| StoreError::Unreadable("a secret has a wrong length".into()))
    };
    let (current, previous) = (read(current)?, previous.map(read).transpose()?);
    Ok(Secrets { generation: generation.cast_unsigned(), current, previous })
}

/// Returns the holder of a session that has this fence and is not released.
pub(super) fn holder(tx: &mut Tx, session: &str, fence: Fence) -> Result<Option<String>, DatabaseError> {
    let sql = "SELECT holder FROM vivaz_sessions WHERE id = ?1 AND fence = ?2 AND NOT released";
    tx.query_first(sql, (session, fence.get().cast_signed()))
}

/// Checks that `by` may write a session with this fence, and locks the session until the
/// transaction ends.
///
/// # Errors
/// Returns [`WriteError::Refused`] if it may not.
pub(super) fn held(tx: &mut Tx, session: &str, by: &str, fence: Fence) -> Result<(), WriteError> {
    let mut stored = lock(tx, session)?;
    if stored.is_none() {
        // A row that does not exist cannot be locked. Another process may have written it before
        // this lock was free.
        tx.execute("SELECT pg_advisory_xact_lock(vivaz_session_key(?1))", [session])?;
        stored = lock(tx, session)?;
    }
    if let Some((holder, stored)) = stored {
        return Ok(fence.check(by, stored, &holder)?);
    }
    let ended: Option<i64> = tx.query_first("SELECT 1 FROM vivaz_ended WHERE session = ?1", [session])?;
    Err(if ended.is_some() { WriteRefusal::Ended } else { WriteRefusal::Absent }.into())
}

fn lock(tx: &mut Tx, session: &str) -> Result<Option<(String, Fence)>, DatabaseError> {
    let sql = "SELECT holder, fence FROM vivaz_sessions WHERE id = ?1 FOR UPDATE";
    let row: Option<(String, i64)> = tx.query_first(sql, [session])?;
    Ok(row.map(|(holder, fence)| (holder, Fence::new(fence.cast_unsigned()))))
}

/// Writes a snapshot.
///
/// # Errors
/// Returns [`WriteRefusal::Absent`] if the store does not have the session or one of the
/// components.
pub(super) fn save(tx: &mut Tx, by: &str, snapshot: &Snapshot) -> Result<(), WriteError> {
    let session = snapshot.session.as_str();
    held(tx, session, by, snapshot.fence)?;
    let states = snapshot.components.iter().map(|state| components::save(session, state));
    let changed = tx.batch(states.collect::<Result<Vec<_>, _>>()?)?;
    if changed.contains(&0) {
        // The other components stay written: the holder writes the session whole next.
        return Err(WriteRefusal::Absent.into());
    }
    tx.batch(head(session, by, snapshot.fence, &snapshot.head)?)?;
    Ok(())
}

/// Writes the whole state of a session.
pub(super) fn save_whole(tx: &mut Tx, by: &str, whole: &SessionState) -> Result<(), WriteError> {
    let session = whole.session.as_str();
    match held(tx, session, by, whole.fence) {
        Ok(()) | Err(WriteError::Refused(WriteRefusal::Absent)) => {}
        Err(error) => return Err(error),
    }
    let mut statements: Vec<SqlStatement> = head(session, by, whole.fence, &whole.head)?.into();
    let stored = components::versions(tx, session)?;
    for (id, _) in &stored {
        let stays = whole.components.iter().any(|one| one.id == *id)
            || whole.moving.iter().any(|one| one.as_str() == id);
        if !stays {
            statements.push(components::remove(session, id));
        }
    }
    for component in &whole.components {
        let has_newer =
            stored.iter().any(|(id, version)| *id == component.id && *version > component.version);
        if !has_newer {
            statements.push(components::insert(ComponentTable::Components, session, component)?);
        }
    }
    statements.push(SqlStatement::new("DELETE FROM vivaz_aside WHERE session = ?1", [session]));
    for component in &whole.aside {
        statements.push(components::insert(ComponentTable::Aside, session, component)?);
    }
    tx.batch(statements)?;
    Ok(())
}

/// Returns the statements that write the row of a session that `by` holds with this fence.
fn head(session: &str, by: &str, fence: Fence, head: &SnapshotHead) -> Result<[SqlStatement; 2], StoreError> {
    let upsert = "INSERT INTO vivaz_sessions AS one (id, user_id, tenant, login, generation, secret, previous, \
         progress, good_for, holder, fence) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) \
         ON CONFLICT (id) DO UPDATE SET holder = excluded.holder, fence = excluded.fence, released = false, \
         user_id = excluded.user_id, tenant = excluded.tenant, login = excluded.login, \
         secret = CASE WHEN excluded.generation >= one.generation THEN excluded.secret ELSE one.secret END, \
         previous = CASE WHEN excluded.generation >= one.generation THEN excluded.previous ELSE one.previous END, \
         generation = greatest(excluded.generation, one.generation), progress = excluded.progress, \
         good_for = excluded.good_for, ends = NULL, exact = false";
    let params: Vec<Value> = vec![
        session.into(),
        head.owner.user.clone().into(),
        head.owner.tenant.clone().into(),
        head.owner.login.clone().into(),
        head.secrets.generation.cast_signed().into(),
        head.secrets.current.to_vec().into(),
        head.secrets.previous.map(Vec::from).into(),
        to_json(&head.progress)?.into(),
        millis(head.good_for).cast_signed().into(),
        by.into(),
        fence.get().cast_signed().into(),
    ];
    // Deletes the replies that `SessionProgress::covers`.
    let covered = "DELETE FROM vivaz_replies WHERE session = ?1 AND reference <= ?2 \
         AND reference NOT IN (SELECT value::bigint FROM jsonb_array_elements_text(?3::jsonb))";
    let covered = SqlStatement::new(
        covered,
        (session, head.progress.last.cast_signed(), to_json(&head.progress.open)?),
    );
    Ok([SqlStatement::new(upsert, params), covered])
}

/// Commits one change of one component. Returns the function that publishes it.
pub(super) fn commit(tx: &mut Tx, mut commit: Commit) -> Result<Box<dyn FnOnce() + Send>, CommitError> {
    let session = commit.session.clone();
    let session = session.as_str();
    match held(tx, session, &commit.by, commit.fence) {
        Ok(()) => {}
        Err(WriteError::Refused(WriteRefusal::Absent)) => match commit.creates.take() {
            Some(created) if commit.expects.is_none() => {
                tx.batch(head(session, &commit.by, commit.fence, &created)?)?;
            }
            created => {
                commit.creates = created;
                return Err(CommitError::Absent(Box::new(commit)));
            }
        },
        Err(WriteError::Refused(refusal)) => return Err(CommitError::Refused(refusal)),
        Err(WriteError::Store(error)) => return Err(error.into()),
    }
    if let Some((id, expected)) = &commit.expects {
        let sql = "SELECT version FROM vivaz_components WHERE session = ?1 AND id = ?2";
        let stored: Option<i64> = tx.query_first(sql, (session, id.as_str()))?;
        let stored = stored.map(i64::cast_unsigned);
        if stored > Some(*expected) {
            return Err(CommitError::Conflict);
        }
        if stored < Some(*expected) {
            return Err(CommitError::Absent(Box::new(commit)));
        }
    }
    // The application's writes run first, because they return the record to store. If the record
    // cannot be written, they are rolled back with it.
    let CommitRecord { change, reply } = (commit.write)(tx).map_err(CommitError::Work)?;
    let mut statements = Vec::new();
    match change {
        StoredChange::Mounted { component } => {
            statements.push(components::insert(ComponentTable::Components, session, &component)?);
        }
        StoredChange::Changed { state, settled } => {
            statements.push(components::change(session, &state, settled)?);
        }
        StoredChange::Removed { id } => {
            statements.push(components::remove_aside(session, id.as_str()));
            statements.push(components::remove(session, id.as_str()));
        }
    }
    if commit.received > 0 {
        let received = "DELETE FROM vivaz_replies WHERE session = ?1 AND reference <= ?2";
        statements.push(SqlStatement::new(received, (session, commit.received.cast_signed())));
    }
    if let Some(StoredReply { reference, body }) = reply {
        let insert = "INSERT INTO vivaz_replies (session, reference, body) VALUES (?1, ?2, ?3) \
             ON CONFLICT (session, reference) DO UPDATE SET body = excluded.body";
        statements.push(SqlStatement::new(insert, (session, reference.cast_signed(), body)));
    }
    tx.batch(statements)?;
    Ok(commit.publish)
}
