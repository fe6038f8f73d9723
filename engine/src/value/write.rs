//! Writes values as JSON text.

use vivaz_template::{Data, write_digits, write_int};

use super::Val;

/// Appends a value as JSON.
pub(crate) fn write_json(value: &Val, out: &mut String) {
    match value {
        Val::Null => out.push_str("null"),
        Val::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
        Val::Int(i) => write_int(*i, out),
        Val::Big(n) => write_digits(*n, out),
        Val::Num(n) => Val::write_num(*n, out),
        Val::Str(s) => write_string(s, out),
        Val::List(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write_json(item, out);
            }
            out.push(']');
        }
        Val::Obj(fields) => {
            out.push('{');
            for (i, (key, item)) in fields.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write_string(key.name(), out);
                out.push(':');
                write_json(item, out);
            }
            out.push('}');
        }
    }
}

/// Appends text as a JSON string.
pub(crate) fn write_string(text: &str, out: &mut String) {
    out.push('"');
    // All escaped characters are ASCII; the text between them is copied unchanged.
    let mut copied = 0;
    for (at, byte) in text.bytes().enumerate() {
        if byte >= b' ' && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.push_str(text.get(copied..at).unwrap_or_default());
        copied = at + 1;
        match byte {
            b'\n' => out.push_str("\\n"),
            b'"' | b'\\' => {
                out.push('\\');
                out.push(char::from(byte));
            }
            _ => {
                out.push_str(if byte < 16 { "\\u000" } else { "\\u001" });
                out.push(char::from(
                    b"0123456789abcdef".get(usize::from(byte & 15)).copied().unwrap_or(b'0'),
                ));
            }
        }
    }
    out.push_str(text.get(copied..).unwrap_or_default());
    out.push('"');
}

/// Appends a count.
pub(crate) fn write_count(count: u64, out: &mut String) {
    write_int(count as i64, out);
}
