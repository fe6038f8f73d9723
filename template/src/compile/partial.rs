//! The parameters of partials: their names stand for the expressions that a use gives.

use super::Compiler;
use super::resolve::EvaluationTime;
use crate::check::{PathStep, Want};
use crate::error::hint;
use crate::expr::Literal;
use crate::sources::ParameterKind;
use crate::syntax::{Ast, AstKind, Ident};

impl Compiler {
    /// Returns the expression for which a name at this offset stands, if it is a parameter that no
    /// name of the partial's template hides.
    pub(super) fn argument(&self, at: u32, name: &str) -> Option<Ast> {
        if self.scopes.find(name, self.sources.use_at(at)).is_some() {
            return None;
        }
        self.sources.argument(at, name).cloned()
    }

    /// Checks the arguments of one use of a partial, at the place where its content begins.
    pub(super) fn arguments(&mut self, number: usize) {
        let given: Vec<(Ast, ParameterKind)> = self
            .sources
            .parameters(number)
            .iter()
            .map(|parameter| (parameter.value.clone(), parameter.kind))
            .collect();
        for (value, kind) in given {
            let want = match kind {
                ParameterKind::Text => Want::Text,
                ParameterKind::Number => Want::Number,
                ParameterKind::Bool => Want::Condition,
                ParameterKind::List => Want::List,
                ParameterKind::Any => Want::Any,
            };
            self.mismatch(&value, kind);
            // Where the partial uses the parameter determines whether it may be a route.
            let routes = self.unplaced.len();
            self.resolve(&value, want, EvaluationTime::Render);
            self.unplaced.truncate(routes);
        }
    }

    /// Reports a literal of another kind than the parameter.
    fn mismatch(&mut self, value: &Ast, kind: ParameterKind) {
        let AstKind::Literal(literal) = &value.kind else { return };
        let wanted = match (kind, literal) {
            (ParameterKind::Any, _)
            | (_, Literal::Null)
            | (ParameterKind::Text, _)
            | (ParameterKind::Number, Literal::Int(_) | Literal::Num(_))
            | (ParameterKind::Bool, Literal::Bool(_)) => return,
            (ParameterKind::Number, _) => "a number",
            (ParameterKind::Bool, _) => "`true` or `false`",
            (ParameterKind::List, _) => "a list",
        };
        self.error(value.at, format!("the parameter needs {wanted}"));
    }

    /// Replaces the parameter at the start of a path by its expression.
    #[expect(clippy::wildcard_enum_match_arm, reason = "no other expression is a path to a property")]
    pub(super) fn substituted(&self, ast: Ast) -> Ast {
        match ast.kind {
            AstKind::Name(name) => match self.argument(ast.at, &name) {
                Some(argument) => self.substituted(argument),
                None => Ast { at: ast.at, kind: AstKind::Name(name) },
            },
            AstKind::Field(of, field) => {
                Ast { at: ast.at, kind: AstKind::Field(Box::new(self.substituted(*of)), field) }
            }
            kind => Ast { at: ast.at, kind },
        }
    }

    /// Returns the name that an event assigns: that of the component's field or of the local for
    /// which a parameter stands.
    pub(super) fn assigned(&mut self, name: Ident) -> Option<Ident> {
        let Some(argument) = self.argument(name.at, &name.text) else { return Some(name) };
        match self.substituted(argument) {
            Ast { at, kind: AstKind::Name(text) } => Some(Ident { at, text }),
            _ => {
                let message = format!("`{}` stands for an expression, which an event cannot set", name.text);
                self.error(name.at, message);
                None
            }
        }
    }

    /// Reports a name that a partial does not declare.
    pub(super) fn unknown_in_partial(&mut self, at: u32, name: &str) {
        let parameters = self.sources.parameters(self.sources.use_at(at));
        let hint = hint(name, parameters.iter().map(|parameter| parameter.name.as_str()));
        let message = format!(
            "`{name}` is not a parameter of this partial, which sees no other names: add it to `<live:params>`{hint}"
        );
        self.error(at, message);
    }

    /// Returns how many steps of a path belong to the argument for which its first name stands. The
    /// check of the argument covers them.
    pub(super) fn given_steps(&mut self, ast: &Ast, moment: EvaluationTime) -> usize {
        let mut first = ast;
        while let AstKind::Field(of, _) | AstKind::At(of, _) | AstKind::Method(of, ..) = &first.kind {
            first = of;
        }
        let AstKind::Name(name) = &first.kind else { return 0 };
        let Some(argument) = self.argument(first.at, name) else { return 0 };
        let (errors, checks) = (std::mem::take(&mut self.errors), self.checks.len());
        let steps = self.path(&argument, moment).1.as_ref().map_or(0, Vec::<PathStep>::len);
        self.errors = errors;
        self.checks.truncate(checks);
        steps
    }
}
