use vivaz_components::{LiveComponent, Result, actions};

struct Foreign;

#[derive(LiveComponent, Clone)]
#[live(inline = "")]
struct Page {
    count: u32,
}

#[actions]
impl Page {
    #[action]
    fn plain(&self) -> Foreign {
        Foreign
    }

    #[action]
    fn checked(&self) -> Result<Foreign> {
        Ok(Foreign)
    }
}

fn main() {}
