//! Checks that the children in a template exist and have the given props.
//!
//! A derive sees one component; the others are known when the application starts. So these errors
//! are reported then, and not at compile time.

use vivaz_template::check::{Argument, Check, CheckKind, GivenProp, PathStep};
use vivaz_template::expr::Literal;
use vivaz_template::{Compiled, nearest};

use super::Registry;
use crate::check::{NOT_THE_PAGES, does_not_take, is_written_form, through, why_missing};
use crate::shape::{Shape, ShapeField, ShapeRef};
use crate::spec::Spec;

/// The fields that a template reads.
#[derive(Clone, Copy, Debug)]
pub struct TemplateFields {
    /// The shape of the struct.
    pub shape: ShapeRef,
    /// The computed fields.
    pub computed: &'static [ShapeField],
}

impl TemplateFields {
    /// Returns the fields of a component.
    #[must_use]
    pub fn of(spec: &Spec) -> Self {
        Self { shape: spec.shape, computed: spec.computed }
    }

    /// Returns the shape of the value at a path; `None` if it is not known. The derive reports
    /// paths that do not exist.
    pub(crate) fn shape_at(self, path: &[PathStep]) -> Option<&'static Shape> {
        let mut shape = self.shape.get();
        for (at, step) in path.iter().enumerate() {
            shape = match (step, through(shape)) {
                (PathStep::Field(name), Shape::Struct(_, fields)) => {
                    let computed = if at == 0 { self.computed } else { &[] };
                    fields.iter().chain(computed).find(|field| field.name == name)?.shape.get()
                }
                (PathStep::Field(_) | PathStep::Index, Shape::Map(inner))
                | (PathStep::Each | PathStep::Index, Shape::List(inner) | Shape::Keyed(inner)) => inner.get(),
                (PathStep::Len, _) => &Shape::Int,
                (PathStep::IsEmpty | PathStep::Contains, _) => &Shape::Bool,
                (PathStep::Field(_) | PathStep::Each | PathStep::Index, _) => return None,
            };
        }
        Some(shape)
    }
}

impl Registry {
    /// Returns what is wrong with the children of a template, one sentence each, with its position.
    /// `fields` and `checks` are those of the template.
    #[must_use]
    pub fn mistakes_of_children(&self, fields: TemplateFields, checks: &[Check]) -> Vec<String> {
        let mut mistakes = Vec::new();
        for check in checks {
            if let CheckKind::Child { component, props, within: _ } = &check.kind {
                let mut say = |mistake: String| mistakes.push(format!("{}: {mistake}", check.at));
                match self.get(component) {
                    Some(child) => props_of(child.spec, fields, props, &mut say),
                    None => {
                        let hint = suggestion(component, self.components.keys().copied());
                        let what = format!("no component is named `{component}`");
                        say(format!("{what}, and there is no file `partials/{component}.html`{hint}"));
                    }
                }
            }
        }
        mistakes
    }
}

impl Registry {
    /// Converts fixed texts in a template into numbers and booleans, where a child's prop has that
    /// type: `count="41"`.
    pub fn convert_props(&self, compiled: &mut Compiled) {
        compiled.convert_props(&|component, name, text| {
            let prop = self.get(component)?.spec.props.iter().find(|prop| prop.name == name)?;
            if !is_written_form(text, prop.shape) {
                return None;
            }
            let literal = match text {
                "true" => Literal::Bool(true),
                "false" => Literal::Bool(false),
                _ => match text.parse::<i64>() {
                    Ok(number) => Literal::Int(number),
                    Err(_) => Literal::Num(text.parse().ok()?),
                },
            };
            Some(literal)
        });
    }
}

fn props_of(child: &Spec, fields: TemplateFields, given: &[GivenProp], say: &mut impl FnMut(String)) {
    for GivenProp { name, argument, is_local } in given {
        if *is_local && child.props.iter().any(|prop| prop.name == name) && !child.is_page_prop(name) {
            say(format!("the prop `{name}` of `{}{NOT_THE_PAGES}", child.name));
        }
        match child.props.iter().find(|prop| prop.name == name) {
            None => {
                let hint = suggestion(name, child.props.iter().map(|prop| prop.name));
                say(format!("`{}` has no prop `{name}`{hint}", child.name));
            }
            Some(prop) => {
                let is = match argument {
                    Argument::Bool => &Shape::Bool,
                    Argument::Int => &Shape::Int,
                    Argument::Float => &Shape::Float,
                    Argument::Word(word) if is_written_form(word, prop.shape) => continue,
                    Argument::Text | Argument::Word(_) => &Shape::Str,
                    Argument::Path(path) => fields.shape_at(path).unwrap_or(&Shape::Unknown),
                    Argument::Null | Argument::Any => continue,
                };
                if let Some(is) = does_not_take(prop, is) {
                    say(format!("the prop `{name}: {}` of `{}` cannot be {is}", prop.ty, child.name));
                }
            }
        }
    }
    for prop in child.props.iter().filter(|prop| !prop.optional) {
        if !given.iter().any(|given| given.name == prop.name) {
            say(format!("`{}` needs the prop `{}`{}", child.name, prop.name, why_missing(prop.name)));
        }
    }
}

fn suggestion<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    nearest(name, known).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default()
}
