//! The leases of processes, the expiry of sessions, and the tombstones of ended sessions.

use vivaz_databases::sqlite::rusqlite::{Connection, OptionalExtension, params};
use vivaz_protocol::SessionId;

use super::processes::Processes;
use super::rows::unsigned;
use crate::persist::store::{Owner, StoreError, StoreTime, TOMBSTONE, millis};

/// Starts or renews a lease. Returns the sessions of the process that another process has ended and
/// that it has not deleted since.
pub(super) fn renew(
    db: &Connection,
    by: &str,
    length: u64,
    time: &StoreTime,
    now: u64,
) -> Result<Vec<SessionId>, StoreError> {
    let now = save_time(db, time, now)?;
    let running: Option<u64> = db
        .prepare_cached("SELECT since FROM vivaz_leases WHERE holder = ?1 AND ends > ?2")?
        .query_row(params![by, now.cast_signed()], |row| unsigned(row, 0))
        .optional()?;
    if running.is_none() {
        db.prepare_cached(
            "UPDATE vivaz_sessions SET ends = NULL WHERE holder = ?1 AND ends IS NOT NULL AND NOT released",
        )?
        .execute([by])?;
    }
    db.prepare_cached(
        "INSERT OR REPLACE INTO vivaz_leases (holder, since, length, ends) VALUES (?1, ?2, ?3, ?4)",
    )?
    .execute(params![
        by,
        running.unwrap_or(now).cast_signed(),
        length.cast_signed(),
        now.saturating_add(length).cast_signed(),
    ])?;
    let ended = db
        .prepare_cached("SELECT session FROM vivaz_ended WHERE untold = ?1")?
        .query_map([by], |row| row.get(0))?
        .collect::<Result<Vec<String>, _>>()?;
    ended.iter().map(|id| session_id(id)).collect()
}

pub(super) fn session_id(id: &str) -> Result<SessionId, StoreError> {
    SessionId::new(id).map_err(|error| StoreError::Unreadable(error.to_string()))
}

/// Removes expired sessions, leases and tombstones, if the lease of `by` has been valid for its
/// whole length. Returns the number of removed sessions.
pub(super) fn expire(
    db: &Connection,
    processes: &Processes,
    by: &str,
    now: u64,
) -> Result<usize, StoreError> {
    let now = now.cast_signed();
    let is_allowed = db
        .prepare_cached(
            "SELECT 1 FROM vivaz_leases WHERE holder = ?1 AND ends > ?2 AND since + length <= ?2",
        )?
        .exists(params![by, now])?;
    if !is_allowed {
        return Ok(0);
    }
    db.prepare_cached(
        "UPDATE vivaz_sessions SET ends = good_for + \
         coalesce((SELECT ends FROM vivaz_leases WHERE holder = vivaz_sessions.holder), ?1) \
         WHERE ends IS NULL AND holder NOT IN (SELECT holder FROM vivaz_leases WHERE ends > ?1)",
    )?
    .execute([now])?;
    let silent = db
        .prepare_cached("DELETE FROM vivaz_leases WHERE ends <= ?1 RETURNING holder")?
        .query_map([now], |row| row.get(0))?
        .collect::<Result<Vec<String>, _>>()?;
    for process in &silent {
        processes.clean_up(process);
        db.prepare_cached("DELETE FROM vivaz_asked WHERE holder = ?1")?.execute([process])?;
    }
    db.prepare_cached("DELETE FROM vivaz_ended WHERE until <= ?1")?.execute([now])?;
    let expired: Vec<String> = db
        .prepare_cached("SELECT id FROM vivaz_sessions WHERE ends <= ?1")?
        .query_map([now], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    expired.iter().try_for_each(|session| delete(db, session))?;
    Ok(expired.len())
}

/// Ends a lease, and marks the sessions of its process as exact, except for released ones.
pub(super) fn close(db: &Connection, by: &str, time: &StoreTime, now: u64) -> Result<(), StoreError> {
    let now = save_time(db, time, now)?;
    db.execute("DELETE FROM vivaz_leases WHERE holder = ?1", [by])?;
    db.execute("DELETE FROM vivaz_asked WHERE holder = ?1", [by])?;
    db.execute(
        "UPDATE vivaz_sessions SET exact = 1, released = 1, ends = ?2 + good_for \
         WHERE holder = ?1 AND NOT released",
        params![by, now.cast_signed()],
    )?;
    Ok(())
}

/// Ends all sessions whose owners `owner` includes, and returns their number.
pub(super) fn forget_user(db: &Connection, owner: &Owner, now: u64) -> Result<usize, StoreError> {
    // One statement for each index of the table.
    let sql = if owner.user.is_some() {
        "SELECT id FROM vivaz_sessions WHERE user = ?1 AND tenant IS ?2 AND (?3 IS NULL OR login = ?3)"
    } else {
        "SELECT id FROM vivaz_sessions WHERE ?1 IS NULL AND tenant IS ?2 AND login = ?3"
    };
    let included: Vec<String> = db
        .prepare_cached(sql)?
        .query_map(params![owner.user, owner.tenant, owner.login], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    included.iter().try_for_each(|session| end(db, session, now, None))?;
    Ok(included.len())
}

/// Deletes a session and leaves a tombstone. A holder other than `by` receives the session with
/// each renewal of its lease until it deletes the session itself.
pub(super) fn end(db: &Connection, session: &str, now: u64, by: Option<&str>) -> Result<(), StoreError> {
    db.prepare_cached(
        "INSERT OR REPLACE INTO vivaz_ended (session, until, untold) \
         VALUES (?1, ?2, coalesce( \
             (SELECT holder FROM vivaz_sessions WHERE id = ?1 AND holder IS NOT ?3), \
             (SELECT untold FROM vivaz_ended WHERE session = ?1 AND untold IS NOT ?3)))",
    )?
    .execute(params![session, now.saturating_add(millis(TOMBSTONE)).cast_signed(), by])?;
    delete(db, session)
}

/// Saves the store time and returns it, or the time that another process saved if that is later.
fn save_time(db: &Connection, time: &StoreTime, now: u64) -> Result<u64, StoreError> {
    let seen = db
        .prepare_cached("SELECT time FROM vivaz_clock")?
        .query_row([], |row| unsigned(row, 0))
        .optional()?;
    let saved = time.advance(now, seen.unwrap_or(0));
    db.prepare_cached("INSERT OR REPLACE INTO vivaz_clock (id, time, wall) VALUES (1, ?1, ?2)")?
        .execute([saved.time.cast_signed(), saved.wall.cast_signed()])?;
    Ok(saved.time)
}

fn delete(db: &Connection, session: &str) -> Result<(), StoreError> {
    for sql in [
        "DELETE FROM vivaz_sessions WHERE id = ?1",
        "DELETE FROM vivaz_components WHERE session = ?1",
        "DELETE FROM vivaz_aside WHERE session = ?1",
        "DELETE FROM vivaz_replies WHERE session = ?1",
    ] {
        db.prepare_cached(sql)?.execute([session])?;
    }
    Ok(())
}
