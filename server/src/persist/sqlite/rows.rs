//! Reads and writes the rows of sessions, components and replies.

use serde::Serialize;
use serde::de::DeserializeOwned;
use vivaz_databases::Tx;
use vivaz_databases::sqlite::rusqlite::{self, Connection, OptionalExtension, Row, params};

use super::processes::Processes;
use crate::persist::store::{
    Commit, CommitError, CommitRecord, ComponentState, Fence, HolderStatus, Owner, Secrets, SessionHead,
    SessionState, Snapshot, SnapshotHead, StoreError, StoredChange, StoredComponent, StoredReply,
    StoredSession, WriteError, WriteRefusal, millis,
};

/// Returns the data that decides whether a session may be resumed.
pub(super) fn find(
    db: &Connection,
    processes: &Processes,
    session: &str,
    now: u64,
) -> Result<Option<SessionHead>, StoreError> {
    let head = db
        .prepare_cached(
            "SELECT user, tenant, login, generation, secret, previous, holder, fence, released, \
             EXISTS (SELECT 1 FROM vivaz_leases WHERE holder = vivaz_sessions.holder AND ends > ?2) \
             FROM vivaz_sessions WHERE id = ?1",
        )?
        .query_row(params![session, now.cast_signed()], |row| {
            let (holder, is_released, has_lease): (String, bool, bool) =
                (row.get(6)?, row.get(8)?, row.get(9)?);
            let status = if is_released {
                HolderStatus::Released
            } else if has_lease && processes.is_running(&holder) {
                HolderStatus::Running
            } else {
                HolderStatus::Gone
            };
            Ok(SessionHead {
                owner: Owner { user: row.get(0)?, tenant: row.get(1)?, login: row.get(2)? },
                secrets: Secrets {
                    generation: unsigned(row, 3)?,
                    current: row.get(4)?,
                    previous: row.get(5)?,
                },
                holder,
                fence: Fence::new(unsigned(row, 7)?),
                status,
            })
        });
    Ok(head.optional()?)
}

/// Makes `by` the holder of a session, if its fence and generation are those of `seen`, which it
/// returns with the new fence.
pub(super) fn claim(
    db: &Connection,
    session: &str,
    by: &str,
    seen: &SessionHead,
) -> Result<Option<StoredSession>, StoreError> {
    let (seen, generation) = (seen.fence, seen.secrets.generation);
    let fence = seen.next();
    let claimed = db
        .prepare_cached(
            "UPDATE vivaz_sessions SET holder = ?2, fence = ?3, released = 0, ends = NULL \
             WHERE id = ?1 AND fence = ?4 AND generation = ?5 \
             RETURNING user, tenant, login, generation, secret, previous",
        )?
        .query_row(
            params![
                session,
                by,
                fence.get().cast_signed(),
                seen.get().cast_signed(),
                generation.cast_signed(),
            ],
            |row| {
                let owner = Owner { user: row.get(0)?, tenant: row.get(1)?, login: row.get(2)? };
                let (current, previous) = (row.get(4)?, row.get(5)?);
                Ok((owner, Secrets { generation: unsigned(row, 3)?, current, previous }))
            },
        )
        .optional()?;
    let Some((owner, secrets)) = claimed else { return Ok(None) };
    let (progress, exact): (String, bool) = db
        .prepare_cached("SELECT progress, exact FROM vivaz_sessions WHERE id = ?1")?
        .query_row([session], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let progress =
        serde_json::from_str(&progress).map_err(|error| StoreError::Unreadable(error.to_string()))?;
    let components = select(db, Table::Components, session)?;
    let aside = select(db, Table::Aside, session)?;
    let replies = db
        .prepare_cached("SELECT reference, body FROM vivaz_replies WHERE session = ?1 ORDER BY reference")?
        .query_map([session], |row| Ok(StoredReply { reference: unsigned(row, 0)?, body: row.get(1)? }))?
        .collect::<Result<_, _>>()?;
    Ok(Some(StoredSession { owner, secrets, progress, components, aside, replies, exact, fence }))
}

/// Returns the holder of a session that has this fence and is not released.
pub(super) fn holder(db: &Connection, session: &str, fence: Fence) -> Result<Option<String>, StoreError> {
    let holder = db
        .prepare_cached("SELECT holder FROM vivaz_sessions WHERE id = ?1 AND fence = ?2 AND NOT released")?
        .query_row(params![session, fence.get().cast_signed()], |row| row.get(0));
    Ok(holder.optional()?)
}

/// Checks that `by` may write a session with this fence.
///
/// # Errors
/// Returns [`WriteError::Refused`] if it may not.
pub(super) fn held(db: &Connection, session: &str, by: &str, fence: Fence) -> Result<(), WriteError> {
    let stored: Option<(String, Fence)> = db
        .prepare_cached("SELECT holder, fence FROM vivaz_sessions WHERE id = ?1")?
        .query_row([session], |row| Ok((row.get(0)?, Fence::new(unsigned(row, 1)?))))
        .optional()?;
    match stored {
        Some((holder, stored)) => Ok(fence.check(by, stored, &holder)?),
        None => {
            let has_ended =
                db.prepare_cached("SELECT 1 FROM vivaz_ended WHERE session = ?1")?.exists([session])?;
            Err(if has_ended { WriteRefusal::Ended } else { WriteRefusal::Absent }.into())
        }
    }
}

/// Writes a snapshot.
///
/// # Errors
/// Returns [`WriteRefusal::Absent`] if the store does not have the session or one of the
/// components.
pub(super) fn save(db: &Connection, by: &str, snapshot: &Snapshot) -> Result<(), WriteError> {
    let session = snapshot.session.as_str();
    held(db, session, by, snapshot.fence)?;
    for ComponentState { id, state, shown, props, epoch, rev, rooms, connected } in &snapshot.components {
        let changed = db
            .prepare_cached(
                "UPDATE vivaz_components SET state = ?3, rev = ?4, rooms = ?6, shown = ?7, props = ?8, \
                 connected = ?9 WHERE session = ?1 AND id = ?2 AND epoch = ?5",
            )?
            .execute(params![
                session,
                id.as_str(),
                state,
                rev.cast_signed(),
                epoch,
                json(rooms)?,
                shown.map(u64::cast_signed),
                props,
                connected,
            ])?;
        if changed == 0 {
            // Components that were written before this one stay written: the holder writes the
            // session whole next.
            return Err(WriteRefusal::Absent.into());
        }
    }
    Ok(head(db, session, by, snapshot.fence, &snapshot.head)?)
}

/// Writes the whole state of a session.
pub(super) fn save_whole(db: &Connection, by: &str, whole: &SessionState) -> Result<(), WriteError> {
    let session = whole.session.as_str();
    match held(db, session, by, whole.fence) {
        Ok(()) | Err(WriteError::Refused(WriteRefusal::Absent)) => {}
        Err(error) => return Err(error),
    }
    head(db, session, by, whole.fence, &whole.head)?;
    let stored = db
        .prepare_cached("SELECT id, version FROM vivaz_components WHERE session = ?1")?
        .query_map([session], |row| Ok((row.get::<_, String>(0)?, unsigned(row, 1)?)))?
        .collect::<Result<std::collections::HashMap<_, _>, _>>()?;
    for id in stored.keys() {
        let stays = whole.components.iter().any(|one| one.id == *id)
            || whole.moving.iter().any(|one| one.as_str() == id);
        if !stays {
            remove(db, session, id)?;
        }
    }
    for component in &whole.components {
        if stored.get(&component.id).is_none_or(|version| *version <= component.version) {
            insert(db, Table::Components, session, component)?;
        }
    }
    db.prepare_cached("DELETE FROM vivaz_aside WHERE session = ?1")?.execute([session])?;
    for component in &whole.aside {
        insert(db, Table::Aside, session, component)?;
    }
    Ok(())
}

/// Writes the row of a session that `by` holds with this fence.
fn head(
    db: &Connection,
    session: &str,
    by: &str,
    fence: Fence,
    head: &SnapshotHead,
) -> Result<(), StoreError> {
    let progress = json(&head.progress)?;
    db.prepare_cached(
        "INSERT INTO vivaz_sessions \
         (id, user, tenant, generation, secret, previous, progress, good_for, holder, login, fence) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) ON CONFLICT (id) DO UPDATE SET \
         holder = ?9, fence = ?11, released = 0, user = ?2, tenant = ?3, login = ?10, \
         secret = iif(?4 >= generation, ?5, secret), previous = iif(?4 >= generation, ?6, previous), \
         generation = max(?4, generation), progress = ?7, good_for = ?8, ends = NULL, exact = 0",
    )?
    .execute(params![
        session,
        head.owner.user,
        head.owner.tenant,
        head.secrets.generation.cast_signed(),
        head.secrets.current,
        head.secrets.previous,
        progress,
        millis(head.good_for).cast_signed(),
        by,
        head.owner.login,
        fence.get().cast_signed(),
    ])?;
    // Deletes the replies that `SessionProgress::covers`.
    db.prepare_cached(
        "DELETE FROM vivaz_replies WHERE session = ?1 AND reference <= ?2 \
         AND reference NOT IN (SELECT value FROM json_each(?3))",
    )?
    .execute(params![session, head.progress.last.cast_signed(), json(&head.progress.open)?])?;
    Ok(())
}

/// Writes a commit, and returns the function to call when it is on disk.
pub(super) fn commit(tx: &mut Tx, commit: Commit) -> Result<Box<dyn FnOnce() + Send>, CommitError> {
    let db: &Connection = tx.native()?;
    let session = commit.session.clone();
    let session = session.as_str();
    match held(db, session, &commit.by, commit.fence) {
        Ok(()) => {}
        Err(WriteError::Refused(WriteRefusal::Absent)) => match &commit.creates {
            Some(new) => head(db, session, &commit.by, commit.fence, new)?,
            None => return Err(CommitError::Absent(Box::new(commit))),
        },
        Err(WriteError::Refused(refusal)) => return Err(CommitError::Refused(refusal)),
        Err(WriteError::Store(error)) => return Err(error.into()),
    }
    if let Some((id, expected)) = &commit.expects {
        let stored = db
            .prepare_cached("SELECT version FROM vivaz_components WHERE session = ?1 AND id = ?2")?
            .query_row([session, id.as_str()], |row| unsigned(row, 0))
            .optional()?;
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
    let db: &Connection = tx.native()?;
    match change {
        StoredChange::Mounted { component } => insert(db, Table::Components, session, &component)?,
        StoredChange::Changed { state, settled } => {
            db.prepare_cached(
                "UPDATE vivaz_components SET state = ?3, epoch = ?4, rev = ?5, version = version + 1, \
                 settled = max(settled, ?6), rooms = ?7, shown = ?8, props = ?9, connected = ?10 \
                 WHERE session = ?1 AND id = ?2",
            )?
            .execute(params![
                session,
                state.id.as_str(),
                state.state,
                state.epoch,
                state.rev.cast_signed(),
                settled.cast_signed(),
                json(&state.rooms)?,
                state.shown.map(u64::cast_signed),
                state.props,
                state.connected,
            ])?;
        }
        StoredChange::Removed { id } => {
            db.prepare_cached(
                "DELETE FROM vivaz_aside WHERE session = ?1 AND id = ?2 AND name = \
                 (SELECT name FROM vivaz_components WHERE session = ?1 AND id = ?2)",
            )?
            .execute([session, id.as_str()])?;
            remove(db, session, id.as_str())?;
        }
    }
    if commit.received > 0 {
        db.prepare_cached("DELETE FROM vivaz_replies WHERE session = ?1 AND reference <= ?2")?
            .execute(params![session, commit.received.cast_signed()])?;
    }
    if let Some(StoredReply { reference, body }) = reply {
        db.prepare_cached(
            "INSERT OR REPLACE INTO vivaz_replies (session, reference, body) VALUES (?1, ?2, ?3)",
        )?
        .execute(params![session, reference.cast_signed(), body])?;
    }
    Ok(commit.publish)
}

/// A table of components.
#[derive(Clone, Copy)]
enum Table {
    /// Components that run.
    Components,
    /// Components that are kept aside.
    Aside,
}

fn select(db: &Connection, table: Table, session: &str) -> rusqlite::Result<Vec<StoredComponent>> {
    let sql = match table {
        Table::Components => {
            "SELECT id, name, schema, template, props, state, epoch, rev, version, settled, durable, \
             origin, anew, rooms, shown, connected FROM vivaz_components WHERE session = ?1"
        }
        Table::Aside => {
            "SELECT id, name, schema, template, props, state, epoch, rev, version, settled, durable, \
             origin, anew, rooms, shown, connected FROM vivaz_aside WHERE session = ?1 ORDER BY rowid"
        }
    };
    db.prepare_cached(sql)?.query_map([session], component)?.collect()
}

fn component(row: &Row<'_>) -> rusqlite::Result<StoredComponent> {
    Ok(StoredComponent {
        id: row.get(0)?,
        name: row.get(1)?,
        schema: unsigned(row, 2)?,
        template: row.get(3)?,
        props: row.get(4)?,
        state: row.get(5)?,
        epoch: row.get(6)?,
        rev: unsigned(row, 7)?,
        version: unsigned(row, 8)?,
        settled: unsigned(row, 9)?,
        durable: row.get(10)?,
        origin: from_json(row, 11)?,
        anew: row.get(12)?,
        rooms: from_json(row, 13)?,
        shown: row.get::<_, Option<i64>>(14)?.map(i64::cast_unsigned),
        connected: row.get(15)?,
    })
}

fn json(value: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(StoreError::failed)
}

fn from_json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    serde_json::from_str(&row.get::<_, String>(column)?).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, Box::new(error))
    })
}

/// Reads an unsigned integer: SQLite's integers are signed, and some of ours use all 64 bits.
pub(super) fn unsigned(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    Ok(row.get::<_, i64>(column)?.cast_unsigned())
}

fn insert(db: &Connection, table: Table, session: &str, one: &StoredComponent) -> Result<(), StoreError> {
    let sql = match table {
        Table::Components => {
            "INSERT OR REPLACE INTO vivaz_components \
             (session, id, name, schema, template, props, state, epoch, rev, version, settled, durable, \
             origin, anew, rooms, shown, connected) VALUES \
             (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)"
        }
        Table::Aside => {
            "INSERT INTO vivaz_aside \
             (session, id, name, schema, template, props, state, epoch, rev, version, settled, durable, \
             origin, anew, rooms, shown, connected) VALUES \
             (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)"
        }
    };
    db.prepare_cached(sql)?.execute(params![
        session,
        one.id,
        one.name,
        one.schema.cast_signed(),
        one.template,
        one.props,
        one.state,
        one.epoch,
        one.rev.cast_signed(),
        one.version.cast_signed(),
        one.settled.cast_signed(),
        one.durable,
        json(&one.origin)?,
        one.anew,
        json(&one.rooms)?,
        one.shown.map(u64::cast_signed),
        one.connected,
    ])?;
    Ok(())
}

fn remove(db: &Connection, session: &str, id: &str) -> rusqlite::Result<()> {
    db.prepare_cached("DELETE FROM vivaz_components WHERE session = ?1 AND id = ?2")?
        .execute([session, id])?;
    Ok(())
}
