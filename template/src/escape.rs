//! HTML escaping.
//!
//! ```
//! use vivaz_template::escape;
//!
//! assert_eq!(escape::text("<b> & \"c\""), "&lt;b&gt; &amp; \"c\"");
//! assert_eq!(escape::attribute("a \"b\""), "a &quot;b&quot;");
//! ```

/// Escapes the text of an element.
#[must_use]
pub fn text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    push_text(&mut out, text);
    out
}

/// Escapes the value of an attribute in double quotes. The result has no quotes around it.
#[must_use]
pub fn attribute(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    push_attribute(&mut out, value);
    out
}

/// Escapes the value of an attribute in single quotes, such as JSON, in which double quotes are
/// frequent. The result has no quotes around it.
#[must_use]
pub fn single_quoted(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    push(&mut out, value, |byte| matches!(byte, b'&' | b'<' | b'>' | b'\'' | b'\r' | 0));
    out
}

pub(crate) fn push_text(out: &mut String, text: &str) {
    push(out, text, |byte| matches!(byte, b'&' | b'<' | b'>' | b'\r' | 0));
}

pub(crate) fn push_attribute(out: &mut String, value: &str) {
    push(out, value, |byte| matches!(byte, b'&' | b'<' | b'>' | b'"' | b'\r' | 0));
}

/// Copies the text between special bytes as a whole. All special bytes are ASCII, so every cut is
/// between characters.
fn push(out: &mut String, text: &str, special: impl Fn(u8) -> bool) {
    let mut rest = text;
    while let Some(at) = rest.bytes().position(&special) {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        out.push_str(match from.as_bytes().first() {
            Some(b'&') => "&amp;",
            Some(b'<') => "&lt;",
            Some(b'>') => "&gt;",
            Some(b'"') => "&quot;",
            Some(b'\'') => "&#39;",
            // An unescaped carriage return would be parsed as a line feed.
            Some(b'\r') => "&#13;",
            // A parser drops or replaces NUL, and no character reference represents it.
            _ => "\u{fffd}",
        });
        rest = from.get(1..).unwrap_or_default();
    }
    out.push_str(rest);
}
