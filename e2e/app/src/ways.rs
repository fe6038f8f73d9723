//! Raw HTML, hooks and other extension points of templates, and children that differ in a key.

use vivaz::prelude::*;

#[derive(LiveComponent, Clone, Default)]
#[live(name = "ways", template = "ways.html", open)]
pub(crate) struct Ways {
    count: u32,
    shown: bool,
    numbers: Vec<u32>,
    html: String,
    who: u32,
}

#[actions]
impl Ways {
    async fn mount(_props: WaysProps, _cx: &mut MountContext) -> Result<Self> {
        Ok(Self { numbers: vec![1, 2, 3], html: "<i>raw</i>".into(), ..Self::default() })
    }

    #[action]
    fn add(&mut self) -> u32 {
        self.count += 1;
        self.count
    }

    #[action]
    fn toggle(&mut self) {
        self.shown = !self.shown;
    }

    #[action]
    fn rotate(&mut self) {
        self.numbers.rotate_left(1);
        self.html = format!("<b>{}</b>", self.numbers.len());
    }

    #[action]
    fn shorten(&mut self) {
        self.numbers.pop();
    }

    #[action]
    fn another(&mut self) {
        self.who += 1;
    }

    /// Idempotent: it sets the value instead of toggling it.
    #[action(retry)]
    fn put(&mut self, count: u32) -> u32 {
        self.count = count;
        count
    }
}
