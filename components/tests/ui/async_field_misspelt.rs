use vivaz_components::{Async, LiveComponent};

#[derive(LiveComponent, Clone)]
#[live(inline = "<p live:if='report.raedy'>{{ report.value.len() }}</p><p live:if='report.failed'>{{ report.eror }}</p>")]
struct Page {
    report: Async<String>,
}

fn main() {}
