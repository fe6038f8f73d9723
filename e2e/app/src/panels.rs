//! Elements that a visitor opens and closes: panels, menus, details, and a radio group.

use vivaz::prelude::*;

#[derive(LiveComponent, Clone, Default)]
#[live(name = "panels", template = "panels.html", open)]
pub(crate) struct Panels {
    #[live(default)]
    ticks: u32,
    #[live(default)]
    details: bool,
    #[live(default)]
    menu: bool,
    #[live(default = vec![1, 2, 3, 4])]
    choices: Vec<u32>,
    #[live(default = 3)]
    choice: u32,
    #[live(default)]
    outside: u32,
    #[live(default)]
    sent: u32,
}

#[actions]
impl Panels {
    #[action]
    fn tick(&mut self) {
        self.ticks += 1;
    }

    /// Accepts only values below 4.
    #[action]
    fn choose(&mut self, choice: u32) {
        if choice < 4 {
            self.choice = choice;
        }
    }

    /// Fails.
    #[action]
    fn open(&mut self) -> Result<(), ActionError> {
        Err(ActionError::user("it stays as it is"))
    }

    #[action]
    fn show_menu(&mut self) {
        self.menu = true;
    }

    #[action]
    fn hide_menu(&mut self) {
        self.menu = false;
        self.outside += 1;
    }

    #[action]
    fn send(&mut self, text: String) {
        self.sent += u32::from(!text.is_empty());
    }
}
