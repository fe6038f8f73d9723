use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use vivaz_components::{LiveComponent, LiveState};

#[derive(LiveState, serde::Serialize, serde::Deserialize, Clone, Default)]
struct User { tags: Vec<String>, name: String }

#[derive(serde::Serialize, serde::Deserialize, Clone, Default)]
struct Foreign { a: u32 }

#[derive(LiveComponent, Clone)]
#[live(inline = r#"
    <p class="a {{ user }}">{{ user.tags }} {{ named }} {{ foreign }} {{ maybe }}</p>
    <p title="{{ took }}" live:text="pair"></p>
    <p>{{ at }}</p>
    <p>{{ address }} {{ addresses }} {{ path }} {{ maybe_address }}</p>
"#)]
struct Page {
    user: User,
    named: BTreeMap<String, u32>,
    foreign: Foreign,
    maybe: Option<Foreign>,
    took: Duration,
    pair: (u32, u32),
    #[live(opaque)]
    at: Foreign,
    #[live(default = IpAddr::from([0, 0, 0, 0]))]
    address: IpAddr,
    maybe_address: Option<IpAddr>,
    addresses: Vec<IpAddr>,
    path: PathBuf,
}

fn main() {}
