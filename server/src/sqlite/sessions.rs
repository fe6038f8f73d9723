//! Sessions in SQLite.

use rusqlite::{Connection, OptionalExtension, Row, params};
use vivaz_components::instance::BoxFuture;
use vivaz_protocol::SessionId;

use super::{Sqlite, run, run_and_tell};
use crate::store::{
    Change, Commit, CommitError, Owner, Progress, Seconds, Secrets, SessionStore, Snapshot, State,
    StoreError, StoredComponent, StoredReply, StoredSession, Written,
};

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self::failed(error)
    }
}

impl From<rusqlite::Error> for CommitError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error.into())
    }
}

/// Makes the tables.
pub(super) fn prepare(connection: &Connection) -> Result<(), StoreError> {
    Ok(connection.execute_batch(include_str!("schema.sql"))?)
}

impl SessionStore for Sqlite {
    fn load(
        &self,
        session: &SessionId,
        now: Seconds,
    ) -> BoxFuture<Result<Option<StoredSession>, StoreError>> {
        let session = session.clone();
        self.ask(move |db| load(db, session.as_str(), now))
    }

    fn save(&self, sessions: Vec<Snapshot>) -> BoxFuture<Result<(), StoreError>> {
        self.ask(move |db| sessions.iter().try_for_each(|snapshot| save(db, snapshot)))
    }

    fn commit(&self, commit: Commit) -> BoxFuture<Result<(), CommitError>> {
        let Commit { session, received, write, publish } = commit;
        let orders = self.orders.clone();
        Box::pin(async move {
            let work = move |db: &Connection| {
                // First, so that what is kept of the component is what it is after them. If the rest cannot be written,
                // they are undone with it.
                let written = write(db).map_err(CommitError::Work)?;
                keep(db, session.as_str(), received, written)
            };
            run_and_tell(&orders, work, publish).await
        })
    }

    fn renew(&self, session: &SessionId, secrets: Secrets) -> BoxFuture<Result<(), StoreError>> {
        let session = session.clone();
        self.ask(move |db| {
            db.prepare_cached(
                "UPDATE vivaz_sessions SET generation = ?2, secret = ?3, previous = ?4 \
                 WHERE id = ?1 AND generation <= ?2",
            )?
            .execute(params![
                session.as_str(),
                secrets.generation.cast_signed(),
                secrets.current,
                secrets.previous
            ])?;
            Ok(())
        })
    }

    fn of_user(&self, user: &str) -> BoxFuture<Result<Vec<SessionId>, StoreError>> {
        let user = user.to_owned();
        self.ask(move |db| {
            let mut found = db.prepare_cached("SELECT id FROM vivaz_sessions WHERE user = ?1")?;
            let ids = found.query_map([user], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
            let read =
                |id: &String| SessionId::new(id).map_err(|error| StoreError::Unreadable(error.to_string()));
            ids.iter().map(read).collect()
        })
    }

    fn delete(&self, sessions: Vec<SessionId>) -> BoxFuture<Result<(), StoreError>> {
        self.ask(move |db| sessions.iter().try_for_each(|session| delete(db, session.as_str())))
    }

    fn expire(&self, now: Seconds) -> BoxFuture<Result<usize, StoreError>> {
        self.ask(move |db| {
            let expired: Vec<String> = db
                .prepare_cached("SELECT id FROM vivaz_sessions WHERE expires <= ?1")?
                .query_map([now.cast_signed()], |row| row.get(0))?
                .collect::<Result<_, _>>()?;
            expired.iter().try_for_each(|session| delete(db, session))?;
            Ok(expired.len())
        })
    }

    fn close(&self, process: &str) -> BoxFuture<Result<(), StoreError>> {
        let process = process.to_owned();
        self.ask(move |db| {
            db.execute("UPDATE vivaz_sessions SET exact = 1 WHERE process = ?1", [process])?;
            Ok(())
        })
    }
}

impl Sqlite {
    fn ask<T, E>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, E> + Send + 'static,
    ) -> BoxFuture<Result<T, E>>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let orders = self.orders.clone();
        Box::pin(async move { run(&orders, work).await })
    }
}

fn load(db: &Connection, session: &str, now: Seconds) -> Result<Option<StoredSession>, StoreError> {
    let head = db
        .prepare_cached(
            "SELECT user, tenant, generation, secret, previous, progress, exact FROM vivaz_sessions \
             WHERE id = ?1 AND expires > ?2",
        )?
        .query_row(params![session, now.cast_signed()], |row| {
            let owner = Owner { user: row.get(0)?, tenant: row.get(1)? };
            let secrets =
                Secrets { generation: unsigned(row, 2)?, current: row.get(3)?, previous: row.get(4)? };
            Ok((owner, secrets, row.get::<_, String>(5)?, row.get(6)?))
        })
        .optional()?;
    let Some((owner, secrets, progress, exact)) = head else { return Ok(None) };
    let progress =
        serde_json::from_str(&progress).map_err(|error| StoreError::Unreadable(error.to_string()))?;
    let components = db
        .prepare_cached(
            "SELECT id, name, schema, template, props, state, epoch, rev, version, settled, durable \
             FROM vivaz_components WHERE session = ?1",
        )?
        .query_map([session], component)?
        .collect::<Result<_, _>>()?;
    let replies = db
        .prepare_cached("SELECT reference, body FROM vivaz_replies WHERE session = ?1 ORDER BY reference")?
        .query_map([session], |row| Ok(StoredReply { reference: unsigned(row, 0)?, body: row.get(1)? }))?
        .collect::<Result<_, _>>()?;
    db.prepare_cached("UPDATE vivaz_sessions SET exact = 0 WHERE id = ?1")?.execute([session])?;
    Ok(Some(StoredSession { owner, secrets, progress, components, replies, exact }))
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
    })
}

/// SQLite's integers have a sign; ours do not, and some use all their bits.
fn unsigned(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    Ok(row.get::<_, i64>(column)?.cast_unsigned())
}

fn save(db: &Connection, snapshot: &Snapshot) -> Result<(), StoreError> {
    let session = snapshot.session.as_str();
    let progress = serde_json::to_string(&snapshot.progress).map_err(StoreError::failed)?;
    db.prepare_cached(
        "INSERT INTO vivaz_sessions \
         (id, user, tenant, generation, secret, previous, progress, expires, process) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (id) DO UPDATE SET \
         user = ?2, tenant = ?3, \
         secret = iif(?4 >= generation, ?5, secret), previous = iif(?4 >= generation, ?6, previous), \
         generation = max(?4, generation), progress = ?7, expires = ?8, process = ?9, exact = 0",
    )?
    .execute(params![
        session,
        snapshot.owner.user,
        snapshot.owner.tenant,
        snapshot.secrets.generation.cast_signed(),
        snapshot.secrets.current,
        snapshot.secrets.previous,
        progress,
        snapshot.expires.cast_signed(),
        snapshot.process,
    ])?;
    forget_replies(db, session, snapshot.received)?;
    for State { id, state, epoch, rev } in &snapshot.components {
        db.prepare_cached(
            "UPDATE vivaz_components SET state = ?3, rev = ?4 WHERE session = ?1 AND id = ?2 AND epoch = ?5",
        )?
        .execute(params![session, id.as_str(), state, rev.cast_signed(), epoch])?;
    }
    Ok(())
}

fn keep(db: &Connection, session: &str, received: u64, written: Written) -> Result<(), CommitError> {
    let Written { change, reply } = written;
    match change {
        Change::Mounted { component, owner, secrets, expires, process } => {
            let progress = serde_json::to_string(&Progress::default()).map_err(StoreError::failed)?;
            db.prepare_cached(
                "INSERT INTO vivaz_sessions \
                 (id, user, tenant, generation, secret, previous, progress, expires, process) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (id) DO NOTHING",
            )?
            .execute(params![
                session,
                owner.user,
                owner.tenant,
                secrets.generation.cast_signed(),
                secrets.current,
                secrets.previous,
                progress,
                expires.cast_signed(),
                process,
            ])?;
            insert(db, session, &component)?;
        }
        Change::Changed { state, from, settled } => {
            let changed = db
                .prepare_cached(
                    "UPDATE vivaz_components SET state = ?4, epoch = ?5, rev = ?6, version = version + 1, \
                     settled = max(settled, ?7) WHERE session = ?1 AND id = ?2 AND version = ?3",
                )?
                .execute(params![
                    session,
                    state.id.as_str(),
                    from.cast_signed(),
                    state.state,
                    state.epoch,
                    state.rev.cast_signed(),
                    settled.cast_signed(),
                ])?;
            if changed == 0 {
                return Err(CommitError::Conflict);
            }
        }
        Change::Removed { id } => {
            db.prepare_cached("DELETE FROM vivaz_components WHERE session = ?1 AND id = ?2")?
                .execute([session, id.as_str()])?;
        }
    }
    forget_replies(db, session, received)?;
    if let Some(StoredReply { reference, body }) = reply {
        db.prepare_cached(
            "INSERT OR REPLACE INTO vivaz_replies (session, reference, body) VALUES (?1, ?2, ?3)",
        )?
        .execute(params![session, reference.cast_signed(), body])?;
    }
    Ok(())
}

fn insert(db: &Connection, session: &str, one: &StoredComponent) -> rusqlite::Result<()> {
    db.prepare_cached(
        "INSERT OR REPLACE INTO vivaz_components \
         (session, id, name, schema, template, props, state, epoch, rev, version, settled, durable) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
    )?
    .execute(params![
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
    ])?;
    Ok(())
}

/// The page has them.
fn forget_replies(db: &Connection, session: &str, received: u64) -> rusqlite::Result<()> {
    if received > 0 {
        db.prepare_cached("DELETE FROM vivaz_replies WHERE session = ?1 AND reference <= ?2")?
            .execute(params![session, received.cast_signed()])?;
    }
    Ok(())
}

fn delete(db: &Connection, session: &str) -> Result<(), StoreError> {
    for sql in [
        "DELETE FROM vivaz_sessions WHERE id = ?1",
        "DELETE FROM vivaz_components WHERE session = ?1",
        "DELETE FROM vivaz_replies WHERE session = ?1",
    ] {
        db.prepare_cached(sql)?.execute([session])?;
    }
    Ok(())
}
