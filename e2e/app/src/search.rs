//! Fields that are bound to parameters of the URL, and the hook for the other parameters.

use serde::{Deserialize, Serialize};
use vivaz::prelude::*;

#[derive(LiveComponent, Clone)]
#[live(name = "search", template = "search.html", open)]
pub(crate) struct Search {
    #[live(url, default = 1)]
    page: u32,
    #[live(model, url(name = "q", replace, debounce = 200))]
    query: String,
    #[live(url)]
    tags: Vec<String>,
    #[live(model, url)]
    order: Order,
    /// What the unbound parameter `tab` says, and all parameters.
    tab: String,
    all: String,
    followed: u32,
    updates: String,
}

#[derive(LiveState, Serialize, Deserialize, Clone, Copy, Default)]
#[serde(rename_all = "kebab-case")]
enum Order {
    #[default]
    Newest,
    ByName,
}

#[actions]
impl Search {
    fn params(&mut self, params: &UrlParams) -> Result<()> {
        let tab = params.get("tab").unwrap_or("first");
        if tab == "gone" {
            return Err(ActionError::user("There is no such tab."));
        }
        tab.clone_into(&mut self.tab);
        self.all = params.iter().map(|(name, value)| format!("{name}={value};")).collect();
        self.followed += 1;
        Ok(())
    }

    fn updated(&mut self, path: &FieldPath) {
        self.updates.push_str(path);
        self.updates.push(' ');
    }

    #[action]
    fn turn(&mut self, by: i32) {
        self.page = self.page.saturating_add_signed(by).max(1);
    }

    #[action]
    fn tag(&mut self, name: String) {
        if !self.tags.contains(&name) {
            self.tags.push(name);
        }
    }

    #[action]
    fn reset(&mut self) {
        self.page = 1;
        self.query.clear();
        self.tags.clear();
        self.order = Order::default();
    }
}
