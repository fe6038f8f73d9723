//! Limits on what clients can request. Every resource is bounded, and every limit is configurable.

use std::time::Duration;

/// Limits on the resources and the time that clients can make the server use.
///
/// ```
/// use std::time::Duration;
/// use vivaz::Limits;
///
/// let action_time = Duration::from_secs(5);
/// let limits = Limits { components: 20, action_time, ..Limits::default() };
/// assert_eq!(limits.message_bytes, 64 * 1024);
/// ```
#[derive(Clone, Debug)]
pub struct Limits {
    /// Maximum size of a message from a client, in bytes. A larger one closes the connection with
    /// 1009.
    pub message_bytes: usize,
    /// Maximum nesting depth of the objects and arrays of a message. The protocol allows 64; a
    /// higher limit has no effect.
    pub depth: usize,
    /// Maximum size of a value that a page writes into a field, in bytes of JSON. A larger one is
    /// answered `too_large`.
    pub value_bytes: usize,
    /// Maximum size of the state of all components of a session, in bytes of JSON. Private fields
    /// and the names of rooms count. A mount, edit, action or event that would exceed the limit is
    /// answered `too_large` and undone. The same limit applies to a component that is rendered,
    /// together with its children.
    pub session_state_bytes: usize,
    /// Maximum size of the state of all sessions of a user in this process, in bytes. Suspended
    /// sessions count.
    pub user_state_bytes: usize,
    /// Maximum size of the state of a topic, in bytes of JSON without computed fields. A change
    /// that would exceed the limit is undone together with the action that made it, which is
    /// answered `too_large`.
    pub topic_state_bytes: usize,
    /// Maximum number of components of a session.
    pub components: usize,
    /// Maximum number of shared fields of all components of a session; each shows a topic. A
    /// component that would exceed the limit is answered `too_many_components`.
    pub topics: usize,
    /// Maximum number of messages of a session that are accepted and not answered yet. Further ones
    /// are answered `overloaded`.
    pub in_flight: usize,
    /// Maximum rate of messages of a session, in messages per second in the long run. A message
    /// that is sent again counts. Further ones are answered `rate_limited`.
    pub messages_per_second: u32,
    /// Maximum number of messages of a session in a burst.
    pub burst: u32,
    /// Maximum time for an action or for the `mount` of a component.
    pub action_time: Duration,
    /// Size of the queue for a client that does not read, in bytes. Beyond it, patches are replaced
    /// by snapshots, and the server stops reading from the client.
    pub outbox_bytes: usize,
    /// Maximum time in which a client has to read all queued data, or at least
    /// [`progress_bytes`](Self::progress_bytes) of it. A slower one is closed with 4413.
    pub write_time: Duration,
    /// Maximum size of the snapshots that a session causes at once by `RESYNC` and by reading
    /// slowly, and of the replies that it causes again by repeating messages, in bytes. A tenth of
    /// it is restored every second. A further `RESYNC` or repeated message is answered
    /// `rate_limited`.
    pub resync_bytes: usize,
    /// Maximum number of queued server events (from rooms and broadcasts) for a session, and for
    /// each of its components. Further ones are dropped and counted. Results of `cx.spawn` are
    /// never dropped.
    pub mailbox: usize,
    /// Maximum number of tasks (`cx.spawn`) that all components of a session run at once. A further
    /// one is not started: its `#[event]` method gets the error `overloaded`.
    pub spawned_tasks: usize,
    /// Maximum number of WebSocket connections. A further one is closed with 4503.
    pub connections: usize,
    /// Maximum number of sockets of [`serve`](crate::serve), WebSockets and plain HTTP, bounded by
    /// the process's file descriptors. For a further socket, the server closes the connection of
    /// plain HTTP whose client has kept it waiting longest. An eighth, at most 1,000, is reserved
    /// for plain HTTP, so that health checks are answered.
    pub sockets: usize,
    /// Maximum number of plain HTTP connections of one address to [`serve`](crate::serve), bounded
    /// by half of all sockets. For a further connection, the server closes the one whose client has
    /// kept it waiting longest. For a client behind a trusted proxy, the limit applies to its
    /// concurrent requests. A further request is answered with the status 429.
    pub http_connections_per_address: usize,
    /// Maximum number of WebSocket connections of one address. A further one is refused with the
    /// status 429, before the identity hook runs. An address is an IPv4 address or an IPv6 network
    /// with a prefix of 64 bits.
    pub connections_per_address: usize,
    /// Maximum rate at which one address opens WebSocket connections and sends forms without
    /// JavaScript, in connections and forms per second in the long run. Further ones are refused
    /// with the status 429.
    pub upgrades_per_second: u32,
    /// Maximum number of connections and forms of one address in a burst.
    pub upgrade_burst: u32,
    /// Maximum rate of log events that clients cause (an unknown name, a refused upgrade), in
    /// events per second in the long run. A burst may have five times as many. Further events are
    /// counted, and the count is logged.
    pub client_events_per_second: u32,
    /// Maximum number of addresses that are counted at a time. Further addresses are limited by
    /// `connections` alone.
    pub addresses: usize,
    /// Whether the limits by address apply to loopback peers too. They do not by default: behind a
    /// proxy on the same machine, all connections come from loopback.
    pub loopback_is_limited: bool,
    /// Maximum number of sessions of a user, connected and suspended. A further one replaces the
    /// session that has been suspended longest. If none is suspended, its connection is closed with
    /// 4503.
    pub sessions_per_user: usize,
    /// Maximum number of suspended sessions of a user. For a further one, the session that has been
    /// suspended longest ends.
    pub suspended_per_user: usize,
    /// Interval of the server's pings. A connection that is silent for two intervals is closed with
    /// 4408.
    pub heartbeat: Duration,
    /// Maximum time in which a client has to send the head of a request to [`serve`](crate::serve).
    pub head_time: Duration,
    /// Number of bytes of a request's body or of a response that a client has to send or to read in
    /// each [`progress_time`](Self::progress_time) in which [`serve`](crate::serve) waits for it,
    /// and of messages that it has to read in each [`write_time`](Self::write_time).
    pub progress_bytes: usize,
    /// Maximum time that [`serve`](crate::serve) waits for `progress_bytes`. A request whose body
    /// is sent more slowly is answered with the status 408. The connection of a client that reads
    /// more slowly is closed.
    pub progress_time: Duration,
    /// Maximum time in which a new connection has to send `HELLO`, and for the identity hooks.
    pub hello_time: Duration,
    /// How long a session without a connection can be resumed, counted from the end of its
    /// handlers. Tasks and loads of its components continue meanwhile, and end with it.
    pub suspended_time: Duration,
    /// How long a session can be resumed whose page reported that it was closed or hidden (close
    /// code 1001).
    pub hidden_time: Duration,
    /// How long a user stays present (`cx.presence`) after the page has lost its connection.
    pub presence_grace: Duration,
    /// Duration of a process's lease in the store. It is renewed three times in that time. Sessions
    /// of a killed process begin to expire when its lease has ended.
    pub lease_time: Duration,
    /// How long a process waits for another one to release the session of a page that has come from
    /// there. Afterwards it takes the session over as it is stored: changes since the last save are
    /// lost, except those of durable components, and handlers that still run have no effect. It
    /// does not wait for a process that has ended. A page waits 10 seconds for its answer.
    pub release_time: Duration,
    /// Maximum time for a call of the session store. If the call was made for a page that resumes,
    /// the page is closed with 4503 and retries. After a commit, the session is read from the store
    /// again. Other calls are retried by the server.
    pub store_time: Duration,
    /// How long the server refuses to resume a session because one of its components cannot be
    /// restored, or one of its topics cannot be authorized. Meanwhile the page is closed with 4503
    /// and retries. Afterwards the session is resumed without the failing components; their stored
    /// state is kept.
    pub restore_time: Duration,
    /// Maximum number of suspended sessions. For a further one, the session that has been suspended
    /// longest ends.
    pub suspended_sessions: usize,
    /// Maximum size of the state of all suspended sessions, in bytes, counted as for
    /// `session_state_bytes`. Beyond it, the largest sessions end within a second. These are bytes
    /// of JSON, not of memory: a list of small items takes about 4.5 times its counted size. With
    /// the default, suspended sessions of such lists may use more than 1 GiB.
    pub suspended_state_bytes: usize,
    /// Maximum number of replies that are kept until the client acknowledges them.
    pub kept_replies: usize,
    /// Maximum size of the kept replies, in bytes.
    pub kept_bytes: usize,
    /// Maximum size of the body of a form that a browser sends without JavaScript, in bytes. It
    /// contains the sealed state of the component. A larger one is answered with the status 413.
    pub form_bytes: usize,
    /// How long a seal in a page is valid.
    pub seal_time: Duration,
    /// Maximum size of the state in a seal, in bytes. A seal of a larger state carries only the
    /// props, and `mount` runs again.
    pub seal_state_bytes: usize,
    /// The largest public state of a component, in bytes of JSON, that the page carries beside the
    /// HTML. Such a page needs no answer of the server before it runs local statements and queues
    /// actions. 0 for none.
    pub painted_state_bytes: usize,
    /// Maximum time for running actions to finish when the server shuts down. The shutdown does not
    /// wait for tasks (`cx.spawn`) and loads.
    pub shutdown_time: Duration,
    /// How long [`serve`](crate::serve) continues to accept connections after the start of a
    /// shutdown, while [`Runtime::is_ready`](crate::Runtime::is_ready) already returns false. In
    /// this time load balancers notice, and send new clients to another process.
    pub drain_accept: Duration,
    /// Maximum time over which the reconnects of pages are spread when the server shuts down, so
    /// that not all of them reach the next process at once.
    pub drain_spread: Duration,
}

impl Limits {
    /// Returns the name of a limit of zero with which no client could be served.
    pub(crate) fn zero(&self) -> Option<&'static str> {
        let sizes = [
            ("message_bytes", self.message_bytes),
            ("depth", self.depth),
            ("value_bytes", self.value_bytes),
            ("session_state_bytes", self.session_state_bytes),
            ("user_state_bytes", self.user_state_bytes),
            ("in_flight", self.in_flight),
            ("messages_per_second", self.messages_per_second as usize),
            ("burst", self.burst as usize),
            ("outbox_bytes", self.outbox_bytes),
            ("sessions_per_user", self.sessions_per_user),
            ("progress_bytes", self.progress_bytes),
            ("kept_replies", self.kept_replies),
        ];
        let times = [
            ("action_time", self.action_time),
            ("write_time", self.write_time),
            ("heartbeat", self.heartbeat),
            ("head_time", self.head_time),
            ("progress_time", self.progress_time),
            ("hello_time", self.hello_time),
            ("lease_time", self.lease_time),
            ("store_time", self.store_time),
        ];
        let sizes = sizes.into_iter().filter(|(_, size)| *size == 0).map(|(name, _)| name);
        let times = times.into_iter().filter(|(_, time)| time.is_zero()).map(|(name, _)| name);
        sizes.chain(times).next()
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message_bytes: 64 * 1024,
            depth: vivaz_protocol::Limits::DEPTH,
            value_bytes: 64 * 1024,
            session_state_bytes: 1024 * 1024,
            user_state_bytes: 16 * 1024 * 1024,
            topic_state_bytes: 4 * 1024 * 1024,
            components: 100,
            topics: 200,
            in_flight: 128,
            messages_per_second: 100,
            burst: 200,
            action_time: Duration::from_secs(30),
            outbox_bytes: 256 * 1024,
            write_time: Duration::from_secs(30),
            resync_bytes: 8 * 1024 * 1024,
            mailbox: 256,
            spawned_tasks: 256,
            connections: 100_000,
            sockets: 120_000,
            http_connections_per_address: 500,
            connections_per_address: 500,
            upgrades_per_second: 20,
            upgrade_burst: 200,
            client_events_per_second: 20,
            addresses: 100_000,
            loopback_is_limited: false,
            sessions_per_user: 100,
            suspended_per_user: 20,
            heartbeat: Duration::from_secs(20),
            head_time: Duration::from_secs(10),
            progress_bytes: 8 * 1024,
            progress_time: Duration::from_secs(15),
            hello_time: Duration::from_secs(10),
            suspended_time: Duration::from_secs(5 * 60),
            hidden_time: Duration::from_secs(30),
            presence_grace: Duration::from_secs(10),
            lease_time: Duration::from_secs(30),
            release_time: Duration::from_secs(5),
            store_time: Duration::from_secs(10),
            restore_time: Duration::from_secs(5 * 60),
            suspended_sessions: 100_000,
            suspended_state_bytes: 256 * 1024 * 1024,
            kept_replies: 256,
            kept_bytes: 64 * 1024,
            form_bytes: 256 * 1024,
            seal_time: Duration::from_secs(24 * 60 * 60),
            seal_state_bytes: 16 * 1024,
            painted_state_bytes: 4 * 1024,
            shutdown_time: Duration::from_secs(10),
            drain_accept: Duration::ZERO,
            drain_spread: Duration::from_secs(5),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The test takes the names from the `Debug` output, so that it includes new limits.
    #[test]
    fn the_guide_to_security_names_each_limit() {
        let guide = include_str!("../../docs/security.md");
        let (_, table) = guide.split_once("\n## Limits\n").unwrap();
        let (table, _) = table.split_once("\n## ").unwrap();
        let names = names();
        let missing: Vec<_> = names.iter().filter(|name| !table.contains(&format!("`{name}`"))).collect();
        assert_eq!(missing, Vec::<&String>::new());
    }

    #[test]
    fn a_limit_that_a_document_names_exists() {
        let names = names();
        for (document, text) in [
            ("README.md", include_str!("../../README.md")),
            ("client.md", include_str!("../../docs/client.md")),
            ("components.md", include_str!("../../docs/components.md")),
            ("deployment.md", include_str!("../../docs/deployment.md")),
            ("guides.md", include_str!("../../docs/guides.md")),
            ("performance.md", include_str!("../../docs/performance.md")),
            ("protocol.md", include_str!("../../docs/protocol.md")),
            ("security.md", include_str!("../../docs/security.md")),
            ("sessions.md", include_str!("../../docs/sessions.md")),
            ("templates.md", include_str!("../../docs/templates.md")),
            ("testing.md", include_str!("../../docs/testing.md")),
        ] {
            for after in text.split("Limits::").skip(1) {
                let name = after.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap();
                assert!(name == "default" || names.iter().any(|one| one == name), "{document}: {name}");
            }
        }
    }

    /// Returns the names of the fields of `Limits`.
    fn names() -> Vec<String> {
        let printed = format!("{:#?}", Limits::default());
        let fields = printed.lines().filter_map(|line| line.strip_prefix("    ")?.split_once(": "));
        let names: Vec<_> = fields.map(|(name, _)| name.to_owned()).collect();
        assert!(names.iter().any(|name| name == "message_bytes"), "{printed}");
        names
    }
}
