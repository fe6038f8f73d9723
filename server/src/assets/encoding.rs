//! Negotiates the content encoding of a response.

use axum::http::{HeaderMap, header};

/// Whether a request accepts each of the encodings in which files are stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct AcceptedEncodings {
    pub(super) brotli: bool,
    pub(super) gzip: bool,
}

impl AcceptedEncodings {
    /// Parses `Accept-Encoding`. Weights are ignored except for `q=0`, which refuses an encoding.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let mut named = Self::default();
        let mut refused = Self::default();
        let mut any = false;
        let lists = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
        for item in lists.flat_map(|list| list.split(',')) {
            let (name, weight) = item.split_once(';').unwrap_or((item, "q=1"));
            let takes = !is_zero(weight);
            match name.trim().to_ascii_lowercase().as_str() {
                "br" => (named.brotli, refused.brotli) = (takes, !takes),
                "gzip" | "x-gzip" => (named.gzip, refused.gzip) = (takes, !takes),
                "*" => any = takes,
                _ => {}
            }
        }
        Self { brotli: named.brotli || any && !refused.brotli, gzip: named.gzip || any && !refused.gzip }
    }
}

fn is_zero(weight: &str) -> bool {
    weight.trim().strip_prefix("q=").and_then(|q| q.parse::<f32>().ok()) == Some(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(value: &str) -> (bool, bool) {
        let headers = HeaderMap::from_iter([(header::ACCEPT_ENCODING, value.parse().unwrap())]);
        let AcceptedEncodings { brotli, gzip } = AcceptedEncodings::of(&headers);
        (brotli, gzip)
    }

    #[test]
    fn names_weights_and_the_wildcard_are_respected() {
        assert_eq!(accepted("gzip, deflate, br, zstd"), (true, true));
        assert_eq!(accepted("br;q=0, gzip;q=0.5"), (false, true));
        assert_eq!(accepted("*"), (true, true));
        assert_eq!(accepted("*;q=1, br;q=0.0"), (false, true));
        assert_eq!(accepted("identity"), (false, false));
        assert_eq!(accepted(""), (false, false));
    }
}
