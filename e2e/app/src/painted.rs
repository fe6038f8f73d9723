//! Values that a browser changes when it parses them: out of range, with line breaks, or invalid
//! for the control.

use vivaz::prelude::*;

#[derive(LiveComponent, Clone)]
#[live(name = "painted", template = "painted.html", open)]
pub(crate) struct Painted {
    #[live(model, default = "x\r\ny".to_owned())]
    area: String,
    #[live(model, default = "\n\nx".to_owned())]
    leading: String,
    #[live(model, default = "a\nb".to_owned())]
    line: String,
    #[live(model, default = Some(150.0))]
    range: Option<f64>,
    #[live(model, default)]
    nothing: Option<f64>,
    #[live(model, default = "soon".to_owned())]
    date: String,
    #[live(model, default = "25:99".to_owned())]
    time: String,
    #[live(model, default)]
    number: Option<f64>,
    #[live(model, default = "red".to_owned())]
    color: String,
    #[live(model, default = " a@b ".to_owned())]
    mail: String,
    #[live(model, default = " x ".to_owned())]
    link: String,
    #[live(model, default = "gone".to_owned())]
    choice: String,
    #[live(model, default = vec!["gone".to_owned(), String::new(), "a\nb".to_owned()])]
    many: Vec<String>,
    #[live(model, default = "gone".to_owned())]
    radio: String,
    #[live(model, default = true)]
    check: bool,
    #[live(default = 10)]
    top: u32,
    #[live(default)]
    edits: String,
    #[live(default)]
    ticks: u32,
}

#[actions]
impl Painted {
    fn updated(&mut self, property: &str) {
        self.edits = format!("{} {property}", self.edits).trim().to_owned();
    }

    #[action]
    fn tick(&mut self) {
        self.ticks += 1;
    }

    /// Raises the maximum of the range together with its value.
    #[action]
    fn grow(&mut self) {
        self.top = 200;
        self.range = Some(180.0);
    }

    #[action]
    fn choose(&mut self) {
        self.many = vec!["a\nb".to_owned()];
    }
}
