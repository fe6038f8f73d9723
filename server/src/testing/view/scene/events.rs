//! Events that happen before a component: which handlers run, and what they ask for.

use std::sync::atomic::{AtomicU64, Ordering};

use scraper::ElementRef;
use serde_json::{Value, json};
use vivaz_template::compiled::{Control, EventTarget, HoleKind, ModelSend, ModelStep, Modifiers, Statement};

use super::{Actor, Deed, Doing, Scene};
use crate::testing::view::control;
use crate::testing::view::guess::Edit;
use crate::testing::view::picture::Binding;
use crate::testing::view::scope::{At, Happening};

impl<'a> Scene<'a> {
    /// An event happens at an element: edits of its model first, then handlers, from the inside to the outside.
    pub(in crate::testing::view) fn happens(
        &self,
        target: ElementRef<'a>,
        event: &str,
        detail: &Value,
        doing: &mut Doing,
    ) {
        self.edited(target, event, doing);
        let bubbles = !matches!(event, "focus" | "blur" | "mouseenter" | "mouseleave" | "load" | "scroll");
        let way: Vec<_> = self.upwards(target).collect();
        'way: for element in way.iter().take(if bubbles { usize::MAX } else { 1 }) {
            for (actor, binding, modifiers) in self.handlers(event, EventTarget::Element) {
                if binding.element == *element
                    && self.run(actor, binding, target, detail, doing)
                    && modifiers.stop
                {
                    break 'way;
                }
            }
        }
        for (actor, binding, _) in self.handlers(event, EventTarget::Window) {
            self.run(actor, binding, target, detail, doing);
        }
        for (actor, binding, _) in self.handlers(event, EventTarget::Outside) {
            if !way.contains(&binding.element) {
                self.run(actor, binding, target, detail, doing);
            }
        }
    }

    fn handlers(
        &self,
        name: &str,
        at: EventTarget,
    ) -> impl Iterator<Item = (&'a Actor, &Binding<'a>, &'a Modifiers)> {
        self.parts.iter().flat_map(move |(actor, found)| {
            found.bindings.iter().filter_map(move |binding| {
                let HoleKind::Event { event, modifiers, .. } = binding.hole else { return None };
                (**event == *name && modifiers.target == at).then_some((*actor, binding, modifiers))
            })
        })
    }

    /// Runs a handler, unless its modifiers say otherwise.
    fn run(
        &self,
        actor: &Actor,
        binding: &Binding<'a>,
        target: ElementRef<'a>,
        detail: &Value,
        doing: &mut Doing,
    ) -> bool {
        let HoleKind::Event { modifiers, run, optimistic, .. } = binding.hole else { return false };
        let key = detail["key"].as_str().unwrap_or_default();
        let held = ["ctrlKey", "shiftKey", "altKey", "metaKey"].into_iter().zip([1, 2, 4, 8]);
        let held = held.filter(|(name, _)| detail[name] == true).fold(0, |all, (_, bit)| all | bit);
        let handler = (binding.instance.place.clone(), binding.number);
        if modifiers.only_self && target != binding.element
            || !modifiers.keys.is_empty() && modifiers.keys.iter().all(|one| **one != *key)
            || modifiers.held != 0 && modifiers.held != held
            || actor.memory.once.contains(&handler)
        {
            return false;
        }
        doing.heard = true;
        doing.prevented |= modifiers.prevent;
        if modifiers.drop && actor.memory.running.contains_key(&handler) {
            return true;
        }
        let component = actor.id.clone();
        if modifiers.once {
            doing.deeds.push(Deed::Once { component: component.clone(), handler: handler.clone() });
        }
        let happening = self.happening(target, detail);
        let at = At {
            instance: &binding.instance,
            state: &actor.state,
            user: self.stage.user.as_ref(),
            happening: Some(&happening),
        };
        // The handler's first call makes an end of its guesses, as in the browser.
        let mut guessed: Vec<_> = optimistic.iter().map(|guess| Edit::of(guess, &at)).collect();
        for statement in run {
            doing.deeds.push(match statement {
                Statement::Call { action, args, .. } => Deed::Call {
                    component: component.clone(),
                    action: action.to_string(),
                    arguments: args.iter().map(|argument| argument.eval(&at).into_data()).collect(),
                    handler: handler.clone(),
                    guessed: std::mem::take(&mut guessed),
                },
                Statement::Edit { field, value } => Deed::Edit {
                    component: component.clone(),
                    key: String::new(),
                    field: field.text.to_string(),
                    value: value.eval(&at).into_data(),
                    now: true,
                },
                Statement::Set { local, value } => {
                    let place = binding.instance.outwards().nth(local.level.into());
                    let place = place.map(|instance| instance.place.clone()).unwrap_or_default();
                    Deed::Set {
                        component: component.clone(),
                        local: (place, local.slot.into()),
                        value: value.eval(&at).into_data(),
                    }
                }
            });
        }
        true
    }

    /// What expressions may ask of an event.
    fn happening(&self, target: ElementRef<'a>, detail: &Value) -> Happening {
        let (value, checked) = if control::is_tick(target) {
            (Value::String(control::own(target)), self.now(target))
        } else if control::is_control(target) {
            (self.now(target), json!(false))
        } else {
            (target.attr("value").map_or(Value::Null, Value::from), json!(false))
        };
        let form = self.form(target).map(|form| control::form(form, |control| self.now(control)));
        static LAST: AtomicU64 = AtomicU64::new(0);
        let temporary = format!("$temp{}", LAST.fetch_add(1, Ordering::Relaxed) + 1);
        Happening {
            value,
            checked,
            form: form.unwrap_or_else(|| json!({})),
            event: detail.clone(),
            temporary: temporary.into(),
        }
    }

    /// What an event at a control does to the field of its `live:model`.
    fn edited(&self, target: ElementRef<'a>, event: &str, doing: &mut Doing) {
        for (actor, found) in &self.parts {
            for binding in found.bindings.iter().filter(|binding| binding.element == target) {
                let HoleKind::Model { property, value: of, control, modifiers } = binding.hole else {
                    continue;
                };
                let at = At {
                    instance: &binding.instance,
                    state: &actor.state,
                    user: self.stage.user.as_ref(),
                    happening: None,
                };
                let (component, field) = (actor.id.clone(), name(property, &at));
                doing.heard = true;
                let sends = match event {
                    "input" => modifiers.send == ModelSend::Input,
                    "change" | "blur" => {
                        if event == "blur" || modifiers.send == ModelSend::Change {
                            doing.deeds.push(Deed::Commit { component, field });
                        }
                        continue;
                    }
                    _ => continue,
                };
                let now = self.now(target);
                let value = if *control == Control::Choice {
                    Some(control::choice(target, now, of.eval(&at).into_data()))
                } else {
                    control::model(target, now, *control, modifiers)
                };
                if let Some(value) = value {
                    let (_, key) = self.key(target);
                    doing.deeds.push(Deed::Edit { component, key, field, value, now: sends });
                }
            }
        }
    }
}

/// The name of a property: that of its field, or its path as a JSON array.
fn name(property: &[ModelStep], at: &At<'_>) -> String {
    let step = |step: &ModelStep| match step {
        ModelStep::Field(name) => Value::from(&*name.text),
        ModelStep::Key(key) => key.eval(at).into_data(),
    };
    match property {
        [ModelStep::Field(field)] => field.text.to_string(),
        steps => steps.iter().map(step).collect::<Value>().to_string(),
    }
}
