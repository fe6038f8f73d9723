use vivaz_components::{LiveComponent, actions};

#[derive(LiveComponent, Clone)]
#[live(inline = "<button live:click='add()'>{{ count }}</button>")]
struct Page {
    count: u32,
}

#[actions]
impl Page {
    /// Adds one.
    #[action]
    fn add(&mut self) {
        self.count += 1;
    }
}

#[actions]
impl Page {
    #[action]
    fn sub(&mut self) {
        self.count -= 1;
    }

    #[live(computed)]
    fn twice(&self) -> u32 {
        self.count * 2
    }
}

mod another {
    use vivaz_components::{LiveComponent, actions};

    #[derive(LiveComponent, Clone)]
    #[live(name = "another", inline = "")]
    struct Page {
        count: u32,
    }

    #[actions]
    impl Page {
        #[action]
        fn add(&mut self) {
            self.count += 1;
        }
    }
}

fn main() {}
