//! Finds the component of a submitted form in the page that is rendered again.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use vivaz_components::Flash;
use vivaz_template::{TypedForm, escape};

use crate::admission::form::outcome::{FormOutcome, SavedState};
use crate::admission::form::seal::{FIELD, FormSeal, RootKey, new_nonce};
use crate::admission::seal::SealContent;

/// A page that is rendered again for a form that was sent to it.
#[derive(Debug)]
pub(crate) struct SubmittedPage {
    form: FormSeal,
    outcome: Arc<FormOutcome>,
    /// Whether the form's component was found.
    is_found: AtomicBool,
    /// Whether the page shows the outcome's message.
    is_shown: AtomicBool,
}

impl SubmittedPage {
    pub(super) fn new(form: FormSeal, outcome: Arc<FormOutcome>) -> Self {
        Self { form, outcome, is_found: AtomicBool::new(false), is_shown: AtomicBool::new(false) }
    }

    /// Returns whether the page shows the outcome: the message, or the component with the errors of
    /// its fields.
    pub(super) fn shows_outcome(&self) -> bool {
        let shows = if self.outcome.alert.is_some() { &self.is_shown } else { &self.is_found };
        shows.load(Ordering::SeqCst)
    }

    pub(super) fn outcome(&self) -> &FormOutcome {
        &self.outcome
    }

    /// Returns the messages that the handler has left for the next page, which is this one.
    pub(crate) fn flashes(&self) -> impl Iterator<Item = Flash> {
        self.outcome.flashes.iter().map(|(kind, text)| Flash { kind: kind.clone(), text: text.clone() })
    }

    /// Returns the form's outermost component if it is the one with this name and key. It is found
    /// once.
    pub(crate) fn find_root(&self, component: &str, key: &RootKey) -> Option<RestoreTarget<'_>> {
        let root = &self.form.root;
        let first = self.form.chain.first().filter(|first| first.component == component)?;
        let is_same = match (&root.id, &key.id) {
            (Some(one), Some(other)) => one == other,
            (None, None) => root.is_only && key.is_only || root.props == key.props && root.nth == key.nth,
            (Some(_), None) | (None, Some(_)) => false,
        };
        if !is_same || self.is_found.swap(true, Ordering::SeqCst) {
            return None;
        }
        Some(RestoreTarget { page: self, at: 0, sealed: first })
    }
}

/// A component that contains the submitted form.
#[derive(Clone, Copy)]
pub(crate) struct RestoreTarget<'a> {
    page: &'a SubmittedPage,
    /// The position in the chain of components.
    at: usize,
    /// The seal with the state that the page had.
    pub(crate) sealed: &'a SealContent,
}

impl<'a> RestoreTarget<'a> {
    /// Returns whether it is the form's own component.
    fn is_last(&self) -> bool {
        self.at + 1 == self.page.form.chain.len()
    }

    /// Returns the state that the form's handlers have left, if it is the form's own component.
    pub(crate) fn saved(&self) -> Option<&'a SavedState> {
        self.page.outcome.state.as_ref().filter(|_| self.is_last())
    }

    /// Returns whether the component has the state of its seal: it contains the form's component.
    pub(crate) fn has_sealed_state(&self) -> bool {
        !self.is_last()
    }

    /// Returns the child that contains the form, if it is the one with this name at this place.
    pub(crate) fn child(&self, component: &str, place: &str) -> Option<Self> {
        let at = self.at + 1;
        let sealed = self.page.form.chain.get(at).filter(|next| next.component == component)?;
        let is_there = sealed.child.as_ref().is_some_and(|child| child.place == place);
        is_there.then_some(Self { page: self.page, at, sealed })
    }

    /// Returns the typed values that the form shows again.
    pub(crate) fn typed(&self) -> Option<TypedForm<'a, serde_json::Value>> {
        let fields = self.page.outcome.typed.as_ref().filter(|_| self.is_last())?;
        let replaces_models = self.page.outcome.replaces_models;
        Some(TypedForm { place: &self.page.form.place, fields, replaces_models })
    }

    /// Returns the element with the message for a form at a place.
    pub(crate) fn alert(&self, place: &str) -> Option<String> {
        let alert = self.page.outcome.alert.as_ref();
        let alert = alert.filter(|_| self.is_last() && self.page.form.place == place)?;
        self.page.is_shown.store(true, Ordering::SeqCst);
        Some(format!("<p class=\"live-failure\" role=\"alert\">{}</p>", escape::text(alert)))
    }
}

/// The components of a response that have no parent. Kept in the request for all `Live`s of a
/// handler.
#[derive(Clone, Debug, Default)]
pub(crate) struct FormRoots(Arc<Mutex<RootCounts>>);

type RootCounts = HashMap<(&'static str, Option<String>, String), usize>;

impl FormRoots {
    /// Returns the key of the next component that is rendered.
    pub(crate) fn next(
        &self,
        component: &'static str,
        id: Option<&str>,
        props: &str,
        is_only: bool,
    ) -> RootKey {
        let id = id.map(str::to_owned);
        let mut roots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = roots.entry((component, id.clone(), props.to_owned())).or_default();
        let nth = *count;
        *count += 1;
        RootKey { id, props: props.to_owned(), nth, is_only }
    }
}

/// The components that contain the one that is being rendered, for the seals of forms.
#[derive(Clone)]
pub(crate) struct FormChain {
    root: RootKey,
    links: Vec<SealContent>,
}

/// A form of a component that is being rendered.
pub(crate) struct PaintedForm<'a> {
    pub(crate) chain: &'a FormChain,
    pub(crate) place: String,
    pub(crate) process: Option<String>,
    pub(crate) issued: u64,
    pub(crate) expires: u64,
}

impl FormChain {
    pub(crate) fn new(root: RootKey) -> Self {
        Self { root, links: Vec::new() }
    }

    /// Returns the chain of a component with this seal.
    pub(crate) fn with(&self, sealed: SealContent) -> Self {
        let links = self.links.iter().cloned().chain([sealed]).collect();
        Self { root: self.root.clone(), links }
    }
}

impl PaintedForm<'_> {
    /// Returns the form with a new nonce.
    ///
    /// # Errors
    /// Returns an error if the system's random number generator fails.
    pub(crate) fn into_seal(self) -> Result<FormSeal, crate::admission::seal::SealError> {
        Ok(FormSeal {
            nonce: new_nonce()?,
            process: self.process,
            issued: self.issued,
            expires: self.expires,
            root: self.chain.root.clone(),
            chain: self.chain.links.clone(),
            place: self.place,
        })
    }
}

/// Returns the hidden control with a sealed form.
pub(crate) fn hidden_control(token: &str) -> String {
    format!("<input type=\"hidden\" name=\"{FIELD}\" value=\"{token}\">")
}
