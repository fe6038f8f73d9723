//! Names of visitors, as other visitors see them.

/// Returns the name on one line: without control characters, and without characters that are
/// invisible or change the direction of text.
pub(crate) fn plain(name: &str) -> String {
    let visible: String = name.chars().map(|c| if is_hidden(c) { ' ' } else { c }).collect();
    visible.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Returns whether a name has a character that [`plain`] removes.
pub(crate) fn has_hidden(name: &str) -> bool {
    name.chars().any(is_hidden)
}

/// Returns whether a character is a control character, belongs to Unicode's categories Cf (format),
/// Zl or Zp (separators of lines and paragraphs), or is a blank letter.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{890}' | '\u{891}'
            | '\u{8e2}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
            | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{110bd}' | '\u{110cd}'
            | '\u{13430}'..='\u{1343f}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invisible_characters_are_removed() {
        for hidden in [
            '\0',
            '\u{1b}',
            '\u{7f}',
            '\u{85}',
            '\u{ad}',
            '\u{61c}',
            '\u{200b}',
            '\u{200d}',
            '\u{200e}',
            '\u{200f}',
            '\u{2028}',
            '\u{202a}',
            '\u{202b}',
            '\u{202c}',
            '\u{202d}',
            '\u{202e}',
            '\u{2060}',
            '\u{2066}',
            '\u{2067}',
            '\u{2068}',
            '\u{2069}',
            '\u{feff}',
            '\u{fff9}',
            '\u{e0041}',
        ] {
            assert_eq!(plain(&format!("Ada{hidden}Byron")), "Ada Byron", "{hidden:?}");
            assert_eq!(plain(&format!("{hidden}{hidden}")), "", "{hidden:?}");
            assert!(has_hidden(&format!("Ada{hidden}")), "{hidden:?}");
        }
    }

    #[test]
    fn visible_characters_are_kept() {
        for name in ["Zoë “the otter”", "日本", "محمد", "🦀 Ferris", "O'Brien-Smith", "a\u{301}"]
        {
            assert_eq!(plain(name), name);
            assert!(!has_hidden(name));
        }
        assert_eq!(plain("  Ada \n Lovelace\t"), "Ada Lovelace");
    }
}
