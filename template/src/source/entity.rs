//! Character references: `&amp;`, `&nbsp;`, `&#10003;`.

use entities::ENTITIES;

/// Decodes the character references of a text. Other text is unchanged, as in a browser; references
/// without their semicolon are not decoded.
pub(crate) fn decode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('&') {
        let (before, from) = rest.split_at(start);
        out.push_str(before);
        // No name is longer; the limit keeps a page of lone ampersands linear.
        let end = from.bytes().take(40).position(|b| b == b';');
        let known = end.and_then(|end| Some((end, character(from.get(..=end)?)?)));
        rest = match known {
            Some((end, character)) => {
                out.push_str(&character);
                from.get(end + 1..).unwrap_or_default()
            }
            None => {
                out.push('&');
                from.get(1..).unwrap_or_default()
            }
        };
    }
    out.push_str(rest);
    out
}

/// Returns the text of a reference with its `&` and `;`.
fn character(reference: &str) -> Option<String> {
    let Some(number) = reference.strip_prefix("&#") else {
        let entity = ENTITIES.iter().find(|entity| entity.entity == reference)?;
        return Some(entity.characters.to_owned());
    };
    let number = number.strip_suffix(';')?;
    let code = match number.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16).ok()?,
        None => number.parse().ok()?,
    };
    // A browser shows the replacement character for these.
    let c = if code == 0 { '\u{fffd}' } else { char::from_u32(code).unwrap_or('\u{fffd}') };
    Some(c.to_string())
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn only_references_are_decoded() {
        for (source, text) in [
            ("a &amp; b &lt;c&gt; &quot;&apos;", "a & b <c> \"'"),
            ("&nbsp;&hellip;&#10003;&#x2713;", "\u{a0}…✓✓"),
            ("AT&T & co &", "AT&T & co &"),
            ("?a=b&c=d", "?a=b&c=d"),
            ("&unknown; &;", "&unknown; &;"),
            ("&#0;&#xD800;", "\u{fffd}\u{fffd}"),
            ("&amp;lt;", "&lt;"),
        ] {
            assert_eq!(decode(source), text, "{source}");
        }
    }
}
