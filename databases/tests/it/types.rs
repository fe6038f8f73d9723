//! Every kind of value as a parameter of every type of column.

use vivaz_databases::{DatabaseError, Tx, Value};

use crate::open;

/// What a column gives back for a parameter.
enum Read {
    Same,
    As(Value),
    Refused,
}
use Read::{As, Refused, Same};

/// A parameter, the types that give it back as it is, and those that give something else. The
/// others refuse it.
type Case = (Value, &'static [&'static str], Vec<(&'static str, Read)>);

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

/// Writes the value into a column of the type, and reads it.
fn round_trip(tx: &mut Tx, ty: &str, value: &Value) -> Result<Value, DatabaseError> {
    let column = column(ty);
    tx.execute("DELETE FROM all_types", ())?;
    tx.execute(&format!("INSERT INTO all_types ({column}) VALUES (?1)"), vec![value.clone()])?;
    Ok(tx.query_first::<AnyValue>(&format!("SELECT {column} FROM all_types"), ())?.unwrap().0)
}

/// Checks whether the only row is found by the value.
fn is_found(tx: &mut Tx, ty: &str, value: &Value) -> bool {
    let sql = format!("SELECT count(*) = 1 FROM all_types WHERE {} IS NOT DISTINCT FROM ?1", column(ty));
    tx.query_first(&sql, vec![value.clone()]).unwrap().unwrap()
}

fn column(ty: &str) -> String {
    format!("c_{}", ty.replace(|c: char| !c.is_alphanumeric(), "_"))
}

const TYPES: &[&str] = &[
    "smallint",
    "integer",
    "bigint",
    "real",
    "double precision",
    "numeric",
    "numeric(10,2)",
    "boolean",
    "text",
    "varchar(40)",
    "bytea",
    "jsonb",
    "uuid",
    "date",
    "time",
    "timestamp",
    "timestamptz",
    "mood",
    "positive",
];

#[tokio::test]
async fn each_kind_of_value_fits_the_types_that_it_can() {
    let uuid = "6f1c0b1e-2d3a-4b5c-8d7e-9f0a1b2c3d4e";
    let (all, none): (&'static [&'static str], &'static [&'static str]) = (TYPES, &[]);
    let numbers: &'static [&'static str] = &["smallint", "integer", "bigint", "numeric", "positive"];
    let cases: Vec<Case> = vec![
        (Value::Null, all, vec![]),
        (
            Value::Integer(1),
            numbers,
            vec![
                ("boolean", Same),
                ("real", As(Value::Real(1.0))),
                ("double precision", As(Value::Real(1.0))),
                ("numeric(10,2)", As(text("1.00"))),
                ("text", As(text("1"))),
                ("varchar(40)", As(text("1"))),
                ("jsonb", As(text("1"))),
            ],
        ),
        (
            Value::Integer(70_000),
            &["integer", "bigint", "numeric", "positive"],
            vec![
                ("real", As(Value::Real(70_000.0))),
                ("double precision", As(Value::Real(70_000.0))),
                ("numeric(10,2)", As(text("70000.00"))),
                ("text", As(text("70000"))),
                ("varchar(40)", As(text("70000"))),
                ("jsonb", As(text("70000"))),
            ],
        ),
        (
            Value::Integer(i64::MIN),
            &["bigint", "numeric"],
            vec![
                ("real", As(Value::Real(i64::MIN as f64))),
                ("double precision", As(Value::Real(i64::MIN as f64))),
                ("text", As(text("-9223372036854775808"))),
                ("varchar(40)", As(text("-9223372036854775808"))),
                ("jsonb", As(text("-9223372036854775808"))),
            ],
        ),
        (
            Value::Real(0.1),
            &["double precision"],
            vec![
                ("real", As(Value::Real(f64::from(0.1_f32)))),
                ("numeric", As(text("0.1"))),
                ("numeric(10,2)", As(text("0.10"))),
                ("text", As(text("0.1"))),
                ("varchar(40)", As(text("0.1"))),
                ("jsonb", As(text("0.1"))),
            ],
        ),
        (
            Value::Real(-2.0),
            &["real", "double precision"],
            vec![
                ("smallint", As(Value::Integer(-2))),
                ("integer", As(Value::Integer(-2))),
                ("bigint", As(Value::Integer(-2))),
                ("numeric", As(Value::Integer(-2))),
                ("numeric(10,2)", As(text("-2.00"))),
                ("text", As(text("-2"))),
                ("varchar(40)", As(text("-2"))),
                ("jsonb", As(text("-2"))),
            ],
        ),
        (
            Value::Real(f64::MIN_POSITIVE),
            &["double precision"],
            vec![
                ("numeric", As(text(&format!("{}", f64::MIN_POSITIVE)))),
                ("numeric(10,2)", As(text("0.00"))),
                ("real", Refused),
                ("text", As(text(&format!("{}", f64::MIN_POSITIVE)))),
                ("jsonb", As(text(&format!("{}", f64::MIN_POSITIVE)))),
            ],
        ),
        (
            Value::Real(f64::INFINITY),
            &["real", "double precision"],
            vec![
                ("numeric", As(text("Infinity"))),
                ("text", As(text("inf"))),
                ("varchar(40)", As(text("inf"))),
            ],
        ),
        (text("é;'\\\""), &["text", "varchar(40)"], vec![]),
        (text(""), &["text", "varchar(40)"], vec![]),
        (text("happy"), &["text", "varchar(40)", "mood"], vec![]),
        (text("true"), &["text", "varchar(40)", "jsonb"], vec![("boolean", As(Value::Integer(1)))]),
        (text(uuid), &["text", "varchar(40)", "uuid"], vec![]),
        (text(r#"{"a": [1, null]}"#), &["text", "varchar(40)", "jsonb"], vec![]),
        (
            text("2026-02-03"),
            &["text", "varchar(40)", "date"],
            vec![
                ("timestamp", As(text("2026-02-03T00:00:00"))),
                ("timestamptz", As(text("2026-02-03T00:00:00Z"))),
            ],
        ),
        (
            text("2026-02-03T04:05:06.000007+02:00"),
            &["text", "varchar(40)"],
            vec![
                ("date", As(text("2026-02-03"))),
                ("timestamp", As(text("2026-02-03T04:05:06.000007"))),
                ("timestamptz", As(text("2026-02-03T02:05:06.000007Z"))),
            ],
        ),
        (text("04:05:06.000007"), &["text", "varchar(40)", "time"], vec![]),
        (
            text("12345.678"),
            &["text", "varchar(40)", "numeric", "jsonb"],
            vec![
                ("real", As(Value::Real(f64::from(12345.678_f32)))),
                ("double precision", As(Value::Real(12345.678))),
                ("numeric(10,2)", As(text("12345.68"))),
            ],
        ),
        (text("a\0b"), none, vec![]),
        (Value::Blob(vec![0, 255, 1]), &["bytea"], vec![]),
    ];
    let database = open().await;
    let columns: Vec<String> = TYPES.iter().map(|ty| format!("{} {ty}", column(ty))).collect();
    let tables = format!(
        "CREATE TYPE mood AS ENUM ('happy', 'sad'); CREATE DOMAIN positive AS integer CHECK (VALUE > 0); \
         CREATE TABLE all_types ({})",
        columns.join(", ")
    );
    let matrix = move |tx: &mut Tx| {
        tx.script(&tables)?;
        for (value, same, others) in &cases {
            for ty in TYPES {
                let given = others.iter().find(|(other, _)| other == ty).map(|(_, read)| read);
                let expected = match given {
                    Some(read) => read,
                    None if same.contains(ty) => &Same,
                    None => &Refused,
                };
                let read = round_trip(tx, ty, value);
                match (expected, read) {
                    (Same, Ok(read)) => {
                        assert_eq!(&read, value, "{ty}");
                        assert!(is_found(tx, ty, value), "{ty} {value:?}");
                    }
                    (As(expected), Ok(read)) => assert_eq!(&read, expected, "{ty} {value:?}"),
                    // What is refused does not end the transaction.
                    (Refused, Err(DatabaseError::Failed(_) | DatabaseError::Constraint(_))) => {}
                    (_, read) => panic!("{ty} {value:?}: {read:?}"),
                }
            }
        }
        Ok(())
    };
    database.run(matrix).await.unwrap();
}

/// Values that are computed by the server, and their text there.
#[tokio::test]
async fn numbers_and_times_are_read_as_the_server_writes_them() {
    let database = open().await;
    let run = |tx: &mut Tx| {
        for number in [
            "0",
            "1",
            "-1",
            "9999",
            "10000",
            "10001",
            "123456789012345678901234567890",
            "9223372036854775807",
            "9223372036854775808",
            "-9223372036854775808",
            "0.1",
            "0.0001",
            "0.00001",
            "1.50",
            "100000000.00000001",
            "-0.5",
            "1e20",
            "1e-20",
            "NaN",
            "Infinity",
            "-Infinity",
            "10000.0000",
            "99990000",
            "0.00",
        ] {
            let sql = format!("SELECT '{number}'::numeric, '{number}'::numeric::text");
            let (read, expected): (AnyValue, String) = tx.query_first(&sql, ())?.unwrap();
            let read = match read.0 {
                Value::Integer(read) => read.to_string(),
                Value::Text(read) => read,
                other @ (Value::Null | Value::Real(_) | Value::Blob(_)) => panic!("{other:?}"),
            };
            assert_eq!(read, expected, "{number}");
        }
        // Every 97th hour over 1,200 years, and the days around the changes of years.
        let times = "SELECT t, to_char(t, 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'), t::date, t::date::text FROM \
             generate_series('1400-01-01'::timestamptz, '2600-01-01', '97 hours 1 microsecond') AS t";
        for (read, expected, day, expected_day) in tx.query::<(String, String, String, String)>(times, ())? {
            assert_eq!(read.replace('Z', if read.len() == 20 { ".000000Z" } else { "Z" }), expected);
            assert_eq!(day, expected_day);
        }
        for (sql, expected) in [
            ("SELECT '24:00'::time", "24:00:00"),
            ("SELECT 'infinity'::timestamptz", "infinity"),
            ("SELECT '-infinity'::date", "-infinity"),
            ("SELECT '9999-12-31 23:59:59.999999'::timestamp", "9999-12-31T23:59:59.999999"),
            ("SELECT 'a'::char(3)", "a  "),
            ("SELECT '{\"a\":  1}'::json", "{\"a\":  1}"),
        ] {
            assert_eq!(tx.query_first::<String>(sql, ())?.as_deref(), Some(expected), "{sql}");
        }
        assert_eq!(tx.query_first::<i64>("SELECT sum(id) FROM seats", ())?, Some(6));
        assert_eq!(tx.query_first::<f64>("SELECT avg(id)::float8 FROM seats", ())?, Some(2.0));
        for (sql, expected) in [
            ("SELECT '44-01-01 BC'::date AS day", "the column `day`: a date outside of the years 0 to 9999"),
            (
                "SELECT '12000-01-01'::timestamp AS day",
                "the column `day`: a time outside of the years 0 to 9999",
            ),
            (
                "SELECT array[1] AS list",
                "the column `list`: the type _int4 is not supported; cast it, as in `x::text`",
            ),
            (
                "SELECT '1 day'::interval AS pause",
                "the column `pause`: the type interval is not supported; cast it, as in `x::text`",
            ),
        ] {
            let error = tx.query::<AnyValue>(sql, ()).unwrap_err();
            assert!(matches!(error, DatabaseError::Row(_)), "{error}");
            assert!(error.to_string().ends_with(expected), "{error}");
        }
        assert_eq!(tx.query_first::<String>("SELECT array[1]::text", ())?.as_deref(), Some("{1}"));
        Ok(())
    };
    database.run(run).await.unwrap();
}

/// A value as a row gives it.
#[derive(Debug)]
struct AnyValue(Value);

impl<'de> serde::Deserialize<'de> for AnyValue {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = AnyValue;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a value")
            }

            fn visit_none<E>(self) -> Result<AnyValue, E> {
                Ok(AnyValue(Value::Null))
            }

            fn visit_some<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<AnyValue, D::Error> {
                deserializer.deserialize_any(self)
            }

            fn visit_i64<E>(self, value: i64) -> Result<AnyValue, E> {
                Ok(AnyValue(Value::Integer(value)))
            }

            fn visit_f64<E>(self, value: f64) -> Result<AnyValue, E> {
                Ok(AnyValue(Value::Real(value)))
            }

            fn visit_string<E>(self, value: String) -> Result<AnyValue, E> {
                Ok(AnyValue(Value::Text(value)))
            }

            fn visit_str<E>(self, value: &str) -> Result<AnyValue, E> {
                Ok(AnyValue(Value::Text(value.to_owned())))
            }

            fn visit_byte_buf<E>(self, value: Vec<u8>) -> Result<AnyValue, E> {
                Ok(AnyValue(Value::Blob(value)))
            }
        }
        deserializer.deserialize_option(Visitor)
    }
}
