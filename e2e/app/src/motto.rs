//! A component whose template a deploy changes without changing its elements.

use vivaz::prelude::*;

#[derive(LiveComponent, Clone, Default)]
#[live(
    name = "motto",
    inline = "<section><h1>Before</h1><p id='said'>Said: {{ said }}</p><label>Motto <input name='motto' live:model='said'></label></section>",
    open
)]
pub(crate) struct Motto {
    #[live(model)]
    said: String,
}

#[actions]
impl Motto {}
