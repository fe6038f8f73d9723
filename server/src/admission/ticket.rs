//! Tickets: sealed requests of a handler that the page makes over HTTP, because a socket cannot set
//! cookies.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use foldhash::fast::RandomState;
use serde::{Deserialize, Serialize};
use vivaz_components::{Cookie, Flash, Identity};

use super::browser::BrowserId;
use super::seal::{SealError, Sealer, holder, holder_with_browser};
use super::secret::random_bytes;

/// How long the page may take to use a ticket for a cookie, in seconds.
const COOKIE_SECONDS: u64 = 60;
/// How long a message waits for the next page, in seconds.
pub(crate) const FLASH_SECONDS: u64 = 600;
/// Maximum number of used tickets that are remembered. They are forgotten when they expire.
const MAX_USED: usize = 100_000;

/// What a ticket does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum TicketContent {
    /// Sets a cookie.
    #[serde(rename = "c")]
    Cookie {
        /// The value of `Set-Cookie`.
        #[serde(rename = "s")]
        set: String,
        /// Whether `Secure` is added to it over HTTPS.
        #[serde(rename = "h", default)]
        follows_scheme: bool,
    },
    /// Shows a message on the next page.
    #[serde(rename = "f")]
    Flash(
        /// The kind.
        String,
        /// The text.
        String,
    ),
}

impl TicketContent {
    /// Returns the content that sets a cookie.
    pub(crate) fn of_cookie(cookie: &Cookie<'_>) -> Self {
        Self::Cookie { set: cookie.to_string(), follows_scheme: cookie.secure().is_none() }
    }

    /// Returns how long a ticket with it is valid, in seconds.
    const fn seconds(&self) -> u64 {
        match self {
            Self::Cookie { .. } => COOKIE_SECONDS,
            Self::Flash(..) => FLASH_SECONDS,
        }
    }
}

/// A ticket.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Ticket {
    /// Random, so that a ticket is used once.
    #[serde(rename = "i")]
    id: u64,
    /// When the ticket expires, in seconds since 1970.
    #[serde(rename = "e")]
    expires: u64,
    #[serde(rename = "t")]
    pub(crate) content: TicketContent,
}

/// Returns the holder of an identity's tickets. Only this user, and without one this browser, can
/// use them. They differ from the holders of seals.
fn ticket_holder(identity: &Identity, browser: Option<BrowserId>) -> String {
    let holder = match browser {
        Some(browser) => holder_with_browser(identity, browser),
        None => holder(identity),
    };
    format!("ticket {holder}")
}

impl Ticket {
    /// Creates a ticket that is valid from `now` on.
    ///
    /// # Errors
    /// Returns an error if the system's random number generator fails.
    pub(crate) fn new(content: TicketContent, now: u64) -> Result<Self, SealError> {
        let id = u64::from_le_bytes(random_bytes().map_err(SealError::Randomness)?);
        Ok(Self { id, expires: now.saturating_add(content.seconds()), content })
    }

    /// Seals the ticket for an identity, and for the browser of a visitor without a user.
    ///
    /// # Errors
    /// Returns an error if the ticket cannot be encrypted.
    pub(crate) fn seal(
        &self,
        sealer: &Sealer,
        identity: &Identity,
        browsers: &[BrowserId],
    ) -> Result<String, SealError> {
        let browser = browsers.first().copied().filter(|_| identity.user_id().is_none());
        sealer.seal_bytes(&serde_json::to_vec(self)?, &ticket_holder(identity, browser))
    }

    /// Opens a ticket. Returns `None` if it belongs to another identity or browser, or has expired
    /// at `now`. A user opens those of the browser's visitor, too.
    pub(crate) fn open(
        token: &str,
        sealer: &Sealer,
        identity: &Identity,
        browsers: &[BrowserId],
        now: u64,
    ) -> Option<Self> {
        Self::reopen(token, sealer, identity, browsers).filter(|ticket| now < ticket.expires)
    }

    /// Opens a ticket that may have expired.
    fn reopen(token: &str, sealer: &Sealer, identity: &Identity, browsers: &[BrowserId]) -> Option<Self> {
        // A visitor who has signed in since is still there, in the same browser.
        let guest = Identity::anonymous();
        let visitor = if identity.user_id().is_some() { &guest } else { identity };
        let of_browsers = browsers.iter().map(|browser| ticket_holder(visitor, Some(*browser)));
        let mut holders = of_browsers.chain([ticket_holder(identity, None)]);
        let bytes = holders.find_map(|holder| sealer.open_bytes(token, &holder))?;
        serde_json::from_slice(&bytes).ok()
    }

    /// Returns a sealed ticket again, valid from `now` on. It has the same number, so it is still
    /// used once. Returns `None` if it belongs to another identity or browser.
    pub(crate) fn renew(
        token: &str,
        sealer: &Sealer,
        identity: &Identity,
        browsers: &[BrowserId],
        now: u64,
    ) -> Option<String> {
        let ticket = Self::reopen(token, sealer, identity, browsers)?;
        let expires = now.saturating_add(ticket.content.seconds());
        Self { expires, ..ticket }.seal(sealer, identity, browsers).ok()
    }

    /// Returns the ticket's number, which no other ticket has.
    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// Returns the message, if the ticket has one.
    pub(crate) fn into_flash(self) -> Option<Flash> {
        match self.content {
            TicketContent::Flash(kind, text) => Some(Flash { kind, text }),
            TicketContent::Cookie { .. } => None,
        }
    }
}

/// The tickets that were used and have not expired. A ticket is used by one attempt of the page,
/// which may be repeated if its response is lost.
#[derive(Debug, Default)]
pub(crate) struct UsedTickets(Mutex<HashMap<u64, (u64, Box<str>), RandomState>>);

impl UsedTickets {
    /// Records the use of a ticket by an attempt. Returns `false` if another attempt has used it,
    /// or if too many tickets are remembered.
    pub(crate) fn admit(&self, ticket: &Ticket, attempt: &str, now: u64) -> bool {
        // No code that can panic runs under the lock.
        let mut used = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, by)) = used.get(&ticket.id) {
            return **by == *attempt;
        }
        if used.len() >= MAX_USED {
            used.retain(|_, (expires, _)| now < *expires);
        }
        let has_room = used.len() < MAX_USED;
        if has_room {
            used.insert(ticket.id, (ticket.expires, attempt.into()));
        }
        has_room
    }
}

#[cfg(test)]
mod tests {
    use vivaz_components::User;

    use super::*;
    use crate::admission::secret::Secret;

    fn sealer() -> Sealer {
        Sealer::new(&Secret::new(&"a".repeat(32)).unwrap())
    }

    fn ticket() -> Ticket {
        let content = TicketContent::Cookie { set: "a=b".into(), follows_scheme: true };
        Ticket::new(content, 1_000).unwrap()
    }

    #[test]
    fn a_ticket_belongs_to_its_user_or_browser_and_expires() {
        let (sealer, ticket) = (sealer(), ticket());
        let (one, two) = (BrowserId::random().unwrap(), BrowserId::random().unwrap());
        let anonymous = Identity::anonymous();
        let token = ticket.seal(&sealer, &anonymous, &[one]).unwrap();
        let open = |identity: &Identity, browsers: &[BrowserId], now| {
            Ticket::open(&token, &sealer, identity, browsers, now)
        };
        assert_eq!(open(&anonymous, &[two, one], 1_059), Some(same(&ticket)));
        assert_eq!(open(&anonymous, &[one], 1_060), None);
        assert_eq!(open(&anonymous, &[two], 1_000), None);
        assert_eq!(open(&anonymous, &[], 1_000), None);
        let ada = Identity::of(User::new("ada", "Ada"));
        assert_eq!(open(&ada, &[one], 1_000), Some(same(&ticket)), "she has signed in");
        assert_eq!(open(&ada, &[two], 1_000), None);
        let of_ada = ticket.seal(&sealer, &ada, &[one]).unwrap();
        assert!(Ticket::open(&of_ada, &sealer, &ada, &[two], 1_000).is_some());
        assert!(Ticket::open(&of_ada, &sealer, &anonymous, &[one], 1_000).is_none());
    }

    #[test]
    fn an_expired_ticket_is_renewed_for_the_same_holder_with_the_same_number() {
        let (sealer, ticket, anonymous) = (sealer(), ticket(), Identity::anonymous());
        let browser = [BrowserId::random().unwrap()];
        let token = ticket.seal(&sealer, &anonymous, &browser).unwrap();
        let renewed = Ticket::renew(&token, &sealer, &anonymous, &browser, 2_000).unwrap();
        let open = |now| Ticket::open(&renewed, &sealer, &anonymous, &browser, now);
        assert_eq!(open(2_059), Some(Ticket { expires: 2_060, ..same(&ticket) }));
        assert_eq!(open(2_060), None);
        let other = [BrowserId::random().unwrap()];
        assert_eq!(Ticket::renew(&token, &sealer, &anonymous, &other, 2_000), None);
        assert_eq!(Ticket::renew("v1.x", &sealer, &anonymous, &browser, 2_000), None);
    }

    fn same(ticket: &Ticket) -> Ticket {
        serde_json::from_str(&serde_json::to_string(ticket).unwrap()).unwrap()
    }

    #[test]
    fn a_ticket_is_no_seal_of_a_component() {
        let (sealer, anonymous) = (sealer(), Identity::anonymous());
        let token = ticket().seal(&sealer, &anonymous, &[]).unwrap();
        assert!(sealer.open(&token, &holder(&anonymous), 0).is_none());
        let seal = sealer.seal_bytes(b"{}", &holder(&anonymous)).unwrap();
        assert!(Ticket::open(&seal, &sealer, &anonymous, &[], 0).is_none());
    }

    #[test]
    fn a_ticket_is_used_by_one_attempt() {
        let (used, one, two) = (UsedTickets::default(), ticket(), ticket());
        assert!(used.admit(&one, "a", 1_000));
        assert!(used.admit(&one, "a", 1_000), "the response was lost");
        assert!(!used.admit(&one, "b", 1_000));
        assert!(used.admit(&two, "b", 1_000));
    }
}
