//! The size of a run.

/// How the server is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// With SIGKILL. The acknowledged state of durable components must survive.
    Killed,
    /// With SIGTERM. The state of all components must survive.
    Restarted,
}

/// One run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The seed of all random decisions.
    pub seed: u64,
    /// The number of pages: counters and talkers alternate.
    pub pages: u64,
    /// The number of actions of all pages; each page sends the same number.
    pub actions: u64,
    /// The number of restarts of the server.
    pub restarts: u64,
    /// How the server is stopped.
    pub stop: Stop,
}

impl Plan {
    /// Creates the long form: 50 pages, 20,000 actions, 10 restarts.
    pub fn long(seed: u64, stop: Stop) -> Self {
        Self { seed, pages: 50, actions: 20_000, restarts: 10, stop }
    }

    /// Creates the short form for `cargo test`: 12 pages, 720 actions, 3 restarts.
    pub fn short(seed: u64, stop: Stop) -> Self {
        Self { seed, pages: 12, actions: 720, restarts: 3, stop }
    }

    /// Returns the number of actions of each page.
    pub fn actions_per_page(&self) -> u64 {
        self.actions / self.pages
    }
}

impl std::fmt::Display for Plan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { seed, pages, actions, restarts, .. } = self;
        let end = match self.stop {
            Stop::Killed => "kills",
            Stop::Restarted => "planned restarts",
        };
        write!(f, "{pages} pages, {actions} actions, {restarts} {end}, seed {seed}")
    }
}
