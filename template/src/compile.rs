//! From the tree to the compiled form: lays out holes and markers, resolves names, and collects what only the
//! component's types can confirm.

mod attributes;
mod child;
mod children;
mod control;
mod directives;
mod element;
mod events;
mod modifiers;
mod names;
mod nesting;
mod outcome;
mod resolve;
mod scope;
mod style;
mod text;

use crate::check::{Check, CheckKind};
use crate::compiled::{Block, Form, Hole, HoleKind, Namespace, Step, Template};
use crate::containment::{self, Containment, Open};
use crate::error::{Errors, Lines, TemplateError};
use crate::expr::{Expr, Special};
use crate::outline::Outline;
use crate::program::Op;
use crate::reads::Read;
use crate::source::{self, Element};
use scope::Scopes;

/// A template may have at most so many bytes.
const MOST: usize = 1 << 20;

/// A template that is ready to be rendered, and what it asks of its component.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// What the page gets.
    pub template: Template,
    /// What has to hold for the component's types.
    pub checks: Vec<Check>,
    /// What it means to the components around and inside of it.
    pub containment: Containment,
    /// How each block is written as HTML.
    #[cfg_attr(not(feature = "render"), expect(dead_code, reason = "read by the renderer"))]
    pub(crate) program: Vec<Vec<Op>>,
    pub(crate) outline: Outline,
    reads_user: bool,
}

impl Compiled {
    /// Whether the template reads `$user`, so that the page has to be told who that is.
    pub fn reads_user(&self) -> bool {
        self.reads_user
    }

    /// Returns whether a prop of a child that the server computes reads a field that is `wanted`.
    pub fn gives_children(&self, wanted: &dyn Fn(&str) -> bool) -> bool {
        self.outline.gives_children(&self.template, wanted)
    }
}

/// Compiles a template.
///
/// # Errors
/// Every mistake that the template itself shows, in the order of the source.
///
/// ```
/// let compiled = vivaz_template::compile("<p>{{ count }}</p>").expect("a valid template");
/// assert_eq!(&*compiled.template.blocks[0].html, "<p> </p>");
///
/// let errors = vivaz_template::compile("<p live:clik='go'>").unwrap_err();
/// assert_eq!(errors[0].to_string(), "1:1: `<p>` is never closed");
/// assert_eq!(errors[1].to_string(), "1:4: there is no `live:clik`; did you mean `live:click`?");
/// ```
pub fn compile(source: &str) -> Result<Compiled, Vec<TemplateError>> {
    let mut errors = Errors::default();
    if source.len() > MOST {
        errors.add(0, "a template is at most a mebibyte");
        return Err(errors.finish(&Lines::of("")));
    }
    let tree = source::parse(source, &mut errors);
    let mut compiler = Compiler {
        errors,
        checks: Vec::new(),
        blocks: vec![Building::default()],
        current: 0,
        scopes: Scopes::default(),
        ancestors: Vec::new(),
        containment: containment::Building::default(),
        closed: None,
        preserve: false,
        options: false,
        late: Vec::new(),
        form: None,
        submits: None,
        reads_user: false,
    };
    compiler.children(&tree, None, &[]);
    compiler.finish(source)
}

/// A block being built.
#[derive(Debug, Default)]
struct Building {
    html: String,
    namespace: Option<Namespace>,
    locals: Vec<(Box<str>, Expr)>,
    holes: Vec<Hole>,
    ops: Vec<Op>,
}

struct Compiler {
    errors: Errors,
    checks: Vec<(u32, CheckKind)>,
    blocks: Vec<Building>,
    current: usize,
    scopes: Scopes,
    /// The elements around, outermost first.
    ancestors: Vec<Open>,
    containment: containment::Building,
    /// Why nothing that depends on state may stand here, if so.
    closed: Option<&'static str>,
    /// Whether white space is kept: inside `pre`.
    preserve: bool,
    /// Whether options here are selected by the value of their `select`.
    options: bool,
    /// Holes of the element being compiled that come after those inside it.
    late: Vec<(Vec<Step>, HoleKind)>,
    /// The names of the controls of the form around, if all of them are known.
    form: Option<Vec<String>>,
    /// The form around, if it has a `live:submit`, and the depth of its block.
    submits: Option<(Form, u16)>,
    reads_user: bool,
}

impl Compiler {
    fn error(&mut self, at: u32, message: impl Into<String>) {
        self.errors.add(at, message);
    }

    fn check(&mut self, at: u32, kind: CheckKind) {
        self.checks.push((at, kind));
    }

    /// The block being built. There is always one: `current` only ever holds positions of blocks that were pushed.
    fn block(&mut self) -> &mut Building {
        let current = self.current.min(self.blocks.len() - 1);
        #[expect(
            clippy::indexing_slicing,
            reason = "bounded above; block 0 is made first and none is removed"
        )]
        &mut self.blocks[current]
    }

    /// HTML that is the same everywhere.
    fn html(&mut self, html: &str) {
        self.skeleton(html);
        self.server(html);
    }

    /// HTML of the skeleton alone.
    fn skeleton(&mut self, html: &str) {
        self.block().html.push_str(html);
    }

    /// HTML of the first paint alone.
    fn server(&mut self, html: &str) {
        match self.block().ops.last_mut() {
            Some(Op::Html(last)) => last.push_str(html),
            _ => self.op(Op::Html(html.to_owned())),
        }
    }

    fn op(&mut self, op: Op) {
        self.block().ops.push(op);
    }

    /// Adds a hole and returns its position.
    fn hole(&mut self, path: &[Step], kind: HoleKind) -> usize {
        let holes = &mut self.block().holes;
        holes.push(Hole { path: path.to_vec(), kind });
        holes.len() - 1
    }

    /// Compiles an element as a block of its own and returns its number.
    fn own_block(&mut self, element: &Element) -> usize {
        let number = self.blocks.len();
        self.blocks.push(Building { namespace: Some(element.namespace), ..Building::default() });
        let outer = std::mem::replace(&mut self.current, number);
        self.scopes.enter_block();
        self.element(element, &[]);
        self.scopes.leave_block();
        self.current = outer;
        number
    }

    fn finish(self, source: &str) -> Result<Compiled, Vec<TemplateError>> {
        let lines = Lines::of(source);
        let errors = self.errors.finish(&lines);
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
        })
    }

    /// Notes what matters to the compiled template as a whole.
    fn note(&mut self, expr: &Expr) {
        expr.reads(&mut |read| self.reads_user |= read == Read::Special(Special::User));
    }
}
