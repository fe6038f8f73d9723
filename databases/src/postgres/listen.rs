//! A connection of its own, for notifications and for locks that belong to a session of the server.

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio_postgres::{AsyncMessage, Client, NoTls};

use super::errors;
use super::worker::Pool;
use crate::DatabaseError;

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// What the server takes for the death of a host: 5 s of silence and three probes without an
/// answer. Without it, the locks of a host that has lost its power would stay for hours.
const KEEPALIVE: &str =
    "SET tcp_keepalives_idle = 5; SET tcp_keepalives_interval = 2; SET tcp_keepalives_count = 3; ";

/// What a connection of [`Database::listen`](super::Database::listen) receives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// A notification of a channel.
    Notification {
        /// The name of the channel.
        channel: String,
        /// The text that was sent.
        payload: String,
    },
    /// The connection was lost and is established again. Notifications were missed meanwhile.
    Reconnected,
}

/// A connection that listens until this is dropped.
#[derive(Debug)]
pub struct Listening(#[expect(dead_code, reason = "its tasks end when it is dropped")] JoinSet<()>);

type Listener = Arc<dyn Fn(Heard) + Send + Sync>;

/// A connection and the task that reads from it.
struct Established {
    /// The connection ends when it is dropped.
    _client: Client,
    reading: JoinSet<()>,
}

/// Opens a connection and the task that keeps it.
///
/// # Errors
/// Returns an error if the first attempt to connect fails.
pub(super) async fn listen(
    pool: Arc<Pool>,
    set_up: &str,
    heard: impl Fn(Heard) + Send + Sync + 'static,
) -> Result<Listening, DatabaseError> {
    let (set_up, heard) = (format!("{KEEPALIVE}{set_up}"), Arc::new(heard));
    let mut established = establish(&pool, &set_up, heard.clone()).await?;
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        loop {
            let _ended = established.reading.join_next().await;
            tracing::warn!("a connection to PostgreSQL that listens is lost");
            established = reestablish(&pool, &set_up, heard.clone()).await;
            heard(Heard::Reconnected);
        }
    });
    Ok(Listening(tasks))
}

async fn establish(pool: &Pool, set_up: &str, heard: Listener) -> Result<Established, DatabaseError> {
    let establish = async {
        let (client, mut connection) = pool.config.connect(NoTls).await?;
        let mut reading = JoinSet::new();
        reading.spawn(async move {
            while let Some(Ok(message)) = poll_fn(|cx| connection.poll_message(cx)).await {
                if let AsyncMessage::Notification(one) = message {
                    heard(Heard::Notification {
                        channel: one.channel().into(),
                        payload: one.payload().into(),
                    });
                }
            }
        });
        client.batch_execute(set_up).await?;
        Ok(Established { _client: client, reading })
    };
    let established = tokio::time::timeout(pool.options.connect_time, establish).await;
    established.map_err(|_| DatabaseError::unavailable("no connection in time"))?.map_err(errors::convert)
}

async fn reestablish(pool: &Pool, set_up: &str, heard: Listener) -> Established {
    let mut pause = FIRST_PAUSE;
    loop {
        match establish(pool, set_up, heard.clone()).await {
            Ok(established) => return established,
            Err(error) => tracing::debug!(%error, "PostgreSQL cannot be reached"),
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}
