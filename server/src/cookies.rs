//! Cookies as a request brings them.

use axum::http::{HeaderMap, header};

/// The values of all cookies of that name: a browser may have one for each path, a stranger may add some.
pub(crate) fn cookies<'a>(headers: &'a HeaderMap, name: &str) -> impl Iterator<Item = &'a str> {
    let lists = headers.get_all(header::COOKIE).iter().filter_map(|list| list.to_str().ok());
    let pairs = lists.flat_map(|list| list.split(';')).filter_map(|one| one.trim().split_once('='));
    pairs.filter_map(move |(key, value)| (key == name).then_some(value))
}
