//! A component whose template uses partials.

use serde::{Deserialize, Serialize};
use vivaz::prelude::*;

#[derive(LiveComponent, Clone)]
#[live(name = "profile", template = "profile.html")]
pub(crate) struct Profile {
    #[live(model, default)]
    name: String,
    #[live(model, default)]
    motto: String,
    #[live(default)]
    saved: String,
    #[live(default = 20)]
    limit: u32,
    #[live(default = entries())]
    entries: List<Entry>,
    #[live(errors)]
    errors: Errors,
}

#[derive(LiveState, Clone, Serialize, Deserialize)]
struct Entry {
    id: u32,
    title: String,
    words: Vec<String>,
}

fn entries() -> List<Entry> {
    let entry = |id, title: &str, words: &[&str]| Entry {
        id,
        title: title.to_owned(),
        words: words.iter().map(|word| (*word).to_owned()).collect(),
    };
    List::from_iter([entry(1, "First", &["a", "b"]), entry(2, "Second", &[])])
}

#[actions]
impl Profile {
    #[action]
    fn save(&mut self) -> Result {
        if self.name.trim().is_empty() {
            return Err(ActionError::invalid(Errors::from_iter([("name", "is required")])));
        }
        self.errors = Errors::default();
        self.saved = format!("{}: {}", self.name, self.motto);
        Ok(())
    }

    #[action]
    fn remove(&mut self, id: u32) {
        self.entries.remove(id);
    }
}
