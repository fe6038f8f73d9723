//! Which URLs may stand in an attribute. The same check runs on the server and in the page.

/// What stands in place of a URL that is refused.
pub const REFUSED: &str = "about:invalid";

/// Whether following the URL, or loading it, could run a script: `javascript:`, `vbscript:`, and `data:` but for
/// bitmap images. Read as a browser reads it: leading control characters and spaces are skipped, tabs and line breaks
/// inside are dropped, and case does not matter.
pub fn is_script(url: &str) -> bool {
    script(url.as_bytes())
}

/// [`is_script`] for any of several URLs, separated by white space or commas.
pub fn any_script(urls: &str) -> bool {
    urls.as_bytes().split(|byte| *byte == b',' || byte.is_ascii_whitespace()).any(script)
}

fn script(url: &[u8]) -> bool {
    // Long enough for the longest prefix below; a scheme that does not fit is none of them.
    let mut start = [0_u8; 15];
    let mut length = 0;
    for byte in url {
        if matches!(byte, b'\t' | b'\n' | b'\r') || length == 0 && *byte <= b' ' {
            continue;
        }
        let Some(slot) = start.get_mut(length) else { break };
        *slot = byte.to_ascii_lowercase();
        length += 1;
    }
    let has = |prefix: &[u8]| start.starts_with(prefix);
    has(b"javascript:")
        || has(b"vbscript:")
        || has(b"data:") && (!has(b"data:image/") || has(b"data:image/svg"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn script_schemes_are_found_however_they_are_written() {
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
            "javascript",
            "/javascript:x",
            "database:x",
            "x javascript:y",
        ] {
            assert!(!is_script(url), "{url:?}");
        }
    }

    #[test]
    fn every_url_of_a_list_is_looked_at() {
        assert!(any_script("/a.png 1x, javascript:b 2x"));
        assert!(!any_script("/a.png 1x,data:image/png;base64,AAAA 2x"));
    }
}
