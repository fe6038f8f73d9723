use vivaz_components::{LiveComponent, LiveState, actions};

#[derive(LiveState, serde::Serialize, serde::Deserialize, Clone, Default)]
#[serde(rename_all = "camelCase")]
struct User { id: u64, name: String, last_seen: u64, #[serde(skip)] password: String, tags: Vec<String> }

#[derive(LiveComponent, Clone)]
#[live(template = "edit_of_a_field_that_is_not_the_pages.html")]
struct Page {
    user: User,
    users: Vec<User>,
    count: u32,
    #[live(model)]
    draft: String,
    #[live(private)]
    audit: String,
}

#[actions]
impl Page {
    #[action]
    fn send(&mut self, text: String, times: Option<u32>) {
        self.draft = text.repeat(times.unwrap_or(1) as usize);
    }
}

fn main() {}
