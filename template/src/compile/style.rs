//! Styles, which the page sets through CSSOM.

use super::Compiler;
use crate::check::Want;
use crate::compiled::{HoleKind, WalkStep};
use crate::expr::{Expr, Literal};
use crate::source::{Attribute, Piece};

impl Compiler {
    /// Compiles a `style` attribute: each declaration becomes a hole, with or without `{{ }}`. The
    /// attribute itself is never written, because a strict content policy forbids it but allows
    /// CSSOM.
    pub(super) fn styles(&mut self, attribute: &Attribute, pieces: &[Piece], path: &[WalkStep]) {
        for declaration in declarations(pieces) {
            let mut parts = declaration.into_iter();
            let first = match parts.next() {
                Some(Piece::Text(text)) => text,
                _ => String::new(),
            };
            let Some((property, start)) = first.split_once(':') else {
                self.error(
                    attribute.at,
                    "a style needs the form `property: value; …`, with `{{ }}` only in values",
                );
                continue;
            };
            let mut value: Vec<Piece> = parts.collect();
            if !start.trim_start().is_empty() {
                value.insert(0, Piece::Text(start.trim_start().to_owned()));
            }
            if let Some(Piece::Text(last)) = value.last_mut() {
                *last = last.trim_end().to_owned();
            }
            value.retain(|piece| !matches!(piece, Piece::Text(text) if text.is_empty()));
            if value.is_empty() {
                self.error(attribute.at, format!("`{}` has no value", property.trim()));
                continue;
            }
            let (value, _) = self.value(value, Want::Text);
            self.style(attribute.at, property.trim(), value, path);
        }
    }

    /// Compiles one property.
    pub(super) fn style(&mut self, at: u32, property: &str, value: Expr, path: &[WalkStep]) {
        let valid = !property.is_empty()
            && property.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
        if !valid {
            self.error(at, format!("`{property}` is not a property's name"));
        }
        if let Expr::Literal(Literal::Str(text)) = &value
            && text.contains('!')
        {
            self.error(at, "`!important` cannot be set here: use a class");
        }
        if let Some(why) = self.closed {
            self.error(at, why);
        }
        self.hole(path, HoleKind::Style { property: property.into(), value });
    }
}

/// Splits a style at the `;` of its text outside quotes and parentheses.
fn declarations(pieces: &[Piece]) -> Vec<Vec<Piece>> {
    let mut out: Vec<Vec<Piece>> = vec![Vec::new()];
    let (mut quote, mut depth) = (None, 0_u32);
    for piece in pieces {
        let text = match piece {
            Piece::Text(text) => text,
            Piece::Hole(_) => {
                out.last_mut().into_iter().for_each(|last| last.push(piece.clone()));
                continue;
            }
        };
        let mut current = String::new();
        for c in text.chars() {
            match (quote, c) {
                (Some(open), c) if c == open => quote = None,
                (None, '"' | '\'') => quote = Some(c),
                (None, '(') => depth += 1,
                (None, ')') => depth = depth.saturating_sub(1),
                (None, ';') if depth == 0 => {
                    out.last_mut()
                        .into_iter()
                        .for_each(|last| last.push(Piece::Text(std::mem::take(&mut current))));
                    out.push(Vec::new());
                    continue;
                }
                _ => {}
            }
            current.push(c);
        }
        out.last_mut().into_iter().for_each(|last| last.push(Piece::Text(std::mem::take(&mut current))));
    }
    for declaration in &mut out {
        if let Some(Piece::Text(first)) = declaration.first_mut() {
            *first = first.trim_start().to_owned();
        }
    }
    out.retain(|declaration| {
        declaration.iter().any(|piece| !matches!(piece, Piece::Text(text) if text.trim().is_empty()))
    });
    out
}
