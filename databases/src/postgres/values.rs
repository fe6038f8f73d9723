//! Converts parameters and the values of columns.

use std::error::Error;

use bytes::BytesMut;
use serde::de::Error as _;
use time::{Date, Duration, Month, PrimitiveDateTime, Time};
use tokio_postgres::types::{Format, FromSql, IsNull, Kind, ToSql, Type, to_sql_checked};

use crate::{RowError, Value};

type BoxError = Box<dyn Error + Sync + Send>;

/// Parameters are sent as text, which the server reads as a literal of the type that the statement
/// wants there: an integer of any width, a number, a time, JSON, an enumeration. The server checks
/// the range. Bytes for a column of bytes are sent as they are.
impl ToSql for Value {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
        match self {
            Self::Null => return Ok(IsNull::Yes),
            Self::Integer(_) | Self::Real(_) | Self::Text(_) if is_bytes(ty) => {
                return Err(format!("{} is given for bytes", self.kind()).into());
            }
            // Rust writes floating-point numbers so that they read back as the same.
            Self::Integer(number) => out.extend_from_slice(number.to_string().as_bytes()),
            Self::Real(number) => out.extend_from_slice(number.to_string().as_bytes()),
            Self::Text(text) => out.extend_from_slice(text.as_bytes()),
            Self::Blob(bytes) if is_bytes(ty) => out.extend_from_slice(bytes),
            Self::Blob(_) => return Err(format!("bytes are given for the type {ty}").into()),
        }
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, _: &Type) -> Format {
        match self {
            Self::Blob(_) => Format::Binary,
            Self::Null | Self::Integer(_) | Self::Real(_) | Self::Text(_) => Format::Text,
        }
    }

    to_sql_checked!();
}

/// Columns arrive in PostgreSQL's binary format.
impl<'a> FromSql<'a> for Value {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, BoxError> {
        if let Kind::Domain(of) = ty.kind() {
            return Self::from_sql(of, raw);
        }
        if matches!(ty.kind(), Kind::Enum(_)) {
            return text(raw);
        }
        Ok(match *ty {
            Type::BOOL => Self::Integer(bool::from_sql(ty, raw)?.into()),
            Type::INT2 => Self::Integer(i16::from_sql(ty, raw)?.into()),
            Type::INT4 => Self::Integer(i32::from_sql(ty, raw)?.into()),
            Type::INT8 => Self::Integer(i64::from_sql(ty, raw)?),
            Type::OID => Self::Integer(u32::from_sql(ty, raw)?.into()),
            Type::FLOAT4 => Self::Real(f32::from_sql(ty, raw)?.into()),
            Type::FLOAT8 => Self::Real(f64::from_sql(ty, raw)?),
            Type::NUMERIC => numeric(raw)?,
            Type::BYTEA => Self::Blob(raw.to_vec()),
            Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME | Type::UNKNOWN | Type::JSON => text(raw)?,
            Type::JSONB => match raw.split_first() {
                Some((1, json)) => text(json)?,
                _ => return Err("an unknown format of jsonb".into()),
            },
            Type::UUID => Self::Text(uuid(raw)?),
            Type::DATE => Self::Text(date(i32::from_sql(&Type::INT4, raw)?)?),
            Type::TIME => Self::Text(clock(i64::from_sql(&Type::INT8, raw)?)?),
            Type::TIMESTAMP => Self::Text(timestamp(i64::from_sql(&Type::INT8, raw)?, "")?),
            Type::TIMESTAMPTZ => Self::Text(timestamp(i64::from_sql(&Type::INT8, raw)?, "Z")?),
            // Types of extensions have no fixed number.
            _ if ty.name() == "citext" => text(raw)?,
            _ => return Err(format!("the type {ty} is not supported; cast it, as in `x::text`").into()),
        })
    }

    fn from_sql_null(_: &Type) -> Result<Self, BoxError> {
        Ok(Self::Null)
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

/// Reads a column of a row.
pub(super) fn column(row: &tokio_postgres::Row, index: usize) -> Result<Value, RowError> {
    row.try_get(index).map_err(|error| {
        let name = row.columns().get(index).map_or("", |column| column.name());
        let reason = error.source().map_or_else(|| error.to_string(), ToString::to_string);
        RowError::custom(format_args!("the column `{name}`: {reason}"))
    })
}

fn is_bytes(ty: &Type) -> bool {
    if let Kind::Domain(of) = ty.kind() { is_bytes(of) } else { *ty == Type::BYTEA }
}

fn text(raw: &[u8]) -> Result<Value, BoxError> {
    Ok(Value::Text(str::from_utf8(raw)?.to_owned()))
}

fn uuid(raw: &[u8]) -> Result<String, BoxError> {
    let hex = format!("{:032x}", u128::from_be_bytes(raw.try_into()?));
    let part = |from, to| hex.get(from..to).unwrap_or_default();
    Ok([part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-"))
}

/// Reads a decimal number: an integer if its type has no decimal places and it fits, otherwise an
/// exact text.
fn numeric(raw: &[u8]) -> Result<Value, BoxError> {
    let mut words = raw.chunks_exact(2).filter_map(|pair| Some(u16::from_be_bytes(pair.try_into().ok()?)));
    let mut word = || words.next().ok_or("a number is cut off");
    let (_, weight, sign, places) = (word()?, word()?.cast_signed(), word()?, usize::from(word()?));
    let sign = match sign {
        0 => "",
        0x4000 => "-",
        0xC000 => return Ok(Value::Text("NaN".to_owned())),
        0xD000 => return Ok(Value::Text("Infinity".to_owned())),
        0xF000 => return Ok(Value::Text("-Infinity".to_owned())),
        _ => return Err("an unknown sign of a number".into()),
    };
    // Each word has four decimal digits; the first one counts 10000 to the power of `weight`.
    let digits: String = words.map(|word| format!("{word:04}")).collect();
    let before = (i32::from(weight) + 1) * 4;
    let at = |index: i32| {
        usize::try_from(index)
            .ok()
            .and_then(|index| digits.as_bytes().get(index))
            .map_or('0', |b| char::from(*b))
    };
    let whole: String = (0..before.max(0)).map(at).collect();
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    if places == 0 {
        let text = format!("{sign}{whole}");
        return Ok(text.parse().map_or(Value::Text(text), Value::Integer));
    }
    let fraction: String = (before..).take(places).map(at).collect();
    Ok(Value::Text(format!("{sign}{whole}.{fraction}")))
}

/// The first day that PostgreSQL counts from.
const START: Date = match Date::from_calendar_date(2000, Month::January, 1) {
    Ok(date) => date,
    Err(_) => panic!("it is a date"),
};

fn date(days: i32) -> Result<String, BoxError> {
    let infinite = [(i32::MAX, "infinity"), (i32::MIN, "-infinity")];
    if let Some((_, name)) = infinite.iter().find(|(value, _)| *value == days) {
        return Ok((*name).to_owned());
    }
    let date =
        START.checked_add(Duration::days(days.into())).ok_or("a date outside of the years 0 to 9999")?;
    written(date)
}

fn clock(micros: i64) -> Result<String, BoxError> {
    if micros == 86_400_000_000 {
        return Ok("24:00:00".to_owned());
    }
    Ok(written_time(Time::MIDNIGHT + Duration::microseconds(micros)))
}

/// Writes a time as RFC 3339 does. The zone of `timestamptz` is UTC.
fn timestamp(micros: i64, zone: &str) -> Result<String, BoxError> {
    let infinite = [(i64::MAX, "infinity"), (i64::MIN, "-infinity")];
    if let Some((_, name)) = infinite.iter().find(|(value, _)| *value == micros) {
        return Ok((*name).to_owned());
    }
    let start = PrimitiveDateTime::new(START, Time::MIDNIGHT);
    let time =
        start.checked_add(Duration::microseconds(micros)).ok_or("a time outside of the years 0 to 9999")?;
    Ok(format!("{}T{}{zone}", written(time.date())?, written_time(time.time())))
}

fn written(date: Date) -> Result<String, BoxError> {
    let (year, month, day) = date.to_calendar_date();
    if year < 0 {
        return Err("a date outside of the years 0 to 9999".into());
    }
    Ok(format!("{year:04}-{:02}-{day:02}", u8::from(month)))
}

fn written_time(time: Time) -> String {
    let (hour, minute, second, micros) = time.as_hms_micro();
    let fraction = if micros == 0 { String::new() } else { format!(".{micros:06}") };
    format!("{hour:02}:{minute:02}:{second:02}{fraction}")
}
