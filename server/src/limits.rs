//! What a client may ask for, and for how long. Everything is bounded, and every bound can be set.

use std::time::Duration;

/// Bounds on what clients can make the server hold or do.
///
/// ```
/// use std::time::Duration;
/// use vivaz::Limits;
///
/// let limits = Limits { components: 20, action_time: Duration::from_secs(5), ..Limits::default() };
/// assert_eq!(limits.message_bytes, 64 * 1024);
/// ```
#[derive(Clone, Debug)]
pub struct Limits {
    /// The largest message that a client may send, in bytes. A larger one closes the connection with 1009.
    pub message_bytes: usize,
    /// The largest value that a page may write into a field, in bytes of JSON. A larger one is answered `too_large`.
    pub value_bytes: usize,
    /// How many components a session may have at once.
    pub components: usize,
    /// How many messages of a session may be accepted and not answered yet. More are answered `overloaded`.
    pub in_flight: usize,
    /// How many messages a second a session may send in the long run. More are answered `rate_limited`.
    pub messages_per_second: u32,
    /// How many messages may come at once.
    pub burst: u32,
    /// How long an action, or a component's `mount`, may take.
    pub action_time: Duration,
    /// How much may wait for a client that does not read, in bytes. Beyond it, patches are replaced by snapshots.
    pub outbox_bytes: usize,
    /// How long a client may go without reading anything while something waits for it, before it is closed with 4413.
    pub write_time: Duration,
    /// How many events of the server's own (from rooms, tasks) may wait for a session.
    pub mailbox: usize,
    /// How many connections there may be in all. One more is closed with 4503.
    pub connections: usize,
    /// How often the server sends a ping. A connection silent for two of these is closed with 4408.
    pub heartbeat: Duration,
    /// How long a new connection may take to say `HELLO`.
    pub hello_time: Duration,
    /// How long a session whose connection dropped waits to be resumed.
    pub suspended_time: Duration,
    /// How long a session waits whose page said that it was closed or hidden (close code 1001).
    pub hidden_time: Duration,
    /// How many sessions may wait to be resumed. The one that waits longest ends when there is one more.
    pub suspended_sessions: usize,
    /// How many replies wait until the client says that it has them.
    pub kept_replies: usize,
    /// How many bytes of replies wait.
    pub kept_bytes: usize,
    /// How long a seal in a page is good.
    pub seal_time: Duration,
    /// How many bytes of state a seal may carry; above, it carries the props and `mount` runs again.
    pub seal_state_bytes: usize,
    /// How long running actions may take to finish when the server shuts down.
    pub shutdown_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message_bytes: 64 * 1024,
            value_bytes: 64 * 1024,
            components: 100,
            in_flight: 128,
            messages_per_second: 100,
            burst: 200,
            action_time: Duration::from_secs(30),
            outbox_bytes: 256 * 1024,
            write_time: Duration::from_secs(30),
            mailbox: 256,
            connections: 100_000,
            heartbeat: Duration::from_secs(20),
            hello_time: Duration::from_secs(10),
            suspended_time: Duration::from_secs(5 * 60),
            hidden_time: Duration::from_secs(30),
            suspended_sessions: 100_000,
            kept_replies: 256,
            kept_bytes: 64 * 1024,
            seal_time: Duration::from_secs(24 * 60 * 60),
            seal_state_bytes: 16 * 1024,
            shutdown_time: Duration::from_secs(10),
        }
    }
}
