//! Events: their statements and optimistic updates.

use super::Compiler;
use super::resolve::EvaluationTime;
use crate::check::{Argument, CheckKind, Edits, PathStep, Want};
use crate::compiled::{HoleKind, Modifiers, OptimisticUpdate, Statement, WalkStep};
use crate::expr::{Expr, LocalRef, Special};
use crate::source::{Attribute, Code, Element};
use crate::syntax::{self, Ast, AstKind, Ident, OptimisticAst, StatementAst};

/// An event attribute of an element, before its optimistic updates are assigned.
pub(super) struct EventAttribute {
    pub(super) name: Box<str>,
    pub(super) modifiers: Modifiers,
    pub(super) run: Vec<Statement>,
}

impl EventAttribute {
    /// Returns whether it calls an action when its form is submitted.
    pub(super) fn submits(&self) -> bool {
        &*self.name == "submit" && self.calls()
    }

    /// Returns whether statements run when the form is submitted.
    pub(super) fn runs_on_submit(&self) -> bool {
        &*self.name == "submit" && !self.run.is_empty()
    }

    pub(super) fn calls(&self) -> bool {
        self.run.iter().any(|statement| matches!(statement, Statement::Call { .. }))
    }
}

impl Compiler {
    /// Compiles one event attribute.
    pub(super) fn event(
        &mut self,
        attribute: &Attribute,
        name: &str,
        modifiers: Option<&str>,
        code: Option<&Code>,
    ) -> EventAttribute {
        let modifiers = self.event_modifiers(attribute.at, name, modifiers);
        if let Some(why) = self.closed {
            self.error(attribute.at, why);
        }
        // `live:submit.prevent` without a value only prevents.
        let run = if code.is_none() && (modifiers.prevent || modifiers.stop) {
            Vec::new()
        } else {
            self.statements(attribute, code)
        };
        EventAttribute { name: name.into(), modifiers, run }
    }

    /// Compiles the statements in the value of an event attribute.
    pub(super) fn statements(&mut self, attribute: &Attribute, code: Option<&Code>) -> Vec<Statement> {
        let Some(code) = code else {
            self.error(attribute.at, format!("`{}` needs an action to call", attribute.name));
            return Vec::new();
        };
        let parsed = self.parsed(syntax::statements(&code.text, code.at)).unwrap_or_default();
        parsed.into_iter().filter_map(|one| self.statement(one)).collect()
    }

    /// Adds the holes of an element's events, with the optimistic updates of its `live:optimistic`.
    /// Returns the hole of the submit event.
    pub(super) fn events(
        &mut self,
        element: &Element,
        events: Vec<EventAttribute>,
        path: &[WalkStep],
    ) -> Option<usize> {
        let is_optimistic = |event: &EventAttribute| event.calls() && event.modifiers.poll.is_none();
        let calling = events.iter().filter(|event| is_optimistic(event)).count();
        let mut updates = Vec::new();
        if let Some(attribute) = element.attribute("live:optimistic") {
            if calling != 1 {
                let message = if calling == 0 {
                    "`live:optimistic` requires an event that calls an action on the same element"
                } else {
                    "`live:optimistic` is ambiguous: only one event of the element may call an action"
                };
                self.error(attribute.at, message);
            }
            match super::directives::code(attribute) {
                Some(code) => {
                    let parsed =
                        self.parsed(syntax::optimistic_updates(&code.text, code.at)).unwrap_or_default();
                    updates = parsed.iter().filter_map(|one| self.optimistic_update(one)).collect();
                }
                None => self.error(attribute.at, "`live:optimistic` needs an update: `done = $checked`"),
            }
        }
        let mut submit = None;
        for event in events {
            let optimistic = if is_optimistic(&event) { std::mem::take(&mut updates) } else { Vec::new() };
            let EventAttribute { name: event, modifiers, run } = event;
            let submits = &*event == "submit";
            let hole = self.hole(path, HoleKind::Event { event, modifiers, run, optimistic });
            if submits {
                submit = Some(hole);
            }
        }
        submit
    }

    fn statement(&mut self, statement: StatementAst) -> Option<Statement> {
        match statement {
            StatementAst::Call(action, args) => {
                let (args, arguments): (Vec<_>, Vec<_>) =
                    args.iter().map(|arg| self.resolve(arg, Want::Any, EvaluationTime::Event)).unzip();
                let action_name = action.text.clone();
                self.check(action.at, CheckKind::Call { action: action_name, arguments });
                Some(Statement::Call { action: action.text.into(), args })
            }
            StatementAst::Set(name, value) => {
                let (value, argument) = self.resolve(&value, Want::Any, EvaluationTime::Event);
                let name = self.assigned(name)?;
                let partial = self.sources.use_at(name.at);
                if self.scopes.find(&name.text, partial).is_none() {
                    if partial != 0 {
                        self.unknown_in_partial(name.at, &name.text);
                        return None;
                    }
                    let edits = match argument {
                        Argument::Text | Argument::Word(_) => Edits::Text,
                        Argument::Bool => Edits::Bool,
                        Argument::Int | Argument::Float => Edits::Number,
                        Argument::Null | Argument::Path(_) | Argument::Any => Edits::Any,
                    };
                    let steps = vec![PathStep::Field(name.text.clone())];
                    self.check(name.at, CheckKind::Model { steps, edits });
                    return Some(Statement::Edit { field: name.text.as_str().into(), value });
                }
                Some(Statement::Set { local: self.settable(&name)?, value })
            }
        }
    }

    fn settable(&mut self, name: &Ident) -> Option<LocalRef> {
        if let (Expr::Local(local), _) = self.path(
            &syntax::Ast { at: name.at, kind: syntax::AstKind::Name(name.text.clone()) },
            EvaluationTime::Event,
        ) {
            return Some(local);
        }
        self.error(
            name.at,
            format!(
                "`{}` belongs to a `live:for`: an event can set only `live:local` names and `model` fields",
                name.text
            ),
        );
        None
    }

    fn optimistic_update(&mut self, update: &OptimisticAst) -> Option<OptimisticUpdate> {
        let mut expr = |ast, want| self.resolve(ast, want, EvaluationTime::Optimistic).0;
        let (target, mut update) = match update {
            OptimisticAst::Set(path, value) => {
                let (path_expr, value) = (expr(path, Want::Any), expr(value, Want::Any));
                (path, OptimisticUpdate::Set { path: path_expr, value })
            }
            OptimisticAst::Push(list, item) => {
                let (list_expr, known) = self.resolve(list, Want::List, EvaluationTime::Optimistic);
                if let (Argument::Path(steps), AstKind::Object(fields)) = (known, &item.kind) {
                    self.check_pushed(&steps, fields);
                }
                let (item, _) = self.resolve(item, Want::Any, EvaluationTime::Optimistic);
                (list, OptimisticUpdate::Push { list: list_expr, item })
            }
            OptimisticAst::Remove(list, key) => {
                let (list_expr, key) = (expr(list, Want::List), expr(key, Want::Any));
                (list, OptimisticUpdate::Remove { list: list_expr, key })
            }
        };
        let (OptimisticUpdate::Set { path, .. }
        | OptimisticUpdate::Push { list: path, .. }
        | OptimisticUpdate::Remove { list: path, .. }) = &mut update;
        self.scopes.root_path(path);
        if !assignable(path) {
            self.error(
                target.at,
                "an optimistic update must change a field, or a part of one: `done`, `todos.items[id].done`, `item.done`",
            );
            return None;
        }
        Some(update)
    }
}

impl Compiler {
    /// Checks that the items of the list at that path have the fields of a pushed one.
    fn check_pushed(&mut self, list: &[PathStep], fields: &[(Ident, Ast)]) {
        for (name, _) in fields {
            let mut steps = list.to_vec();
            steps.extend([PathStep::Each, PathStep::Field(name.text.clone())]);
            self.check(name.at, CheckKind::Path { steps, want: Want::Any, given: 0 });
        }
    }
}

/// Returns whether the path is a place in the state.
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
        | Expr::Route(..)
        | Expr::Object(_) => false,
    }
}
