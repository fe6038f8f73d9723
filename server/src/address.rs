//! Where a connection comes from, and how much one address may ask for.
//!
//! What this limits, it limits before anything of the application runs: a flood costs a look into a map.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::extract::ConnectInfo;
use axum::http::request::Parts;
use foldhash::fast::RandomState;

pub(crate) use self::proxies::Proxies;
pub use self::proxies::ProxyError;
use crate::limits::Limits;
use crate::rate::{Meter, Rate};

mod proxies;

/// The address of the client that sent a request: the peer's, or, where that is a trusted proxy, the one that the
/// proxy names. The hook for [`identity`](crate::Builder::identity) finds it in the request's extensions.
///
/// ```
/// use axum::http::request::Parts;
/// use vivaz::{ClientAddress, Identity, Refused};
///
/// async fn identify(request: Parts) -> Result<Identity, Refused> {
///     let from_here = request.extensions.get::<ClientAddress>().is_some_and(|address| address.0.is_loopback());
///     if from_here { Ok(Identity::anonymous().with_permissions(["operate"])) } else { Err(Refused) }
/// }
/// # let _ = identify;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

/// Finds out where a request comes from; `None` if the application is not served with the peers' addresses.
pub(crate) fn client_address(parts: &Parts, proxies: &Proxies) -> Option<ClientAddress> {
    let ConnectInfo(peer) = parts.extensions.get::<ConnectInfo<SocketAddr>>()?;
    Some(ClientAddress(proxies.client(peer.ip().to_canonical(), &parts.headers)))
}

/// Counts the connections of every address. One of them is let in with [`enter`](Self::enter).
#[derive(Debug)]
pub(crate) struct Addresses {
    rate: Rate,
    connections: usize,
    room: usize,
    loopback_is_limited: bool,
    /// A std mutex: it is held for a look into the map, never across an await.
    map: Mutex<HashMap<IpAddr, Visits, RandomState>>,
}

#[derive(Debug, Default)]
struct Visits {
    connections: usize,
    meter: Meter,
}

/// One connection's place at its address; given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Visit {
    /// None where nothing is counted.
    counted: Option<(Arc<Addresses>, IpAddr)>,
}

/// An address asks for too much; it may come again after that time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooMany(pub(crate) Duration);

impl Addresses {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            rate: Rate::new(limits.upgrades_per_second, limits.upgrade_burst),
            connections: limits.connections_per_address,
            room: limits.addresses,
            loopback_is_limited: limits.loopback_is_limited,
            map: Mutex::default(),
        }
    }

    /// A place for a connection from there, at a time of the server's clock.
    pub(crate) fn enter(
        self: &Arc<Self>,
        address: Option<ClientAddress>,
        now: Duration,
    ) -> Result<Visit, TooMany> {
        let limited = address.filter(|ClientAddress(ip)| self.loopback_is_limited || !ip.is_loopback());
        let Some(ClientAddress(ip)) = limited else { return Ok(Visit { counted: None }) };
        let key = key(ip);
        let mut map = self.lock();
        if map.len() >= self.room && !map.contains_key(&key) {
            map.retain(|_, visits| visits.connections > 0 || !visits.meter.is_rested(now));
            if map.len() >= self.room {
                return Ok(Visit { counted: None });
            }
        }
        let visits = map.entry(key).or_default();
        visits.meter.take(self.rate, now).map_err(TooMany)?;
        if visits.connections >= self.connections {
            return Err(TooMany(Duration::from_secs(10)));
        }
        visits.connections += 1;
        drop(map);
        Ok(Visit { counted: Some((Arc::clone(self), key)) })
    }

    /// Forgets those who have been away for long enough to have used nothing.
    pub(crate) fn sweep(&self, now: Duration) {
        self.lock().retain(|_, visits| visits.connections > 0 || !visits.meter.is_rested(now));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, Visits, RandomState>> {
        // Nothing that can panic runs under the lock.
        self.map.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        let Some((addresses, key)) = self.counted.take() else { return };
        if let Some(visits) = addresses.lock().get_mut(&key) {
            visits.connections = visits.connections.saturating_sub(1);
        }
    }
}

/// What counts as one address: whoever has one of IPv6 usually has the 2^64 beside it too.
fn key(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(_) => ip,
        IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() >> 64 << 64).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(limits: &Limits) -> Arc<Addresses> {
        Arc::new(Addresses::new(limits))
    }

    fn at(address: &str) -> Option<ClientAddress> {
        Some(ClientAddress(address.parse().unwrap()))
    }

    #[test]
    fn an_address_has_so_many_connections_and_others_have_theirs() {
        let all = addresses(&Limits { connections_per_address: 2, ..Limits::default() });
        let now = Duration::ZERO;
        let first = all.enter(at("192.0.2.1"), now).unwrap();
        let _second = all.enter(at("192.0.2.1"), now).unwrap();
        assert!(all.enter(at("192.0.2.1"), now).is_err());
        let _other = all.enter(at("192.0.2.2"), now).unwrap();
        drop(first);
        assert!(all.enter(at("192.0.2.1"), now).is_ok());
    }

    #[test]
    fn a_network_of_ipv6_is_one_address() {
        let all = addresses(&Limits { connections_per_address: 1, ..Limits::default() });
        let _held = all.enter(at("2001:db8:0:1::1"), Duration::ZERO).unwrap();
        assert!(all.enter(at("2001:db8:0:1:ffff::2"), Duration::ZERO).is_err());
        assert!(all.enter(at("2001:db8:0:2::1"), Duration::ZERO).is_ok());
    }

    #[test]
    fn connections_are_opened_at_a_rate_also_if_they_are_closed_at_once() {
        let all = addresses(&Limits { upgrades_per_second: 2, upgrade_burst: 3, ..Limits::default() });
        let taken = |now| (0..10).filter(|_| all.enter(at("192.0.2.1"), now).is_ok()).count();
        assert_eq!(taken(Duration::ZERO), 3);
        assert_eq!(
            all.enter(at("192.0.2.1"), Duration::ZERO).unwrap_err(),
            TooMany(Duration::from_millis(500))
        );
        assert_eq!(taken(Duration::from_millis(500)), 1);
        assert_eq!(taken(Duration::from_secs(60)), 3);
    }

    #[test]
    fn loopback_is_let_through_unless_it_is_limited_too() {
        let limits = Limits { connections_per_address: 0, ..Limits::default() };
        let all = addresses(&limits);
        for address in [at("127.0.0.1"), at("127.8.8.8"), at("::1"), None] {
            assert!(all.enter(address, Duration::ZERO).is_ok(), "{address:?}");
        }
        let all = addresses(&Limits { loopback_is_limited: true, ..limits });
        assert!(all.enter(at("::1"), Duration::ZERO).is_err());
    }

    #[test]
    fn the_map_has_a_bound_and_forgets_who_is_away() {
        let all = addresses(&Limits { addresses: 100, ..Limits::default() });
        let held: Vec<_> = (0_u32..50)
            .map(|n| all.enter(Some(ClientAddress(IpAddr::from(n.to_be_bytes()))), Duration::ZERO).unwrap())
            .collect();
        for n in 0_u32..10_000 {
            let ip = IpAddr::from((n + 1_000_000).to_be_bytes());
            assert!(all.enter(Some(ClientAddress(ip)), Duration::from_millis(u64::from(n))).is_ok());
            assert!(all.lock().len() <= 100);
        }
        all.sweep(Duration::from_secs(3_600));
        assert_eq!(all.lock().len(), 50, "those that are there are not forgotten");
        drop(held);
        all.sweep(Duration::from_secs(3_600));
        assert_eq!(all.lock().len(), 0);
    }
}
