use vivaz_components::{LiveState, actions};

#[derive(LiveState, serde::Serialize, Clone)]
struct Room {
    users: Vec<String>,
}

#[actions]
impl Room {
    #[action]
    fn clear(&mut self) {
        self.users.clear();
    }
}

fn main() {}
