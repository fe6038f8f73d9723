//! Attributes that start with `live:`.

use super::Compiler;
use super::element::{ContentOwner, StartTag, WholeContent};
use super::names::{DIRECTIVES, EVENTS, NAVIGATION_WORDS};
use super::post::is_posted;
use super::resolve::EvaluationTime;
use crate::check::Want;
use crate::compiled::{AttributeKind, HoleKind, Namespace, WalkStep, WireState};
use crate::error::hint;
use crate::expr::{Expr, Literal};
use crate::program::RenderOp;
use crate::source::{Attribute, Code, Element, decode};
use crate::syntax;

/// Returns an attribute's value as code with decoded entities; `None` if it is missing or blank.
pub(super) fn code(attribute: &Attribute) -> Option<Code> {
    attribute
        .value
        .as_ref()
        .filter(|code| !code.text.trim().is_empty())
        .map(|code| Code { text: decode(&code.text), at: code.at })
}

impl Compiler {
    /// Declares the element's `live:local`s. They belong to the block that contains the element.
    pub(super) fn locals(&mut self, element: &Element) {
        let Some(attribute) = element.attribute("live:local") else { return };
        let Some(code) = code(attribute) else {
            self.error(attribute.at, "`live:local` needs initial values: `open = false; filter = 'all'`");
            return;
        };
        if self.without_engine(attribute, "local") {
            return;
        }
        if let Some(why) = self.closed {
            self.error(attribute.at, why);
        }
        for (name, first) in self.parsed(syntax::key_value(&code.text, code.at)).unwrap_or_default() {
            let (first, _) = self.resolve(&first, Want::Any, EvaluationTime::Render);
            self.declare(&name);
            let locals = &mut self.block().locals;
            let slot = u16::try_from(locals.len()).unwrap_or(u16::MAX);
            locals.push((name.text.as_str().into(), first));
            let partial = self.sources.use_at(name.at);
            self.scopes.add_local(name.text, partial, slot);
        }
    }

    /// Compiles the directive `name`, which is the attribute's name without `live:`.
    pub(super) fn directive<'e>(
        &mut self,
        element: &'e Element,
        attribute: &'e Attribute,
        name: &str,
        path: &[WalkStep],
        tag: &mut StartTag,
    ) {
        if self.current(element, attribute, name) || self.without_engine(attribute, name) {
            return;
        }
        // The rest of these may contain dots: `live:class:w-1.5`.
        if let Some(class) = name.strip_prefix("class:") {
            self.class(attribute, class, path, tag);
            return;
        }
        if let Some(property) = name.strip_prefix("style:") {
            let value = self.required(attribute, Want::Text);
            self.style(attribute.at, property, value, path);
            return;
        }
        let (base, modifiers) = match name.split_once('.') {
            Some((base, modifiers)) => (base, Some(modifiers)),
            None => (name, None),
        };
        let base = base.to_ascii_lowercase();
        if let Some(event) = base.strip_prefix("on:") {
            // Custom events may contain capitals.
            let event = name.get(3..3 + event.len()).unwrap_or(event);
            let event = self.event(attribute, event, modifiers, code(attribute).as_ref());
            tag.events.push(event);
            return;
        }
        if EVENTS.contains(&base.as_str()) {
            self.posting = base == "submit" && is_posted(element);
            let event = self.event(attribute, &base, modifiers, code(attribute).as_ref());
            self.posting = false;
            tag.events.push(event);
            return;
        }
        if let Some(modifiers) = modifiers
            && DIRECTIVES.contains(&base.as_str())
            && !matches!(base.as_str(), "model" | "loading" | "dirty" | "offline" | "poll")
        {
            self.error(attribute.at, format!("`live:{base}` has no modifier `.{modifiers}`"));
        }
        match base.as_str() {
            // These are compiled where the element is laid out, or with the directives to which
            // they belong.
            "if" | "else-if" | "for" | "local" | "optimistic" => {}
            "else" if attribute.value.is_some() => {
                self.error(attribute.at, "`live:else` takes no condition: use `live:else-if`");
            }
            "else" => {}
            "key" if element.attribute("live:for").is_none() && element.component().is_none() => {
                self.error(attribute.at, "`live:key` belongs to a `live:for` or to a child component");
            }
            "key" => {}
            "target" => {
                if !element.attributes.iter().any(|other| {
                    let other = other.name.to_ascii_lowercase();
                    ["live:loading", "live:dirty"].iter().any(|wire| other.starts_with(wire))
                }) {
                    self.error(
                        attribute.at,
                        "`live:target` requires a `live:loading` or `live:dirty` on the same element",
                    );
                }
            }
            "show" => self.show(element, attribute, path, tag),
            "html" | "text" => {
                if tag.content.is_some() {
                    self.error(attribute.at, "an element can have only one of `live:text` and `live:html`");
                }
                let value = self.required(attribute, Want::Text);
                let form = if base == "html" { WholeContent::Html } else { WholeContent::Text };
                tag.content = Some((form, value));
            }
            "model" => self.model(element, attribute, modifiers, path, tag),
            "loading" => self.wire(element, attribute, WireState::Loading, modifiers, path, tag),
            "dirty" => self.wire(element, attribute, WireState::Dirty, modifiers, path, tag),
            "offline" => self.wire(element, attribute, WireState::Offline, modifiers, path, tag),
            "confirm" => self.confirm(element, attribute, path, tag),
            "poll" => {
                let event = self.poll(attribute, modifiers, code(attribute).as_ref());
                tag.events.push(event);
            }
            "ref" => {
                let name = self.word(attribute, "live:ref=\"composer\"");
                self.hole(path, HoleKind::Ref { name });
            }
            "hook" => {
                let name = self.word(attribute, "live:hook=\"map\"");
                self.hole(path, HoleKind::Hook { name });
            }
            "ignore" => {
                tag.owner = ContentOwner::OtherCode;
            }
            "navigate" => self.navigate(element, attribute),
            "persist" if self.page.is_some() => {
                let name = self.word(attribute, "live:persist=\"player\"");
                self.html(&format!(" live:persist=\"{name}\""));
            }
            "persist" => self.error(
                attribute.at,
                "`live:persist` belongs into a page's template: what is inside a component stays with it",
            ),
            _ => self.unknown_directive(attribute, &base),
        }
    }

    /// Compiles `live:navigate`, which the client reads from the link.
    fn navigate(&mut self, element: &Element, attribute: &Attribute) {
        if element.name != "a" || element.namespace != Namespace::Html {
            return self.error(
                attribute.at,
                "`live:navigate` belongs to a link: `<a href=\"/orders\" live:navigate>`",
            );
        }
        let is_link = |other: &Attribute| other.name.eq_ignore_ascii_case("href");
        if !element.attributes.iter().any(is_link) {
            return self.error(attribute.at, "`live:navigate` requires an `href` on the same element");
        }
        let value = attribute.value.as_ref().map_or("", |code| code.text.as_str());
        for word in value.split_ascii_whitespace() {
            if !NAVIGATION_WORDS.contains(&word) {
                let mut hint = hint(word, NAVIGATION_WORDS.iter().copied());
                if hint.is_empty() {
                    hint = format!(
                        "; its options are {}",
                        NAVIGATION_WORDS.map(|word| format!("`{word}`")).join(", ")
                    );
                }
                self.error(attribute.at, format!("`live:navigate` has no option `{word}`{hint}"));
            }
        }
        let words: Vec<&str> = value.split_ascii_whitespace().collect();
        self.html(" live:navigate");
        if !words.is_empty() {
            self.html(&format!("=\"{}\"", words.join(" ")));
        }
    }

    /// Compiles `live:show`. SVG has no `hidden`.
    fn show(&mut self, element: &Element, attribute: &Attribute, path: &[WalkStep], tag: &mut StartTag) {
        let on = self.required(attribute, Want::Condition);
        self.hides(element, attribute, tag);
        if element.namespace == Namespace::Svg {
            let [null, none] = [Literal::Null, Literal::Str("none".into())].map(Expr::Literal);
            let value = Expr::If(Box::new(on), Box::new(null), Box::new(none));
            let kind = AttributeKind::Plain;
            let hole = self.hole(path, HoleKind::Attribute { name: "display".into(), value, kind });
            self.op(RenderOp::Attribute(hole));
        } else {
            let hole = self.hole(path, HoleKind::Show { on });
            self.op(RenderOp::Show(hole));
        }
    }

    /// Refuses a directive that does not exist, with the name that may be meant.
    fn unknown_directive(&mut self, attribute: &Attribute, base: &str) {
        let known = DIRECTIVES.iter().chain(EVENTS).map(|name| format!("live:{name}"));
        let known: Vec<String> =
            known.chain(["live:class:NAME", "live:style:NAME"].map(String::from)).collect();
        let name = format!("live:{base}");
        let hint = hint(&name, known.iter().map(String::as_str));
        let hint = if hint.is_empty() { "; any other event is `live:on:NAME`".to_owned() } else { hint };
        self.error(attribute.at, format!("unknown attribute `{name}`{hint}"));
    }

    /// Returns the value of an attribute that requires one.
    pub(super) fn required(&mut self, attribute: &Attribute, want: Want) -> crate::Expr {
        match code(attribute) {
            Some(code) => self.expression(&code, want),
            None => {
                self.error(attribute.at, format!("`{}` needs a value", attribute.name));
                crate::Expr::Literal(crate::expr::Literal::Null)
            }
        }
    }

    /// Returns the value of an attribute that is a name.
    pub(super) fn word(&mut self, attribute: &Attribute, example: &str) -> Box<str> {
        let text = code(attribute).map(|code| code.text.trim().to_owned()).unwrap_or_default();
        let valid = !text.is_empty()
            && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ':'));
        if !valid {
            self.error(attribute.at, format!("`{}` needs a name: `{example}`", attribute.name));
        }
        if let Some(why) = self.closed {
            self.error(attribute.at, why);
        }
        text.into()
    }

    /// Records that a directive of the element shows and hides it. For SVG elements that is the
    /// attribute `display`, because `hidden` has no effect there.
    pub(super) fn hides(&mut self, element: &Element, attribute: &Attribute, tag: &mut StartTag) {
        let writes_display = element.namespace == Namespace::Svg && attribute.name.starts_with("live:");
        if writes_display && element.attribute("display").is_some() {
            self.error(
                attribute.at,
                format!(
                    "`{}` sets the attribute `display` of an SVG element, which cannot have its own",
                    attribute.name
                ),
            );
        }
        if tag.hides {
            self.error(attribute.at, "only one of `hidden`, `live:show`, `live:loading`, `live:dirty` and `live:offline` can show and hide an element");
        }
        tag.hides = true;
    }
}
