//! A form that one action receives as a struct and another one as single fields.

use serde::Deserialize;
use vivaz::prelude::*;

#[derive(LiveComponent, Clone, Default)]
#[live(name = "registration", template = "registration.html", open)]
pub(crate) struct Registration {
    #[live(model)]
    serial: u64,
    #[live(errors)]
    errors: Errors,
    saved: String,
}

/// The data of the form. Its fields have the names of the controls.
#[derive(Deserialize, Debug)]
struct Entry {
    seats: u8,
    tags: Vec<String>,
    news: bool,
    note: Option<String>,
    address: Address,
    #[serde(flatten)]
    extra: Extra,
}

#[derive(Deserialize, Debug)]
struct Address {
    city: String,
}

#[derive(Deserialize, Debug)]
struct Extra {
    weight: Option<f64>,
    days: Vec<u8>,
}

#[actions]
impl Registration {
    #[action]
    fn save(&mut self, form: Entry) {
        let Entry { seats, tags, news, note, address, extra } = form;
        let Extra { weight, days } = extra;
        self.saved = format!("{seats} {tags:?} {news} {note:?} {} {weight:?} {days:?}", address.city);
    }

    #[action]
    fn count(&mut self, seats: u8, days: Vec<u8>, news: bool) {
        self.saved = format!("{seats} {days:?} {news}");
    }
}
