//! The cases that `e2e/tests/cases.spec.ts` runs in Chromium, here.

use serde_json::{Value, json};

use super::{Activation, Document, Event, EventEffect, Node};
use crate::dom::{Op, Ops};
use crate::parse;

/// A document with one component, and what its engine is called with.
struct Case {
    document: Document,
    element: Node,
    heard: Vec<Value>,
    fits: bool,
}

impl Case {
    fn new(case: &Value) -> Self {
        let mut document = Document::default();
        let page = format!("<live-component>{}</live-component>", case["page"].as_str().unwrap());
        let element = document.add(&page)[0];
        document.tie(0, element);
        let mut new = Self { document, element, heard: Vec::new(), fits: true };
        let mut ops = Ops::default();
        ops.put(Op::Template, &[0], &[&case["blocks"].to_string()]);
        ops.put(Op::Root, &[1, 0, 0, 0], &[]);
        new.run(&ops);
        new
    }

    fn run(&mut self, ops: &Ops) {
        let effects = self.document.run(ops);
        self.note(effects);
    }

    fn note(&mut self, effects: Vec<EventEffect>) {
        for effect in effects {
            match effect {
                EventEffect::Edit(_, property, value) => self.heard.push(json!(["edit", property, value])),
                EventEffect::Commit(_, property) => self.heard.push(json!(["commit", property])),
                EventEffect::Anew(_) => self.fits = false,
                EventEffect::Refused(..) | EventEffect::Told(..) => {}
            }
        }
    }

    fn one(&self, selector: &Value) -> Node {
        self.document.tree().all(self.element, selector.as_str().unwrap())[0]
    }

    fn step(&mut self, step: &Value) {
        if let Some([root, hole, kind, value]) = step["set"].as_array().map(Vec::as_slice) {
            let words = [root, hole, kind].map(|word| word.as_u64().unwrap() as u32);
            let mut ops = Ops::default();
            ops.put(Op::Set, &words, &[value.as_str().unwrap()]);
            self.run(&ops);
        } else if let Some(words) = step["run"].as_array() {
            let words = words.iter().map(|word| word.as_u64().unwrap() as u32).collect();
            self.run(&Ops { words, text: step["text"].as_str().unwrap_or_default().to_owned() });
        } else if let Some([selector, text]) = step["put"].as_array().map(Vec::as_slice) {
            let node = self.one(selector);
            self.document.tree_mut().put(node, text.as_str().unwrap());
        } else if let Some([selector, on]) = step["tick"].as_array().map(Vec::as_slice) {
            let node = self.one(selector);
            self.document.tree_mut().tick(node, on == true);
        } else if !step["click"].is_null() {
            let node = self.one(&step["click"]);
            if !self.document.tree().is_disabled(node) {
                self.click(node);
            }
        } else {
            let happens = step["happens"].as_array().unwrap();
            let detail = happens.get(2).cloned().unwrap_or(json!({}));
            let target = self.one(&happens[0]);
            self.dispatch(&mut Event::new(
                happens[1].as_str().unwrap(),
                target,
                parse(&detail.to_string()).unwrap(),
            ));
        }
    }

    fn held(&self, selector: &str) -> Value {
        let held = self.document.tree().held(self.one(&json!(selector))).json();
        serde_json::from_str(&held).unwrap()
    }
}

impl Activation for Case {
    fn document(&mut self) -> &mut Document {
        &mut self.document
    }

    fn dispatch(&mut self, event: &mut Event) -> bool {
        let handlers = self.document.handlers(event);
        let effects = self.document.take_effects();
        self.note(effects);
        for handler in &handlers {
            let Some(fire) = self.document.consider(handler, event) else { continue };
            let payload: Value = serde_json::from_str(&fire.event.json()).unwrap();
            self.heard.push(json!(["event", fire.root, fire.address, payload]));
            self.document.firing();
            self.document.fired(&fire, 1);
            if fire.stops {
                break;
            }
        }
        !handlers.is_empty()
    }
}

#[test]
fn every_case_has_the_outcome_that_it_has_in_a_browser() {
    let cases = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../client-wasm/cases.json"));
    let cases: Vec<Value> = serde_json::from_str(cases).unwrap();
    for of in &cases {
        let name = of["name"].as_str().unwrap();
        let mut case = Case::new(of);
        for step in of["steps"].as_array().unwrap() {
            case.step(step);
        }
        assert_eq!(case.fits, of["fits"].as_bool().unwrap_or(true), "{name}");
        if let Some(html) = of["html"].as_str() {
            assert_eq!(case.document.tree().html(case.element), html, "{name}");
        }
        for (selector, value) in of["values"].as_object().into_iter().flatten() {
            assert_eq!(case.held(selector), *value, "{name}: {selector}");
        }
        if let Some(heard) = of["heard"].as_array() {
            assert_eq!(case.heard, *heard, "{name}");
        }
    }
}
