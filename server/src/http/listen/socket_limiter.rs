//! Limits the sockets of a listener, and selects the one to close when there are too many.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use foldhash::fast::RandomState;

use super::pace::Pace;
use crate::admission::address::{ClientAddress, ClientKey, is_exempt};
use crate::limits::Limits;
use crate::telemetry::counters::Counters;

/// Limits the sockets of a listener: all of them, and those of each client.
#[derive(Debug)]
pub(super) struct SocketLimiter {
    limits: Limits,
    /// The maximum number of sockets, including WebSockets.
    max_sockets: usize,
    /// The maximum number of sockets of one address that are not WebSockets, and of concurrent
    /// requests of one client of a trusted proxy.
    max_per_client: usize,
    counters: Arc<Counters>,
    /// A std mutex: held for map lookups, never across an await.
    table: Mutex<SocketTable>,
}

#[derive(Debug, Default)]
struct SocketTable {
    /// The number of sockets, including those that are being closed.
    sockets: usize,
    /// The sockets that carry HTTP, by number.
    http: HashMap<u64, HttpSocket, RandomState>,
    /// The number of HTTP sockets, or of requests through a trusted proxy, of each client.
    by_client: HashMap<ClientKey, usize, RandomState>,
    next_number: u64,
}

#[derive(Debug)]
struct HttpSocket {
    pace: Arc<Pace>,
    client: Option<ClientKey>,
}

/// Permission for one socket; dropping it releases the socket's slot.
#[derive(Debug)]
pub(super) struct SocketPermit {
    limiter: Arc<SocketLimiter>,
    number: u64,
    pace: Arc<Pace>,
}

/// Permission for one request of a client; dropping it releases the request's slot.
#[derive(Debug)]
pub(super) struct RequestPermit(Option<(Arc<SocketLimiter>, ClientKey)>);

/// The client has too many concurrent requests.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooManyRequests;

/// The decision about a new socket.
pub(super) enum SocketAdmission {
    /// The socket is within the limits.
    Admitted(SocketPermit),
    /// The socket is admitted, and the caller has to close the connection with this pace.
    Evicting(SocketPermit, Arc<Pace>),
    /// The limit is reached, and all other sockets are busy or carry a WebSocket.
    Refused,
}

impl SocketLimiter {
    /// Creates a limiter. `system_limit` is the number of sockets that the system allows, if known.
    pub(super) fn new(limits: &Limits, system_limit: Option<usize>, counters: Arc<Counters>) -> Self {
        let max_sockets = limits.sockets.min(system_limit.unwrap_or(usize::MAX)).max(1);
        // One address never takes more than half of the sockets from all others.
        let max_per_client = limits.http_connections_per_address.min(max_sockets.div_ceil(2));
        Self { limits: limits.clone(), max_sockets, max_per_client, counters, table: Mutex::default() }
    }

    /// Returns how many sockets may be WebSockets: an eighth, from 1 to 1,000, stays for HTTP, so
    /// that health checks are answered.
    pub(super) fn max_web_sockets(&self) -> usize {
        self.max_sockets - (self.max_sockets / 8).clamp(1, 1_000).min(self.max_sockets)
    }

    /// Admits a new socket. `client` is `None` for a trusted proxy, whose sockets are not counted
    /// by address.
    pub(super) fn admit(self: &Arc<Self>, client: Option<ClientAddress>) -> SocketAdmission {
        let client = self.key(client);
        let mut table = self.lock();
        let has = client.and_then(|client| table.by_client.get(&client)).copied().unwrap_or_default();
        // For an address over its limit, one of its own sockets is closed.
        let evicted = if has >= self.max_per_client {
            Some(table.longest_waiting(|socket| socket.client == client))
        } else if table.sockets >= self.max_sockets {
            Some(table.longest_waiting(|_| true))
        } else {
            None
        };
        let evicted = match evicted {
            Some(None) => return SocketAdmission::Refused,
            Some(Some(number)) => self.remove_http(&mut table, number),
            None => None,
        };
        self.counters.http_connections.add();
        let (number, pace) = (table.next_number, Arc::new(Pace::default()));
        table.next_number += 1;
        table.sockets += 1;
        if let Some(client) = client {
            *table.by_client.entry(client).or_default() += 1;
        }
        table.http.insert(number, HttpSocket { pace: Arc::clone(&pace), client });
        let permit = SocketPermit { limiter: Arc::clone(self), number, pace };
        match evicted {
            Some(evicted) => SocketAdmission::Evicting(permit, evicted),
            None => SocketAdmission::Admitted(permit),
        }
    }

    /// Admits a request. A request through a trusted proxy is counted for its client; any other is
    /// already counted by its socket.
    ///
    /// # Errors
    /// Returns [`TooManyRequests`] if the client has too many concurrent requests.
    pub(super) fn admit_request(
        self: &Arc<Self>,
        client: ClientAddress,
    ) -> Result<RequestPermit, TooManyRequests> {
        let client = match client {
            ClientAddress::Peer(_) => None,
            ClientAddress::Forwarded(_) | ClientAddress::Unknown => self.key(Some(client)),
        };
        let Some(client) = client else { return Ok(RequestPermit(None)) };
        let mut table = self.lock();
        let has = table.by_client.entry(client).or_default();
        if *has >= self.max_per_client {
            return Err(TooManyRequests);
        }
        *has += 1;
        drop(table);
        Ok(RequestPermit(Some((Arc::clone(self), client))))
    }

    fn key(&self, client: Option<ClientAddress>) -> Option<ClientKey> {
        client.filter(|client| !is_exempt(*client, &self.limits)).map(ClientKey::of)
    }

    /// Removes a socket from the HTTP sockets, if it is one of them.
    fn remove_http(&self, table: &mut SocketTable, number: u64) -> Option<Arc<Pace>> {
        let socket = table.http.remove(&number)?;
        self.counters.http_connections.sub();
        if let Some(client) = socket.client {
            table.release(client);
        }
        Some(socket.pace)
    }

    fn lock(&self) -> MutexGuard<'_, SocketTable> {
        // Nothing that can panic runs under the lock.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SocketTable {
    /// Returns the number of the socket that has waited longest for its client, among those that
    /// `filter` accepts. Returns `None` if none of them waits for its client.
    fn longest_waiting(&self, filter: impl Fn(&HttpSocket) -> bool) -> Option<u64> {
        let waiting = self.http.iter().filter(|(_, socket)| filter(socket));
        let waiting = waiting.filter_map(|(number, socket)| Some((socket.pace.waiting_since()?, *number)));
        waiting.min().map(|(_, number)| number)
    }

    /// Decrements the count of a client.
    fn release(&mut self, client: ClientKey) {
        if let Some(has) = self.by_client.get_mut(&client) {
            *has = has.saturating_sub(1);
            if *has == 0 {
                self.by_client.remove(&client);
            }
        }
    }
}

impl SocketPermit {
    pub(super) fn pace(&self) -> &Arc<Pace> {
        &self.pace
    }

    /// Counts the socket as a WebSocket from now on: WebSockets have their own limits.
    pub(super) fn upgraded(&self) {
        let mut table = self.limiter.lock();
        let _pace = self.limiter.remove_http(&mut table, self.number);
    }
}

impl Drop for SocketPermit {
    fn drop(&mut self) {
        let mut table = self.limiter.lock();
        let _pace = self.limiter.remove_http(&mut table, self.number);
        table.sockets = table.sockets.saturating_sub(1);
        drop(table);
        self.pace.notify_closed();
    }
}

impl Drop for RequestPermit {
    fn drop(&mut self) {
        if let Some((limiter, client)) = self.0.take() {
            limiter.lock().release(client);
        }
    }
}
