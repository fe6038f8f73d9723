//! Where a connection comes from, and how much one address may ask for.
//!
//! What this limits, it limits before anything of the application runs: a flood costs a look into a map.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::extract::ConnectInfo;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use foldhash::fast::RandomState;

pub(crate) use self::proxies::Proxies;
pub use self::proxies::ProxyError;
use crate::limits::Limits;
use crate::rate::{Meter, Rate};

mod proxies;

/// The address of the client that sent a request, as far as the server knows it. The hook for
/// [`identity`](crate::Builder::identity) finds it in the request's extensions.
///
/// An address narrows what a credential allows; it does not replace one. Behind a proxy that is not
/// [trusted](crate::Builder::trust_proxy) every client has the proxy's address, and behind one on
/// the same machine that is a loopback address.
///
/// ```
/// use axum::http::request::Parts;
/// use vivaz::{ClientAddress, Identity, IdentityError, Secret, User};
///
/// /// Operators have a signed token, which is good only on their own network.
/// fn identify(secret: &Secret, request: &Parts) -> Result<Identity, IdentityError> {
///     let token = request.headers.get("x-operator").and_then(|token| token.to_str().ok());
///     let Some((name, signature)) = token.and_then(|token| token.split_once('.')) else {
///         return Ok(Identity::anonymous());
///     };
///     if !secret.verify("operator", name.as_bytes(), signature) {
///         return Err(IdentityError::Refused);
///     }
///     // `None` for a client that a trusted proxy did not name: it is on no network.
///     let address = request.extensions.get::<ClientAddress>().and_then(|client| client.ip());
///     let is_inside = address.is_some_and(|ip| matches!(ip, std::net::IpAddr::V4(ip) if ip.octets()[0] == 10));
///     let operator = Identity::of(User::new(name, name));
///     Ok(if is_inside { operator.with_permissions(["operate"]) } else { operator })
/// }
/// # let secret = Secret::new("the secret of this example is long enough").unwrap();
/// # let may = |client: ClientAddress, signed: &Secret| {
/// #     let token = format!("ada.{}", signed.sign("operator", b"ada"));
/// #     let request = axum::http::Request::builder().header("x-operator", token).extension(client);
/// #     identify(&secret, &request.body(()).unwrap().into_parts().0).ok().map(|who| who.may("operate"))
/// # };
/// # let ip = |text: &str| text.parse().unwrap();
/// # assert_eq!(may(ClientAddress::Forwarded(ip("10.0.0.7")), &secret), Some(true));
/// # assert_eq!(may(ClientAddress::Peer(ip("127.0.0.1")), &secret), Some(false));
/// # assert_eq!(may(ClientAddress::Unknown, &secret), Some(false));
/// # assert_eq!(may(ClientAddress::Peer(ip("10.0.0.7")), &Secret::random().unwrap()), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientAddress {
    /// The peer of the connection itself, which is no trusted proxy.
    Peer(IpAddr),
    /// The address that a trusted proxy named in `X-Forwarded-For`.
    Forwarded(IpAddr),
    /// A trusted proxy sent the request, and named no client or one that cannot be read. All such
    /// clients together are limited as one address, also where loopback is exempt.
    Unknown,
}

impl ClientAddress {
    /// Returns the address, if there is one.
    #[must_use]
    pub fn ip(self) -> Option<IpAddr> {
        match self {
            Self::Peer(ip) | Self::Forwarded(ip) => Some(ip),
            Self::Unknown => None,
        }
    }
}

/// Returns where a request comes from; `None` if the application is not served with the peers'
/// addresses.
pub(crate) fn client_address(parts: &Parts, proxies: &Proxies) -> Option<ClientAddress> {
    let ConnectInfo(peer) = parts.extensions.get::<ConnectInfo<SocketAddr>>()?;
    Some(client_of(peer.ip(), &parts.headers, proxies))
}

/// Returns where a request with these headers comes from that a peer sent.
pub(crate) fn client_of(peer: IpAddr, headers: &HeaderMap, proxies: &Proxies) -> ClientAddress {
    proxies.client(peer.to_canonical(), headers)
}

/// What is counted as one client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ClientKey {
    /// An address of IPv4, or a network of 2^64 addresses of IPv6: a client with one of them
    /// usually has all.
    Network(IpAddr),
    /// All clients that trusted proxies do not name.
    Unknown,
}

impl ClientKey {
    pub(crate) fn of(address: ClientAddress) -> Self {
        match address.ip() {
            Some(IpAddr::V6(ip)) => Self::Network(Ipv6Addr::from_bits(ip.to_bits() >> 64 << 64).into()),
            Some(ip) => Self::Network(ip),
            None => Self::Unknown,
        }
    }
}

/// Checks whether limits by address leave a client alone: a peer on this machine, unless it is
/// limited too. An address that a proxy names is limited whatever it is.
pub(crate) fn is_exempt(address: ClientAddress, limits: &Limits) -> bool {
    matches!(address, ClientAddress::Peer(ip) if ip.is_loopback() && !limits.loopback_is_limited)
}

/// Counts the connections of each client. One of them is let in with [`enter`](Self::enter).
#[derive(Debug)]
pub(crate) struct Addresses {
    rate: Rate,
    limits: Limits,
    /// A std mutex: it is held for a look into the map, never across an await.
    map: Mutex<HashMap<ClientKey, Visits, RandomState>>,
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
    counted: Option<(Arc<Addresses>, ClientKey)>,
}

/// An address asks for too much; it may come again after that time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooMany(pub(crate) Duration);

impl Addresses {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            rate: Rate::new(limits.upgrades_per_second, limits.upgrade_burst),
            limits: limits.clone(),
            map: Mutex::default(),
        }
    }

    /// A place for a connection from there, at a time of the server's clock.
    pub(crate) fn enter(
        self: &Arc<Self>,
        address: Option<ClientAddress>,
        now: Duration,
    ) -> Result<Visit, TooMany> {
        let Some(limited) = address.filter(|address| !is_exempt(*address, &self.limits)) else {
            return Ok(Visit { counted: None });
        };
        let key = ClientKey::of(limited);
        let mut map = self.lock();
        if map.len() >= self.limits.addresses && !map.contains_key(&key) {
            map.retain(|_, visits| visits.connections > 0 || !visits.meter.is_rested(now));
            if map.len() >= self.limits.addresses {
                return Ok(Visit { counted: None });
            }
        }
        let visits = map.entry(key).or_default();
        visits.meter.take(self.rate, now).map_err(TooMany)?;
        if visits.connections >= self.limits.connections_per_address {
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

    fn lock(&self) -> MutexGuard<'_, HashMap<ClientKey, Visits, RandomState>> {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(limits: &Limits) -> Arc<Addresses> {
        Arc::new(Addresses::new(limits))
    }

    fn at(address: &str) -> Option<ClientAddress> {
        Some(ClientAddress::Peer(address.parse().unwrap()))
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
    fn a_peer_of_ipv4_is_known_as_such_on_a_socket_of_ipv6() {
        let mut proxies = Proxies::default();
        proxies.trust("127.0.0.1").unwrap();
        let mut headers = HeaderMap::new();
        let peer = |text: &str, headers: &HeaderMap| client_of(text.parse().unwrap(), headers, &proxies);
        assert_eq!(Some(peer("::ffff:192.0.2.1", &headers)), at("192.0.2.1"));
        assert_eq!(peer("::ffff:127.0.0.1", &headers), ClientAddress::Unknown);
        headers.insert("x-forwarded-for", "::ffff:203.0.113.9".parse().unwrap());
        let named = ClientAddress::Forwarded("203.0.113.9".parse().unwrap());
        assert_eq!(peer("::ffff:127.0.0.1", &headers), named);
        assert_eq!(Some(peer("::ffff:192.0.2.1", &headers)), at("192.0.2.1"));
        assert_eq!(named.ip().map(|ip| ip.is_ipv4()), Some(true));
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
        // A proxy on this machine is at loopback, and who it asks for is not.
        let named = ClientAddress::Forwarded("127.0.0.1".parse().unwrap());
        for address in [named, ClientAddress::Unknown] {
            assert!(all.enter(Some(address), Duration::ZERO).is_err(), "{address:?}");
        }
        let all = addresses(&Limits { loopback_is_limited: true, ..limits });
        assert!(all.enter(at("::1"), Duration::ZERO).is_err());
    }

    #[test]
    fn the_map_has_a_bound_and_forgets_who_is_away() {
        let all = addresses(&Limits { addresses: 100, ..Limits::default() });
        let held: Vec<_> = (0_u32..50)
            .map(|n| {
                all.enter(Some(ClientAddress::Peer(IpAddr::from(n.to_be_bytes()))), Duration::ZERO).unwrap()
            })
            .collect();
        for n in 0_u32..10_000 {
            let ip = IpAddr::from((n + 1_000_000).to_be_bytes());
            assert!(all.enter(Some(ClientAddress::Peer(ip)), Duration::from_millis(u64::from(n))).is_ok());
            assert!(all.lock().len() <= 100);
        }
        all.sweep(Duration::from_secs(3_600));
        assert_eq!(all.lock().len(), 50, "those that are there are not forgotten");
        drop(held);
        all.sweep(Duration::from_secs(3_600));
        assert_eq!(all.lock().len(), 0);
    }

    #[test]
    fn a_full_map_makes_room_by_forgetting_those_alone_who_are_away_and_rested() {
        let all = addresses(&Limits {
            addresses: 2,
            connections_per_address: 1,
            upgrades_per_second: 1,
            upgrade_burst: 1,
            ..Limits::default()
        });
        let [here, recent, new] = ["192.0.2.1", "192.0.2.2", "192.0.2.3"].map(at);
        let _here = all.enter(here, Duration::ZERO).unwrap();
        let now = Duration::from_secs(100);
        drop(all.enter(recent, now).unwrap());
        assert!(all.enter(here, now).is_err(), "who is known is counted when the map is full");
        for _ in 0..2 {
            assert!(all.enter(new, now).is_ok(), "there is no room to count another one");
        }
        assert!(all.enter(recent, now).is_err(), "who is not rested is not forgotten");
        let later = Duration::from_secs(200);
        let _new = all.enter(new, later).unwrap();
        assert!(all.enter(new, later).is_err(), "there is room now");
        assert!(all.enter(here, later).is_err(), "who is there is not forgotten");
    }
}
