//! Trusted proxies, whose `X-Forwarded-For` header determines the client's address.

use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;
use ipnet::{IpNet, Ipv4Net};

use super::ClientAddress;

/// Each proxy appends the address of the peer that it received the request from.
pub(super) const FORWARDED_FOR: &str = "x-forwarded-for";

/// The length of the prefix of an IPv4-mapped IPv6 address.
const MAPPED_BITS: u8 = 96;

/// The addresses of trusted proxies.
#[derive(Clone, Debug, Default)]
pub(crate) struct Proxies {
    networks: Vec<IpNet>,
}

/// The text passed to [`Builder::trust_proxy`](crate::Builder::trust_proxy) is neither an address
/// nor a network.
#[derive(thiserror::Error)]
#[error("`{0}` is neither an IP address nor a network; expected a form such as 10.0.0.7 or 10.0.0.0/8")]
pub struct ProxyError(Box<str>);

vivaz_components::debug_as_message!(ProxyError);

impl Proxies {
    /// Adds the address of a proxy, or a network of proxies. Addresses are compared in canonical
    /// form: a network of IPv4-mapped IPv6 addresses is the network of the IPv4 addresses.
    ///
    /// # Errors
    /// Returns [`ProxyError`] if the text is neither an address nor a network.
    pub(crate) fn trust(&mut self, network: &str) -> Result<(), ProxyError> {
        let address = |_| network.parse::<IpAddr>().map(|address| IpNet::from(address.to_canonical()));
        let network = network.parse().or_else(address).map_err(|_| ProxyError(network.into()))?;
        self.networks.push(canonical(network));
        Ok(())
    }

    /// Returns the address of the client whose request came from `peer`.
    ///
    /// The list is read from its end, as far as trusted proxies wrote it: the first address that is
    /// not a trusted proxy's is the client's. The entries before it are unverified claims. An entry
    /// that is not an address makes the client unknown: the result never falls back to the address
    /// of the proxy, which may be exempt from limits.
    pub(super) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> ClientAddress {
        if !self.is_trusted(peer) {
            return ClientAddress::Peer(peer);
        }
        let lists = headers.get_all(FORWARDED_FOR).iter().rev();
        let mut last = ClientAddress::Unknown;
        for entry in lists.flat_map(|list| list.as_bytes().rsplit(|byte| *byte == b',')) {
            let Some(address) = parse_address(entry) else { return ClientAddress::Unknown };
            last = ClientAddress::Forwarded(address);
            if !self.is_trusted(address) {
                break;
            }
        }
        last
    }

    /// Checks whether a proxy with this address is trusted.
    pub(crate) fn is_trusted(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(&address))
    }
}

/// Converts a network of IPv4-mapped IPv6 addresses to the IPv4 network; returns any other network
/// unchanged.
fn canonical(network: IpNet) -> IpNet {
    let IpNet::V6(mapped) = network else { return network };
    let (Some(address), Some(length)) =
        (mapped.addr().to_ipv4_mapped(), mapped.prefix_len().checked_sub(MAPPED_BITS))
    else {
        return network;
    };
    Ipv4Net::new(address, length).map_or(network, IpNet::V4)
}

/// Parses an address in the forms that proxies write: some append a port, some put IPv6 addresses
/// into brackets.
fn parse_address(entry: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(entry).ok()?.trim_matches([' ', '\t']);
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    let ip = match bare {
        Some(bare) => bare.parse::<std::net::Ipv6Addr>().map(IpAddr::from).ok(),
        None => text.parse().ok().or_else(|| text.parse().ok().map(|socket: SocketAddr| socket.ip())),
    };
    ip.map(|ip| ip.to_canonical())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn trusting(networks: &[&str]) -> Proxies {
        let mut proxies = Proxies::default();
        for network in networks {
            proxies.trust(network).unwrap();
        }
        proxies
    }

    fn lists<'a>(lists: impl IntoIterator<Item = &'a [u8]>) -> HeaderMap {
        let values = lists.into_iter().map(|list| HeaderValue::from_bytes(list).unwrap());
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(FORWARDED_FOR, value);
        }
        headers
    }

    fn client(trusted: &[&str], peer: &str, named: &[&str]) -> ClientAddress {
        let headers = lists(named.iter().map(|list| list.as_bytes()));
        trusting(trusted).client(peer.parse().unwrap(), &headers)
    }

    fn forwarded(address: &str) -> ClientAddress {
        ClientAddress::Forwarded(address.parse().unwrap())
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        let peer = ClientAddress::Peer("192.0.2.1".parse().unwrap());
        assert_eq!(client(&[], "192.0.2.1", &["203.0.113.9"]), peer);
        assert_eq!(client(&["10.0.0.0/8"], "192.0.2.1", &["203.0.113.9"]), peer);
    }

    #[test]
    fn a_network_of_mapped_addresses_is_that_of_the_addresses() {
        for network in ["10.0.0.0/8", "::ffff:10.0.0.0/104", "::ffff:a00:0/104"] {
            assert_eq!(
                client(&[network], "10.1.2.3", &["203.0.113.9"]),
                forwarded("203.0.113.9"),
                "{network}"
            );
            let peer = ClientAddress::Peer("11.0.0.1".parse().unwrap());
            assert_eq!(client(&[network], "11.0.0.1", &["203.0.113.9"]), peer, "{network}");
        }
        for host in ["10.0.0.7", "::ffff:10.0.0.7", "::ffff:10.0.0.7/128", "10.0.0.7/32"] {
            assert_eq!(client(&[host], "10.0.0.7", &["203.0.113.9"]), forwarded("203.0.113.9"), "{host}");
            let peer = ClientAddress::Peer("10.0.0.8".parse().unwrap());
            assert_eq!(client(&[host], "10.0.0.8", &["203.0.113.9"]), peer, "{host}");
        }
        // All mapped addresses, and networks that are not mapped.
        assert_eq!(client(&["::ffff:0:0/96"], "198.51.100.1", &["203.0.113.9"]), forwarded("203.0.113.9"));
        for network in ["fd00::/8", "::/0", "2001:db8::/96"] {
            let peer = ClientAddress::Peer("10.0.0.7".parse().unwrap());
            assert_eq!(client(&[network], "10.0.0.7", &["203.0.113.9"]), peer, "{network}");
        }
    }

    #[test]
    fn a_client_cannot_forge_its_address() {
        let trusted = &["10.0.0.0/8"];
        let mallory = forwarded("203.0.113.9");
        assert_eq!(client(trusted, "10.0.0.1", &["203.0.113.9"]), mallory);
        assert_eq!(client(trusted, "10.0.0.1", &["127.0.0.1, 203.0.113.9"]), mallory);
        assert_eq!(client(trusted, "10.0.0.1", &["127.0.0.1", "203.0.113.9, 10.0.0.2"]), mallory);
        // A client inside the proxies' network, named by one of the proxies.
        assert_eq!(client(trusted, "10.0.0.1", &["10.0.0.3"]), forwarded("10.0.0.3"));
    }

    #[test]
    fn an_entry_that_is_no_address_makes_the_client_unknown() {
        for entry in [
            "",
            " ",
            ",",
            "nonsense",
            "unknown",
            "_hidden",
            "\u{e9}",
            "127.0.0.1 127.0.0.1",
            "fe80::1%eth0",
            "[::1",
            "::1]",
            "[127.0.0.1]",
            "127.0.0.1:",
            "127.0.0.1:x",
            "127.0.0.1:70000",
            "127.1",
            "0x7f000001",
            "127.0.0.01",
            "for=127.0.0.1",
            "\"127.0.0.1\"",
        ] {
            for list in [entry.to_owned(), format!("{entry}, 10.0.0.2"), format!("203.0.113.9, {entry}")] {
                let client = client(&["10.0.0.0/8", "127.0.0.1"], "10.0.0.1", &[&list]);
                assert_eq!(client, ClientAddress::Unknown, "{list:?}");
            }
        }
        // A trusted proxy that sends no client address.
        assert_eq!(client(&["127.0.0.1"], "127.0.0.1", &[]), ClientAddress::Unknown);
    }

    #[test]
    fn addresses_are_read_as_proxies_write_them() {
        let trusted = &["127.0.0.1", "fd00::/8", "::ffff:192.0.2.7"];
        assert_eq!(client(trusted, "127.0.0.1", &["203.0.113.9:4711"]), forwarded("203.0.113.9"));
        assert_eq!(client(trusted, "127.0.0.1", &["[2001:db8::1]:80"]), forwarded("2001:db8::1"));
        assert_eq!(client(trusted, "127.0.0.1", &["[2001:db8::1]"]), forwarded("2001:db8::1"));
        assert_eq!(client(trusted, "fd00::1", &["::ffff:203.0.113.9"]), forwarded("203.0.113.9"));
        assert_eq!(client(trusted, "192.0.2.7", &["203.0.113.9"]), forwarded("203.0.113.9"));
        assert_eq!(client(trusted, "fd00::1", &["203.0.113.9, ::ffff:127.0.0.1"]), forwarded("203.0.113.9"));
    }

    #[test]
    fn an_invalid_network_is_refused() {
        for text in ["", "example.org", "10.0.0.0/33", "10.0.0"] {
            assert!(Proxies::default().trust(text).is_err(), "{text}");
        }
    }

    /// One header value: arbitrary header bytes, and text that resembles addresses.
    fn list() -> impl Strategy<Value = Vec<u8>> {
        let bytes =
            proptest::collection::vec((32_u8..=255).prop_filter("no DEL", |byte| *byte != 127), 0..24);
        let entry = prop_oneof![
            Just("127.0.0.1"),
            Just("::1"),
            Just("10.0.0.2"),
            Just("::ffff:127.0.0.1"),
            Just("[::1]:80"),
            Just("fe80::1%lo"),
            Just(""),
            Just("localhost"),
            Just("127.0.0.1\u{a0}"),
        ];
        let entries = proptest::collection::vec(entry, 0..4);
        prop_oneof![bytes, entries.prop_map(|entries| entries.join(", ").into_bytes())]
    }

    proptest! {
        /// The trusted proxy appends the address of its peer, as proxies do.
        #[test]
        fn a_forged_list_does_not_hide_the_proxys_peer(written in proptest::collection::vec(list(), 0..4)) {
            let proxies = trusting(&["127.0.0.0/8", "::1", "10.0.0.0/8"]);
            let mut appended = lists(written.iter().map(Vec::as_slice));
            appended.append(FORWARDED_FOR, "203.0.113.9".parse().unwrap());
            let seen = proxies.client("127.0.0.1".parse().unwrap(), &appended);
            prop_assert_eq!(seen, forwarded("203.0.113.9"));
            let joined = written.join(&b", "[..]);
            let joined = [joined.as_slice(), b", 203.0.113.9"].concat();
            let seen = proxies.client("127.0.0.1".parse().unwrap(), &lists([joined.as_slice()]));
            prop_assert_eq!(seen, forwarded("203.0.113.9"));
        }

        /// Behind a proxy that appends nothing, or behind a second proxy that corrupts the header.
        #[test]
        fn an_unreadable_entry_never_ends_at_a_trusted_address(
            first in list(), bad in "[^0-9a-fA-F:., \t\\x00-\\x1f\\x7f]{1,12}", after in 0_usize..3,
        ) {
            let proxies = trusting(&["127.0.0.0/8", "::1", "10.0.0.0/8"]);
            let mut all = vec![first, bad.into_bytes()];
            all.extend(std::iter::repeat_n(b"10.0.0.2".to_vec(), after));
            let headers = lists(all.iter().map(Vec::as_slice));
            let seen = proxies.client("127.0.0.1".parse().unwrap(), &headers);
            prop_assert_eq!(seen, ClientAddress::Unknown);
        }

        #[test]
        fn a_header_never_yields_a_loopback_peer(written in proptest::collection::vec(list(), 0..4)) {
            let headers = lists(written.iter().map(Vec::as_slice));
            let proxies = trusting(&["127.0.0.0/8", "::1", "10.0.0.0/8"]);
            for peer in ["127.0.0.1", "10.0.0.1", "192.0.2.1"] {
                let seen = proxies.client(peer.parse().unwrap(), &headers);
                let is_exempt = matches!(seen, ClientAddress::Peer(ip) if ip.is_loopback());
                prop_assert!(!is_exempt, "{:?}", seen);
            }
        }
    }
}
