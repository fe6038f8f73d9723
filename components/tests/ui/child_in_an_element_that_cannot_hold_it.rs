use vivaz_components::LiveComponent;

#[derive(LiveComponent, Clone)]
#[live(name = "badge", inline = "<span><button>Close</button></span>")]
struct Badge {}

#[derive(LiveComponent, Clone)]
#[live(name = "search", inline = "<form><input></form><a href='/'>Home</a>")]
struct Search {}

#[derive(LiveComponent, Clone)]
#[live(name = "term", inline = "<div><dt>Term</dt></div>")]
struct Term {}

/// Its content does not matter.
#[derive(LiveComponent, Clone)]
#[live(name = "table", inline = "<table><tr><td><a href='/'>Home</a><button>x</button></td></tr></table>")]
struct Table {}

#[derive(LiveComponent, Clone)]
#[live(
    inline = r#"
        <button><b><live:badge></live:badge></b></button>
        <form><live:search></live:search></form>
        <a href="/"><live:search></live:search><live:badge></live:badge></a>
        <dl><dd><live:term></live:term></dd></dl>
        <a href="/"><live:table></live:table></a>
        <button><live:table></live:table></button>
        <form><live:badge></live:badge></form>
    "#,
    children(Badge, Search, Term, Table)
)]
struct Page {}

fn main() {}
