//! Migrations of tables.

use crate::{DatabaseError, Tx};

/// The lock that a node holds while it migrates: nodes that start together migrate one after the
/// other.
const LOCK: i64 = i64::from_be_bytes(*b"vivazmig");

/// The tables of a part of the program, as scripts that are embedded in it. Each script brings the
/// tables from one version to the next.
///
/// The table `vivaz_migrations` has the version of each part.
#[derive(Clone, Copy, Debug)]
pub struct Migrations {
    /// The name of the part. It never changes.
    pub name: &'static str,
    /// The scripts: the first one creates the tables. A script that was released never changes.
    pub scripts: &'static [&'static str],
}

impl Migrations {
    /// Makes the tables, or brings them to the version that this program knows, in the given
    /// transaction. Other nodes that start meanwhile wait until it has ended.
    ///
    /// # Errors
    /// Returns [`DatabaseError::TooNew`] if the tables have a higher version, and the error of the
    /// first script that fails.
    pub fn run(&self, tx: &mut Tx) -> Result<(), DatabaseError> {
        tx.query::<()>("SELECT pg_advisory_xact_lock(?1::bigint)::text", [LOCK])?;
        tx.script(
            "CREATE TABLE IF NOT EXISTS vivaz_migrations \
             (name text PRIMARY KEY, version bigint NOT NULL, at timestamptz NOT NULL DEFAULT now())",
        )?;
        let found = "SELECT version FROM vivaz_migrations WHERE name = ?1";
        let found: u64 = tx.query_first(found, [self.name])?.unwrap_or(0);
        let known = self.scripts.len() as u64;
        if found > known {
            return Err(DatabaseError::TooNew { name: self.name.to_owned(), found, known });
        }
        if found == known {
            return Ok(());
        }
        for script in self.scripts.iter().skip(usize::try_from(found).unwrap_or(usize::MAX)) {
            tx.script(script)?;
        }
        tx.execute(
            "INSERT INTO vivaz_migrations (name, version) VALUES (?1, ?2) \
             ON CONFLICT (name) DO UPDATE SET version = excluded.version, at = now()",
            (self.name, known.cast_signed()),
        )?;
        Ok(())
    }
}
