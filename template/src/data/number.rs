//! Formats numbers as text, identically on the server and in a page.

/// Appends `n` as JavaScript's `String(n)` formats it: the shortest digits that parse as `n`, of
/// those the closest ones, with an exponent outside 1e-6 to 1e21.
pub(super) fn write(n: f64, out: &mut String) {
    out.push_str(ryu_js::Buffer::new().format(n));
}

#[cfg(test)]
mod tests {
    #[test]
    #[expect(clippy::excessive_precision, reason = "each value lies between two shorter texts")]
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
            // Two shortest texts parse as it: the closer one is used, or the even one if both are
            // equally close.
            (1_000_000_000_000_000.25, "1000000000000000.2"),
            (1_000_000_000_000_000.75, "1000000000000000.8"),
            (-4_503_599_627_370_494.5, "-4503599627370494.5"),
            (5e-324, "5e-324"),
            (f64::MAX, "1.7976931348623157e+308"),
            (2_f64.powi(63), "9223372036854776000"),
        ] {
            let mut out = String::new();
            super::write(n, &mut out);
            assert_eq!(out, text);
        }
    }
}
