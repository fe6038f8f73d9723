//! Numbers with a fraction, in every control that can hold one.

use vivaz::prelude::*;

#[derive(LiveComponent, Clone, Default)]
#[live(name = "decimals", template = "decimals.html", open)]
pub(crate) struct Decimals {
    #[live(model, default)]
    typed: Option<f64>,
    #[live(model, default)]
    text: Option<f64>,
    #[live(model, default)]
    plain: f64,
    #[live(default)]
    bound: f64,
    #[live(model, default)]
    rounded: f64,
}

#[actions]
impl Decimals {
    #[action]
    fn bind(&mut self, value: f64) {
        self.bound = value;
    }

    fn updated(&mut self, property: &str) {
        if property == "rounded" {
            self.rounded = (self.rounded * 10.0).round() / 10.0;
        }
    }
}
