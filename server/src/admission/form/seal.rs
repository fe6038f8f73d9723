//! The hidden control of a form: the sealed state of its component, and a nonce.

use serde::{Deserialize, Serialize};
use vivaz_components::Identity;

use crate::admission::browser::BrowserId;
use crate::admission::seal::{SealContent, SealError, Sealer, holders};
use crate::admission::secret::random_text;

/// The name of the hidden control.
pub(crate) const FIELD: &str = "live:form";

/// Identifies a component that a page shows without a parent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct RootKey {
    /// The `id` of its element.
    #[serde(rename = "i", default, skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<String>,
    /// Its props as JSON.
    #[serde(rename = "p")]
    pub(crate) props: String,
    /// The number of such components before it with the same id and props.
    #[serde(rename = "n")]
    pub(crate) nth: usize,
    /// Whether it is the only component of its type in the page.
    #[serde(rename = "o")]
    pub(crate) is_only: bool,
}

/// The content of the hidden control.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct FormSeal {
    /// The nonce: the action of the form runs once for it.
    #[serde(rename = "i")]
    pub(crate) nonce: String,
    /// The process that remembers nonces, if there is no store.
    #[serde(rename = "b", default, skip_serializing_if = "Option::is_none")]
    pub(crate) process: Option<String>,
    /// When the form was rendered, in seconds since 1970.
    #[serde(rename = "s")]
    pub(crate) issued: u64,
    /// When the seal expires, in seconds since 1970.
    #[serde(rename = "e")]
    pub(crate) expires: u64,
    #[serde(rename = "r")]
    pub(crate) root: RootKey,
    /// The form's component after those that contain it, outermost first.
    #[serde(rename = "c")]
    pub(crate) chain: Vec<SealContent>,
    /// The form's place in its component's template.
    #[serde(rename = "l")]
    pub(crate) place: String,
}

/// Returns a new nonce.
///
/// # Errors
/// Returns an error if the system's random number generator fails.
pub(crate) fn new_nonce() -> Result<String, SealError> {
    random_text::<18>().map_err(SealError::Randomness)
}

/// Returns the holder of forms for the holder of seals. A seal of a component is no form.
fn form_holder(holder: &str) -> String {
    format!("form {holder}")
}

impl FormSeal {
    /// Seals the form for the holder of the page's seals.
    ///
    /// # Errors
    /// Returns an error if the content cannot be serialised or encrypted.
    pub(crate) fn seal(&self, sealer: &Sealer, holder: &str) -> Result<String, SealError> {
        sealer.seal_bytes(&serde_json::to_vec(self)?, &form_holder(holder))
    }

    /// Opens the seal of a form that was rendered for this identity, or for a visitor without a
    /// user in one of these browsers. Returns `None` for any other text.
    pub(crate) fn open(
        token: &str,
        sealer: &Sealer,
        identity: &Identity,
        browsers: &[BrowserId],
    ) -> Option<Self> {
        let open = |holder: String| sealer.open_bytes(token, &form_holder(&holder));
        let bytes = holders(identity, browsers).find_map(open)?;
        let form: Self = serde_json::from_slice(&bytes).ok()?;
        (!form.chain.is_empty()).then_some(form)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admission::seal::{holder, holder_with_browser};
    use crate::admission::secret::Secret;
    use vivaz_components::User;

    fn form() -> FormSeal {
        let root = RootKey { id: None, props: "{}".into(), nth: 0, is_only: true };
        let link = SealContent {
            child: None,
            component: "signup".into(),
            schema: 1,
            template: "t".into(),
            expires: 10,
            props: "{}".into(),
            state: None,
            painted: None,
            query: None,
        };
        let (nonce, place) = (new_nonce().unwrap(), "[0]".to_owned());
        FormSeal { nonce, process: None, issued: 1, expires: 10, root, chain: vec![link], place }
    }

    #[test]
    fn a_form_belongs_to_its_user_or_browser() {
        let sealer = Sealer::new(&Secret::new(&"a".repeat(32)).unwrap());
        let (one, two) = (BrowserId::random().unwrap(), BrowserId::random().unwrap());
        let anonymous = Identity::anonymous();
        let form = form();
        let token = form.seal(&sealer, &holder_with_browser(&anonymous, one)).unwrap();
        let open = |token: &str, identity: &Identity, browsers: &[BrowserId]| {
            FormSeal::open(token, &sealer, identity, browsers)
        };
        assert_eq!(open(&token, &anonymous, &[two, one]), Some(form.clone()));
        assert_eq!(open(&token, &anonymous, &[two]), None);
        assert_eq!(open(&token, &anonymous, &[]), None);
        let ada = Identity::of(User::new("ada", "Ada"));
        assert_eq!(open(&token, &ada, &[one]), None);
        let of_ada = form.seal(&sealer, &holder(&ada)).unwrap();
        assert_eq!(open(&of_ada, &ada, &[two]), Some(form.clone()));
        assert_eq!(open(&of_ada, &anonymous, &[one]), None);
        let in_tenant = Identity::of(User::new("ada", "Ada")).with_tenant("other");
        assert_eq!(open(&of_ada, &in_tenant, &[two]), None);
        let seal = sealer.seal(&form.chain[0], &holder(&ada)).unwrap();
        assert_eq!(open(&seal, &ada, &[]), None, "a seal of a component");
    }
}
