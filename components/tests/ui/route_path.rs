use vivaz_components::LiveRoute;

#[derive(LiveRoute)]
#[live(path = "/items/{idd}/x{id}")]
struct Misspelt {
    id: u32,
}

#[derive(LiveRoute)]
#[live(path = "items?page=1")]
struct Relative {}

#[derive(LiveRoute)]
#[live(path = "/items/{id}")]
struct InQuery {
    #[live(query)]
    id: u32,
    page: u32,
}

#[derive(LiveRoute)]
struct Pathless;

fn main() {}
