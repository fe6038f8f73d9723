//! A result inside another value, whose error would be ignored.

use vivaz_components::{LiveComponent, Result, actions};

#[derive(LiveComponent, Clone)]
#[live(name = "within", inline = "<p>{{ n }}</p>")]
struct Within {
    #[live(default)]
    n: u32,
}

#[actions]
impl Within {
    #[action]
    fn perhaps(&mut self) -> Option<Result<u32>> {
        None
    }

    #[action]
    fn nested(&mut self) -> Result<Result<u32>> {
        Ok(Ok(1))
    }

    #[action]
    async fn both(&mut self) -> Result<Option<std::result::Result<u32, String>>> {
        Ok(None)
    }

    fn connected(&mut self) -> Option<Result<()>> {
        None
    }
}

fn main() {}
