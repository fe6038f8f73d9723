//! A component as its page shows it at one moment, its children inside it.

mod events;

use std::sync::Arc;

use scraper::{ElementRef, Html};
use serde_json::{Map, Value};
use vivaz_template::Compiled;

use super::control;
use super::guess::Edit;
use super::memory::{Memory, Typed};
use super::picture::{Found, Shown, selector};
use super::scope::Sight;

/// Where the id of a child stands in the HTML.
const CHILD: &str = "data-live";

/// A component and its children, rendered.
pub(super) struct Stage {
    html: Html,
    /// The content of the component's element.
    pub(super) content: String,
    /// The component itself last.
    cast: Vec<Actor>,
    user: Option<Value>,
}

/// One component on it.
pub(super) struct Actor {
    pub(super) id: String,
    pub(super) template: Arc<Compiled>,
    pub(super) state: Value,
    pub(super) memory: Memory,
}

/// A child component as its parent's template asks for it.
pub(super) struct Wanted {
    pub(super) place: String,
    pub(super) component: String,
    pub(super) props: Map<String, Value>,
    /// The names of those that the page gives.
    pub(super) page: Vec<Box<str>>,
}

impl Wanted {
    /// The props that the page gives.
    pub(super) fn page_props(&self) -> Vec<(String, Value)> {
        let given = |name: &str| self.page.iter().any(|of_page| &**of_page == name);
        self.props.clone().into_iter().filter(|(name, _)| given(name)).collect()
    }

    /// Whether it stands in a row that only the server can name: it is mounted when the row has its name.
    pub(super) fn is_guessed(&self) -> bool {
        self.place.contains("\"$temp")
    }
}

/// A stage with its elements found.
pub(super) struct Scene<'a> {
    stage: &'a Stage,
    pub(super) root: ElementRef<'a>,
    parts: Vec<(&'a Actor, Found<'a>)>,
}

/// What comes of events.
#[derive(Default)]
pub(super) struct Doing {
    pub(super) deeds: Vec<Deed>,
    /// Whether anything listened.
    pub(super) heard: bool,
    pub(super) prevented: bool,
}

/// One thing that comes of an event, in the component of that id.
pub(super) enum Deed {
    /// An action is called by the handler at that place, with what is guessed of it.
    Call {
        component: String,
        action: String,
        arguments: Vec<Value>,
        handler: (String, usize),
        guessed: Vec<Edit>,
    },
    /// A piece of the page's own state is set.
    Set { component: String, local: (String, usize), value: Value },
    /// A handler that runs once has run.
    Once { component: String, handler: (String, usize) },
    /// A control has another content.
    Typed { component: String, key: String, typed: Typed },
    /// A field was edited; now, or whenever something else is sent, it is sent.
    Edit { component: String, key: String, field: String, value: Value, now: bool },
    /// Edits that wait are sent.
    Commit { component: String, field: String },
}

impl Actor {
    /// Its HTML, children left out, and which children it wants.
    pub(super) fn paint(&self, user: Option<&Value>) -> (String, Vec<(usize, String, Wanted)>) {
        let sight = Sight { state: &self.state, locals: &self.memory.locals };
        let rendered = vivaz_template::render(&self.template, &sight, user);
        let children = rendered.children.into_iter().map(|child| {
            let props: Map<String, Value> =
                child.props.into_iter().map(|(name, value)| (String::from(name), value)).collect();
            let wanted =
                Wanted { place: child.place, component: child.component.into(), props, page: child.page };
            (child.offset, child.attributes, wanted)
        });
        (rendered.html, children.collect())
    }
}

impl Stage {
    /// Renders a component. `actor` finds what is known of one, if it is mounted.
    pub(super) fn new(id: &str, user: Option<Value>, actor: &dyn Fn(&str) -> Option<Actor>) -> Self {
        let mut cast = Vec::new();
        let content = Self::enter(id, user.as_ref(), actor, &mut cast);
        let html = Html::parse_fragment(&format!("<live-component>{content}</live-component>"));
        Self { html, content, cast, user }
    }

    fn enter(
        id: &str,
        user: Option<&Value>,
        actor: &dyn Fn(&str) -> Option<Actor>,
        cast: &mut Vec<Actor>,
    ) -> String {
        let Some(actor_of_it) = actor(id) else { return String::new() };
        let (mut html, children) = actor_of_it.paint(user);
        // From the last to the first, so that the places of those before stay what they were.
        for (offset, attributes, wanted) in children.into_iter().rev() {
            let child = actor_of_it.memory.children.get(&wanted.place);
            let (id, content) = match child {
                Some((id, _)) => (id.as_str(), Self::enter(id, user, actor, cast)),
                None => ("", String::new()),
            };
            html.insert_str(
                offset,
                &format!("<live-component{attributes} {CHILD}=\"{id}\">{content}</live-component>"),
            );
        }
        cast.push(actor_of_it);
        html
    }

    /// Finds its elements. `None` if the component is not mounted.
    pub(super) fn scene(&self) -> Option<Scene<'_>> {
        let root = self.html.root_element().child_elements().next()?;
        let (itself, children) = self.cast.split_last()?;
        let find = |actor: &Actor, root| {
            let shown = Shown {
                template: &self.find(&actor.id)?.template.template,
                state: &self.find(&actor.id)?.state,
                user: self.user.as_ref(),
                locals: &self.find(&actor.id)?.memory.locals,
            };
            Some(shown.find(root))
        };
        let mut parts = vec![(itself, find(itself, root)?)];
        for child in children {
            let root = root.descendent_elements().find(|element| element.attr(CHILD) == Some(&child.id));
            if let Some(found) = root.and_then(|root| find(child, root)) {
                parts.push((child, found));
            }
        }
        Some(Scene { stage: self, root, parts })
    }

    fn find(&self, id: &str) -> Option<&Actor> {
        self.cast.iter().find(|actor| actor.id == id)
    }
}

impl<'a> Scene<'a> {
    /// All elements that a selector finds.
    pub(super) fn all(&self, text: &str) -> Vec<ElementRef<'a>> {
        let selector = selector(text);
        self.root.descendent_elements().skip(1).filter(|element| selector.matches(element)).collect()
    }

    /// The one element that a selector finds.
    pub(super) fn one(&self, text: &str) -> ElementRef<'a> {
        match self.all(text).as_slice() {
            [one] => *one,
            found => panic!("`{text}` finds {} elements in\n{}", found.len(), self.stage.content),
        }
    }

    /// What stands in a control.
    pub(super) fn now(&self, element: ElementRef<'a>) -> Value {
        let (actor, key) = self.key(element);
        control::now(element, &key, &actor.memory.typed)
    }

    /// What the rendering says of controls that something was typed into, where that was to be seen yet; `None` for those
    /// that are gone by now, or whose content is another one since. By component and key.
    pub(super) fn news_of_typed(&self) -> Vec<(String, String, Option<Value>)> {
        let controls = self.root.descendent_elements().filter(|element| control::is_control(*element));
        let controls: Vec<_> =
            controls.map(|element| (self.key(element), control::rendered(element))).collect();
        let mut news = Vec::new();
        for (actor, _) in &self.parts {
            for (key, typed) in &actor.memory.typed {
                let control = controls.iter().find(|((of, its), _)| of.id == actor.id && its == key);
                let says = control.map(|(_, rendered)| rendered.clone());
                if says.is_none() || typed.rendered != says {
                    let first = typed.rendered.is_none();
                    news.push((actor.id.clone(), key.clone(), says.filter(|_| first)));
                }
            }
        }
        news
    }

    /// The form around an element.
    pub(super) fn form(&self, element: ElementRef<'a>) -> Option<ElementRef<'a>> {
        self.upwards(element).find(|element| element.value().name() == "form")
    }

    /// An element and those around it, up to the component's own.
    pub(super) fn upwards(&self, element: ElementRef<'a>) -> impl Iterator<Item = ElementRef<'a>> + use<'a> {
        let root = self.root;
        let mut next = Some(element);
        std::iter::from_fn(move || {
            let this = next?;
            next = if this == root { None } else { this.parent().and_then(ElementRef::wrap) };
            Some(this)
        })
    }

    /// Ends the test if nobody could use the element.
    pub(super) fn check_usable(&self, element: ElementRef<'a>, selector: &str) {
        if element.attr("disabled").is_some() {
            panic!("`{selector}` is disabled");
        }
        if self.upwards(element).any(|element| element.attr("hidden").is_some()) {
            panic!("`{selector}` is hidden");
        }
    }

    /// Something else stands in a control now.
    pub(super) fn put(&self, element: ElementRef<'a>, now: Value, doing: &mut Doing) {
        let (actor, key) = self.key(element);
        let typed = Typed { now, rendered: Some(control::rendered(element)), field: None };
        doing.deeds.push(Deed::Typed { component: actor.id.clone(), key, typed });
    }

    /// Whose an element is, and a name for it that stays while other rows come and go.
    fn key(&self, element: ElementRef<'a>) -> (&'a Actor, String) {
        let mut steps = String::new();
        for around in self.upwards(element) {
            for (actor, found) in self.parts.iter().rev() {
                if let Some((_, instance)) = found.roots.iter().find(|(root, _)| *root == around) {
                    return (actor, format!("{}{steps}", instance.place));
                }
            }
            let mut before = around.prev_siblings();
            let elements = before
                .by_ref()
                .take_while(|node| !node.value().is_comment())
                .filter(|node| node.value().is_element());
            let elements = elements.count();
            let comments = around.prev_siblings().filter(|node| node.value().is_comment()).count();
            steps = format!(" {comments}.{elements}{steps}");
        }
        unreachable!("the component's own element is the root of its first block")
    }
}
