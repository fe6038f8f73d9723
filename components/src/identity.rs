//! The user of a session.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::{ActionError, LiveState, Result};

/// The identity that the application recognised in a request. Cheap to clone.
///
/// ```
/// use vivaz_components::{Identity, User};
///
/// let visitor = Identity::anonymous();
/// assert!(visitor.user().is_err());
///
/// let ada = Identity::of(User::new("7", "Ada"));
/// let ada = ada.with_permissions(["can_moderate"]).with_tenant("acme");
/// assert_eq!(ada.user().unwrap().name, "Ada");
/// assert!(ada.may("can_moderate"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity(Arc<IdentityParts>);

impl Default for Identity {
    /// Returns the anonymous identity: one shared value, because there are many anonymous sessions.
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

/// A user, as components and templates (`$user`) see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, LiveState)]
#[live(crate = "vivaz_components")]
#[non_exhaustive]
pub struct User {
    /// The id, defined by the application.
    pub id: String,
    /// The name that other users see.
    pub name: String,
}

impl User {
    /// Creates a user.
    pub fn new(id: impl Into<String>, name: impl Into<String>) -> Self {
        Self { id: id.into(), name: name.into() }
    }
}

impl Identity {
    /// Returns an identity without a user.
    #[must_use]
    pub fn anonymous() -> Self {
        Self::default()
    }

    /// Returns the identity of a user without special permissions.
    #[must_use]
    pub fn of(user: User) -> Self {
        Self(Arc::new(IdentityParts { user: Some(user), ..IdentityParts::default() }))
    }

    /// Sets the permissions, which `#[action(allow = "…")]` checks.
    #[must_use]
    pub fn with_permissions<P: Into<String>>(mut self, permissions: impl IntoIterator<Item = P>) -> Self {
        Arc::make_mut(&mut self.0).permissions = permissions.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the tenant: sessions and seals belong to one tenant.
    #[must_use]
    pub fn with_tenant(mut self, tenant: impl Into<String>) -> Self {
        Arc::make_mut(&mut self.0).tenant = Some(tenant.into());
        self
    }

    /// Sets the login, an id of the application: that of its login session, the `sid` of a token.
    /// `Runtime::revoke_login` ends the sessions of one login and no other sessions of the same
    /// user. A session of one login is not resumed by another one.
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

    /// Sets the expiry. At that time an open connection is closed with 4401, and its page reloads.
    /// The session waits for a client that is recognised again.
    #[must_use]
    pub fn until(mut self, expires: SystemTime) -> Self {
        Arc::make_mut(&mut self.0).expires = Some(expires);
        self
    }

    /// Returns when the identity expires, if it does.
    #[must_use]
    pub fn expires(&self) -> Option<SystemTime> {
        self.0.expires
    }

    /// Returns whether the identity has expired.
    #[must_use]
    pub fn has_expired(&self, now: SystemTime) -> bool {
        self.0.expires.is_some_and(|expires| expires <= now)
    }

    /// Returns the user.
    ///
    /// # Errors
    /// Returns `unauthenticated` if there is no user.
    pub fn user(&self) -> Result<&User> {
        self.0.user.as_ref().ok_or_else(ActionError::unauthenticated)
    }

    /// Returns the user's id, if there is a user.
    #[must_use]
    pub fn user_id(&self) -> Option<&str> {
        self.0.user.as_ref().map(|user| user.id.as_str())
    }

    /// Returns whether the user has a permission.
    #[must_use]
    pub fn may(&self, permission: &str) -> bool {
        self.0.permissions.contains(permission)
    }

    /// Returns all permissions, in order.
    pub fn permissions(&self) -> impl Iterator<Item = &str> {
        self.0.permissions.iter().map(String::as_str)
    }

    /// Returns the tenant, if the application has tenants.
    #[must_use]
    pub fn tenant(&self) -> Option<&str> {
        self.0.tenant.as_deref()
    }

    /// Returns the id of the login, if the application has named it.
    #[must_use]
    pub fn login(&self) -> Option<&str> {
        self.0.login.as_deref()
    }

    /// Returns whether `other` may resume a session of `self`: the same user (or none) of the same
    /// tenant, by the same login.
    #[must_use]
    pub fn is_same_as(&self, other: &Self) -> bool {
        self.user_id() == other.user_id() && self.tenant() == other.tenant() && self.login() == other.login()
    }
}
