//! The parameters of a partial, and the values that a use gives them.

use super::Expander;
use crate::error::hint;
use crate::expr::Literal;
use crate::source::{Attribute, Code, Element, Piece, decode, pieces};
use crate::sources::{ParameterKind, PartialParameter};
use crate::syntax::{self, Ast, AstKind};

/// The words for the kinds in `<live:params>`.
const KINDS: [(&str, ParameterKind); 5] = [
    ("text", ParameterKind::Text),
    ("number", ParameterKind::Number),
    ("bool", ParameterKind::Bool),
    ("list", ParameterKind::List),
    ("any", ParameterKind::Any),
];
/// Directives that a partial's element passes on to the root of its content.
const PASSED_ON: [&str; 5] = ["live:if", "live:else-if", "live:else", "live:for", "live:key"];

/// A parameter that a partial declares.
struct Declared {
    name: String,
    kind: ParameterKind,
    default: Option<Ast>,
}

impl Expander<'_> {
    /// Returns the parameters of one use, and the directives for the root of its content.
    pub(super) fn parameters(
        &mut self,
        element: &Element,
        header: Option<&Element>,
    ) -> (Vec<PartialParameter>, Vec<Attribute>) {
        let declared: Vec<Declared> = header
            .into_iter()
            .flat_map(|header| &header.attributes)
            .filter_map(|one| self.declared(one))
            .collect();
        let (mut given, mut directives) = (Vec::new(), Vec::new());
        for attribute in &element.attributes {
            let lower = attribute.name.to_ascii_lowercase();
            if PASSED_ON.contains(&lower.as_str()) {
                directives.push(attribute.clone());
                continue;
            }
            let name = lower.replace('-', "_");
            if lower.starts_with("live:") {
                let message = format!(
                    "`{}` has no effect on a partial: put it on an element of the partial, or around it",
                    attribute.name
                );
                self.error(attribute.at, message);
            } else if let Some(parameter) = declared.iter().find(|one| one.name == name) {
                let value = self.argument(attribute, parameter.kind);
                given.push((name, value));
            } else {
                let hint = hint(&name, declared.iter().map(|one| one.name.as_str()));
                self.error(attribute.at, format!("`{}` has no parameter `{name}`{hint}", element.tag()));
            }
        }
        let mut parameters = Vec::new();
        for Declared { name, kind, default } in declared {
            let value = given.iter().find(|(given, _)| *given == name).map(|(_, value)| value.clone());
            let value = value.or(default).unwrap_or_else(|| {
                self.error(element.at, format!("`{}` needs the parameter `{name}`", element.tag()));
                Ast { at: element.at, kind: AstKind::Literal(Literal::Null) }
            });
            parameters.push(PartialParameter { name, kind, value });
        }
        (parameters, directives)
    }

    /// Parses a parameter of `<live:params>`: `label="text"`, `kind="text = 'text'"`.
    fn declared(&mut self, attribute: &Attribute) -> Option<Declared> {
        let forms = "`text`, `number`, `bool`, `list` or `any`, with a default as `text = 'none'`";
        let Some(value) = &attribute.value else {
            self.error(attribute.at, format!("`{}` needs a type: {forms}", attribute.name));
            return None;
        };
        let (word, default) = match value.text.split_once('=') {
            Some((word, default)) => (word, Some((default, word.len() as u32 + 1))),
            None => (value.text.as_str(), None),
        };
        let Some((_, kind)) = KINDS.iter().find(|(known, _)| *known == word.trim()) else {
            let hint = hint(word.trim(), KINDS.map(|(known, _)| known));
            self.error(value.at, format!("unknown type `{}`{hint}; a type is {forms}", word.trim()));
            return None;
        };
        let default = default.and_then(|(default, skipped)| {
            let code = Code { text: decode(default), at: value.at + skipped };
            self.parsed(&code)
        });
        let name = attribute.name.to_ascii_lowercase().replace('-', "_");
        Some(Declared { name, kind: *kind, default })
    }

    /// Returns the value of an attribute: text with `{{ }}` for a text, otherwise an expression.
    fn argument(&mut self, attribute: &Attribute, kind: ParameterKind) -> Ast {
        let null = || Ast { at: attribute.at, kind: AstKind::Literal(Literal::Null) };
        let Some(value) = &attribute.value else {
            if kind == ParameterKind::Bool {
                return Ast { at: attribute.at, kind: AstKind::Literal(Literal::Bool(true)) };
            }
            self.error(attribute.at, format!("`{}` needs a value", attribute.name));
            return null();
        };
        if kind != ParameterKind::Text && !value.text.trim_start().starts_with("{{") {
            let code = Code { text: decode(&value.text), at: value.at };
            return self.parsed(&code).unwrap_or_else(null);
        }
        let mut parts = Vec::new();
        for piece in pieces(&value.text, value.at, self.errors) {
            match piece {
                Piece::Text(text) => {
                    let text = decode(&text).into();
                    parts.push(Ast { at: value.at, kind: AstKind::Literal(Literal::Str(text)) });
                }
                Piece::Hole(code) => {
                    let code = Code { text: decode(&code.text), at: code.at };
                    parts.push(self.parsed(&code).unwrap_or_else(null));
                }
            }
        }
        match parts.pop() {
            None => Ast { at: value.at, kind: AstKind::Literal(Literal::Str("".into())) },
            Some(only) if parts.is_empty() => only,
            Some(last) => {
                parts.push(last);
                Ast { at: value.at, kind: AstKind::Concat(parts) }
            }
        }
    }

    fn parsed(&mut self, code: &Code) -> Option<Ast> {
        syntax::expression(&code.text, code.at).map_err(|(at, message)| self.errors.add(at, message)).ok()
    }
}
