//! Which process holds sessions for how long, and which sessions have ended.

use rusqlite::{Connection, OptionalExtension, params};
use vivaz_protocol::SessionId;

use super::rows::unsigned;
use crate::persist::store::{Owner, StoreError, StoreTime, TOMBSTONE, millis};

/// Starts or renews a lease. Returns the sessions of that process that were ended without it and that
/// it has not deleted since.
pub(super) fn renew(
    db: &Connection,
    by: &str,
    length: u64,
    time: &StoreTime,
    now: u64,
) -> Result<Vec<SessionId>, StoreError> {
    let now = keep_time(db, time, now)?;
    let running: Option<u64> = db
        .prepare_cached("SELECT since FROM vivaz_leases WHERE holder = ?1 AND ends > ?2")?
        .query_row(params![by, now.cast_signed()], |row| unsigned(row, 0))
        .optional()?;
    if running.is_none() {
        db.prepare_cached("UPDATE vivaz_sessions SET ends = NULL WHERE holder = ?1 AND ends IS NOT NULL")?
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
    let read = |id: &String| SessionId::new(id).map_err(|error| StoreError::Unreadable(error.to_string()));
    ended.iter().map(read).collect()
}

/// Removes what is not good any more, if the lease of `by` has run for its length.
pub(super) fn expire(db: &Connection, by: &str, now: u64) -> Result<usize, StoreError> {
    let now = now.cast_signed();
    let may = db
        .prepare_cached(
            "SELECT 1 FROM vivaz_leases WHERE holder = ?1 AND ends > ?2 AND since + length <= ?2",
        )?
        .exists(params![by, now])?;
    if !may {
        return Ok(0);
    }
    db.prepare_cached(
        "UPDATE vivaz_sessions SET ends = good_for + \
         coalesce((SELECT ends FROM vivaz_leases WHERE holder = vivaz_sessions.holder), ?1) \
         WHERE ends IS NULL AND holder NOT IN (SELECT holder FROM vivaz_leases WHERE ends > ?1)",
    )?
    .execute([now])?;
    db.prepare_cached("DELETE FROM vivaz_leases WHERE ends <= ?1")?.execute([now])?;
    db.prepare_cached("DELETE FROM vivaz_ended WHERE until <= ?1")?.execute([now])?;
    let expired: Vec<String> = db
        .prepare_cached("SELECT id FROM vivaz_sessions WHERE ends <= ?1")?
        .query_map([now], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    expired.iter().try_for_each(|session| delete(db, session))?;
    Ok(expired.len())
}

/// Ends a lease; what its process saved is exactly what the pages have, but for the sessions that it
/// has let go of.
pub(super) fn close(db: &Connection, by: &str, time: &StoreTime, now: u64) -> Result<(), StoreError> {
    let now = keep_time(db, time, now)?;
    db.execute("DELETE FROM vivaz_leases WHERE holder = ?1", [by])?;
    db.execute(
        "UPDATE vivaz_sessions SET exact = (exact OR ends IS NULL), ends = ?2 + good_for WHERE holder = ?1",
        params![by, now.cast_signed()],
    )?;
    Ok(())
}

/// Ends all sessions of those that an owner includes.
pub(super) fn forget_user(db: &Connection, owner: &Owner, now: u64) -> Result<usize, StoreError> {
    // One statement for each index.
    let sql = if owner.user.is_some() {
        "SELECT id FROM vivaz_sessions WHERE user = ?1 AND tenant IS ?2 AND (?3 IS NULL OR login = ?3)"
    } else {
        "SELECT id FROM vivaz_sessions WHERE ?1 IS NULL AND tenant IS ?2 AND login = ?3"
    };
    let theirs: Vec<String> = db
        .prepare_cached(sql)?
        .query_map(params![owner.user, owner.tenant, owner.login], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    theirs.iter().try_for_each(|session| end(db, session, now, None))?;
    Ok(theirs.len())
}

/// Deletes a session and remembers that it has ended. A holder other than `by` is told with each of
/// its renewals until it deletes the session itself.
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

/// Writes down where store time is, and returns it. Another process may be ahead.
fn keep_time(db: &Connection, time: &StoreTime, now: u64) -> Result<u64, StoreError> {
    let seen = db
        .prepare_cached("SELECT time FROM vivaz_clock")?
        .query_row([], |row| unsigned(row, 0))
        .optional()?;
    let kept = time.keep(now, seen.unwrap_or(0));
    db.prepare_cached("INSERT OR REPLACE INTO vivaz_clock (id, time, wall) VALUES (1, ?1, ?2)")?
        .execute([kept.time.cast_signed(), kept.wall.cast_signed()])?;
    Ok(kept.time)
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
