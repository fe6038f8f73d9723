use vivaz_components::{LiveComponent, actions};

#[derive(LiveComponent, Clone)]
#[live(inline = r#"
    <button live:click="add()">+</button>
    <button live:click="reset()">0</button>
    <p live:loading live:target="add">…</p>
    <button live:click="ad()">+</button>
"#)]
struct Page {
    count: u32,
}

#[actions]
impl Page {
    fn add(&mut self) {
        self.count += 1;
    }

    #[event]
    fn reset(&mut self) {
        self.count = 0;
    }

    #[action]
    fn sub(&mut self) {
        self.count -= 1;
    }
}

// No method is marked.
#[derive(LiveComponent, Clone)]
#[live(name = "bare", inline = "<button live:click='add()'>+</button>")]
struct Bare {
    count: u32,
}

#[actions]
impl Bare {
    fn add(&mut self) {
        self.count += 1;
    }
}

fn main() {}
