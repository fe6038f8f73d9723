//! A long list whose page and filter are in the URL, on a page whose links use `live:navigate`.

use vivaz::prelude::*;

#[derive(LiveComponent, Clone)]
#[live(name = "catalog", template = "catalog.html")]
pub(crate) struct Catalog {
    #[live(url, default = 1)]
    page: u32,
    #[live(model, url(name = "q", replace, debounce = 60_000))]
    query: String,
    #[live(model, url(debounce = 60_000))]
    kind: String,
}

impl Catalog {
    /// The first page is long, and the others are short.
    const LONG: u32 = 200;
    const SHORT: u32 = 5;
}

#[actions]
impl Catalog {
    #[action]
    fn turn(&mut self, page: u32) {
        self.page = page;
    }

    #[live(computed)]
    fn rows(&self) -> Vec<u32> {
        (1..=if self.page == 1 { Self::LONG } else { Self::SHORT }).collect()
    }
}
