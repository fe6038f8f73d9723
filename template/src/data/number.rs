//! Numbers as text, the same on the server and in a page.

use std::fmt::Write;

/// Appends `n` as JavaScript's `String(n)` writes it: shortest digits that read back as `n`, an exponent outside
/// of 1e-6 to 1e21.
pub(super) fn write(n: f64, out: &mut String) {
    let size = n.abs();
    // Writing to a String cannot fail.
    let _ = if n == 0.0 || (1e-6..1e21).contains(&size) {
        write!(out, "{}", n + 0.0)
    } else {
        let text = format!("{n:e}");
        match text.split_once('e') {
            Some((digits, exponent)) if !exponent.starts_with('-') => write!(out, "{digits}e+{exponent}"),
            _ => write!(out, "{text}"),
        }
    };
}

#[cfg(test)]
mod tests {
    #[test]
    fn numbers_look_as_in_javascript() {
        for (n, text) in [
            (0.1 + 0.2, "0.30000000000000004"),
            (1.5, "1.5"),
            (-0.0, "0"),
            (1e21, "1e+21"),
            (1.5e300, "1.5e+300"),
            (1e20, "100000000000000000000"),
            (1e-6, "0.000001"),
            (1.25e-7, "1.25e-7"),
            (-2.5, "-2.5"),
        ] {
            let mut out = String::new();
            super::write(n, &mut out);
            assert_eq!(out, text);
        }
    }
}
