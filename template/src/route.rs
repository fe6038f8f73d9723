//! URLs of routes: a path pattern such as `/items/{id}` with values for its parameters.

use crate::url::REFUSED;

/// Returns the URL of a pattern with these values, percent-encoded. `{name}` is one segment of the
/// path, `{*name}` the rest of it; values whose names the pattern does not contain are query
/// parameters, which are omitted without a value.
///
/// A value that no path can contain (an empty one, `.` and `..`) makes the URL `about:invalid`:
/// browsers would otherwise follow the link to another page.
///
/// ```
/// use vivaz_template::route::url;
///
/// let given = [("id", Some("a/b".to_owned())), ("page", Some("2".to_owned())), ("sort", None)];
/// assert_eq!(url("/items/{id}", &given), "/items/a%2Fb?page=2");
/// assert_eq!(url("/items/{id}", &[("id", Some("..".to_owned()))]), "about:invalid");
/// ```
#[must_use]
pub fn url(pattern: &str, values: &[(&str, Option<String>)]) -> String {
    let value =
        |name: &str| values.iter().find(|(of, _)| *of == name).and_then(|(_, value)| value.as_deref());
    let mut out = String::new();
    let mut rest = pattern;
    while let Some((before, after)) = rest.split_once('{') {
        let (parameter, tail) = after.split_once('}').unwrap_or((after, ""));
        out.push_str(before);
        let given = value(name_of(parameter)).unwrap_or_default();
        let mut segments: Vec<&str> = vec![given];
        if parameter.starts_with('*') {
            segments = given.split('/').collect();
        }
        for (position, segment) in segments.into_iter().enumerate() {
            if matches!(segment, "" | "." | "..") {
                return REFUSED.to_owned();
            }
            if position > 0 {
                out.push('/');
            }
            encode(segment, &mut out);
        }
        rest = tail;
    }
    out.push_str(rest);
    let mut separator = '?';
    for (name, value) in values.iter().filter(|(name, _)| !parameters(pattern).any(|of| of == *name)) {
        if let Some(value) = value {
            out.push(separator);
            encode(name, &mut out);
            out.push('=');
            encode(value, &mut out);
            separator = '&';
        }
    }
    out
}

/// Returns the URL of the parts that the page's engine evaluates for a route in a component: the
/// number of parameters in the path, then texts of the URL, each followed by the value behind it,
/// those in the path first. `client-wasm/js/modules/urls.js` does the same.
#[must_use]
pub fn joined(parts: &[String]) -> String {
    let Some((in_path, parts)) = parts.split_first() else { return String::new() };
    let in_path = in_path.parse().unwrap_or(0);
    let mut out = String::new();
    for (at, pair) in parts.chunks(2).enumerate() {
        let [text, value] = pair else { continue };
        if at < in_path && matches!(value.as_str(), "" | "." | "..") {
            return REFUSED.to_owned();
        }
        out.push_str(text);
        encode(value, &mut out);
    }
    out
}

/// Returns the names of a pattern's parameters.
pub fn parameters(pattern: &str) -> impl Iterator<Item = &str> {
    pattern
        .split('{')
        .skip(1)
        .filter_map(|part| part.split_once('}'))
        .map(|(parameter, _)| name_of(parameter))
}

fn name_of(parameter: &str) -> &str {
    parameter.strip_prefix('*').unwrap_or(parameter)
}

/// Appends text with each byte percent-encoded that is not unreserved in RFC 3986.
fn encode(text: &str, out: &mut String) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(byte.into());
        } else {
            out.push('%');
            for digit in [byte >> 4, byte & 15] {
                out.push(DIGITS.get(usize::from(digit)).copied().unwrap_or_default().into());
            }
        }
    }
}

/// The relation of a link to the current page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkRelation {
    /// It leads to the current page.
    Same,
    /// It leads to a page above the current one: `/items` for `/items/7`.
    Above,
    /// It leads elsewhere.
    Other,
}

/// Returns the relation of a link to the page with that path. Query and fragment do not matter.
#[must_use]
pub fn relation(href: &str, path: &str) -> LinkRelation {
    let own = decoded(href.split(['?', '#']).next().unwrap_or_default());
    let here = decoded(path);
    if !own.starts_with(b"/") || own.starts_with(b"//") {
        return LinkRelation::Other;
    }
    if own == here {
        return LinkRelation::Same;
    }
    let above = own.strip_suffix(b"/").unwrap_or(&own);
    match here.strip_prefix(above) {
        Some([b'/', ..]) if !above.is_empty() => LinkRelation::Above,
        Some(_) | None => LinkRelation::Other,
    }
}

/// Decodes percent-encoded bytes, except those of a slash, which separates no segments.
fn decoded(path: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let [byte, tail @ ..] = rest {
        let digit = |byte: &u8| (*byte as char).to_digit(16).map(|digit| digit as u8);
        let coded = match tail {
            [high, low, ..] if *byte == b'%' => {
                digit(high).zip(digit(low)).map(|(high, low)| high << 4 | low)
            }
            _ => None,
        };
        match coded.filter(|coded| *coded != b'/') {
            Some(coded) => {
                out.push(coded);
                rest = tail.get(2..).unwrap_or_default();
            }
            None => {
                out.push(*byte);
                rest = tail;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(id: &str) -> String {
        url("/items/{id}", &[("id", Some(id.to_owned()))])
    }

    #[test]
    fn parameters_cannot_leave_their_segment() {
        assert_eq!(item("7"), "/items/7");
        assert_eq!(item("a b/c?d#e%f\"<>'&"), "/items/a%20b%2Fc%3Fd%23e%25f%22%3C%3E%27%26");
        assert_eq!(item("ä\u{202e}"), "/items/%C3%A4%E2%80%AE");
        assert_eq!(item("..\\"), "/items/..%5C");
        for none in ["", ".", ".."] {
            assert_eq!(item(none), REFUSED);
        }
        let rest = |path: &str| url("/files/{*path}", &[("path", Some(path.to_owned()))]);
        assert_eq!(rest("a b/c"), "/files/a%20b/c");
        assert_eq!(rest("a/../../b"), REFUSED);
        assert_eq!(rest("/b"), REFUSED);
    }

    #[test]
    fn other_values_are_the_query() {
        let given = [("q", Some("a&b=c".to_owned())), ("page", None), ("sort", Some(String::new()))];
        assert_eq!(url("/items", &given), "/items?q=a%26b%3Dc&sort=");
        assert_eq!(parameters("/a/{b}/{*c}").collect::<Vec<_>>(), ["b", "c"]);
    }

    #[test]
    fn a_link_is_compared_by_its_path() {
        use LinkRelation::{Above, Other, Same};
        for (href, path, expected) in [
            ("/items", "/items", Same),
            ("/items?page=2#top", "/items", Same),
            ("/items/%61%20b", "/items/a%20b", Same),
            ("/items", "/items/7", Above),
            ("/items/", "/items/7", Above),
            ("/items", "/itemset", Other),
            ("/", "/items", Other),
            ("/a%2Fb", "/a/b", Other),
            ("//items", "//items", Other),
            ("https://example.org/items", "/items", Other),
            ("about:invalid", "/items", Other),
        ] {
            assert_eq!(relation(href, path), expected, "{href} at {path}");
        }
    }
}
