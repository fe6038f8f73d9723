//! Events: what they run, and what they guess.

use super::Compiler;
use super::resolve::Moment;
use crate::check::{Argument, CheckKind, PathStep, Want};
use crate::compiled::{Guess, HoleKind, Modifiers, Statement, Step};
use crate::expr::{Expr, LocalRef, Special};
use crate::source::{Attribute, Code, Element};
use crate::syntax::{self, Ast, AstKind, GuessAst, Ident, StatementAst};

/// An event of an element, before it is known which of them has the guesses.
pub(super) struct Event {
    name: Box<str>,
    modifiers: Modifiers,
    run: Vec<Statement>,
}

impl Event {
    /// Whether it calls an action when its form is submitted.
    pub(super) fn submits(&self) -> bool {
        &*self.name == "submit" && self.calls()
    }

    fn calls(&self) -> bool {
        self.run.iter().any(|statement| matches!(statement, Statement::Call { .. }))
    }
}

impl Compiler {
    /// Reads one event attribute.
    pub(super) fn event(
        &mut self,
        attribute: &Attribute,
        name: &str,
        modifiers: Option<&str>,
        code: Option<&Code>,
    ) -> Event {
        let modifiers = self.event_modifiers(attribute.at, name, modifiers);
        if let Some(why) = self.closed {
            self.error(attribute.at, why);
        }
        let parsed = match code {
            Some(code) => self.parsed(syntax::statements(&code.text, code.at)),
            // `live:submit.prevent` alone prevents, and does nothing else.
            None if modifiers.prevent || modifiers.stop => None,
            None => {
                self.error(attribute.at, format!("`{}` needs an action to call", attribute.name));
                None
            }
        };
        let run = parsed.unwrap_or_default().into_iter().filter_map(|one| self.statement(one)).collect();
        Event { name: name.into(), modifiers, run }
    }

    /// Adds the holes of an element's events, with the guesses of its `live:optimistic`.
    pub(super) fn events(&mut self, element: &Element, events: Vec<Event>, path: &[Step]) {
        let calling = events.iter().filter(|event| event.calls()).count();
        let mut guesses = Vec::new();
        if let Some(attribute) = element.attribute("live:optimistic") {
            if calling != 1 {
                let message = if calling == 0 {
                    "`live:optimistic` shows the effect of an action before the server answers: the element has no event that calls one"
                } else {
                    "`live:optimistic` cannot tell which of the element's events it belongs to: only one may call an action"
                };
                self.error(attribute.at, message);
            }
            match super::directives::code(attribute) {
                Some(code) => {
                    let parsed = self.parsed(syntax::guesses(&code.text, code.at)).unwrap_or_default();
                    guesses = parsed.iter().filter_map(|one| self.guess(one)).collect();
                }
                None => self.error(attribute.at, "`live:optimistic` needs a guess: `done = $checked`"),
            }
        }
        for event in events {
            let optimistic = if event.calls() { std::mem::take(&mut guesses) } else { Vec::new() };
            let Event { name: event, modifiers, run } = event;
            self.hole(path, HoleKind::Event { event, modifiers, run, optimistic });
        }
    }

    fn statement(&mut self, statement: StatementAst) -> Option<Statement> {
        match statement {
            StatementAst::Call(action, args) => {
                let (args, arguments): (Vec<_>, Vec<_>) =
                    args.iter().map(|arg| self.resolve(arg, Want::Any, Moment::Event)).unzip();
                let action_name = action.text.clone();
                self.check(action.at, CheckKind::Call { action: action_name, arguments });
                Some(Statement::Call { action: action.text.into(), args })
            }
            StatementAst::Set(name, value) => {
                let (value, argument) = self.resolve(&value, Want::Any, Moment::Event);
                if self.scopes.find(&name.text).is_none() {
                    let field = name.text.clone();
                    self.check(name.at, CheckKind::Edit { field, argument });
                    return Some(Statement::Edit { field: name.text.as_str().into(), value });
                }
                Some(Statement::Set { local: self.settable(&name)?, value })
            }
        }
    }

    fn settable(&mut self, name: &Ident) -> Option<LocalRef> {
        if let (Expr::Local(local), _) = self
            .path(&syntax::Ast { at: name.at, kind: syntax::AstKind::Name(name.text.clone()) }, Moment::Event)
        {
            return Some(local);
        }
        self.error(
            name.at,
            format!(
                "`{}` belongs to a `live:for`: an event sets what `live:local` declares and `model` fields",
                name.text
            ),
        );
        None
    }

    fn guess(&mut self, guess: &GuessAst) -> Option<Guess> {
        let mut expr = |ast, want| self.resolve(ast, want, Moment::Guess).0;
        let (target, mut guess) = match guess {
            GuessAst::Set(path, value) => {
                let (path_expr, value) = (expr(path, Want::Any), expr(value, Want::Any));
                (path, Guess::Set { path: path_expr, value })
            }
            GuessAst::Push(list, item) => {
                let (list_expr, known) = self.resolve(list, Want::List, Moment::Guess);
                if let (Argument::Path(steps), AstKind::Object(fields)) = (known, &item.kind) {
                    self.check_pushed(&steps, fields);
                }
                let (item, _) = self.resolve(item, Want::Any, Moment::Guess);
                (list, Guess::Push { list: list_expr, item })
            }
            GuessAst::Remove(list, key) => {
                let (list_expr, key) = (expr(list, Want::List), expr(key, Want::Any));
                (list, Guess::Remove { list: list_expr, key })
            }
        };
        let (Guess::Set { path, .. } | Guess::Push { list: path, .. } | Guess::Remove { list: path, .. }) =
            &mut guess;
        self.scopes.root_path(path);
        if !assignable(path) {
            self.error(
                target.at,
                "a guess changes a field, or a part of one: `done`, `todos.items[id].done`, `item.done`",
            );
            return None;
        }
        Some(guess)
    }
}

impl Compiler {
    /// Notes that the items of the list at that path have the fields of one that is pushed.
    fn check_pushed(&mut self, list: &[PathStep], fields: &[(Ident, Ast)]) {
        for (name, _) in fields {
            let mut steps = list.to_vec();
            steps.extend([PathStep::Each, PathStep::Field(name.text.clone())]);
            self.check(name.at, CheckKind::Path { steps, want: Want::Any });
        }
    }
}

/// Whether it is a place in the state.
fn assignable(path: &Expr) -> bool {
    match path {
        Expr::Root(_) => true,
        Expr::Field(of, _) => !matches!(**of, Expr::Special(Special::User)) && assignable(of),
        Expr::At(of, _) => assignable(of),
        Expr::Literal(_)
        | Expr::Item(_)
        | Expr::Index(_)
        | Expr::Local(_)
        | Expr::Special(_)
        | Expr::Contains(..)
        | Expr::Unary(..)
        | Expr::Binary(..)
        | Expr::If(..)
        | Expr::Concat(_)
        | Expr::Object(_) => false,
    }
}
