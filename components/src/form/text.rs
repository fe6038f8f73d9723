//! Parsing texts as numbers and truth values. Nothing is trimmed, rounded or cut.

use std::fmt::{Display, LowerExp};
use std::str::FromStr;

use super::node::AnyReading;

pub(super) const MISSING: &str = "is missing";
const WHOLE: &str = "must be a whole number";
const NUMBER: &str = "must be a number";
const BOOL: &str = "must be true or false";
const INEXACT: &str = "cannot be kept exactly";

/// A type of whole numbers.
pub(super) trait Int: FromStr + Display {
    const MIN: Self;
    const MAX: Self;
}

/// A type of other numbers.
pub(super) trait Float: FromStr + LowerExp + Copy {
    fn is_finite(self) -> bool;
}

macro_rules! ints {
    ($($ty:ident)+) => {
        $(impl Int for $ty {
            const MIN: Self = $ty::MIN;
            const MAX: Self = $ty::MAX;
        })+
    };
}

ints!(i8 i16 i32 i64 i128 isize u8 u16 u32 u64 u128 usize);

impl Float for f32 {
    fn is_finite(self) -> bool {
        self.is_finite()
    }
}

impl Float for f64 {
    fn is_finite(self) -> bool {
        self.is_finite()
    }
}

/// Parses digits with an optional minus.
pub(super) fn int<T: Int>(text: &str) -> Result<T, String> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if !is_digits(digits) {
        return Err(WHOLE.to_owned());
    }
    text.parse().map_err(|_| format!("{WHOLE} from {} to {}", T::MIN, T::MAX))
}

/// Parses a valid floating-point number of HTML, if the type keeps all of its digits.
pub(super) fn float<T: Float>(text: &str) -> Result<T, String> {
    let written = Decimal::of(text).ok_or(NUMBER)?;
    let number: T = text.parse().map_err(|_| NUMBER)?;
    if !number.is_finite() {
        return Err("is too large".to_owned());
    }
    // The shortest digits that identify this number.
    if Decimal::of(&format!("{number:e}")) == Some(written) { Ok(number) } else { Err(INEXACT.to_owned()) }
}

/// Parses a number in JSON. It was a floating-point number in the page, so an `f32` rounds its
/// fraction; a whole number is kept or refused.
pub(super) fn float_in_json<T: Float>(json: &str) -> Result<T, String> {
    if is_digits(json.strip_prefix('-').unwrap_or(json)) {
        return float(json);
    }
    let number: T = json.parse().map_err(|_| NUMBER)?;
    if number.is_finite() { Ok(number) } else { Err("is too large".to_owned()) }
}

/// Parses the value of a ticked checkbox, and the two words.
pub(super) fn bool(text: &str) -> Result<bool, String> {
    match text {
        "on" | "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(BOOL.to_owned()),
    }
}

/// Parses a text for a visitor that expects `expected`, as the number that the visitor gets.
/// Returns `None` if the visitor does not expect a number.
pub(super) fn number_for(text: &str, expected: &str) -> Option<Result<AnyReading, String>> {
    Some(match last_word(expected) {
        "i8" => signed::<i8>(text),
        "i16" => signed::<i16>(text),
        "i32" => signed::<i32>(text),
        "i64" | "i128" | "isize" => signed::<i64>(text),
        "u8" => unsigned::<u8>(text),
        "u16" => unsigned::<u16>(text),
        "u32" => unsigned::<u32>(text),
        "u64" | "u128" | "usize" => unsigned::<u64>(text),
        "f32" => float(text).map(AnyReading::Single),
        "f64" => float(text).map(AnyReading::Double),
        _ => return None,
    })
}

/// `u8` of "a nonzero u8", `sequence` of "a sequence".
pub(super) fn last_word(expected: &str) -> &str {
    expected.rsplit(' ').next().unwrap_or_default()
}

fn signed<T: Int + Into<i64>>(text: &str) -> Result<AnyReading, String> {
    int::<T>(text).map(|number| AnyReading::Signed(number.into()))
}

fn unsigned<T: Int + Into<u64>>(text: &str) -> Result<AnyReading, String> {
    int::<T>(text).map(|number| AnyReading::Unsigned(number.into()))
}

/// Translates serde's `expecting` text for users. Returns `None` unless it describes a number, a
/// truth value, a text or a list.
pub(super) fn wanted(expected: &str) -> Option<String> {
    let text = match last_word(expected) {
        "i8" | "i16" | "i32" | "i64" | "i128" | "isize" | "u8" | "u16" | "u32" | "u64" | "u128" | "usize" => {
            WHOLE
        }
        "f32" | "f64" => NUMBER,
        "boolean" => BOOL,
        "string" => "must be a text",
        "character" => "must be one character",
        "sequence" => "must be a list",
        _ => return None,
    };
    Some(text.to_owned())
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A decimal number without its sign: its digits, neither the first nor the last of which is zero,
/// and the power of ten of its exponent.
#[derive(PartialEq, Eq)]
struct Decimal {
    digits: String,
    exponent: i64,
}

impl Decimal {
    /// Parses `-`, digits or `.` followed by digits, and an exponent; all parts except some digits
    /// are optional.
    fn of(text: &str) -> Option<Self> {
        let text = text.strip_prefix('-').unwrap_or(text);
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => {
                let digits = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
                (mantissa, if is_digits(digits) { exponent } else { return None })
            }
            None => (text, "0"),
        };
        let (whole, fraction) = match mantissa.split_once('.') {
            Some((whole, fraction)) if is_digits(fraction) => (whole, fraction),
            Some(_) => return None,
            None => (mantissa, ""),
        };
        let is_number = is_digits(whole) || whole.is_empty() && !fraction.is_empty();
        let all = is_number.then(|| format!("{whole}{fraction}"))?;
        let kept = all.trim_end_matches('0');
        let digits = kept.trim_start_matches('0').to_owned();
        if digits.is_empty() {
            return Some(Self { digits, exponent: 0 });
        }
        // Beyond that a number is neither kept nor finite.
        let exponent = exponent.parse::<i64>().unwrap_or(i64::from(i32::MAX));
        let moved = (all.len() - kept.len()) as i64 - fraction.len() as i64;
        Some(Self { digits, exponent: exponent.saturating_add(moved) })
    }
}
