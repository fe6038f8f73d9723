//! Counts the sockets of a listener, and chooses which one is closed when there are too many.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use foldhash::fast::RandomState;

use super::pace::Pace;
use crate::admission::address::{ClientAddress, ClientKey, is_exempt};
use crate::limits::Limits;
use crate::telemetry::stats::Counters;

/// The sockets of a listener.
#[derive(Debug)]
pub(super) struct Crowd {
    limits: Limits,
    /// Sockets in all, WebSockets included.
    most: usize,
    /// Sockets of one address that are no WebSockets, and requests under way of one client of a
    /// trusted proxy.
    most_of_one: usize,
    counters: Arc<Counters>,
    /// A std mutex: held for looks into the maps, never across an await.
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Sockets in all, those included that are being closed.
    sockets: usize,
    /// Those that speak HTTP, by number.
    http: HashMap<u64, HttpSocket, RandomState>,
    /// How many of them, or of the requests of a trusted proxy, each client has.
    by_client: HashMap<ClientKey, usize, RandomState>,
    next: u64,
}

#[derive(Debug)]
struct HttpSocket {
    pace: Arc<Pace>,
    client: Option<ClientKey>,
}

/// One socket's place; given back when it is dropped.
#[derive(Debug)]
pub(super) struct Ticket {
    crowd: Arc<Crowd>,
    number: u64,
    pace: Arc<Pace>,
}

/// One request's place among those of its client; given back when it is dropped.
#[derive(Debug)]
pub(super) struct RequestPlace(Option<(Arc<Crowd>, ClientKey)>);

/// A client has too many requests under way.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooManyRequests;

/// What room there is for a new socket.
pub(super) enum Room {
    /// There is room.
    Free(Ticket),
    /// There is room once this one has been closed.
    Made(Ticket, Arc<Pace>),
    /// All others are busy, or WebSockets.
    None,
}

impl Crowd {
    /// Bounds sockets by the limits and by what the system allows.
    pub(super) fn new(limits: &Limits, allowed: Option<usize>, counters: Arc<Counters>) -> Self {
        let most = limits.sockets.min(allowed.unwrap_or(usize::MAX)).max(1);
        // However many one address may have, it does not keep all others out.
        let most_of_one = limits.http_connections_per_address.min(most.div_ceil(2));
        Self { limits: limits.clone(), most, most_of_one, counters, state: Mutex::default() }
    }

    /// Returns how many sockets may be WebSockets: some stay for HTTP, so that the server can be
    /// asked how it is.
    pub(super) fn upgrades(&self) -> usize {
        self.most - (self.most / 8).clamp(1, 1_000).min(self.most)
    }

    /// Finds room for a new socket of a client, or of a trusted proxy.
    pub(super) fn enter(self: &Arc<Self>, client: Option<ClientAddress>) -> Room {
        let client = self.key(client);
        let mut state = self.lock();
        let has = client.and_then(|client| state.by_client.get(&client)).copied().unwrap_or_default();
        // An address that has too many gives up one of its own.
        let closed = if has >= self.most_of_one {
            Some(state.longest_waiting(|socket| socket.client == client))
        } else if state.sockets >= self.most {
            Some(state.longest_waiting(|_| true))
        } else {
            None
        };
        let pace = match closed {
            Some(None) => return Room::None,
            Some(Some(number)) => self.leave_http(&mut state, number),
            None => None,
        };
        Counters::add(&self.counters.http_connections);
        let (number, new) = (state.next, Arc::new(Pace::default()));
        state.next += 1;
        state.sockets += 1;
        if let Some(client) = client {
            *state.by_client.entry(client).or_default() += 1;
        }
        state.http.insert(number, HttpSocket { pace: Arc::clone(&new), client });
        let ticket = Ticket { crowd: Arc::clone(self), number, pace: new };
        match pace {
            Some(pace) => Room::Made(ticket, pace),
            None => Room::Free(ticket),
        }
    }

    /// Counts a request that came through a trusted proxy; one that came straight is counted by its
    /// socket.
    pub(super) fn visit(self: &Arc<Self>, client: ClientAddress) -> Result<RequestPlace, TooManyRequests> {
        let client = match client {
            ClientAddress::Peer(_) => None,
            ClientAddress::Forwarded(_) | ClientAddress::Unknown => self.key(Some(client)),
        };
        let Some(client) = client else { return Ok(RequestPlace(None)) };
        let mut state = self.lock();
        let has = state.by_client.entry(client).or_default();
        if *has >= self.most_of_one {
            return Err(TooManyRequests);
        }
        *has += 1;
        drop(state);
        Ok(RequestPlace(Some((Arc::clone(self), client))))
    }

    fn key(&self, client: Option<ClientAddress>) -> Option<ClientKey> {
        client.filter(|client| !is_exempt(*client, &self.limits)).map(ClientKey::of)
    }

    /// Counts a socket out of those that speak HTTP, if it has not been yet.
    fn leave_http(&self, state: &mut State, number: u64) -> Option<Arc<Pace>> {
        let socket = state.http.remove(&number)?;
        Counters::sub(&self.counters.http_connections);
        if let Some(client) = socket.client {
            state.leave(client);
        }
        Some(socket.pace)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing that can panic runs under the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Returns the socket whose client has kept the server waiting longest, if there is one that
    /// waits for its client.
    fn longest_waiting(&self, among: impl Fn(&HttpSocket) -> bool) -> Option<u64> {
        let waiting = self.http.iter().filter(|(_, socket)| among(socket));
        let waiting = waiting.filter_map(|(number, socket)| Some((socket.pace.waiting_since()?, *number)));
        waiting.min().map(|(_, number)| number)
    }

    fn leave(&mut self, client: ClientKey) {
        if let Some(has) = self.by_client.get_mut(&client) {
            *has = has.saturating_sub(1);
            if *has == 0 {
                self.by_client.remove(&client);
            }
        }
    }
}

impl Ticket {
    pub(super) fn pace(&self) -> &Arc<Pace> {
        &self.pace
    }

    /// Counts the socket as a WebSocket from now on: it has limits of its own.
    pub(super) fn upgraded(&self) {
        let mut state = self.crowd.lock();
        let _pace = self.crowd.leave_http(&mut state, self.number);
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut state = self.crowd.lock();
        let _pace = self.crowd.leave_http(&mut state, self.number);
        state.sockets = state.sockets.saturating_sub(1);
        drop(state);
        self.pace.left();
    }
}

impl Drop for RequestPlace {
    fn drop(&mut self) {
        if let Some((crowd, client)) = self.0.take() {
            crowd.lock().leave(client);
        }
    }
}
