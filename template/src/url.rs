//! Checks of URLs in attributes. The same check runs on the server and in the page.

/// The replacement of a refused URL.
pub const REFUSED: &str = "about:invalid";

/// Returns whether following or loading the URL could run a script: `javascript:`, `vbscript:`, and
/// `data:` of any type except the listed bitmap images. It reads the URL as a browser does: it
/// skips leading control characters and spaces, removes tabs and line breaks, and ignores case.
pub fn is_script(url: &str) -> bool {
    script(url.as_bytes())
}

/// Returns whether [`is_script`] is true for any of several URLs, separated by white space or
/// commas.
pub fn any_script(urls: &str) -> bool {
    urls.split(|c| c == ',' || is_space(c)).any(is_script)
}

/// Returns whether JavaScript's `\s` matches a character. Browsers separate URLs and classes at
/// fewer characters; the server follows the page, so that both give the same result.
pub(crate) fn is_space(c: char) -> bool {
    c == '\u{feff}' || c != '\u{85}' && c.is_whitespace()
}

fn script(url: &[u8]) -> bool {
    // Holds the longest prefix below and the byte after it.
    let mut start = [0_u8; 18];
    let mut length = 0;
    for byte in url {
        if matches!(byte, b'\t' | b'\n' | b'\r') || length == 0 && *byte <= b' ' {
            continue;
        }
        let Some(slot) = start.get_mut(length) else { break };
        *slot = byte.to_ascii_lowercase();
        length += 1;
    }
    let start = start.get(..length).unwrap_or_default();
    let has = |prefix: &[u8]| start.starts_with(prefix);
    has(b"javascript:") || has(b"vbscript:") || has(b"data:") && !is_bitmap(start)
}

/// Returns whether the start of a `data:` URL, in lower case, names an image type without markup.
fn is_bitmap(start: &[u8]) -> bool {
    let Some(kind) = start.strip_prefix(b"data:image/") else { return false };
    let kind = kind.split(|byte| matches!(byte, b';' | b',')).next().unwrap_or_default();
    matches!(kind, b"png" | b"gif" | b"jpeg" | b"webp" | b"avif" | b"bmp" | b"x-icon")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn script_schemes_are_found_in_all_spellings() {
        for url in [
            "javascript:alert(1)",
            "JaVaScRiPt:alert(1)",
            "  javascript:alert(1)",
            "\u{1}\u{1f}javascript:alert(1)",
            "java\nscript:alert(1)",
            "java\tscr\ript\r\n:alert(1)",
            "vbscript:x",
            "data:text/html,<script>",
            "data:,x",
            "data:image/svg+xml,<svg onload=x>",
            "DATA:IMAGE/SVG+xml,x",
            "data:image/x+xml,<x:script xmlns:x='http://www.w3.org/1999/xhtml'>",
            "data:image/png+xml,x",
            "data:image/pngx,x",
            "data:image/,x",
            "data:image/*,x",
            "data:image,x",
            "data:image/xhtml+xml;base64,AAAA",
            "data:image/p\u{0}ng,x",
            "data:image/png ,x",
            "data:image/a-type-that-is-longer-than-any-listed,x",
            "data:application/xhtml+xml,x",
            "data:;base64,AAAA",
        ] {
            assert!(is_script(url), "{url:?}");
        }
    }

    #[test]
    fn other_urls_pass() {
        for url in [
            "",
            "/",
            "#",
            "https://example.org/javascript:x",
            "mailto:a@b",
            "data:image/png;base64,AAAA",
            "data:image/png,AAAA",
            "DATA:image/GIF;base64,AAAA",
            "data:image/jpeg;base64,AAAA",
            "data:image/webp;base64,AAAA",
            "data:image/avif;base64,AAAA",
            "data:image/bmp;base64,AAAA",
            "data:image/x-icon;base64,AAAA",
            "javascript",
            "/javascript:x",
            "database:x",
            "x javascript:y",
        ] {
            assert!(!is_script(url), "{url:?}");
        }
    }

    #[test]
    fn every_url_of_a_list_is_checked() {
        assert!(any_script("/a.png 1x, javascript:b 2x"));
        assert!(!any_script("/a.png 1x,data:image/png;base64,AAAA 2x"));
        assert!(any_script("/a.png 1x,data:image/x+xml,AAAA 2x"));
        for space in [' ', '\t', '\n', '\u{b}', '\u{c}', '\r', '\u{a0}', '\u{2003}', '\u{2028}', '\u{feff}'] {
            assert!(any_script(&format!("/a.png{space}javascript:b")), "{space:?}");
        }
        for none in ['\u{85}', '\u{200b}', '\u{180e}'] {
            assert!(!any_script(&format!("/a.png{none}javascript:b")), "{none:?}");
        }
    }

    proptest! {
        #[test]
        fn an_image_type_passes_only_if_it_is_listed(kind in "[a-z0-9+.*-]{0,12}", rest in "[;,][ -~]{0,8}") {
            let listed = ["png", "gif", "jpeg", "webp", "avif", "bmp", "x-icon"];
            let url = format!("data:image/{kind}{rest}");
            prop_assert_eq!(is_script(&url), !listed.contains(&&*kind), "{}", url);
        }
    }
}
