//! A component that cannot be mounted.

use vivaz::prelude::*;

#[derive(LiveComponent, Clone, Default)]
#[live(name = "broken", template = "broken.html", open)]
pub(crate) struct Broken {
    text: String,
}

#[actions]
impl Broken {
    #[expect(clippy::panic, reason = "the test needs a panic")]
    async fn mount(_props: BrokenProps, _cx: &mut MountContext) -> Result<Self> {
        panic!("on purpose, with a secret in it")
    }
}
