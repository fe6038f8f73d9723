//! The document in memory with one component in it, and what operations change there.

use serde_json::Value;

use crate::dom::{Op, Ops};
use crate::testing::{Document, EventEffect, Node};

/// The component at slot 0.
#[derive(Debug)]
pub(super) struct Fake {
    document: Document,
    element: Node,
    pub(super) templates: Vec<Value>,
    /// What was changed in the page: one line each.
    pub(super) changes: Vec<String>,
    /// Operations that found no place.
    pub(super) misfits: usize,
    pub(super) moved: usize,
}

impl Fake {
    pub(super) fn new() -> Self {
        Self::with("")
    }

    fn with(html: &str) -> Self {
        let mut document = Document::default();
        let element = document.add(&format!("<live-component>{html}</live-component>"))[0];
        document.tie(0, element);
        Self { document, element, templates: Vec::new(), changes: Vec::new(), misfits: 0, moved: 0 }
    }

    /// Puts server-rendered HTML into the component's element. The blocks are taken again, as by a
    /// new engine.
    pub(super) fn load(&mut self, html: &str) {
        let templates = std::mem::take(&mut self.templates);
        *self = Self::with(html);
        let mut ops = Ops::default();
        ops.put(Op::Template, &[0], &[&Value::from(templates).to_string()]);
        self.run(&ops);
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the others change nothing that a test counts")]
    pub(super) fn run(&mut self, ops: &Ops) {
        let read = ops.each(|op, words, strings| {
            let before = self.document.tree().html(self.element);
            let mut one = Ops::default();
            one.put(op, words, strings);
            let effects = self.document.run(&one);
            self.misfits += effects.iter().filter(|effect| matches!(effect, EventEffect::Anew(_))).count();
            let changes = self.document.tree().html(self.element) != before;
            match op {
                Op::Template => {
                    let blocks: Vec<Value> = serde_json::from_str(strings[0]).expect("blocks are JSON");
                    self.templates.extend(blocks);
                }
                Op::Insert => {
                    self.moved += 1;
                    self.changes.push("insert".into());
                }
                Op::Remove => self.changes.push("remove".into()),
                Op::Clear => self.changes.push("clear".into()),
                Op::Set if changes => self.changes.push(format!("text {}", strings[0])),
                _ => {}
            }
        });
        assert!(read.is_some(), "operations are as their decoder reads them");
    }

    /// The content of the component's element, without markers.
    pub(super) fn html(&self) -> String {
        self.document.tree().html(self.element).replace("<!---->", "")
    }

    /// The elements that a selector finds.
    pub(super) fn all(&self, selector: &str) -> Vec<Node> {
        self.document.tree().all(self.element, selector)
    }
}
