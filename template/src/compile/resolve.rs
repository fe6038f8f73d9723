//! Converts parsed expressions into expressions with resolved names.

use super::Compiler;
use super::outcome::PossibleValues;
use super::scope::ResolvedName;
use crate::check::{Argument, CheckKind, Comparison, PathStep, Want};
use crate::data::Name;
use crate::error::hint;
use crate::expr::{Binary, Expr, Literal, Special, Unary};
use crate::source::Code;
use crate::syntax::{self, Ast, AstKind, Ident, SyntaxError};

/// When an expression is evaluated, which determines the available names with a `$`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum EvaluationTime {
    /// Whenever the state changes.
    Render,
    /// When an event happens.
    Event,
    /// When an event happens, in `live:optimistic`.
    Optimistic,
}

const SPECIALS: &[&str] = &["$value", "$checked", "$form", "$event", "$user", "$flash", "$index", "$temp"];

impl Compiler {
    /// Returns a parser's result, or records its error.
    pub(super) fn parsed<T>(&mut self, result: Result<T, SyntaxError>) -> Option<T> {
        result.map_err(|(at, message)| self.error(at, message)).ok()
    }

    /// Compiles an expression that is evaluated whenever the state changes; null if it has an
    /// error.
    pub(super) fn expression(&mut self, code: &Code, want: Want) -> Expr {
        self.typed(code, want).0
    }

    /// Does the same and returns what is known about the value.
    pub(super) fn typed(&mut self, code: &Code, want: Want) -> (Expr, Argument) {
        if let Some(why) = self.closed {
            self.error(code.at, why);
        }
        match self.parsed(syntax::expression(&code.text, code.at)) {
            Some(ast) => self.resolve(&ast, want, EvaluationTime::Render),
            None => (Expr::Literal(Literal::Null), Argument::Any),
        }
    }

    /// Resolves the names of an expression, and records the checks against the component.
    pub(super) fn resolve(&mut self, ast: &Ast, want: Want, moment: EvaluationTime) -> (Expr, Argument) {
        let (expr, outcomes) = self.resolve_part(ast, want, moment);
        self.note(&expr);
        (expr, outcomes.argument())
    }

    pub(super) fn resolve_part(
        &mut self,
        ast: &Ast,
        want: Want,
        moment: EvaluationTime,
    ) -> (Expr, PossibleValues) {
        let known = |argument| PossibleValues::one(ast.at, argument);
        let any = |expr| (expr, known(Argument::Any));
        match &ast.kind {
            AstKind::Literal(literal) => {
                let argument = match literal {
                    Literal::Null => Argument::Null,
                    Literal::Bool(_) => Argument::Bool,
                    Literal::Int(_) => Argument::Int,
                    Literal::Num(_) => Argument::Float,
                    Literal::Str(text) => Argument::Word(text.to_string()),
                };
                (Expr::Literal(literal.clone()), known(argument))
            }
            AstKind::Name(name) if let Some(argument) = self.argument(ast.at, name) => {
                // The argument's own checks are those of `arguments`.
                let checks = self.checks.len();
                let errors = std::mem::take(&mut self.errors);
                let (expr, values) = self.resolve_part(&argument, Want::Any, moment);
                self.errors = errors;
                self.checks.truncate(checks);
                for steps in values.paths() {
                    let given = steps.len();
                    self.check(ast.at, CheckKind::Path { steps, want, given });
                }
                (expr, values)
            }
            AstKind::Route(path, parameters) => {
                (self.route(ast.at, path, parameters, moment), known(Argument::Text))
            }
            AstKind::Concat(parts) => {
                let parts = parts.iter().map(|part| self.resolve_part(part, Want::Text, moment).0);
                (Expr::Concat(parts.collect()), known(Argument::Text))
            }
            AstKind::Name(_) | AstKind::Field(..) | AstKind::At(..) | AstKind::Method(..) => {
                let (expr, path) = self.path(ast, moment);
                match path {
                    Some(steps) => {
                        let given = self.given_steps(ast, moment);
                        self.check(ast.at, CheckKind::Path { steps: steps.clone(), want, given });
                        (expr, known(Argument::Path(steps)))
                    }
                    None => any(expr),
                }
            }
            AstKind::Unary(op, of) => {
                let want = if *op == Unary::Not { Want::Condition } else { Want::Number };
                let (of, _) = self.resolve_part(of, want, moment);
                let argument = if *op == Unary::Not { Argument::Bool } else { Argument::Any };
                (Expr::Unary(*op, of.into()), known(argument))
            }
            AstKind::Binary(op, a, b) => self.binary(ast.at, *op, (a, b), want, moment),
            AstKind::If(condition, then, or) => {
                let (condition, _) = self.resolve_part(condition, Want::Condition, moment);
                let (then, first) = self.resolve_part(then, want, moment);
                let (or, second) = self.resolve_part(or, want, moment);
                (Expr::If(condition.into(), then.into(), or.into()), first.or(second))
            }
            AstKind::Object(fields) => any(Expr::Object(
                fields
                    .iter()
                    .map(|(name, value)| {
                        let (value, _) = self.resolve_part(value, Want::Any, moment);
                        (Name::from(name.text.as_str()), value)
                    })
                    .collect(),
            )),
        }
    }

    fn binary(
        &mut self,
        at: u32,
        op: Binary,
        (a, b): (&Ast, &Ast),
        want: Want,
        moment: EvaluationTime,
    ) -> (Expr, PossibleValues) {
        let (first, second, argument) = match op {
            Binary::And => (Want::Condition, want, Argument::Any),
            Binary::Or | Binary::Coalesce => (want, want, Argument::Any),
            // A comparison with null is possible for all types.
            Binary::Eq | Binary::Ne if is_null(a) || is_null(b) => (Want::Any, Want::Any, Argument::Bool),
            Binary::Eq | Binary::Ne | Binary::Lt | Binary::Le | Binary::Gt | Binary::Ge => {
                (Want::Compared, Want::Compared, Argument::Bool)
            }
            Binary::Add => (Want::Text, Want::Text, Argument::Any),
            Binary::Sub | Binary::Mul | Binary::Div | Binary::Rem => {
                (Want::Number, Want::Number, Argument::Any)
            }
        };
        let (a, these) = self.resolve_part(a, first, moment);
        let (b, those) = self.resolve_part(b, second, moment);
        let outcomes = match op {
            Binary::Or | Binary::Coalesce => these.or(those),
            Binary::Eq | Binary::Ne => {
                self.compare(Comparison::Equal, &these, &those);
                PossibleValues::one(at, argument)
            }
            Binary::Lt | Binary::Le | Binary::Gt | Binary::Ge => {
                self.compare(Comparison::Order, &these, &those);
                PossibleValues::one(at, argument)
            }
            Binary::And | Binary::Add | Binary::Sub | Binary::Mul | Binary::Div | Binary::Rem => {
                PossibleValues::one(at, argument)
            }
        };
        (Expr::Binary(op, a.into(), b.into()), outcomes)
    }

    /// Resolves a path, with its steps from the component if it starts there.
    pub(super) fn path(&mut self, ast: &Ast, moment: EvaluationTime) -> (Expr, Option<Vec<PathStep>>) {
        match &ast.kind {
            AstKind::Name(name) => self.name(ast.at, name, moment),
            AstKind::Field(of, field) => {
                let (of, path) = self.path(of, moment);
                if matches!(of, Expr::Special(Special::User)) && !matches!(field.text.as_str(), "id" | "name")
                {
                    let hint = hint(&field.text, ["id", "name"]);
                    self.error(field.at, format!("`$user` has `id` and `name`, not `{}`{hint}", field.text));
                }
                if matches!(of, Expr::Special(Special::Form)) {
                    self.control_named(field);
                }
                let step = PathStep::Field(field.text.clone());
                (Expr::Field(of.into(), Name::from(field.text.as_str())), extended(path, step))
            }
            AstKind::At(of, at) => {
                let (of, path) = self.path(of, moment);
                // `a['b']` means `a.b`.
                let step = if let AstKind::Literal(Literal::Str(name)) = &at.kind {
                    PathStep::Field(name.to_string())
                } else {
                    PathStep::Index
                };
                let (at, _) = self.resolve_part(at, Want::Text, moment);
                (Expr::At(of.into(), at.into()), extended(path, step))
            }
            AstKind::Method(of, name, args) => {
                let (of, path) = self.path(of, moment);
                self.method(of, path, name, args, moment)
            }
            AstKind::Literal(_)
            | AstKind::Unary(..)
            | AstKind::Binary(..)
            | AstKind::If(..)
            | AstKind::Concat(_)
            | AstKind::Route(..)
            | AstKind::Object(_) => (self.resolve_part(ast, Want::Any, moment).0, None),
        }
    }

    /// Checks `$form.x` if all controls of the form are known.
    fn control_named(&mut self, field: &Ident) {
        let Some(names) = self.form.as_ref().filter(|names| !names.contains(&field.text)) else { return };
        let hint = hint(&field.text, names.iter().map(String::as_str));
        self.error(field.at, format!("the enclosing form has no control named `{}`{hint}", field.text));
    }

    fn method(
        &mut self,
        of: Expr,
        path: Option<Vec<PathStep>>,
        name: &Ident,
        args: &[Ast],
        moment: EvaluationTime,
    ) -> (Expr, Option<Vec<PathStep>>) {
        match (name.text.as_str(), args) {
            ("len", []) => (Expr::Unary(Unary::Len, of.into()), extended(path, PathStep::Len)),
            ("is_empty", []) => (Expr::Unary(Unary::IsEmpty, of.into()), extended(path, PathStep::IsEmpty)),
            ("contains", [what]) => {
                let (what, outcomes) = self.resolve_part(what, Want::Text, moment);
                if let Some(path) = &path {
                    self.contained(path, &outcomes);
                }
                (Expr::Contains(of.into(), what.into()), extended(path, PathStep::Contains))
            }
            ("len" | "is_empty", _) => {
                self.error(name.at, format!("`{}()` takes no argument", name.text));
                (of, None)
            }
            ("contains", _) => {
                self.error(name.at, "`contains(x)` takes one argument");
                (of, None)
            }
            (other, _) => {
                let hint = hint(other, ["len", "is_empty", "contains"]);
                self.error(
                    name.at,
                    format!("unknown method `{other}()`: expressions have `len()`, `is_empty()` and `contains(x)`; a computed value is a field, `#[live(computed)]` in Rust{hint}"),
                );
                (of, None)
            }
        }
    }

    fn name(&mut self, at: u32, name: &str, moment: EvaluationTime) -> (Expr, Option<Vec<PathStep>>) {
        if name.starts_with('$') {
            return (self.special(at, name, moment), None);
        }
        if let Some(argument) = self.argument(at, name) {
            return self.path(&argument, moment);
        }
        if matches!(name, "self" | "this") {
            self.error(at, format!("write the field's name alone, without `{name}.`"));
        }
        let partial = self.sources.use_at(at);
        match self.scopes.find(name, partial) {
            Some(ResolvedName::Item(expr, path)) => (expr, path),
            Some(ResolvedName::Own(expr)) => (expr, None),
            None if partial != 0 => {
                self.unknown_in_partial(at, name);
                (Expr::Literal(Literal::Null), None)
            }
            None => (Expr::Root(Name::from(name)), Some(vec![PathStep::Field(name.to_owned())])),
        }
    }

    fn special(&mut self, at: u32, name: &str, moment: EvaluationTime) -> Expr {
        let special = match name {
            "$user" => return Expr::Special(Special::User),
            "$flash" => {
                if self.page.is_none() {
                    self.error(
                        at,
                        "`$flash` belongs into a page's template: the messages are those of the page",
                    );
                }
                return Expr::Special(Special::Flash);
            }
            "$index" => {
                let depth = self.scopes.innermost_loop(self.sources.use_at(at));
                if depth.is_none() {
                    self.error(at, "`$index` is available only inside a `live:for`");
                }
                return Expr::Index(depth.unwrap_or_default());
            }
            "$value" => Special::Value,
            "$checked" => Special::Checked,
            "$form" => Special::Form,
            "$event" => Special::Event,
            "$temp" => Special::Temp,
            _ => {
                let hint = hint(name, SPECIALS.iter().copied());
                self.error(at, format!("unknown name `{name}`{hint}"));
                return Expr::Literal(Literal::Null);
            }
        };
        if special == Special::Temp && moment != EvaluationTime::Optimistic {
            self.error(at, "`$temp` is available only in `live:optimistic`");
        } else if moment == EvaluationTime::Render {
            self.error(at, format!("`{name}` is available only in event attributes"));
        } else if self.posting && special != Special::Form {
            self.error(
                at,
                format!(
                    "`{name}` has no value without JavaScript, where `method=\"post\"` sends this form: use `$form`"
                ),
            );
        }
        Expr::Special(special)
    }

    /// Declares a name of the template, unless it would shadow another one.
    pub(super) fn declare(&mut self, name: &Ident) {
        let partial = self.sources.use_at(name.at);
        let parameter = self.sources.argument(name.at, &name.text).is_some();
        if parameter || self.scopes.find(&name.text, partial).is_some() {
            self.error(name.at, format!("the name `{}` is already in use; choose another one", name.text));
        }
        if partial == 0 {
            self.check(name.at, CheckKind::Fresh { name: name.text.clone() });
        }
    }
}

fn is_null(ast: &Ast) -> bool {
    matches!(ast.kind, AstKind::Literal(Literal::Null))
}

fn extended(path: Option<Vec<PathStep>>, step: PathStep) -> Option<Vec<PathStep>> {
    path.map(|mut path| {
        path.push(step);
        path
    })
}
