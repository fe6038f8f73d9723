//! Formats text from clients for logs, so that it cannot add lines or hide text.

use std::fmt::{self, Display, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Maximum number of characters of quoted remote text.
const QUOTED: usize = 64;
/// Maximum number of characters of a message that may contain remote text.
const ESCAPED: usize = 512;

/// Formats remote text between quotation marks. Control characters, line breaks, and characters
/// that are invisible or change the direction are escaped. The text is cut after 64 characters.
///
/// ```
/// use vivaz_protocol::log::Quoted;
///
/// assert_eq!(Quoted("a\nERROR b").to_string(), r#""a\nERROR b""#);
/// assert_eq!(Quoted(&"x".repeat(100)).to_string(), format!("\"{}\"…", "x".repeat(64)));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Quoted<'a, T: ?Sized>(pub &'a T);

/// Formats an error's message, which may contain remote text, on one line: escaped as in
/// [`Quoted`], at most 512 characters, without quotation marks.
#[derive(Clone, Copy, Debug)]
pub struct Escaped<'a, T: ?Sized>(pub &'a T);

impl<T: Display + ?Sized> Display for Quoted<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        let is_cut = escape(f, self.0, QUOTED, Quotes::Escaped)?;
        f.write_str(if is_cut { "\"…" } else { "\"" })
    }
}

impl<T: Display + ?Sized> Display for Escaped<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_cut = escape(f, self.0, ESCAPED, Quotes::Kept)?;
        if is_cut { f.write_char('…') } else { Ok(()) }
    }
}

/// Whether quotation marks are escaped.
#[derive(Clone, Copy)]
enum Quotes {
    Escaped,
    Kept,
}

/// Writes the escaped `Display` output of `text` and returns whether it was cut after `room`
/// characters.
fn escape(
    f: &mut fmt::Formatter<'_>,
    text: &(impl Display + ?Sized),
    room: usize,
    quotes: Quotes,
) -> Result<bool, fmt::Error> {
    let mut writer = Writer { f, room, quotes, failed: None };
    // The writer fails when there is no more room, so that a long text is not formatted to its end.
    // The error type belongs to the application; a panic in its `Display` must not end the caller.
    let written = catch_unwind(AssertUnwindSafe(|| write!(writer, "{text}")));
    let is_cut = match written {
        Ok(written) => written.is_err(),
        Err(_) => {
            writer.f.write_str("(text not available: `Display` panicked)")?;
            false
        }
    };
    match writer.failed {
        Some(error) => Err(error),
        None => Ok(is_cut),
    }
}

struct Writer<'a, 'f> {
    f: &'a mut fmt::Formatter<'f>,
    room: usize,
    quotes: Quotes,
    /// The error of the formatter below, as opposed to the end of the room.
    failed: Option<fmt::Error>,
}

impl fmt::Write for Writer<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for c in text.chars() {
            self.room = self.room.checked_sub(1).ok_or(fmt::Error)?;
            let is_kept = c == '\'' || c == '"' && matches!(self.quotes, Quotes::Kept);
            let written = if is_kept { self.f.write_char(c) } else { write!(self.f, "{}", c.escape_debug()) };
            if let Err(error) = written {
                self.failed = Some(error);
                return Err(error);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_panicking_display_is_reported() {
        struct Mute;
        impl Display for Mute {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("so far\n")?;
                panic!("display failed");
            }
        }
        let printed = [Escaped(&Mute).to_string(), Quoted(&Mute).to_string()];
        for text in printed {
            assert!(text.contains("so far") && text.contains("`Display` panicked"), "{text}");
            assert!(!text.contains('\n'), "{text}");
        }
    }

    #[test]
    fn visible_text_is_unchanged() {
        assert_eq!(Quoted("Zoë's 日本 🦀").to_string(), "\"Zoë's 日本 🦀\"");
        assert_eq!(Escaped("no \"x\" in a's b").to_string(), "no \"x\" in a's b");
        assert_eq!(Quoted("say \"x\"").to_string(), r#""say \"x\"""#);
    }

    #[test]
    fn control_and_direction_characters_are_escaped() {
        for (text, printed) in [
            ("\n\r\t\0", r"\n\r\t\0"),
            ("\u{1b}[31m", r"\u{1b}[31m"),
            ("\u{85}\u{2028}\u{2029}", r"\u{85}\u{2028}\u{2029}"),
            ("\u{202e}\u{200b}\u{feff}", r"\u{202e}\u{200b}\u{feff}"),
            ("\\", r"\\"),
        ] {
            assert_eq!(Quoted(text).to_string(), format!("\"{printed}\""));
            assert_eq!(Escaped(text).to_string(), printed);
        }
    }

    #[test]
    fn formatting_stops_at_the_limit() {
        struct Endless;
        impl Display for Endless {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                loop {
                    f.write_str("ab")?;
                }
            }
        }
        assert_eq!(Quoted(&Endless).to_string(), format!("\"{}\"…", "ab".repeat(32)));
        assert_eq!(Escaped(&Endless).to_string(), format!("{}…", "ab".repeat(256)));
        assert_eq!(Quoted(&"x".repeat(64)).to_string(), format!("\"{}\"", "x".repeat(64)));
    }

    proptest! {
        #[test]
        fn any_text_becomes_one_short_line(text in any::<String>()) {
            for printed in [Quoted(&text).to_string(), Escaped(&text).to_string()] {
                let is_shown = |c: char| !c.is_control() && !matches!(c, '\u{2028}' | '\u{2029}');
                prop_assert!(printed.chars().all(is_shown));
            }
            // The longest escape has ten characters.
            prop_assert!(Quoted(&text).to_string().chars().count() <= 64 * 10 + 3);
        }
    }
}
