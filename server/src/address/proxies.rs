//! Proxies whose word on where a request comes from is taken.

use std::net::IpAddr;

use axum::http::HeaderMap;
use ipnet::IpNet;

/// Every proxy appends the address that it was asked from.
const FORWARDED_FOR: &str = "x-forwarded-for";

/// The networks in which they are.
#[derive(Clone, Debug, Default)]
pub(crate) struct Proxies {
    networks: Vec<IpNet>,
}

/// What names no network.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no address and no network; one is written as 10.0.0.7 or 10.0.0.0/8")]
pub struct ProxyError(Box<str>);

impl Proxies {
    /// Trusts what is at an address, or in a network.
    pub(crate) fn trust(&mut self, network: &str) -> Result<(), ProxyError> {
        let address = |_| network.parse::<IpAddr>().map(IpNet::from);
        let network = network.parse().or_else(address).map_err(|_| ProxyError(network.into()))?;
        self.networks.push(network);
        Ok(())
    }

    /// Who sent a request that came from `peer`. Read from its end, the list is right as far as trusted proxies wrote
    /// it: the first that is none of them is the client, and whatever stands before it is the client's own invention.
    pub(super) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer;
        let lists = headers.get_all(FORWARDED_FOR).iter().rev();
        let mut named = lists.flat_map(|list| list.to_str().unwrap_or_default().rsplit(',')).map(str::trim);
        while self.are_trusted(client) {
            // Something that is no address was written by nobody who is trusted.
            let Some(Ok(next)) = named.next().map(address) else { break };
            client = next;
        }
        client
    }

    fn are_trusted(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(&address))
    }
}

/// An address as proxies write it: some add the port.
fn address(text: &str) -> Result<IpAddr, std::net::AddrParseError> {
    let ip =
        text.parse::<IpAddr>().or_else(|_| text.parse::<std::net::SocketAddr>().map(|socket| socket.ip()));
    ip.map(|ip| ip.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(trusted: &[&str], peer: &str, lists: &[&str]) -> String {
        let mut proxies = Proxies::default();
        for network in trusted {
            proxies.trust(network).unwrap();
        }
        let mut headers = HeaderMap::new();
        for list in lists {
            headers.append(FORWARDED_FOR, list.parse().unwrap());
        }
        proxies.client(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn nobody_is_believed_unless_trusted() {
        assert_eq!(client(&[], "192.0.2.1", &["203.0.113.9"]), "192.0.2.1");
        assert_eq!(client(&["10.0.0.0/8"], "192.0.2.1", &["203.0.113.9"]), "192.0.2.1");
    }

    #[test]
    fn a_client_cannot_invent_where_it_comes_from() {
        let trusted = &["10.0.0.0/8"];
        assert_eq!(client(trusted, "10.0.0.1", &["203.0.113.9"]), "203.0.113.9");
        assert_eq!(client(trusted, "10.0.0.1", &["127.0.0.1, 203.0.113.9"]), "203.0.113.9");
        assert_eq!(client(trusted, "10.0.0.1", &["127.0.0.1", "203.0.113.9, 10.0.0.2"]), "203.0.113.9");
        assert_eq!(client(trusted, "10.0.0.1", &["nonsense, 10.0.0.2"]), "10.0.0.2");
    }

    #[test]
    fn addresses_are_read_as_proxies_write_them() {
        let trusted = &["127.0.0.1", "fd00::/8"];
        assert_eq!(client(trusted, "127.0.0.1", &["203.0.113.9:4711"]), "203.0.113.9");
        assert_eq!(client(trusted, "127.0.0.1", &["[2001:db8::1]:80"]), "2001:db8::1");
        assert_eq!(client(trusted, "fd00::1", &["::ffff:203.0.113.9"]), "203.0.113.9");
        assert_eq!(client(trusted, "127.0.0.1", &[]), "127.0.0.1");
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in ["", "example.org", "10.0.0.0/33", "10.0.0"] {
            assert!(Proxies::default().trust(text).is_err(), "{text}");
        }
    }
}
