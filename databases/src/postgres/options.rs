//! The options of a database.

use std::net::IpAddr;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};

use crate::DatabaseError;

/// How a [`Database`](super::Database) uses its server.
#[derive(Clone, Debug)]
pub struct PostgresOptions {
    /// The number of connections, each with a thread. Default: 8.
    pub connections: usize,
    /// The maximum time for establishing a connection. Default: 5 s.
    pub connect_time: Duration,
    /// The maximum time for which a transaction waits for a connection while the server cannot be
    /// reached. It is refused with [`DatabaseError::Unavailable`] then. Default: 5 s.
    pub wait_time: Duration,
    /// The maximum time of a statement, with its waits for locks. The server cancels it then
    /// ([`DatabaseError::TimedOut`]). If the server does not answer for 2 s more, the connection is
    /// lost. Default: 10 s.
    pub statement_time: Duration,
    /// The maximum time between two statements of a transaction. The server rolls the transaction
    /// back then and closes the connection, so that a process that is suspended or cut off does not
    /// keep its locks. Default: 10 s.
    pub idle_time: Duration,
    /// The isolation of transactions. Default: [`ReadCommitted`](IsolationLevel::ReadCommitted).
    pub isolation: IsolationLevel,
}

impl Default for PostgresOptions {
    fn default() -> Self {
        Self {
            connections: 8,
            connect_time: Duration::from_secs(5),
            wait_time: Duration::from_secs(5),
            statement_time: Duration::from_secs(10),
            idle_time: Duration::from_secs(10),
            isolation: IsolationLevel::ReadCommitted,
        }
    }
}

/// What a transaction sees of concurrent ones. The levels are those of PostgreSQL.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IsolationLevel {
    /// Each statement sees what was committed before it. A handler that reads a row, decides and
    /// writes has to lock the row (`SELECT … FOR UPDATE`) or repeat the condition in its `UPDATE`.
    #[default]
    ReadCommitted,
    /// All statements see what was committed before the first one. A write of a row that has
    /// changed since is a [`DatabaseError::Conflict`].
    RepeatableRead,
    /// Transactions take effect as if they ran one after the other, as those of SQLite do. Others
    /// fail with [`DatabaseError::Conflict`].
    Serializable,
}

impl PostgresOptions {
    /// Returns the statement that prepares a new connection.
    pub(super) fn session(&self) -> String {
        let isolation = match self.isolation {
            IsolationLevel::ReadCommitted => "read committed",
            IsolationLevel::RepeatableRead => "repeatable read",
            IsolationLevel::Serializable => "serializable",
        };
        // Times without a zone are UTC, in and out.
        format!(
            "SET statement_timeout = {}; SET idle_in_transaction_session_timeout = {}; \
             SET default_transaction_isolation = '{isolation}'; SET TimeZone = 'UTC'; SET DateStyle = 'ISO, YMD'; \
             SET standard_conforming_strings = on; SET client_min_messages = warning",
            self.statement_time.as_millis(),
            self.idle_time.as_millis()
        )
    }
}

/// Reads the address of a server.
///
/// # Errors
/// Returns an error if it cannot be read, and if the connection would need TLS.
pub(super) fn configure(url: &str, options: &PostgresOptions) -> Result<Config, DatabaseError> {
    // The error of the driver has no part of the address, which may contain a password.
    let mut config: Config = url.parse().map_err(DatabaseError::failed)?;
    check_encryption(&config)?;
    config.ssl_mode(SslMode::Disable);
    config.connect_timeout(options.connect_time);
    config.tcp_user_timeout(options.statement_time);
    // A connection that waits for notifications would not notice the end of the network.
    config.keepalives_idle(Duration::from_secs(10));
    config.keepalives_interval(Duration::from_secs(3));
    config.keepalives_retries(3);
    // A server that only reads would fail each transaction, for example after a failover.
    config.target_session_attrs(TargetSessionAttrs::ReadWrite);
    if config.get_application_name().is_none() {
        config.application_name("vivaz");
    }
    Ok(config)
}

/// Checks that no password and no data leave the machine in clear text without being asked to.
fn check_encryption(config: &Config) -> Result<(), DatabaseError> {
    let mode = config.get_ssl_mode();
    let is_local =
        config.get_hosts().iter().all(is_local) && config.get_hostaddrs().iter().all(IpAddr::is_loopback);
    if mode == SslMode::Disable || (mode == SslMode::Prefer && is_local) {
        return Ok(());
    }
    let refusal = if mode == SslMode::Prefer {
        "this version connects without TLS: state `sslmode=disable` if the network to the database is \
         trusted, or use a tunnel with TLS on this machine"
    } else {
        "this version connects without TLS, and the address requires it: use a tunnel with TLS on this machine"
    };
    Err(DatabaseError::failed(refusal))
}

fn is_local(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => {
            name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
        }
        #[cfg(unix)]
        Host::Unix(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clear_text_leaves_the_machine_only_when_told_to() {
        for (url, is_accepted) in [
            ("postgres://user:secret@localhost/app", true),
            ("postgres://127.0.0.1:5433/app", true),
            ("postgres://[::1]/app", true),
            ("host=/run/postgresql dbname=app", true),
            ("postgres://db.example/app?sslmode=disable", true),
            ("postgres://db.example/app", false),
            ("postgres://localhost,db.example/app", false),
            ("host=localhost hostaddr=10.0.0.1", false),
            ("postgres://localhost/app?sslmode=require", false),
            ("postgres://db.example/app?sslmode=require", false),
        ] {
            let configured = configure(url, &PostgresOptions::default());
            assert_eq!(configured.is_ok(), is_accepted, "{url}");
            if let Err(error) = configured {
                assert!(error.to_string().contains("TLS"), "{error}");
            }
        }
        let error = configure("postgres://user:secret@host:no/app", &PostgresOptions::default()).unwrap_err();
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}
