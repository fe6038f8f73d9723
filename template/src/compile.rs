//! Compiles the tree: lays out holes and markers, resolves names, and collects the checks that
//! require the component's types.

mod attributes;
mod child;
mod children;
mod confirm;
mod control;
mod directives;
mod element;
mod events;
mod modifiers;
mod names;
mod nesting;
mod outcome;
mod page;
mod partial;
mod poll;
mod post;
mod resolve;
mod route;
mod scope;
mod style;
mod text;
mod wire;

use crate::check::{Check, CheckKind};
use crate::compiled::{Block, Form, Hole, HoleKind, Namespace, Template, WalkStep};
use crate::containment::{self, Containment, OpenElement};
use crate::error::{ErrorList, Position, TemplateError};
use crate::expand::{TemplateLibrary, expand};
use crate::expr::{Expr, Literal, Special};
use crate::outline::Outline;
use crate::program::RenderOp;
use crate::reads::Dependency;
use crate::source::{self, Element};
use crate::sources::{Positions, Sources};
use page::PageParts;
use scope::Scopes;

/// Maximum size of a template, in bytes.
const MAX_BYTES: usize = 1 << 20;

/// The kinds of templates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TemplateKind {
    /// That of a component: the server renders it, and then the page's engine updates it.
    Component,
    /// That of a page: a whole document, which only the server renders.
    Page,
}

/// A compiled template with the checks against its component.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// The form for the page.
    pub template: Template,
    /// The conditions for the component's types.
    pub checks: Vec<Check>,
    /// Its effect on surrounding and inner components.
    pub containment: Containment,
    /// The instructions that write each block as HTML.
    #[cfg_attr(not(feature = "render"), expect(dead_code, reason = "read by the renderer"))]
    pub(crate) program: Vec<Vec<RenderOp>>,
    pub(crate) outline: Outline,
    reads_user: bool,
    reads_flash: bool,
    has_forms: bool,
    /// The position of the element of each use of a partial.
    uses: Vec<Position>,
    /// The paths of the routes in it.
    routes: Vec<Box<str>>,
}

impl Compiled {
    /// Returns whether the template reads `$user`, so that the page needs the user.
    pub fn reads_user(&self) -> bool {
        self.reads_user
    }

    /// Returns whether the template reads `$flash`, and so shows the messages for the page.
    pub fn reads_flash(&self) -> bool {
        self.reads_flash
    }

    /// Returns whether the template has a form that also works without JavaScript.
    pub fn has_forms(&self) -> bool {
        self.has_forms
    }

    /// Returns the positions of the elements that use the partials which contain the position,
    /// innermost first.
    pub fn uses(&self, mut at: Position) -> Vec<Position> {
        let mut uses = Vec::new();
        while let Some(of) = (at.partial_use as usize).checked_sub(1).and_then(|number| self.uses.get(number))
        {
            uses.push(*of);
            at = *of;
        }
        uses
    }

    /// Replaces fixed texts that children's props are given by the literals that `literal` returns
    /// for a component, its prop and the text.
    pub fn convert_props(&mut self, literal: &dyn Fn(&str, &str, &str) -> Option<Literal>) {
        for hole in self.template.blocks.iter_mut().flat_map(|block| &mut block.holes) {
            if let HoleKind::Child { component, props, .. } = &mut hole.kind {
                for (name, value) in props {
                    if let Expr::Literal(Literal::Str(text)) = value
                        && let Some(converted) = literal(component, &name.text, text)
                    {
                        *value = Expr::Literal(converted);
                    }
                }
            }
        }
    }

    /// Returns the paths of the routes in the template, as in Rust: `routes::Item`.
    pub fn routes(&self) -> &[Box<str>] {
        &self.routes
    }

    /// Returns whether a prop of a child that the server computes reads a field for which `wanted`
    /// returns true.
    pub fn gives_children(&self, wanted: &dyn Fn(&str) -> bool) -> bool {
        self.outline.gives_children(&self.template, wanted)
    }
}

/// Compiles a template.
///
/// # Errors
/// Returns all errors in the template itself, in source order.
///
/// ```
/// let compiled = vivaz_template::compile("<p>{{ count }}</p>").expect("a valid template");
/// assert_eq!(&*compiled.template.blocks[0].html, "<p> </p>");
///
/// let errors = vivaz_template::compile("<p live:clik='go'>").unwrap_err();
/// assert_eq!(errors[0].to_string(), "1:1: `<p>` is not closed");
/// assert_eq!(errors[1].to_string(), "1:4: unknown attribute `live:clik`; did you mean `live:click`?");
/// ```
pub fn compile(source: &str) -> Result<Compiled, Vec<TemplateError>> {
    compile_with(source, TemplateKind::Component, &mut |_: &str| None)
}

/// Compiles the template of a page: a whole document, which only the server renders.
///
/// # Errors
/// Returns all errors in the template itself, in source order.
///
/// ```
/// use serde_json::json;
///
/// let page = "<html lang='en'><head><title>{{ name }}</title></head><body></body></html>";
/// let compiled = vivaz_template::compile_page(page).expect("a valid template");
/// let rendered = vivaz_template::render(&compiled, &json!({ "name": "a < b" }), None);
/// assert!(rendered.html.starts_with("<!DOCTYPE html><html lang=\"en\"><head><title>a &lt; b</title>"));
/// ```
pub fn compile_page(source: &str) -> Result<Compiled, Vec<TemplateError>> {
    compile_with(source, TemplateKind::Page, &mut |_: &str| None)
}

/// Compiles a template with partials: each `<live:NAME>` of a partial that the library has is
/// replaced by the content of its file.
///
/// # Errors
/// Returns all errors in the template and its partials.
///
/// ```
/// use vivaz_template::{PartialFile, TemplateKind, compile_with};
///
/// let note = PartialFile { file: "note.html".into(), text: "<p class='note'><live:slot></live:slot></p>".into() };
/// let source = "<live:note>{{ count }} left</live:note>";
/// let compiled = compile_with(source, TemplateKind::Component, &mut |name: &str| (name == "note").then(|| note.clone()));
/// assert_eq!(&*compiled.expect("a valid template").template.blocks[0].html, "<p class=\"note\"> </p>");
/// ```
pub fn compile_with(
    source: &str,
    kind: TemplateKind,
    library: &mut dyn TemplateLibrary,
) -> Result<Compiled, Vec<TemplateError>> {
    let mut errors = ErrorList::default();
    if source.len() > MAX_BYTES {
        errors.add(0, "a template must not exceed 1 MiB");
        return Err(Positions::of("", &Sources::new(0)).errors(errors));
    }
    let tree = match kind {
        TemplateKind::Page => source::parse_page(source, &mut errors),
        TemplateKind::Component => source::parse(source, &mut errors),
    };
    let (tree, sources) = expand(tree, source.len(), library, &mut errors);
    let mut compiler = Compiler {
        errors,
        sources,
        checks: Vec::new(),
        blocks: vec![BlockBuilder::default()],
        current: 0,
        scopes: Scopes::default(),
        ancestors: Vec::new(),
        containment: containment::ContainmentBuilder::default(),
        closed: None,
        preserve: false,
        options: false,
        late: Vec::new(),
        form: None,
        submits: None,
        post: false,
        posting: false,
        has_forms: false,
        reads_user: false,
        reads_flash: false,
        patterns: library.routes(),
        routes: Vec::new(),
        unplaced: Vec::new(),
        page: (kind == TemplateKind::Page).then(PageParts::default),
    };
    compiler.document(&tree);
    compiler.unplaced();
    compiler.finish(source)
}

/// A block under construction.
#[derive(Debug, Default)]
struct BlockBuilder {
    html: String,
    namespace: Option<Namespace>,
    locals: Vec<(Box<str>, Expr)>,
    holes: Vec<Hole>,
    ops: Vec<RenderOp>,
}

struct Compiler {
    errors: ErrorList,
    sources: Sources,
    checks: Vec<(u32, CheckKind)>,
    blocks: Vec<BlockBuilder>,
    current: usize,
    scopes: Scopes,
    /// The enclosing elements, outermost first.
    ancestors: Vec<OpenElement>,
    containment: containment::ContainmentBuilder,
    /// The reason why content may not depend on state here, if so.
    closed: Option<&'static str>,
    /// Whether white space is kept: inside `pre`.
    preserve: bool,
    /// Whether the value of a `select` selects the options here.
    options: bool,
    /// Holes of the current element that follow those inside it.
    late: Vec<(Vec<WalkStep>, HoleKind)>,
    /// The names of the enclosing form's controls, if all of them are known.
    form: Option<Vec<String>>,
    /// The enclosing form, if it has a `live:submit`, and the depth of its block.
    submits: Option<(Form, u16)>,
    /// Whether the enclosing form also works without JavaScript.
    post: bool,
    /// Whether the statements of such a form are being compiled.
    posting: bool,
    /// Whether the template has such a form.
    has_forms: bool,
    reads_user: bool,
    reads_flash: bool,
    /// The parts of the document that were found, if this is the template of a page.
    page: Option<PageParts>,
    /// The path patterns of routes, if they are known.
    patterns: Vec<(String, String)>,
    /// The paths of the routes that the template uses.
    routes: Vec<Box<str>>,
    /// The positions of a component's routes that are not the value of an attribute.
    unplaced: Vec<u32>,
}

impl Compiler {
    fn error(&mut self, at: u32, message: impl Into<String>) {
        self.errors.add(at, message);
    }

    fn check(&mut self, at: u32, kind: CheckKind) {
        self.checks.push((at, kind));
    }

    /// Returns the block under construction. There is always one: `current` only contains positions
    /// of existing blocks.
    fn block(&mut self) -> &mut BlockBuilder {
        let current = self.current.min(self.blocks.len() - 1);
        #[expect(clippy::indexing_slicing, reason = "block 0 is created first and no block is removed")]
        &mut self.blocks[current]
    }

    /// Appends HTML to both the skeleton and the first paint.
    fn html(&mut self, html: &str) {
        self.skeleton(html);
        self.server(html);
    }

    /// Appends HTML to the skeleton only.
    fn skeleton(&mut self, html: &str) {
        self.block().html.push_str(html);
    }

    /// Appends HTML to the first paint only.
    fn server(&mut self, html: &str) {
        match self.block().ops.last_mut() {
            Some(RenderOp::Html(last)) => last.push_str(html),
            _ => self.op(RenderOp::Html(html.to_owned())),
        }
    }

    fn op(&mut self, op: RenderOp) {
        self.block().ops.push(op);
    }

    /// Adds a hole and returns its position.
    fn hole(&mut self, path: &[WalkStep], kind: HoleKind) -> usize {
        let holes = &mut self.block().holes;
        holes.push(Hole { path: path.to_vec(), kind });
        holes.len() - 1
    }

    /// Compiles an element as a block of its own and returns its number.
    fn own_block(&mut self, element: &Element) -> usize {
        let number = self.blocks.len();
        self.blocks.push(BlockBuilder { namespace: Some(element.namespace), ..BlockBuilder::default() });
        let outer = std::mem::replace(&mut self.current, number);
        self.scopes.enter_block();
        self.element(element, &[]);
        self.scopes.leave_block();
        self.current = outer;
        number
    }

    fn finish(self, source: &str) -> Result<Compiled, Vec<TemplateError>> {
        let lines = Positions::of(source, &self.sources);
        let errors = lines.errors(self.errors);
        if !errors.is_empty() {
            return Err(errors);
        }
        let checks = self.checks.into_iter().map(|(at, kind)| Check { at: lines.position(at), kind });
        let mut template = Template { blocks: Vec::new() };
        let mut program = Vec::new();
        for block in self.blocks {
            program.push(block.ops);
            template.blocks.push(Block {
                html: block.html.into(),
                namespace: block.namespace.unwrap_or(Namespace::Html),
                locals: block.locals,
                holes: block.holes,
            });
        }
        let outline = Outline::of(&template);
        Ok(Compiled {
            template,
            checks: checks.collect(),
            containment: self.containment.finish(&lines),
            program,
            outline,
            reads_user: self.reads_user,
            reads_flash: self.reads_flash,
            has_forms: self.has_forms,
            uses: lines.uses(),
            routes: self.routes,
        })
    }

    /// Records facts about the template as a whole.
    fn note(&mut self, expr: &Expr) {
        expr.reads(&mut |read| {
            self.reads_user |= read == Dependency::Special(Special::User);
            self.reads_flash |= read == Dependency::Special(Special::Flash);
        });
    }
}
