//! Client addresses, and the limits for each address.
//!
//! The limits apply before any application code runs, so a flood of requests costs one map lookup
//! each.

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

/// The address of the client that sent a request, as far as the server knows it. The runtime
/// inserts it into the request's extensions before it calls the
/// [`identity`](crate::Builder::identity) hook.
///
/// Use an address to restrict what a credential allows, not as a credential. Behind a proxy that is
/// not [trusted](crate::Builder::trust_proxy), every client has the proxy's address. That address
/// is a loopback address if the proxy runs on the same machine.
///
/// ```
/// use axum::http::request::Parts;
/// use vivaz::{ClientAddress, Identity, IdentityError, Secret, User};
///
/// /// Operators have a signed token, which is valid only on their own network.
/// fn identify(secret: &Secret, request: &Parts) -> Result<Identity, IdentityError> {
///     let token = request.headers.get("x-operator").and_then(|token| token.to_str().ok());
///     let Some((name, signature)) = token.and_then(|token| token.split_once('.')) else {
///         return Ok(Identity::anonymous());
///     };
///     if !secret.verify("operator", name.as_bytes(), signature) {
///         return Err(IdentityError::Refused);
///     }
///     // `None` for a client that a trusted proxy did not name: its network is unknown.
///     let address = request.extensions.get::<ClientAddress>().and_then(|client| client.ip());
///     let is_inside = match address {
///         Some(std::net::IpAddr::V4(ip)) => ip.octets()[0] == 10,
///         Some(std::net::IpAddr::V6(_)) | None => false,
///     };
///     let operator = Identity::of(User::new(name, name));
///     Ok(if is_inside { operator.with_permissions(["operate"]) } else { operator })
/// }
/// # let secret = Secret::new("the secret of this example is long enough").unwrap();
/// # let may = |client: ClientAddress, signed: &Secret| {
/// #     let token = format!("ada.{}", signed.sign("operator", b"ada"));
/// #     let request = axum::http::Request::builder().header("x-operator", token);
/// #     let request = request.extension(client).body(()).unwrap();
/// #     identify(&secret, &request.into_parts().0).ok().map(|who| who.may("operate"))
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
    /// The peer of the connection, which is not a trusted proxy.
    Peer(IpAddr),
    /// The address that a trusted proxy sent in `X-Forwarded-For`.
    Forwarded(IpAddr),
    /// A trusted proxy sent the request without a client address, or with one that cannot be
    /// parsed. All such clients share the limits of one address, even if loopback is exempt.
    Unknown,
}

impl ClientAddress {
    /// Returns the address; `None` for [`Unknown`](Self::Unknown).
    #[must_use]
    pub fn ip(self) -> Option<IpAddr> {
        match self {
            Self::Peer(ip) | Self::Forwarded(ip) => Some(ip),
            Self::Unknown => None,
        }
    }
}

/// Returns the client address of a request; `None` if the server does not record peer addresses
/// (`ConnectInfo`).
pub(crate) fn client_address(parts: &Parts, proxies: &Proxies) -> Option<ClientAddress> {
    let ConnectInfo(peer) = parts.extensions.get::<ConnectInfo<SocketAddr>>()?;
    Some(client_of(peer.ip(), &parts.headers, proxies))
}

/// Returns the client address of a request that has these headers and was sent by `peer`.
pub(crate) fn client_of(peer: IpAddr, headers: &HeaderMap, proxies: &Proxies) -> ClientAddress {
    proxies.client(peer.to_canonical(), headers)
}

/// The unit that limits count as one client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ClientKey {
    /// An IPv4 address, or an IPv6 network with a prefix of 64 bits: a client that has one address
    /// of such a network usually has all of them.
    Network(IpAddr),
    /// All clients whose address a trusted proxy does not send.
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

/// Checks whether a client is exempt from the limits by address: a loopback peer is, unless
/// [`Limits::loopback_is_limited`] is set. A forwarded address is never exempt.
pub(crate) fn is_exempt(address: ClientAddress, limits: &Limits) -> bool {
    matches!(address, ClientAddress::Peer(ip) if ip.is_loopback() && !limits.loopback_is_limited)
}

/// Limits the connections of each client. [`acquire`](Self::acquire) admits a connection.
#[derive(Debug)]
pub(crate) struct AddressLimiter {
    rate: Rate,
    limits: Limits,
    /// A std mutex: held for one map lookup, never across an await.
    map: Mutex<HashMap<ClientKey, AddressUsage, RandomState>>,
}

#[derive(Debug, Default)]
struct AddressUsage {
    connections: usize,
    meter: Meter,
}

/// Permission for one connection of a client; dropping it releases the connection's slot.
#[derive(Debug)]
pub(crate) struct AddressPermit {
    /// `None` if the connection is not counted.
    counted: Option<(Arc<AddressLimiter>, ClientKey)>,
}

/// The client is over its limit; it may retry after this time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RetryAfter(pub(crate) Duration);

impl AddressLimiter {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            rate: Rate::new(limits.upgrades_per_second, limits.upgrade_burst),
            limits: limits.clone(),
            map: Mutex::default(),
        }
    }

    /// Admits a connection from `address`. `now` is the time since the runtime started.
    ///
    /// An address is not counted if it is unknown to the server or exempt, or if the map is full of
    /// addresses that are in use.
    ///
    /// # Errors
    /// Returns [`RetryAfter`] if the address opens connections too fast or has too many.
    pub(crate) fn acquire(
        self: &Arc<Self>,
        address: Option<ClientAddress>,
        now: Duration,
    ) -> Result<AddressPermit, RetryAfter> {
        let Some(limited) = address.filter(|address| !is_exempt(*address, &self.limits)) else {
            return Ok(AddressPermit { counted: None });
        };
        let key = ClientKey::of(limited);
        let mut map = self.lock();
        if map.len() >= self.limits.addresses && !map.contains_key(&key) {
            map.retain(|_, usage| usage.connections > 0 || !usage.meter.is_recovered(now));
            if map.len() >= self.limits.addresses {
                return Ok(AddressPermit { counted: None });
            }
        }
        let usage = map.entry(key).or_default();
        usage.meter.take(self.rate, now).map_err(RetryAfter)?;
        if usage.connections >= self.limits.connections_per_address {
            return Err(RetryAfter(Duration::from_secs(10)));
        }
        usage.connections += 1;
        drop(map);
        Ok(AddressPermit { counted: Some((Arc::clone(self), key)) })
    }

    /// Admits a form that was sent from `address`. Forms count against the rate of connections.
    ///
    /// # Errors
    /// Returns [`RetryAfter`] if the address opens connections and sends forms too fast.
    pub(crate) fn admit_form(
        self: &Arc<Self>,
        address: Option<ClientAddress>,
        now: Duration,
    ) -> Result<(), RetryAfter> {
        self.acquire(address, now).map(drop)
    }

    /// Removes the addresses that have no connections and whose meter has recovered completely.
    pub(crate) fn sweep(&self, now: Duration) {
        self.lock().retain(|_, usage| usage.connections > 0 || !usage.meter.is_recovered(now));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ClientKey, AddressUsage, RandomState>> {
        // Nothing that can panic runs under the lock.
        self.map.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for AddressPermit {
    fn drop(&mut self) {
        let Some((addresses, key)) = self.counted.take() else { return };
        if let Some(usage) = addresses.lock().get_mut(&key) {
            usage.connections = usage.connections.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(limits: &Limits) -> Arc<AddressLimiter> {
        Arc::new(AddressLimiter::new(limits))
    }

    fn at(address: &str) -> Option<ClientAddress> {
        Some(ClientAddress::Peer(address.parse().unwrap()))
    }

    #[test]
    fn connections_are_limited_for_each_address() {
        let all = addresses(&Limits { connections_per_address: 2, ..Limits::default() });
        let now = Duration::ZERO;
        let first = all.acquire(at("192.0.2.1"), now).unwrap();
        let _second = all.acquire(at("192.0.2.1"), now).unwrap();
        assert!(all.acquire(at("192.0.2.1"), now).is_err());
        let _other = all.acquire(at("192.0.2.2"), now).unwrap();
        drop(first);
        assert!(all.acquire(at("192.0.2.1"), now).is_ok());
    }

    #[test]
    fn a_mapped_ipv4_peer_is_treated_as_ipv4() {
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
    fn an_ipv6_network_counts_as_one_address() {
        let all = addresses(&Limits { connections_per_address: 1, ..Limits::default() });
        let _held = all.acquire(at("2001:db8:0:1::1"), Duration::ZERO).unwrap();
        assert!(all.acquire(at("2001:db8:0:1:ffff::2"), Duration::ZERO).is_err());
        assert!(all.acquire(at("2001:db8:0:2::1"), Duration::ZERO).is_ok());
    }

    #[test]
    fn the_rate_of_new_connections_is_limited() {
        let all = addresses(&Limits { upgrades_per_second: 2, upgrade_burst: 3, ..Limits::default() });
        let taken = |now| (0..10).filter(|_| all.acquire(at("192.0.2.1"), now).is_ok()).count();
        assert_eq!(taken(Duration::ZERO), 3);
        assert_eq!(
            all.acquire(at("192.0.2.1"), Duration::ZERO).unwrap_err(),
            RetryAfter(Duration::from_millis(500))
        );
        assert_eq!(taken(Duration::from_millis(500)), 1);
        assert_eq!(taken(Duration::from_secs(60)), 3);
    }

    #[test]
    fn loopback_is_exempt_unless_configured() {
        let limits = Limits { connections_per_address: 0, ..Limits::default() };
        let all = addresses(&limits);
        for address in [at("127.0.0.1"), at("127.8.8.8"), at("::1"), None] {
            assert!(all.acquire(address, Duration::ZERO).is_ok(), "{address:?}");
        }
        // A proxy on this machine has a loopback address; the client that it names is limited.
        let named = ClientAddress::Forwarded("127.0.0.1".parse().unwrap());
        for address in [named, ClientAddress::Unknown] {
            assert!(all.acquire(Some(address), Duration::ZERO).is_err(), "{address:?}");
        }
        let all = addresses(&Limits { loopback_is_limited: true, ..limits });
        assert!(all.acquire(at("::1"), Duration::ZERO).is_err());
    }

    #[test]
    fn the_map_is_bounded_and_evicts_idle_addresses() {
        let all = addresses(&Limits { addresses: 100, ..Limits::default() });
        let held: Vec<_> = (0_u32..50)
            .map(|n| {
                all.acquire(Some(ClientAddress::Peer(IpAddr::from(n.to_be_bytes()))), Duration::ZERO).unwrap()
            })
            .collect();
        for n in 0_u32..10_000 {
            let ip = IpAddr::from((n + 1_000_000).to_be_bytes());
            assert!(all.acquire(Some(ClientAddress::Peer(ip)), Duration::from_millis(u64::from(n))).is_ok());
            assert!(all.lock().len() <= 100);
        }
        all.sweep(Duration::from_secs(3_600));
        assert_eq!(all.lock().len(), 50, "connected addresses are kept");
        drop(held);
        all.sweep(Duration::from_secs(3_600));
        assert_eq!(all.lock().len(), 0);
    }

    #[test]
    fn a_full_map_evicts_only_idle_recovered_addresses() {
        let all = addresses(&Limits {
            addresses: 2,
            connections_per_address: 1,
            upgrades_per_second: 1,
            upgrade_burst: 1,
            ..Limits::default()
        });
        let [here, recent, new] = ["192.0.2.1", "192.0.2.2", "192.0.2.3"].map(at);
        let _here = all.acquire(here, Duration::ZERO).unwrap();
        let now = Duration::from_secs(100);
        drop(all.acquire(recent, now).unwrap());
        assert!(all.acquire(here, now).is_err(), "a known address is counted when the map is full");
        for _ in 0..2 {
            assert!(all.acquire(new, now).is_ok(), "a full map does not count a new address");
        }
        assert!(all.acquire(recent, now).is_err(), "an address in its limit's window is kept");
        let later = Duration::from_secs(200);
        let _new = all.acquire(new, later).unwrap();
        assert!(all.acquire(new, later).is_err(), "the map has room again");
        assert!(all.acquire(here, later).is_err(), "a connected address is kept");
    }
}
