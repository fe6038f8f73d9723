//! Operators on scalars.

use crate::data::{Data, Kind};
use crate::expr::Binary;

/// Returns the value as a number, if it is one.
pub(super) fn number<D>(kind: &Kind<'_, D>) -> Option<f64> {
    match kind {
        Kind::Int(i) => Some(*i as f64),
        Kind::Big(n) => Some(*n as f64),
        Kind::Num(n) => Some(*n),
        Kind::Null | Kind::Bool(_) | Kind::Str(_) | Kind::List(_) | Kind::Map(_) => None,
    }
}

/// Appends an integer.
pub fn write_int(i: i64, out: &mut String) {
    if i < 0 {
        out.push('-');
    }
    write_digits(i.unsigned_abs(), out);
}

/// Appends an unsigned integer. Written by hand: a third of the size of `core::fmt` in WebAssembly.
pub fn write_digits(mut rest: u64, out: &mut String) {
    let start = out.len();
    loop {
        out.insert(start, char::from(b'0' + (rest % 10) as u8));
        rest /= 10;
        if rest == 0 {
            return;
        }
    }
}

/// Computes all binary operators on scalars. A meaningless operation gives null, or `false` for a
/// comparison.
pub fn compute<D: Data>(op: Binary, a: &Kind<'_, D>, b: &Kind<'_, D>) -> D {
    match op {
        Binary::Eq => return D::from_bool(super::same(a, b)),
        Binary::Ne => return D::from_bool(!super::same(a, b)),
        Binary::Lt | Binary::Le | Binary::Gt | Binary::Ge => return D::from_bool(ordered(op, a, b)),
        Binary::Add if matches!(a, Kind::Str(_)) || matches!(b, Kind::Str(_)) => return joined(a, b),
        _ => {}
    }
    if let (Kind::Int(a), Kind::Int(b)) = (a, b) {
        let whole = match op {
            Binary::Add => a.checked_add(*b),
            Binary::Sub => a.checked_sub(*b),
            Binary::Mul => a.checked_mul(*b),
            // An integer if the division has no remainder, otherwise a fraction, as in JavaScript.
            Binary::Div if a.checked_rem(*b) == Some(0) => a.checked_div(*b),
            Binary::Rem => a.checked_rem(*b),
            _ => None,
        };
        if let Some(whole) = whole {
            return D::from_int(whole);
        }
    }
    let (Some(a), Some(b)) = (number(a), number(b)) else { return D::null() };
    D::from_num(match op {
        Binary::Add => a + b,
        Binary::Sub => a - b,
        Binary::Mul => a * b,
        Binary::Div => a / b,
        // `f64 %` calls libm's fmod; this is exact for the numbers of templates.
        _ => a - b * (a / b).trunc(),
    })
}

fn ordered<D>(op: Binary, a: &Kind<'_, D>, b: &Kind<'_, D>) -> bool {
    let order = match (a, b) {
        (Kind::Str(a), Kind::Str(b)) => Some(a.cmp(b)),
        _ => number(a).and_then(|a| a.partial_cmp(&number(b)?)),
    };
    order.is_some_and(|order| match op {
        Binary::Lt => order.is_lt(),
        Binary::Le => order.is_le(),
        Binary::Gt => order.is_gt(),
        _ => order.is_ge(),
    })
}

fn joined<D: Data>(a: &Kind<'_, D>, b: &Kind<'_, D>) -> D {
    let mut text = String::new();
    super::write(a, &mut text);
    super::write(b, &mut text);
    D::from_text(text)
}
