//! Revoked access: no newer state reaches the page, in whichever process its session is.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::time::sleep;
use vivaz::prelude::*;
use vivaz::testing::{Page, Server, View};
use vivaz::{Identity, MemoryStore, Runtime, User};

/// How long `authorize` of a key takes.
static TIMES: Mutex<Option<HashMap<String, Duration>>> = Mutex::new(None);

fn authorize_takes(key: &str, time: Duration) {
    TIMES.lock().unwrap().get_or_insert_default().insert(key.to_owned(), time);
}

#[derive(LiveState, Serialize, Deserialize, Clone, Default)]
struct Minutes {
    text: String,
}

impl Topic for Minutes {
    type Key = String;

    async fn load(_: &String, _: &TopicContext) -> Result<Self> {
        Ok(Self { text: "old".into() })
    }

    async fn authorize(key: &String, _: &Identity) -> Result<()> {
        let time = TIMES.lock().unwrap().get_or_insert_default().get(key).copied();
        sleep(time.unwrap_or_default()).await;
        Ok(())
    }
}

#[derive(LiveComponent, Clone)]
#[live(name = "minutes", inline = "<p>{{ minutes.text }}</p>", open)]
struct Secretary {
    #[live(prop)]
    key: String,
    #[live(shared = "minutes/{key}")]
    minutes: Shared<Minutes>,
}

#[actions]
impl Secretary {
    #[action]
    fn may(&self, cx: &mut Context, permission: String) -> bool {
        cx.identity().may(&permission)
    }
}

fn ada(permissions: &[&str]) -> Identity {
    Identity::of(User::new("ada", "Ada")).with_permissions(permissions.iter().copied())
}

async fn opened(permissions: &[&str]) -> (Server, Page, View, String) {
    let store = MemoryStore::new();
    let server = Server::new(move || Runtime::builder().store(store.clone()));
    let page = server.page_with(ada(permissions));
    let key = uuid::Uuid::new_v4().to_string();
    let view = page.mount_open("minutes", json!({ "key": key })).await.unwrap();
    (server, page, view, key)
}

/// Where the session is when access is revoked.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Whereabouts {
    /// Its page is connected.
    Connected,
    /// Its page resumes it in memory.
    InMemory,
    /// Its page resumes it after a restart.
    InStore,
}

#[tokio::test(start_paused = true)]
async fn a_revoked_page_receives_no_newer_state() {
    use Whereabouts::{Connected, InMemory, InStore};
    for whereabouts in [Connected, InMemory, InStore] {
        for by_user in [true, false] {
            let (server, page, view, key) = opened(&[]).await;
            if whereabouts != Connected {
                authorize_takes(&key, Duration::from_secs(5));
                page.network().offline();
                sleep(Duration::from_secs(1)).await;
                if whereabouts == InStore {
                    server.restart().await;
                }
                page.network().online();
                sleep(Duration::from_secs(2)).await;
            }
            let runtime = server.runtime();
            let ended = if by_user {
                runtime.revoke("ada")
            } else {
                runtime.revoke_where(|one| one.user_id().is_some())
            };
            let cell = (whereabouts, by_user);
            assert_eq!(ended, 1, "{cell:?}");
            authorize_takes(&key, Duration::ZERO);
            let topic = runtime.topic::<Minutes>(&format!("minutes/{key}")).await.unwrap();
            topic.update(|minutes| minutes.text = "new".into()).await.unwrap();
            assert_eq!(page.closed().await, 4401, "{cell:?}");
            assert_eq!(view.state()["minutes"]["text"], "old", "{cell:?}");
            assert_eq!(page.sessions(), 1, "{cell:?}");
            sleep(Duration::from_secs(1)).await;
            assert_eq!(runtime.stats().sessions, 0, "{cell:?}");
        }
    }
}

/// The identity at the resume has the permission, and the session's previous one does not.
#[tokio::test(start_paused = true)]
async fn a_resume_does_not_restore_a_revoked_permission() {
    for restarts in [false, true] {
        let (server, page, view, key) = opened(&[]).await;
        authorize_takes(&key, Duration::from_secs(5));
        page.network().offline();
        sleep(Duration::from_secs(1)).await;
        if restarts {
            server.restart().await;
        }
        page.set_identity(ada(&["admin"]));
        page.network().online();
        sleep(Duration::from_secs(2)).await;
        page.set_identity(ada(&[]));
        server.runtime().revoke_where(|identity| identity.may("admin"));
        authorize_takes(&key, Duration::ZERO);
        if restarts {
            // The session was restored for that identity.
            assert_eq!(page.closed().await, 4401);
            continue;
        }
        sleep(Duration::from_secs(10)).await;
        page.settled().await;
        assert_eq!(view.call("may", ["admin"]).await.unwrap(), Some(json!(false)));
        assert_eq!(page.sessions(), 1);
        // From now on it does not count as a session with that permission.
        assert_eq!(server.runtime().revoke_where(|identity| identity.may("admin")), 0);
    }
}

fn by(login: &str) -> Identity {
    ada(&[]).with_login(login)
}

/// Where a login is revoked, and which store has its sessions.
#[tokio::test(start_paused = true)]
async fn one_login_is_ended_wherever_its_sessions_are() {
    for whereabouts in [Whereabouts::Connected, Whereabouts::InMemory, Whereabouts::InStore] {
        let store = MemoryStore::new();
        let server = Server::new(move || Runtime::builder().store(store.clone()));
        let phone = [server.page_with(by("phone")), server.page_with(by("phone"))];
        let desk = server.page_with(by("desk"));
        let elsewhere = server.page_with(by("phone").with_tenant("acme"));
        let mut views = Vec::new();
        for page in phone.iter().chain([&desk, &elsewhere]) {
            views.push(page.mount_open("minutes", json!({ "key": "logins" })).await.unwrap());
        }
        let pages = || phone.iter().chain([&desk, &elsewhere]);
        let runtime = match whereabouts {
            Whereabouts::Connected => server.runtime(),
            Whereabouts::InMemory | Whereabouts::InStore => {
                pages().for_each(|page| page.network().offline());
                sleep(Duration::from_secs(1)).await;
                if whereabouts == Whereabouts::InStore {
                    server.restart().await;
                }
                server.runtime()
            }
        };
        let here = if whereabouts == Whereabouts::InStore { 0 } else { 2 };
        assert_eq!(runtime.revoke_login("phone"), here, "{whereabouts:?}");
        assert_eq!(runtime.revoke_login("tablet"), 0);
        sleep(Duration::from_secs(1)).await;
        pages().for_each(|page| page.network().online());
        for page in &phone {
            if whereabouts == Whereabouts::Connected {
                assert_eq!(page.closed().await, 4401);
            } else {
                // The process that had the session does not have it any more.
                page.until(|page| page.sessions() == 2).await;
            }
        }
        // Other logins continue.
        for (page, view) in [(&desk, &views[2]), (&elsewhere, &views[3])] {
            view.call("may", ["x"]).await.unwrap();
            assert_eq!(page.sessions(), 1, "{whereabouts:?}");
        }
        assert_eq!(runtime.revoke_login_of("acme", "phone"), 1, "{whereabouts:?}");
        assert_eq!(elsewhere.closed().await, 4401, "{whereabouts:?}");
    }
}

/// A client with the cookie of another login does not resume the session.
#[tokio::test(start_paused = true)]
async fn a_session_is_not_resumed_by_another_login() {
    let store = MemoryStore::new();
    let server = Server::new(move || Runtime::builder().store(store.clone()));
    for restarts in [false, true] {
        let page = server.page_with(by("phone"));
        page.mount_open("minutes", json!({ "key": "logins" })).await.unwrap();
        page.set_identity(by("desk"));
        if restarts {
            server.restart().await;
        } else {
            page.network().drop();
        }
        page.until(|page| page.sessions() == 2).await;
    }
}
