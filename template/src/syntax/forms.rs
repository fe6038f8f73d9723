//! What attributes hold beyond expressions: statements, loops, first values, guesses.

#![expect(clippy::wildcard_enum_match_arm, reason = "of all that could stand somewhere, most is a mistake")]

use super::lexer::TokenKind;
use super::parser::{Parsed, Parser};
use super::{Ast, AstKind, GuessAst, Ident, LoopHead, StatementAst};

/// A whole expression.
pub(crate) fn expression(text: &str, base: u32) -> Parsed<Ast> {
    let mut p = Parser::new(text, base)?;
    let ast = p.expression()?;
    p.end("an operator")?;
    Ok(ast)
}

/// The statements of an event, separated by `;`.
pub(crate) fn statements(text: &str, base: u32) -> Parsed<Vec<StatementAst>> {
    Parser::new(text, base)?.list(|p| {
        let name = p.name("the name of an action")?;
        if p.eat("=") {
            return Ok(StatementAst::Set(name, p.expression()?));
        }
        if p.eat("(") {
            return Ok(StatementAst::Call(name, p.until(")", Parser::expression)?));
        }
        match p.sign() {
            Some(sign @ ("+=" | "-=" | "++" | "--")) => {
                let n = &name.text;
                Err((p.at(), format!("there is no `{sign}`: write `{n} = {n} + 1`, or call an action")))
            }
            Some("." | "[") => Err((
                name.at,
                "an event calls an action, `save(item.id)`, or sets a local, `open = true`".to_owned(),
            )),
            _ => Ok(StatementAst::Call(name, Vec::new())),
        }
    })
}

/// `name = value; name = value`, as `live:local` has it.
pub(crate) fn key_value(text: &str, base: u32) -> Parsed<Vec<(Ident, Ast)>> {
    Parser::new(text, base)?.list(|p| {
        let name = p.name("a name")?;
        p.expect("=", "`live:local` gives first values: `open = false; filter = 'all'`")?;
        Ok((name, p.expression()?))
    })
}

/// The guesses of `live:optimistic`, separated by `;`.
pub(crate) fn guesses(text: &str, base: u32) -> Parsed<Vec<GuessAst>> {
    const FORMS: &str =
        "a guess is `field = value`, `list.push({…})`, `list.remove(id)` or `list[id].field = value`";
    Parser::new(text, base)?.list(|p| {
        let target = p.expression()?;
        if p.eat("=") {
            return Ok(GuessAst::Set(target, p.expression()?));
        }
        match target.kind {
            AstKind::Method(list, name, mut args) if args.len() == 1 => {
                let arg = args.pop().ok_or((name.at, FORMS.to_owned()))?;
                match name.text.as_str() {
                    "push" => Ok(GuessAst::Push(*list, arg)),
                    "remove" => Ok(GuessAst::Remove(*list, arg)),
                    _ => Err((name.at, FORMS.to_owned())),
                }
            }
            _ => Err((target.at, FORMS.to_owned())),
        }
    })
}

/// `item in list`, `item, index in list`
pub(crate) fn loop_head(text: &str, base: u32) -> Parsed<LoopHead> {
    const FORM: &str = "`live:for` is `item in list` or `item, index in list`";
    let mut p = Parser::new(text, base)?;
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
