//! Revokes the access of users and logins.

use std::sync::Arc;

use tokio::runtime::Handle;
use vivaz_components::Identity;

use super::Runtime;
use crate::cluster::NodeMessage;
use crate::persist::store::Owner;

impl Runtime {
    /// Ends all sessions of a user without a tenant. Returns how many this process had; sessions in
    /// the store and in other processes end shortly after. Open pages are closed with 4401 and
    /// reload. Running actions finish. Call it after the [`identity`](crate::Builder::identity)
    /// hook has started to refuse the user: a page that is accepted again gets a new session.
    ///
    /// ```
    /// # fn sign_out_everywhere(runtime: &vivaz::Runtime, user: &str) {
    /// let ended = runtime.revoke(user);
    /// # }
    /// ```
    pub fn revoke(&self, user: &str) -> usize {
        self.revoke_owner(Owner { user: Some(user.to_owned()), ..Owner::default() })
    }

    /// Ends all sessions of a user of a tenant, like [`revoke`](Self::revoke). A user with the same
    /// id in another tenant is another user.
    pub fn revoke_of(&self, tenant: &str, user: &str) -> usize {
        let tenant = Some(tenant.to_owned());
        self.revoke_owner(Owner { user: Some(user.to_owned()), tenant, ..Owner::default() })
    }

    /// Ends all sessions of one login without a tenant, like [`revoke`](Self::revoke): a visitor
    /// logs out on one device and stays logged in on others. The application sets the login with
    /// [`Identity::with_login`]. All pages that the visitor has open on that device belong to it.
    ///
    /// ```
    /// # fn log_out(runtime: &vivaz::Runtime, login: &str) {
    /// // Delete the login first, so that the identity hook refuses it.
    /// let ended = runtime.revoke_login(login);
    /// # }
    /// ```
    pub fn revoke_login(&self, login: &str) -> usize {
        self.revoke_owner(Owner { login: Some(login.to_owned()), ..Owner::default() })
    }

    /// Ends all sessions of one login of a tenant, like [`revoke_login`](Self::revoke_login).
    pub fn revoke_login_of(&self, tenant: &str, login: &str) -> usize {
        let tenant = Some(tenant.to_owned());
        self.revoke_owner(Owner { login: Some(login.to_owned()), tenant, ..Owner::default() })
    }

    /// Revokes the sessions of an owner in this process, then in the store.
    fn revoke_owner(&self, owner: Owner) -> usize {
        let ended = self.0.revoke_owner(&owner);
        self.0.send_to_nodes(|| NodeMessage::Revoke { owner: owner.clone() });
        if let Some(keeper) = &self.core().keeper {
            keeper.revoke(owner);
            // If the runtime was not used before, the keeper flushes the revocation when it starts.
            if let Some(executor) = self.0.executor().cloned().or_else(|| Handle::try_current().ok()) {
                let supervisor = Arc::clone(&self.0);
                let flush = async move {
                    if let Some(keeper) = &supervisor.core().keeper {
                        // The keeper has logged failures and retries them.
                        let _retried = keeper.flush(&*supervisor).await;
                    }
                };
                self.0.tasks.spawn_on(flush, &executor);
            }
        }
        ended
    }

    /// Ends all sessions of this process whose identity matches, for example those of a closed
    /// tenant or without a permission. Returns their number. Sessions that only the store has
    /// continue.
    pub fn revoke_where(&self, is_revoked: impl FnMut(&Identity) -> bool) -> usize {
        self.0.revoke_where(is_revoked)
    }
}
