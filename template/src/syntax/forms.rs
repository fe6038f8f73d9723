//! Attribute values other than expressions: statements, loops, initial values, optimistic updates.

#![expect(clippy::wildcard_enum_match_arm, reason = "all other tokens are errors")]

use super::lexer::TokenKind;
use super::parser::{ExpressionParser, Parsed};
use super::{Ast, AstKind, Ident, LoopHead, OptimisticAst, StatementAst};

/// Parses a whole expression.
pub(crate) fn expression(text: &str, base: u32) -> Parsed<Ast> {
    let mut p = ExpressionParser::new(text, base)?;
    let ast = p.expression()?;
    p.end("an operator")?;
    Ok(ast)
}

/// Parses the statements of an event, separated by `;`.
pub(crate) fn statements(text: &str, base: u32) -> Parsed<Vec<StatementAst>> {
    ExpressionParser::new(text, base)?.list(|p| {
        let name = p.name("the name of an action")?;
        if p.eat("=") {
            return Ok(StatementAst::Set(name, p.expression()?));
        }
        if p.eat("(") {
            return Ok(StatementAst::Call(name, p.until(")", ExpressionParser::expression)?));
        }
        match p.sign() {
            Some(sign @ ("+=" | "-=" | "++" | "--")) => {
                let n = &name.text;
                Err((p.at(), format!("`{sign}` is not supported: write `{n} = {n} + 1`, or call an action")))
            }
            Some("." | "[") => Err((
                name.at,
                "expected a call of an action, `save(item.id)`, or an assignment to a local, `open = true`"
                    .to_owned(),
            )),
            _ => Ok(StatementAst::Call(name, Vec::new())),
        }
    })
}

/// Parses `name = value; name = value`, the value of `live:local`.
pub(crate) fn key_value(text: &str, base: u32) -> Parsed<Vec<(Ident, Ast)>> {
    ExpressionParser::new(text, base)?.list(|p| {
        let name = p.name("a name")?;
        p.expect("=", "`live:local` needs initial values: `open = false; filter = 'all'`")?;
        Ok((name, p.expression()?))
    })
}

/// Parses the updates of `live:optimistic`, separated by `;`.
pub(crate) fn optimistic_updates(text: &str, base: u32) -> Parsed<Vec<OptimisticAst>> {
    const FORMS: &str =
        "expected `field = value`, `list.push({…})`, `list.remove(id)` or `list[id].field = value`";
    ExpressionParser::new(text, base)?.list(|p| {
        let target = p.expression()?;
        if p.eat("=") {
            return Ok(OptimisticAst::Set(target, p.expression()?));
        }
        match target.kind {
            AstKind::Method(list, name, mut args) if args.len() == 1 => {
                let arg = args.pop().ok_or((name.at, FORMS.to_owned()))?;
                match name.text.as_str() {
                    "push" => Ok(OptimisticAst::Push(*list, arg)),
                    "remove" => Ok(OptimisticAst::Remove(*list, arg)),
                    _ => Err((name.at, FORMS.to_owned())),
                }
            }
            _ => Err((target.at, FORMS.to_owned())),
        }
    })
}

/// Parses `item in list` or `item, index in list`.
pub(crate) fn loop_head(text: &str, base: u32) -> Parsed<LoopHead> {
    const FORM: &str = "`live:for` needs the form `item in list` or `item, index in list`";
    let mut p = ExpressionParser::new(text, base)?;
    let item = p.name("a name for the item")?;
    let index = if p.eat(",") { Some(p.name("a name for the position")?) } else { None };
    match &p.peek().kind {
        TokenKind::Name(word) if word == "in" => p.next(),
        _ => return Err((p.at(), FORM.to_owned())),
    };
    let list = p.expression()?;
    p.end("an operator")?;
    Ok(LoopHead { item, index, list })
}
