//! The leases of processes, the expiry of sessions, and the tombstones of ended sessions.
//!
//! Several rows are locked in the order of their ids, so that two transactions do not wait for each
//! other.

use vivaz_databases::{DatabaseError, Tx};
use vivaz_protocol::SessionId;

use crate::persist::store::{Owner, StoreError, TOMBSTONE, millis};

/// The lock under which leases change: a lease that is renewed while its sessions are found to be
/// without one would lose them.
const LOCK: i64 = i64::from_be_bytes(*b"vivazlse");

/// Returns the time of the store in milliseconds. `given`: that of a test.
pub(super) fn time(tx: &mut Tx, given: Option<i64>) -> Result<i64, DatabaseError> {
    Ok(tx.query_first("SELECT vivaz_now(?1)", [given])?.unwrap_or_default())
}

fn lock(tx: &mut Tx, given: Option<i64>) -> Result<i64, DatabaseError> {
    tx.execute("SELECT pg_advisory_xact_lock(?1)", [LOCK])?;
    time(tx, given)
}

/// Starts or renews a lease. Returns the sessions of the process that another process has ended and
/// that it has not deleted since.
pub(super) fn renew(
    tx: &mut Tx,
    by: &str,
    length: u64,
    given: Option<i64>,
) -> Result<Vec<SessionId>, StoreError> {
    let now = lock(tx, given)?;
    let since = "SELECT since FROM vivaz_leases WHERE holder = ?1 AND ends > ?2";
    let since: Option<i64> = tx.query_first(since, (by, now))?;
    if since.is_none() {
        tx.execute(
            "UPDATE vivaz_sessions SET ends = NULL WHERE id IN (SELECT id FROM vivaz_sessions \
             WHERE holder = ?1 AND ends IS NOT NULL AND NOT released ORDER BY id FOR UPDATE) AND holder = ?1",
            [by],
        )?;
    }
    tx.execute(
        "INSERT INTO vivaz_leases (holder, since, length, ends) VALUES (?1, ?2, ?3, ?4) \
         ON CONFLICT (holder) DO UPDATE SET since = excluded.since, length = excluded.length, ends = excluded.ends",
        (by, since.unwrap_or(now), length.cast_signed(), now.saturating_add(length.cast_signed())),
    )?;
    let ended: Vec<String> = tx.query("SELECT session FROM vivaz_ended WHERE untold = ?1", [by])?;
    let read = |id: &String| SessionId::new(id).map_err(|error| StoreError::Unreadable(error.to_string()));
    ended.iter().map(read).collect()
}

/// Removes expired sessions, leases and tombstones, if the lease of `by` has been valid for its
/// whole length. Returns the number of removed sessions.
pub(super) fn expire(tx: &mut Tx, by: &str, given: Option<i64>) -> Result<usize, StoreError> {
    let now = lock(tx, given)?;
    let allowed = "SELECT 1 FROM vivaz_leases WHERE holder = ?1 AND ends > ?2 AND since + length <= ?2";
    if tx.query_first::<i64>(allowed, (by, now))?.is_none() {
        return Ok(0);
    }
    // Sessions that are being written are left for the next time.
    tx.execute(
        "UPDATE vivaz_sessions AS one SET ends = good_for + \
         coalesce((SELECT ends FROM vivaz_leases WHERE holder = one.holder), ?1) \
         WHERE id IN (SELECT id FROM vivaz_sessions WHERE ends IS NULL \
             AND holder NOT IN (SELECT holder FROM vivaz_leases WHERE ends > ?1) \
             ORDER BY id FOR UPDATE SKIP LOCKED)",
        [now],
    )?;
    tx.execute("DELETE FROM vivaz_leases WHERE ends <= ?1", [now])?;
    tx.execute("DELETE FROM vivaz_ended WHERE until <= ?1", [now])?;
    let expired: Vec<String> =
        tx.query("SELECT id FROM vivaz_sessions WHERE ends <= ?1 ORDER BY id FOR UPDATE SKIP LOCKED", [now])?;
    expired.iter().try_for_each(|session| delete(tx, session))?;
    Ok(expired.len())
}

/// Ends a lease, and marks the sessions of its process as exact, except for released ones.
pub(super) fn close(tx: &mut Tx, by: &str, given: Option<i64>) -> Result<(), StoreError> {
    let now = lock(tx, given)?;
    tx.execute("DELETE FROM vivaz_leases WHERE holder = ?1", [by])?;
    tx.execute(
        "UPDATE vivaz_sessions SET exact = true, released = true, ends = ?2 + good_for WHERE id IN \
         (SELECT id FROM vivaz_sessions WHERE holder = ?1 AND NOT released ORDER BY id FOR UPDATE) \
         AND holder = ?1 AND NOT released",
        (by, now),
    )?;
    Ok(())
}

/// Ends all sessions whose owners `owner` includes, and returns their number.
pub(super) fn forget_user(tx: &mut Tx, owner: &Owner, given: Option<i64>) -> Result<usize, StoreError> {
    let now = time(tx, given)?;
    // One statement for each index of the table.
    let sql = if owner.user.is_some() {
        "SELECT id FROM vivaz_sessions WHERE user_id = ?1 AND tenant IS NOT DISTINCT FROM ?2 \
         AND (?3::text IS NULL OR login = ?3) ORDER BY id FOR UPDATE"
    } else {
        "SELECT id FROM vivaz_sessions WHERE ?1::text IS NULL AND tenant IS NOT DISTINCT FROM ?2 \
         AND login = ?3 ORDER BY id FOR UPDATE"
    };
    let params = (owner.user.clone(), owner.tenant.clone(), owner.login.clone());
    let included: Vec<String> = tx.query(sql, params)?;
    included.iter().try_for_each(|session| end(tx, session, now, None))?;
    Ok(included.len())
}

/// Deletes a session and leaves a tombstone. A holder other than `by` receives the session with
/// each renewal of its lease until it deletes the session itself.
pub(super) fn end(tx: &mut Tx, session: &str, now: i64, by: Option<&str>) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO vivaz_ended (session, until, untold) VALUES (?1, ?2, coalesce( \
             (SELECT holder FROM vivaz_sessions WHERE id = ?1 AND holder IS DISTINCT FROM ?3), \
             (SELECT untold FROM vivaz_ended WHERE session = ?1 AND untold IS DISTINCT FROM ?3))) \
         ON CONFLICT (session) DO UPDATE SET until = excluded.until, untold = excluded.untold",
        (session, now.saturating_add(millis(TOMBSTONE).cast_signed()), by),
    )?;
    delete(tx, session)
}

fn delete(tx: &mut Tx, session: &str) -> Result<(), StoreError> {
    let tables = [
        "DELETE FROM vivaz_sessions WHERE id = ?1",
        "DELETE FROM vivaz_components WHERE session = ?1",
        "DELETE FROM vivaz_aside WHERE session = ?1",
        "DELETE FROM vivaz_replies WHERE session = ?1",
    ];
    tx.batch(tables.map(|sql| vivaz_databases::SqlStatement::new(sql, [session])))?;
    Ok(())
}
