//! The same component with another template of the same elements.

use vivaz::prelude::*;

#[derive(LiveComponent, Clone, Default)]
#[live(
    name = "motto",
    inline = "<section><h1>After</h1><p id='said'>{{ said }}</p><label>Motto <input name='motto' live:model='said'></label></section>",
    open
)]
pub(crate) struct Motto {
    #[live(model)]
    said: String,
}

#[actions]
impl Motto {}
