use vivaz_components::LivePage;

struct NoRoute;

#[derive(LivePage)]
#[live(inline = "<html lang='en'><head><title>x</title></head><body><a href='{{ Itme {} }}'>a</a><a href='{{ NoRoute {} }}'>b</a></body></html>")]
struct Home {}

fn main() {}
