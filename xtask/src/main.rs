//! Chores: `cargo xtask COMMAND`. One file a command.

mod bench;
mod step;
mod test;

const USAGE: &str = "\
Usage: cargo xtask COMMAND

  test [STEP…]     everything that has to hold, or only the steps named; installs what it needs first
  bench [--quick]  what a round trip, an idle session and an append cost, next to a bare WebSocket
  help             this text";

fn main() -> anyhow::Result<()> {
    let mut args = std::env::args().skip(1);
    let command = args.next();
    let rest: Vec<String> = args.collect();
    match command.as_deref() {
        Some("bench") => bench::run(&rest),
        Some("test") => test::run_steps(&rest),
        Some("help" | "--help" | "-h") | None => step::say(USAGE),
        Some(other) => anyhow::bail!("there is no command {other:?}\n\n{USAGE}"),
    }
}
