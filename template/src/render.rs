//! Renders the first paint: a compiled template and a state become HTML that the page can adopt.

mod form;
pub(crate) mod frame;
mod html;
mod output;
mod text;

use crate::compile::Compiled;
use crate::compiled::{AttributeKind, HoleKind};
use crate::containment::OpenElement;
use crate::data::{Data, Kind, Name};
use crate::escape;
use crate::eval::Value;
use crate::expr::Expr;
use crate::outline::PageLocal;
use crate::place::push_step;
use crate::program::RenderOp;
use crate::route::{self, LinkRelation};
use crate::url;
use form::FormRenderer;
pub use form::TypedForm;
pub(crate) use form::{CollectedControl, CollectedModel, EvaluatedStatement, FormPass};
pub use frame::PageRequest;
use frame::{RenderFrame, RenderRoot};
pub use output::{ChildSlot, FormSlot, Rendered};
use text::{has_text, is_ticked, lines_of, option_value, text_of};

/// Access to a component's fields: its own, and under the names of its shared fields their topics'
/// states.
pub trait StateFields<D> {
    /// Returns the field with that name.
    fn field(&self, name: &Name) -> Option<&D>;

    /// Returns the current value of page-local state (`live:local`) if it differs from its initial
    /// value. `place` identifies the instance of a block, like [`ChildSlot::place`] without the
    /// brackets and the last number, as in `3,7,0,1`; it is empty for the component itself. `slot`
    /// is the position among the block's [`locals`](crate::compiled::Block::locals).
    fn local(&self, place: &str, slot: usize) -> Option<&D> {
        let _ = (place, slot);
        None
    }

    /// Returns whether places are computed for all block instances, for [`StateFields::local`]; a
    /// first paint only needs those of children.
    fn has_places(&self) -> bool {
        false
    }
}

impl<D: Data> StateFields<D> for D {
    fn field(&self, name: &Name) -> Option<&D> {
        self.get(&name.text)
    }
}

/// Renders a component's state. `user` is the value of `$user`, an object with `id` and `name`.
///
/// ```
/// use serde_json::json;
///
/// let compiled = vivaz_template::compile("<b>{{ name }}</b>").expect("a valid template");
/// let rendered = vivaz_template::render(&compiled, &json!({ "name": "<Ada>" }), None);
/// assert_eq!(rendered.html, "<b>&lt;Ada&gt;</b>");
/// ```
pub fn render<D: Data>(compiled: &Compiled, state: &dyn StateFields<D>, user: Option<&D>) -> Rendered<D> {
    render_within(compiled, state, user, &[])
}

/// Does the same as [`render`] for a component inside these elements of its parents' templates:
/// [`ChildSlot::around`].
pub fn render_within<D: Data>(
    compiled: &Compiled,
    state: &dyn StateFields<D>,
    user: Option<&D>,
    around: &[OpenElement],
) -> Rendered<D> {
    render_at(compiled, state, &PageRequest { path: "", user, flash: None }, around, FormPass::None).rendered
}

/// Does the same as [`render_within`], and shows typed values in one form.
pub fn render_typed<D: Data>(
    compiled: &Compiled,
    state: &dyn StateFields<D>,
    user: Option<&D>,
    around: &[OpenElement],
    typed: TypedForm<'_, D>,
) -> Rendered<D> {
    render_at(compiled, state, &PageRequest { path: "", user, flash: None }, around, FormPass::Show(typed))
        .rendered
}

/// Renders a page.
pub fn render_page<D: Data>(
    compiled: &Compiled,
    state: &dyn StateFields<D>,
    request: &PageRequest<'_, D>,
) -> Rendered<D> {
    render_at(compiled, state, request, &[], FormPass::None).rendered
}

/// Renders a template with the elements around it and the path of the page.
pub(crate) fn render_at<'a, D: Data>(
    compiled: &'a Compiled,
    state: &dyn StateFields<D>,
    request: &PageRequest<'a, D>,
    around: &'a [OpenElement],
    form: FormPass<'a, D>,
) -> Renderer<'a, D> {
    let PageRequest { path: here, user, flash } = *request;
    let root = RenderRoot { state, user, flash, form: form.fields() };
    let mut renderer = Renderer {
        compiled,
        around,
        here,
        rendered: Rendered {
            html: String::new(),
            shape: Vec::new(),
            children: Vec::new(),
            forms: Vec::new(),
            head: None,
            client: None,
        },
        select: None,
        child: None,
        scratch: String::new(),
        place: String::new(),
        has_places: state.has_places() || compiled.has_forms(),
        form: FormRenderer::new(form),
    };
    renderer.block(0, RenderFrame::top(&root));
    renderer
}

pub(crate) struct Renderer<'a, D> {
    compiled: &'a Compiled,
    /// The elements around the component.
    around: &'a [OpenElement],
    /// The path of the page.
    here: &'a str,
    pub(crate) rendered: Rendered<D>,
    /// The value of the enclosing `select`.
    select: Option<D>,
    /// The child component whose attributes are being written.
    child: Option<ChildSlot<D>>,
    scratch: String,
    /// The place of the current block instance.
    place: String,
    /// Whether places are also computed without a child.
    has_places: bool,
    pub(crate) form: FormRenderer<'a, D>,
}

impl<D: Data> Renderer<'_, D> {
    fn block(&mut self, number: usize, mut frame: RenderFrame<'_, D>) {
        let compiled = self.compiled;
        let (Some(block), Some(ops)) = (compiled.template.blocks.get(number), compiled.program.get(number))
        else {
            return;
        };
        for (slot, (_, first)) in block.locals.iter().enumerate() {
            let by_now = frame.root().local(&self.place, slot).filter(|_| self.has_places).cloned();
            let value = by_now.unwrap_or_else(|| first.eval(&frame).into_data());
            frame.locals.push(value);
        }
        for op in ops {
            let hole = |at: &usize| block.holes.get(*at).map(|hole| &hole.kind);
            match op {
                RenderOp::Html(html) => self.rendered.html.push_str(html),
                RenderOp::Text(at) => {
                    if let Some(HoleKind::Text { value, .. } | HoleKind::Content { value }) = hole(at) {
                        self.text(value, &frame);
                    }
                }
                RenderOp::ShowText(value) => self.text(value, &frame),
                RenderOp::ShowLines(value) => {
                    let text = lines_of(&text_of(&value.eval(&frame)));
                    escape::push_text(&mut self.rendered.html, &text);
                }
                RenderOp::Raw(at, around) => {
                    if let Some(HoleKind::Html { value }) = hole(at) {
                        // NUL is replaced here as in all texts.
                        let html = text_of(&value.eval(&frame)).replace('\0', "\u{fffd}");
                        let around = [self.around, around].concat();
                        self.rendered.html.push_str(&html::contained(&html, &around));
                    }
                }
                RenderOp::Attribute(at) => {
                    if let Some(HoleKind::Attribute { name, value, kind }) = hole(at)
                        && !self.form.replaces(name)
                    {
                        self.attribute(name, *kind, value, &frame);
                    }
                }
                RenderOp::Class { fixed, value, toggles } => {
                    let toggles = toggles.iter().filter_map(hole);
                    self.classes(fixed, value.as_ref().and_then(hole), toggles, &frame);
                }
                RenderOp::Show(at) => {
                    if let Some(HoleKind::Show { on }) = hole(at)
                        && !on.eval(&frame).truthy()
                    {
                        self.rendered.html.push_str(" hidden");
                    }
                }
                RenderOp::Value(_) if self.form.replaces("value") => {}
                RenderOp::Checked(_) | RenderOp::Ticked(..) | RenderOp::Chosen(..)
                    if self.form.replaces("checked") => {}
                RenderOp::SelectStart(_) if self.form.replaces("selected") => {}
                RenderOp::Value(value) => self.attribute("value", AttributeKind::Word, value, &frame),
                RenderOp::Checked(value) => {
                    if value.eval(&frame).truthy() {
                        self.rendered.html.push_str(" checked");
                    }
                }
                RenderOp::Ticked(value, own) => {
                    if is_ticked(&value.eval(&frame), &own.eval(&frame)) {
                        self.rendered.html.push_str(" checked");
                    }
                }
                RenderOp::Chosen(chosen, own) => {
                    let (chosen, own) = (chosen.eval(&frame), own.eval(&frame));
                    let none = matches!(own.kind(), Kind::Null);
                    if !none && text_of(&chosen) == text_of(&own) {
                        self.rendered.html.push_str(" checked");
                    }
                }
                RenderOp::SelectStart(value) => self.select = Some(value.eval(&frame).into_data()),
                RenderOp::Selected(own, shown) => {
                    if self.selected(&option_value(own.as_ref(), shown, &frame)) {
                        self.rendered.html.push_str(" selected");
                    }
                }
                RenderOp::SelectEnd => {
                    self.select = None;
                    self.form.end_select();
                }
                RenderOp::FormStart(at) => {
                    let place = self.place_of(*at);
                    if let Some(HoleKind::Event { run, .. }) = hole(at) {
                        self.form.start(&place, run, &frame);
                    }
                }
                RenderOp::FormEnd(at) => {
                    let place = self.place_of(*at);
                    self.form.end(&place);
                    self.rendered.forms.push(FormSlot { offset: self.rendered.html.len(), place });
                }
                RenderOp::FieldsetStart(disabled) => {
                    self.form.start_fieldset(disabled.eval(&frame).truthy());
                }
                RenderOp::FieldsetEnd => self.form.end_fieldset(),
                RenderOp::Control(control) => {
                    if let Some(select) = self.form.control(control, &frame, &mut self.rendered.html) {
                        self.select = Some(select);
                    }
                }
                RenderOp::ControlEnd => self.form.end_control(),
                RenderOp::Default(html) => {
                    let name = html.trim_start().split('=').next().unwrap_or_default();
                    if !self.form.replaces(name) {
                        self.rendered.html.push_str(html);
                    }
                }
                RenderOp::TypedStart => self.form.start_content(self.rendered.html.len()),
                RenderOp::TypedEnd => self.form.end_content(&mut self.rendered.html),
                RenderOp::For(at) => {
                    if let Some(HoleKind::For { list, key, block, .. }) = hole(at) {
                        self.rows(*at, (list, key), *block, &frame);
                    }
                }
                RenderOp::If(at) => {
                    if let Some(HoleKind::If { arms, .. }) = hole(at) {
                        self.arm(*at, arms, &frame);
                    }
                }
                RenderOp::ChildStart(at, around) => {
                    if let Some(HoleKind::Child { component, props, .. }) = hole(at) {
                        self.start_child((number, *at), component, props, around, &frame);
                    }
                }
                RenderOp::ChildId(id) => {
                    let id = text_of(&id.eval(&frame));
                    if let Some(child) = &mut self.child {
                        child.id = Some(id);
                    }
                }
                RenderOp::Current(href, above) => {
                    self.current(&text_of(&href.eval(&frame)), *above);
                }
                RenderOp::Head => self.rendered.head = Some(self.rendered.html.len()),
                RenderOp::Client => self.rendered.client = Some(self.rendered.html.len()),
                RenderOp::ChildEnd => {
                    if let Some(mut child) = self.child.take() {
                        child.attributes = self.rendered.html.split_off(child.offset);
                        self.rendered.children.push(child);
                    }
                }
            }
        }
    }

    fn current(&mut self, href: &str, marks_above: bool) {
        self.rendered.html.push_str(match route::relation(href, self.here) {
            LinkRelation::Same => " aria-current=\"page\"",
            LinkRelation::Above if marks_above => " aria-current=\"true\"",
            LinkRelation::Above | LinkRelation::Other => "",
        });
    }

    /// Starts a child component at a hole, which is given as the numbers of its block and the hole.
    fn start_child(
        &mut self,
        (block, at): (usize, usize),
        component: &str,
        props: &[(Name, Expr)],
        around: &[OpenElement],
        frame: &RenderFrame<'_, D>,
    ) {
        let page = match self.compiled.outline.local(block, at) {
            PageLocal::Child { props: local, .. } => props
                .iter()
                .zip(local)
                .filter(|(_, is_local)| **is_local)
                .map(|((name, _), _)| name.text.clone())
                .collect(),
            PageLocal::Other | PageLocal::List(_) | PageLocal::Arms(_) => Vec::new(),
        };
        let props = props.iter().map(|(name, value)| (name.text.clone(), value.eval(frame).into_data()));
        let place = self.place_of(at);
        self.child = Some(ChildSlot {
            offset: self.rendered.html.len(),
            component: component.into(),
            props: props.collect(),
            attributes: String::new(),
            id: None,
            around: [self.around, around].concat(),
            place,
            page,
        });
    }

    /// Returns the place of a hole of the current block instance.
    fn place_of(&self, at: usize) -> String {
        let comma = if self.place.is_empty() { "" } else { "," };
        format!("[{}{comma}{at}]", self.place)
    }

    fn rows(&mut self, at: usize, (list, key): (&Expr, &Expr), block: usize, frame: &RenderFrame<'_, D>) {
        let has_places = self.has_places || self.compiled.outline.has_child(block);
        // The number of rows precedes the choices inside of them.
        let shape = self.rendered.shape.len();
        self.rendered.shape.push(0);
        let mut index = 0;
        let mut row = |item: &D| {
            let outer = self.place.len();
            if has_places {
                push_step(&mut self.place, at, &key.eval(&frame.keyed(item, index)).kind());
            }
            self.block(block, frame.row(item, index));
            self.place.truncate(outer);
            index += 1;
        };
        match list.eval(frame) {
            Value::Borrowed(list) => list.each_item(&mut row),
            Value::Owned(list) => list.each_item(&mut row),
            Value::Literal(_) => {}
        }
        if let Some(rows) = self.rendered.shape.get_mut(shape) {
            *rows = u32::try_from(index).unwrap_or(u32::MAX);
        }
    }

    fn arm(&mut self, at: usize, arms: &[(Option<Expr>, usize)], frame: &RenderFrame<'_, D>) {
        let holds = |condition: &Option<Expr>| condition.as_ref().is_none_or(|c| c.eval(frame).truthy());
        let chosen = arms.iter().zip(1..).find(|((condition, _), _)| holds(condition));
        self.rendered.shape.push(chosen.map_or(0, |(_, number)| number));
        if let Some(((_, block), number)) = chosen {
            let outer = self.place.len();
            push_step(&mut self.place, at, &Kind::<D>::Int(number.into()));
            self.block(*block, frame.arm());
            self.place.truncate(outer);
        }
    }

    fn text(&mut self, value: &Expr, frame: &RenderFrame<'_, D>) {
        // The parts are written one after the other, without concatenating them first.
        if let Expr::Concat(parts) = value {
            return parts.iter().for_each(|part| self.text(part, frame));
        }
        let value = value.eval(frame);
        if let Kind::Str(text) = value.kind() {
            escape::push_text(&mut self.rendered.html, text);
        } else {
            // A number needs no escaping.
            value.write(&mut self.rendered.html);
        }
    }

    fn attribute(&mut self, name: &str, kind: AttributeKind, value: &Expr, frame: &RenderFrame<'_, D>) {
        if kind == AttributeKind::Property && name != "value" {
            // HTML has no attribute for an indeterminate checkbox.
            if name != "indeterminate" && value.eval(frame).truthy() {
                self.rendered.html.push(' ');
                self.rendered.html.push_str(name);
            }
            return;
        }
        let text = &mut self.scratch;
        text.clear();
        if let Expr::Concat(parts) = value {
            parts.iter().for_each(|part| part.eval(frame).write(text));
        } else {
            let value = value.eval(frame);
            let word = matches!(kind, AttributeKind::Word | AttributeKind::Property);
            if matches!(value.kind(), Kind::Null) || matches!(value.kind(), Kind::Bool(false)) && !word {
                return;
            }
            if !matches!(value.kind(), Kind::Bool(true)) || word {
                value.write(text);
            }
        }
        let refused = match kind {
            AttributeKind::Url => url::is_script(text),
            AttributeKind::UrlList => url::any_script(text),
            AttributeKind::Plain
            | AttributeKind::Property
            | AttributeKind::Word
            | AttributeKind::Class
            | AttributeKind::Route => false,
        };
        let out = &mut self.rendered.html;
        out.push(' ');
        out.push_str(name);
        out.push_str("=\"");
        escape::push_attribute(out, if refused { url::REFUSED } else { text });
        out.push('"');
    }

    fn classes<'h>(
        &mut self,
        fixed: &str,
        value: Option<&HoleKind>,
        toggles: impl Iterator<Item = &'h HoleKind>,
        frame: &RenderFrame<'_, D>,
    ) {
        let mut all = fixed.to_owned();
        let mut add = |class: &str| {
            if !all.is_empty() {
                all.push(' ');
            }
            all.push_str(class);
        };
        if let Some(HoleKind::Attribute { value, .. }) = value {
            let value = value.eval(frame);
            // A boolean names no class.
            if !matches!(value.kind(), Kind::Bool(_)) {
                let names = text_of(&value);
                names.split(url::is_space).filter(|name| !name.is_empty()).for_each(&mut add);
            }
        }
        for toggle in toggles {
            if let HoleKind::Class { name, on } = toggle
                && on.eval(frame).truthy()
            {
                add(name);
            }
        }
        if !all.is_empty() {
            let out = &mut self.rendered.html;
            out.push_str(" class=\"");
            escape::push_attribute(out, &all);
            out.push('"');
        }
    }

    fn selected(&self, own: &str) -> bool {
        let Some(select) = &self.select else { return false };
        if let Kind::List(items) = select.kind() {
            has_text(items, own)
        } else {
            text_of(&Value::Borrowed(select)) == own
        }
    }
}
