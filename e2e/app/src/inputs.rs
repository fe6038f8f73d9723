//! Each kind of control with `live:model`.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use vivaz::prelude::*;

#[derive(LiveComponent, Clone, Default)]
#[live(name = "inputs", template = "inputs.html", open)]
pub(crate) struct Inputs {
    #[live(model)]
    text: String,
    #[live(model)]
    note: String,
    #[live(model)]
    choice: String,
    #[live(model)]
    many: Vec<String>,
    #[live(model)]
    radio: String,
    #[live(model)]
    check: bool,
    #[live(model)]
    number: Option<f64>,
    #[live(model)]
    small: u8,
    #[live(model)]
    tiny: u8,
    #[live(model)]
    forced: String,
    #[live(model)]
    precise: Option<f64>,
    #[live(model)]
    country: String,
    #[live(model)]
    city: String,
    cities: Vec<String>,
    lines: List<Line>,
    last_line: u64,
    ticks: u64,
    pressed: String,
    done: u32,
}

#[derive(LiveState, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub(crate) struct Line {
    pub(crate) id: u64,
    pub(crate) text: String,
}

#[actions]
impl Inputs {
    fn updated(&mut self, property: &str) {
        if property == "country" {
            let cities: &[&str] = match self.country.as_str() {
                "pt" => &["Lisboa", "Porto"],
                "fr" => &["Paris", "Lyon"],
                _ => &[],
            };
            self.cities = cities.iter().map(|city| (*city).to_owned()).collect();
            self.city.clear();
        }
    }

    /// Changes the elements around the controls.
    #[action]
    fn tick(&mut self) {
        self.ticks += 1;
    }

    /// Sets each control, also those in use.
    #[action]
    fn overwrite(&mut self) {
        self.text = "server".into();
        self.note = "server".into();
        self.forced = "server".into();
        self.number = Some(5.0);
        self.precise = Some(5.0);
        self.small += 1;
        self.tiny += 1;
        self.choice = "b".into();
        self.many = vec!["y".into()];
        self.radio = "two".into();
        self.check = true;
    }

    /// Takes some time.
    #[action]
    async fn slow(&mut self) {
        tokio::time::sleep(Duration::from_millis(400)).await;
        self.done += 1;
    }

    #[action]
    fn press(&mut self, name: String) {
        self.pressed = name;
    }

    #[action]
    fn add_line(&mut self) {
        self.last_line += 1;
        self.lines.push(Line { id: self.last_line, text: format!("line {}", self.last_line) });
    }

    #[action]
    fn remove_line(&mut self, id: u64) {
        self.lines.remove(id);
    }
}
