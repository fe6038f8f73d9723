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
    /// How deep a message's objects and arrays may nest. The protocol allows 64; more than that is never accepted.
    pub depth: usize,
    /// The largest value that a page may write into a field, in bytes of JSON. A larger one is answered `too_large`.
    pub value_bytes: usize,
    /// How many bytes of state the components of a session may have together, as JSON, private
    /// fields and the names of rooms included. What would make it more (a mount, an edit, an action, an event) is answered
    /// `too_large` and undone. A component that is rendered has the same bound, with its children.
    pub session_state_bytes: usize,
    /// The same for all sessions of a user in this process, those that wait for their pages
    /// included.
    pub user_state_bytes: usize,
    /// How many bytes of state a topic may have, as JSON without computed fields. A change that
    /// would make it more is undone together with the action that made it, which is answered
    /// `too_large`.
    pub topic_state_bytes: usize,
    /// How many components a session may have at once.
    pub components: usize,
    /// How many shared fields the components of a session may have together, each of which shows a topic. A component
    /// with which there would be more is answered `too_many_components`.
    pub topics: usize,
    /// How many messages of a session may be accepted and not answered yet. More are answered `overloaded`.
    pub in_flight: usize,
    /// How many messages a second a session may send in the long run. More are answered `rate_limited`.
    pub messages_per_second: u32,
    /// How many messages may come at once.
    pub burst: u32,
    /// How long an action, or a component's `mount`, may take.
    pub action_time: Duration,
    /// How much may wait for a client that does not read, in bytes. Beyond it, patches are replaced by snapshots, and
    /// nothing more is read from the client.
    pub outbox_bytes: usize,
    /// How long a client may take to read all that waits for it, before it is closed with 4413.
    pub write_time: Duration,
    /// How many bytes of snapshots a session may cause at once by `RESYNC` and by reading slowly; a tenth of it is
    /// given back every second. A `RESYNC` beyond it is answered `rate_limited`.
    pub resync_bytes: usize,
    /// How many events of the server's own (from rooms, broadcasts) may wait for a session,
    /// and for each of its components. More are lost and counted. Results of `cx.spawn` are never
    /// lost.
    pub mailbox: usize,
    /// How many connections there may be in all. One more is closed with 4503.
    pub connections: usize,
    /// How many sockets [`serve`](crate::serve) has open at once, of pages and of plain HTTP; never
    /// more than the process's file descriptors allow. For one more, the connection of plain HTTP
    /// is closed whose client has kept the server waiting longest. An eighth, at most
    /// 1,000, is left for plain HTTP, so that health checks are answered.
    pub sockets: usize,
    /// How many connections of plain HTTP one address may have open, where [`serve`](crate::serve)
    /// answers, and at most half of all. For one more, the one is closed whose client has kept the
    /// server waiting longest. Of a trusted proxy, the requests under way for one client are
    /// counted, and one more is answered with the status 429.
    pub http_connections_per_address: usize,
    /// How many connections one address may have. One more is refused with the status 429, before the application is
    /// asked who it is. An address is one of IPv4, or the first 64 bits of one of IPv6.
    pub connections_per_address: usize,
    /// How many connections a second one address may open in the long run. More are refused with the status 429.
    pub upgrades_per_second: u32,
    /// How many it may open at once.
    pub upgrade_burst: u32,
    /// How many events that clients cause (a name that is unknown, an upgrade that is refused) are
    /// logged a second in the long run, and five times as many at once. More are counted, and the
    /// count is logged.
    pub client_events_per_second: u32,
    /// How many addresses are counted at a time. What comes from others meanwhile is limited by `connections` alone.
    pub addresses: usize,
    /// Whether connections from this machine itself (loopback) are limited by their address too. They are not by
    /// default: behind a proxy on the same machine, all of them come from there.
    pub loopback_is_limited: bool,
    /// How many sessions a user may have, with a connection or without. One more takes the place of the one that has
    /// waited longest for its page; if none waits, its connection is closed with 4503.
    pub sessions_per_user: usize,
    /// How many sessions of a user may wait for their pages. The one that has waited longest ends when there is one more.
    pub suspended_per_user: usize,
    /// How often the server sends a ping. A connection silent for two of these is closed with 4408.
    pub heartbeat: Duration,
    /// How long a client may take to send the head of a request, where [`serve`](crate::serve) answers it.
    pub head_time: Duration,
    /// How many bytes of a request's body, or of an answer, a client has to send or to read in each
    /// [`progress_time`](Self::progress_time) that [`serve`](crate::serve) waits for it.
    pub progress_bytes: usize,
    /// How long [`serve`](crate::serve) waits for those bytes. A body that comes more slowly is
    /// answered with the status 408, and a client that reads more slowly loses its connection.
    pub progress_time: Duration,
    /// How long a new connection may take to say `HELLO`, and the application to say who it is.
    pub hello_time: Duration,
    /// How long a session whose connection dropped waits to be resumed, counted from when its handlers have finished.
    /// Tasks and loads of its components go on meanwhile, and end with it.
    pub suspended_time: Duration,
    /// How long a session waits whose page said that it was closed or hidden (close code 1001).
    pub hidden_time: Duration,
    /// How long a user is still present (`cx.presence`) whose page has lost its connection.
    pub presence_grace: Duration,
    /// A process's lease in the store lasts this long; it is renewed three times in that time. A
    /// killed process's sessions begin to expire when its lease has ended.
    pub lease_time: Duration,
    /// How long a call of the session store is waited for. Then a page that comes back is closed with
    /// 4503 and tries again; after a commit the session is read from the store again; the rest is tried
    /// again by the server.
    pub store_time: Duration,
    /// How long a session is not resumed because a component of it cannot be restored, or one of its
    /// topics does not answer whether the user may see it. Meanwhile its page is closed with 4503 and
    /// tries again. Then the session is resumed without the components that fail; what is stored of
    /// them is kept.
    pub restore_time: Duration,
    /// How many sessions may wait to be resumed. The one that waits longest ends when there is one more.
    pub suspended_sessions: usize,
    /// How many bytes of state those may have together, counted as for `session_state_bytes`. Beyond it the ones end that
    /// have most, within a second. What a session takes of the machine's memory is a multiple of what it is counted as.
    pub suspended_state_bytes: usize,
    /// How many replies wait until the client says that it has them.
    pub kept_replies: usize,
    /// How many bytes of replies wait.
    pub kept_bytes: usize,
    /// How long a seal in a page is good.
    pub seal_time: Duration,
    /// How many bytes of state a seal may carry; above, it carries the props and `mount` runs again.
    pub seal_state_bytes: usize,
    /// How long running actions may take to finish when the server shuts down. Tasks (`cx.spawn`) and loads are not
    /// waited for.
    pub shutdown_time: Duration,
    /// How long [`serve`](crate::serve) goes on accepting connections once it is asked to end,
    /// while [`Runtime::is_ready`](crate::Runtime::is_ready) is already false: time for load
    /// balancers to notice, and to send new clients to another process.
    pub drain_accept: Duration,
    /// Over how long a time pages are told to come back when the server goes away, at most: so that not all of them
    /// reach the next process at once.
    pub drain_spread: Duration,
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
            store_time: Duration::from_secs(10),
            restore_time: Duration::from_secs(5 * 60),
            suspended_sessions: 100_000,
            suspended_state_bytes: 256 * 1024 * 1024,
            kept_replies: 256,
            kept_bytes: 64 * 1024,
            seal_time: Duration::from_secs(24 * 60 * 60),
            seal_state_bytes: 16 * 1024,
            shutdown_time: Duration::from_secs(10),
            drain_accept: Duration::ZERO,
            drain_spread: Duration::from_secs(5),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Text is searched for the names that `Debug` prints, so that a new limit is not forgotten.
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

    /// The fields of `Limits`.
    fn names() -> Vec<String> {
        let printed = format!("{:#?}", Limits::default());
        let fields = printed.lines().filter_map(|line| line.strip_prefix("    ")?.split_once(": "));
        let names: Vec<_> = fields.map(|(name, _)| name.to_owned()).collect();
        assert!(names.iter().any(|name| name == "message_bytes"), "{printed}");
        names
    }
}
