//! Parses the cookies of a request.

use axum::http::{HeaderMap, header};

/// Returns the values of all cookies with this name: a browser may have one for each path, and a
/// page of another subdomain can add more. A value that is not ASCII is skipped; the others are
/// still returned.
pub(crate) fn cookies<'a>(headers: &'a HeaderMap, name: &str) -> impl Iterator<Item = &'a str> {
    all_cookies(headers).filter_map(move |(key, value)| (key == name).then_some(value))
}

/// Returns the names and values of all cookies, as [`cookies`] does.
pub(crate) fn all_cookies(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    let lists = headers.get_all(header::COOKIE).iter();
    let pairs = lists.flat_map(|list| list.as_bytes().split(|byte| *byte == b';'));
    let texts = pairs.filter_map(|pair| std::str::from_utf8(pair).ok().filter(|pair| pair.is_ascii()));
    texts.filter_map(|pair| pair.trim().split_once('='))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn read(lists: &[&[u8]]) -> Vec<String> {
        let mut headers = HeaderMap::new();
        for list in lists {
            headers.append(header::COOKIE, HeaderValue::from_bytes(list).unwrap());
        }
        cookies(&headers, "user").map(str::to_owned).collect()
    }

    #[test]
    fn an_invalid_cookie_hides_no_other() {
        assert_eq!(read(&[b"a=b; user=1; user=2", b"user=3"]), ["1", "2", "3"]);
        assert_eq!(read(&[b"theme=\xff; user=1"]), ["1"]);
        assert_eq!(read(&[b"user=\xff1; xuser=2; user", b"User=3; user =4"]), [""; 0]);
    }

    proptest! {
        #[test]
        fn only_complete_pairs_are_read(list in "(user=|;| |[\\x20-\\x7e]|é){0,32}") {
            let list = list.into_bytes();
            for value in read(&[&list]) {
                prop_assert!(value.is_ascii());
                let pair = format!("user={value}");
                prop_assert!(String::from_utf8_lossy(&list).contains(&pair));
            }
        }
    }
}
