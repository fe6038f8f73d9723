//! Who is on the other side of a session.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::{ActionError, LiveState, Result};

/// Whom the application recognised in a request. Cheap to clone.
///
/// ```
/// use vivaz_components::{Identity, User};
///
/// let nobody = Identity::anonymous();
/// assert!(nobody.user().is_err());
///
/// let ada = Identity::of(User::new("7", "Ada")).with_permissions(["can_moderate"]).with_tenant("acme");
/// assert_eq!(ada.user().unwrap().name, "Ada");
/// assert!(ada.may("can_moderate"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity(Arc<IdentityParts>);

impl Default for Identity {
    /// Nobody in particular: one value for all of them, because there are as many as there are anonymous sessions.
    fn default() -> Self {
        static ANONYMOUS: LazyLock<Arc<IdentityParts>> = LazyLock::new(Arc::default);
        Self(Arc::clone(&ANONYMOUS))
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct IdentityParts {
    user: Option<User>,
    permissions: BTreeSet<String>,
    tenant: Option<String>,
    login: Option<String>,
    expires: Option<SystemTime>,
}

/// A user, as far as components and templates (`$user`) need to know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, LiveState)]
#[live(crate = "vivaz_components")]
#[non_exhaustive]
pub struct User {
    /// The application's own id.
    pub id: String,
    /// What others see.
    pub name: String,
}

impl User {
    /// A user of that id and name.
    pub fn new(id: impl Into<String>, name: impl Into<String>) -> Self {
        Self { id: id.into(), name: name.into() }
    }
}

impl Identity {
    /// Nobody in particular.
    #[must_use]
    pub fn anonymous() -> Self {
        Self::default()
    }

    /// That user, without special permissions.
    #[must_use]
    pub fn of(user: User) -> Self {
        Self(Arc::new(IdentityParts { user: Some(user), ..IdentityParts::default() }))
    }

    /// The same with these permissions, which `#[action(allow = "…")]` asks for.
    #[must_use]
    pub fn with_permissions<P: Into<String>>(mut self, permissions: impl IntoIterator<Item = P>) -> Self {
        Arc::make_mut(&mut self.0).permissions = permissions.into_iter().map(Into::into).collect();
        self
    }

    /// The same within a tenant: sessions and seals of another tenant are not this one's.
    #[must_use]
    pub fn with_tenant(mut self, tenant: impl Into<String>) -> Self {
        Arc::make_mut(&mut self.0).tenant = Some(tenant.into());
        self
    }

    /// The same by that login, an id of the application's own: that of its login session, the `sid` of a
    /// token. `Runtime::revoke_login` ends the sessions of one login and leaves other logins of the
    /// same user alone. A session of one login is not resumed by another one.
    ///
    /// ```
    /// # use vivaz_components::{Identity, User};
    /// let ada = Identity::of(User::new("7", "Ada")).with_login("login-2311");
    /// assert_eq!(ada.login(), Some("login-2311"));
    /// ```
    #[must_use]
    pub fn with_login(mut self, login: impl Into<String>) -> Self {
        Arc::make_mut(&mut self.0).login = Some(login.into());
        self
    }

    /// The same until then: a connection that is still open is closed with 4401, and its page loads itself anew. The
    /// session waits for somebody who is recognised again.
    #[must_use]
    pub fn until(mut self, expires: SystemTime) -> Self {
        Arc::make_mut(&mut self.0).expires = Some(expires);
        self
    }

    /// When the application wants to be asked again who this is, if it does.
    #[must_use]
    pub fn expires(&self) -> Option<SystemTime> {
        self.0.expires
    }

    /// Whether that time has come.
    #[must_use]
    pub fn has_expired(&self, now: SystemTime) -> bool {
        self.0.expires.is_some_and(|expires| expires <= now)
    }

    /// The user.
    ///
    /// # Errors
    /// `unauthenticated` when there is none.
    pub fn user(&self) -> Result<&User> {
        self.0.user.as_ref().ok_or_else(ActionError::unauthenticated)
    }

    /// The user's id, if there is a user.
    #[must_use]
    pub fn user_id(&self) -> Option<&str> {
        self.0.user.as_ref().map(|user| user.id.as_str())
    }

    /// Whether that permission was given.
    #[must_use]
    pub fn may(&self, permission: &str) -> bool {
        self.0.permissions.contains(permission)
    }

    /// All permissions, in order.
    pub fn permissions(&self) -> impl Iterator<Item = &str> {
        self.0.permissions.iter().map(String::as_str)
    }

    /// The tenant, if the application has any.
    #[must_use]
    pub fn tenant(&self) -> Option<&str> {
        self.0.tenant.as_deref()
    }

    /// Returns the id of the login, if the application has named it.
    #[must_use]
    pub fn login(&self) -> Option<&str> {
        self.0.login.as_deref()
    }

    /// Whether a session of `self` may be resumed by `other`: the same user (or none) of the same tenant, by the same
    /// login.
    #[must_use]
    pub fn is_same_as(&self, other: &Self) -> bool {
        self.user_id() == other.user_id() && self.tenant() == other.tenant() && self.login() == other.login()
    }
}
