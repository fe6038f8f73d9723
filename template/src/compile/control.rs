//! Form controls: `live:model`, and the selected option of a `select`.

use super::Compiler;
use super::directives::code;
use super::element::{StartTag, blank};
use super::resolve::EvaluationTime;
use super::scope::ResolvedName;
use crate::check::{CheckKind, Edits, PathStep, Want};
use crate::compiled::{Control, HoleKind, ModelModifiers, ModelSend, ModelStep, Namespace, WalkStep};
use crate::elements::{VOID, has_any};
use crate::error::hint;
use crate::expr::{Expr, Literal};
use crate::program::{ControlModel, RenderOp};
use crate::source::{Attribute, Code, Element, Piece, SourceNode};
use crate::syntax::{self, AstKind};

/// Types of `input`.
const TYPES: &[&str] = &[
    "text",
    "search",
    "email",
    "url",
    "tel",
    "password",
    "number",
    "range",
    "date",
    "time",
    "datetime-local",
    "month",
    "week",
    "color",
    "checkbox",
    "radio",
    "hidden",
    "file",
    "submit",
    "button",
    "reset",
    "image",
];

impl Compiler {
    /// Compiles `live:model`.
    pub(super) fn model(
        &mut self,
        element: &Element,
        attribute: &Attribute,
        modifiers: Option<&str>,
        path: &[WalkStep],
        tag: &mut StartTag,
    ) {
        let mut modifiers = self.model_modifiers(attribute.at, modifiers);
        if let Some(why) = self.closed {
            self.error(attribute.at, why);
        }
        let Some(control) = self.control(element, attribute) else { return };
        let Some(code) = code(attribute) else {
            self.error(attribute.at, "`live:model` needs the name of a field: `live:model=\"draft\"`");
            return;
        };
        let Some((value, steps)) = self.property(&code) else { return };
        if control == Control::Editable && modifiers.send == ModelSend::Change {
            // A browser fires no `change` event there.
            modifiers.send = ModelSend::Blur;
        }
        let mut rooted = value.clone();
        self.scopes.id_path(&mut rooted);
        let property = model_steps(rooted);
        let edits = edits(control, &modifiers);
        tag.model = Some(ControlModel {
            property: property.clone(),
            value: value.clone(),
            control,
            trim: modifiers.trim,
            number: modifiers.number,
        });
        self.check(code.at, CheckKind::Model { steps, edits });
        let hole = HoleKind::Model { property, value: value.clone(), control, modifiers };
        match control {
            Control::Text | Control::Number if element.is_html("textarea") => tag.shows = Some(value),
            Control::Editable => tag.shows = Some(value),
            Control::Text | Control::Number => self.op(RenderOp::Value(value)),
            Control::Checkbox => self.op(RenderOp::Checked(value)),
            Control::Choice => {
                let own = self.own_value(element, attribute);
                self.op(RenderOp::Ticked(value, own));
            }
            Control::Radio => {
                let own = self.own_value(element, attribute);
                self.op(RenderOp::Chosen(value, own));
            }
            Control::Select | Control::SelectMultiple => {
                self.op(RenderOp::SelectStart(value));
                self.options = true;
                self.late.push((path.to_vec(), hole));
                return;
            }
        }
        self.hole(path, hole);
    }

    /// Resolves the property of a `live:model`: its value, and its path from the component.
    fn property(&mut self, code: &Code) -> Option<(Expr, Vec<PathStep>)> {
        let ast = self.parsed(syntax::expression(&code.text, code.at))?;
        let ast = self.substituted(ast);
        let mut first = &ast;
        while let AstKind::Field(of, _) = &first.kind {
            first = of;
        }
        let AstKind::Name(name) = &first.kind else {
            self.error(first.at, "`live:model` needs the name of a `model` field, or a path to one such as `item.text`, not an expression");
            return None;
        };
        let is_item = match self.scopes.find(name, self.sources.use_at(first.at)) {
            _ if name.starts_with('$') => {
                self.error(
                    code.at,
                    format!("`{name}` is not a field of the component; `live:model` needs one"),
                );
                return None;
            }
            Some(ResolvedName::Own(_)) => {
                self.error(
                    code.at,
                    format!(
                        "`{name}` is declared by the template; `live:model` needs a field of the component"
                    ),
                );
                return None;
            }
            Some(ResolvedName::Item(..)) => true,
            None => false,
        };
        if is_item && matches!(ast.kind, AstKind::Name(_)) {
            self.error(
                code.at,
                format!(
                    "`{name}` is an item of a list; `live:model` needs a field of it, such as `{name}.text`"
                ),
            );
            return None;
        }
        let (value, steps) = self.path(&ast, EvaluationTime::Render);
        if steps.is_none() {
            self.error(code.at, format!("`{name}` is an item of a list that is not a field of the component; `live:model` needs a path through the component's fields"));
        }
        Some((value, steps?))
    }

    fn control(&mut self, element: &Element, attribute: &Attribute) -> Option<Control> {
        match element.name.as_str() {
            "textarea" => return Some(Control::Text),
            "select" if element.attribute("multiple").is_some() => return Some(Control::SelectMultiple),
            "select" => return Some(Control::Select),
            "input" => {}
            _ => return self.editable(element, attribute),
        }
        let kind = element.attribute("type").and_then(|kind| kind.value.as_ref());
        let Some(kind) = kind else { return Some(Control::Text) };
        let name = kind.text.trim().to_ascii_lowercase();
        match name.as_str() {
            "checkbox" if element.attribute("value").is_some() => Some(Control::Choice),
            "checkbox" => Some(Control::Checkbox),
            "radio" => Some(Control::Radio),
            "number" | "range" => Some(Control::Number),
            "file" | "submit" | "button" | "reset" | "image" => {
                self.error(attribute.at, format!("an input of type `{name}` has no value for `live:model`"));
                None
            }
            _ if name.contains("{{") => {
                self.error(kind.at, "with `live:model` the type of an input cannot depend on state");
                None
            }
            _ if TYPES.contains(&name.as_str()) => Some(Control::Text),
            _ => {
                let hint = hint(&name, TYPES.iter().copied());
                self.error(kind.at, format!("unknown input type `{name}`{hint}"));
                None
            }
        }
    }

    /// Checks an element whose text the user edits in place.
    fn editable(&mut self, element: &Element, attribute: &Attribute) -> Option<Control> {
        let marked = element.attribute("contenteditable").filter(|_| element.namespace == Namespace::Html);
        let Some(marked) = marked else {
            self.error(
                attribute.at,
                format!(
                    "`live:model` belongs to `<input>`, `<textarea>`, `<select>` or an element with `contenteditable`, not to `{}`",
                    element.tag()
                ),
            );
            return None;
        };
        let how = marked.value.as_ref().map(|how| how.text.trim().to_ascii_lowercase()).unwrap_or_default();
        if !matches!(&*how, "" | "true" | "plaintext-only") && !how.contains("{{") {
            let why = "must be `true` or `plaintext-only` with `live:model`";
            self.error(marked.at, format!("`contenteditable` {why}"));
        }
        let name = element.name.as_str();
        if has_any(name, VOID)
            || matches!(name, "script" | "style" | "iframe" | "template" | "title" | "option")
        {
            let tag = element.tag();
            self.error(marked.at, format!("`{tag}` has no text for `live:model`"));
            return None;
        }
        self.text_allowed(Some(element), None);
        if has_content(element) || !blank(&element.children) {
            let tag = element.tag();
            self.error(
                element.at,
                format!("`live:model` sets the content of `{tag}` itself: leave it empty"),
            );
            return None;
        }
        Some(Control::Editable)
    }

    /// Refuses content from the state in an element whose text the user edits: the next patch would
    /// overwrite typed text.
    pub(super) fn overwrites_edits(&mut self, element: &Element) {
        // A page is rendered once, before the user types.
        let can_be_edited = self.page.is_none() && is_editable(element) == Some(true);
        if can_be_edited && (has_content(element) || element.children.iter().any(depends_on_state)) {
            let tag = element.tag();
            self.error(
                element.at,
                format!(
                    "the state would overwrite text that is typed into `{tag}`: edit its text with `live:model`"
                ),
            );
        }
    }

    /// Returns the own value of a radio button or of a checkbox of a group.
    fn own_value(&mut self, element: &Element, attribute: &Attribute) -> Expr {
        let Some(value) = element.attribute("value") else {
            self.error(attribute.at, "a radio button with `live:model` needs a `value`");
            return Expr::Literal(Literal::Null);
        };
        self.value_again(value)
    }

    /// Returns the value of an attribute that is also compiled as an attribute, which reports its
    /// errors and checks.
    pub(super) fn value_again(&mut self, attribute: &Attribute) -> Expr {
        let checks = self.checks.len();
        let errors = std::mem::take(&mut self.errors);
        let pieces = self.pieces(attribute);
        let (value, _) = self.value(pieces, Want::Text);
        self.errors = errors;
        self.checks.truncate(checks);
        value
    }

    /// Writes the server's `selected` attribute of an option.
    pub(super) fn selected(&mut self, element: &Element, content: Expr) {
        if !self.options {
            return;
        }
        let value = element.attribute("value").map(|value| self.value_again(value));
        self.op(RenderOp::Selected(value, content));
    }
}

/// Returns the values that a control writes. With `.number` a textual control writes numbers.
fn edits(control: Control, modifiers: &ModelModifiers) -> Edits {
    match control {
        Control::Number => Edits::Number,
        Control::Text | Control::Radio | Control::Select | Control::Editable => {
            if modifiers.number {
                Edits::Number
            } else {
                Edits::Text
            }
        }
        Control::Checkbox => Edits::Bool,
        Control::SelectMultiple => Edits::List,
        Control::Choice => Edits::Choice,
    }
}

/// Returns the steps of a path that starts at the component.
fn model_steps(path: Expr) -> Vec<ModelStep> {
    let (mut steps, mut rest) = (Vec::new(), path);
    loop {
        #[expect(clippy::wildcard_enum_match_arm, reason = "a path to a property has no other parts")]
        let of = match rest {
            Expr::Field(of, name) => {
                steps.push(ModelStep::Field(name));
                of
            }
            Expr::At(of, key) => {
                steps.push(ModelStep::Key(*key));
                of
            }
            Expr::Root(name) => {
                steps.push(ModelStep::Field(name));
                break;
            }
            _ => break,
        };
        rest = *of;
    }
    steps.reverse();
    steps
}

/// Returns whether the user can edit an element's content, at least in some state. `None` if it
/// inherits this from the enclosing elements.
fn is_editable(element: &Element) -> Option<bool> {
    let marked = element.attribute("contenteditable").filter(|_| element.namespace == Namespace::Html)?;
    let how = marked.value.as_ref().map(|how| how.text.trim().to_ascii_lowercase()).unwrap_or_default();
    Some(how != "false")
}

/// Returns whether a directive sets the content of an element.
fn has_content(element: &Element) -> bool {
    ["live:text", "live:html"].iter().any(|name| element.attribute(name).is_some())
}

/// Returns whether editable content of a node comes from the state.
fn depends_on_state(node: &SourceNode) -> bool {
    match node {
        SourceNode::Text(piece) => matches!(piece, Piece::Hole(_)),
        SourceNode::Use(_) => false,
        SourceNode::Element(element) => {
            is_editable(element).is_none()
                && (has_content(element) || element.children.iter().any(depends_on_state))
        }
    }
}
