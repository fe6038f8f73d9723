//! Access that is taken away from users and logins.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::runtime::Handle;
use vivaz_components::Identity;

use super::Runtime;
use crate::persist::store::Owner;

impl Runtime {
    /// Ends all sessions of a user who has no tenant; returns how many there were in this process;
    /// those that only the session store has, or another process, end before long. Open pages are
    /// closed with 4401 and load themselves anew; running actions finish. To be called once the hook
    /// for the [`identity`](crate::Builder::identity) has begun to refuse what was revoked: a page
    /// that is let in again gets a new session.
    ///
    /// ```
    /// # fn sign_out_everywhere(runtime: &vivaz::Runtime, user: &str) {
    /// let ended = runtime.revoke(user);
    /// # }
    /// ```
    pub fn revoke(&self, user: &str) -> usize {
        self.revoke_owner(Owner { user: Some(user.to_owned()), ..Owner::default() })
    }

    /// Ends all sessions of a user of that tenant, as [`revoke`](Self::revoke) does. A user of the
    /// same id in another tenant is another user.
    pub fn revoke_of(&self, tenant: &str, user: &str) -> usize {
        let tenant = Some(tenant.to_owned());
        self.revoke_owner(Owner { user: Some(user.to_owned()), tenant, ..Owner::default() })
    }

    /// Ends all sessions of one login without a tenant, as [`revoke`](Self::revoke) does: a visitor
    /// logs out on one device and stays logged in on others. The application names the login with
    /// [`Identity::with_login`]; it has all pages that the visitor has open there.
    ///
    /// ```
    /// # fn log_out(runtime: &vivaz::Runtime, login: &str) {
    /// // The login is deleted before, so that the hook for the identity refuses it.
    /// let ended = runtime.revoke_login(login);
    /// # }
    /// ```
    pub fn revoke_login(&self, login: &str) -> usize {
        self.revoke_owner(Owner { login: Some(login.to_owned()), ..Owner::default() })
    }

    /// Ends all sessions of one login of that tenant, as [`revoke_login`](Self::revoke_login) does.
    pub fn revoke_login_of(&self, tenant: &str, login: &str) -> usize {
        let tenant = Some(tenant.to_owned());
        self.revoke_owner(Owner { login: Some(login.to_owned()), tenant, ..Owner::default() })
    }

    fn revoke_owner(&self, owner: Owner) -> usize {
        let ended = self.revoke_where(|identity| {
            owner.includes_parts(identity.user_id(), identity.tenant(), identity.login())
        });
        if let Some(keeper) = &self.core().keeper {
            keeper.revoke(owner);
            // If nothing has run here yet, the keeper does it when it starts.
            if let Some(executor) = self.0.executor().cloned().or_else(|| Handle::try_current().ok()) {
                let supervisor = Arc::clone(&self.0);
                let flush = async move {
                    if let Some(keeper) = &supervisor.core().keeper {
                        // What could not be written was logged and is tried again.
                        let _retried = keeper.flush(&*supervisor).await;
                    }
                };
                self.0.tasks.spawn_on(flush, &executor);
            }
        }
        ended
    }

    /// The same for all sessions in this process whose identity is such: a tenant that is closed, a permission that is taken away.
    pub fn revoke_where(&self, is_revoked: impl FnMut(&Identity) -> bool) -> usize {
        // First: a session that is entered after they were looked through finds that its identity is from before.
        self.core().revocations.fetch_add(1, Ordering::SeqCst);
        let ports = self.0.sessions.ports_of(is_revoked);
        for port in &ports {
            port.revoke();
        }
        ports.len()
    }
}
