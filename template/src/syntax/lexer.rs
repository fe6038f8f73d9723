//! Splits an expression into tokens.

use super::SyntaxError;
use crate::expr::Literal;

/// A token and its offset.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token {
    pub(super) at: u32,
    pub(super) kind: TokenKind,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum TokenKind {
    /// A name, including its `$` if it has one.
    Name(String),
    Literal(Literal),
    /// Punctuation, the longest that matches.
    Sign(&'static str),
    End,
}

/// Longer signs first.
const SIGNS: &[&str] = &[
    "===", "!==", "&&", "||", "??", "==", "!=", "<=", ">=", "=>", "++", "--", "+=", "-=", "?.", "::", "!",
    "<", ">", "+", "-", "*", "/", "%", "?", ":", ".", ",", "(", ")", "[", "]", "{", "}", "=", ";", "|", "&",
];

/// Splits `text`, whose first byte is at `base` in the template.
pub(super) fn tokens(text: &str, base: u32) -> Result<Vec<Token>, SyntaxError> {
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let place = base + at as u32;
        let first = rest.chars().next().unwrap_or(' ');
        let (kind, length) = if first.is_whitespace() {
            at += first.len_utf8();
            continue;
        } else if first == '"' || first == '\'' {
            string(rest, first, place)?
        } else if first.is_ascii_digit() {
            number(rest, place)?
        } else if first.is_alphabetic() || first == '_' || first == '$' {
            name(rest)
        } else if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            (TokenKind::Sign(sign), sign.len())
        } else {
            return Err((place, format!("`{}` is not allowed in an expression", first.escape_debug())));
        };
        out.push(Token { at: place, kind });
        at += length;
    }
    out.push(Token { at: base + text.trim_end().len() as u32, kind: TokenKind::End });
    Ok(out)
}

fn name(rest: &str) -> (TokenKind, usize) {
    let after = rest.get(1..).filter(|_| rest.starts_with('$')).unwrap_or(rest);
    let length = after.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(after.len());
    let length = length + rest.len() - after.len();
    let text = rest.get(..length).unwrap_or_default();
    let kind = match text {
        "true" => TokenKind::Literal(Literal::Bool(true)),
        "false" => TokenKind::Literal(Literal::Bool(false)),
        "null" => TokenKind::Literal(Literal::Null),
        _ => TokenKind::Name(text.to_owned()),
    };
    (kind, length)
}

fn number(rest: &str, at: u32) -> Result<(TokenKind, usize), SyntaxError> {
    let digits = |text: &str| text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let mut length = digits(rest);
    let fraction =
        rest.get(length + 1..).filter(|_| rest.as_bytes().get(length) == Some(&b'.')).map_or(0, digits);
    if fraction > 0 {
        length += 1 + fraction;
    }
    let text = rest.get(..length).unwrap_or_default();
    if rest.get(length..).is_some_and(|after| after.starts_with(|c: char| c.is_alphabetic() || c == '_')) {
        return Err((
            at,
            format!("`{text}` is followed by a letter: numbers have no suffixes and no exponents"),
        ));
    }
    let literal = if fraction == 0 {
        Literal::Int(text.parse().map_err(|_| (at, format!("`{text}` is too large for an integer")))?)
    } else {
        float(text.parse().map_err(|_| (at, format!("`{text}` is not a number")))?)
    };
    Ok((TokenKind::Literal(literal), length))
}

/// Creates a number in the form in which the page's JSON parser returns it: integers as integers.
pub(super) fn float(n: f64) -> Literal {
    if n.fract() == 0.0 && n.abs() < 9e15 { Literal::Int(n as i64) } else { Literal::Num(n) }
}

fn string(rest: &str, quote: char, at: u32) -> Result<(TokenKind, usize), SyntaxError> {
    let mut text = String::new();
    let mut chars = rest.char_indices().skip(1);
    while let Some((place, c)) = chars.next() {
        match c {
            c if c == quote => return Ok((TokenKind::Literal(Literal::Str(text.into())), place + 1)),
            '\\' => match chars.next() {
                Some((_, 'n')) => text.push('\n'),
                Some((_, 't')) => text.push('\t'),
                Some((_, c @ ('\\' | '\'' | '"'))) => text.push(c),
                Some((_, c)) => {
                    let c = c.escape_debug();
                    return Err((
                        at + place as u32,
                        format!("unknown escape `\\{c}`; the escapes are \\n \\t \\\\ \\' \\\""),
                    ));
                }
                None => break,
            },
            c => text.push(c),
        }
    }
    Err((at, format!("this text has no closing {quote}")))
}
