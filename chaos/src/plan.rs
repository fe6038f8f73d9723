//! How much of everything.

/// What happens to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// SIGKILL. What durable components acknowledged has to be there afterwards.
    Killed,
    /// SIGTERM. Everything has to be there afterwards, of plain components too.
    Restarted,
}

/// One run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What everything random is drawn from.
    pub seed: u64,
    /// How many pages there are; every other one counts, the rest talk in a room.
    pub pages: u64,
    /// How many actions there are in all, the same number for each page.
    pub actions: u64,
    /// How often the server ends and comes back.
    pub restarts: u64,
    /// How it ends.
    pub fate: Fate,
}

impl Plan {
    /// The whole of it: 50 pages, 20,000 actions, 10 restarts.
    pub fn long(seed: u64, fate: Fate) -> Self {
        Self { seed, pages: 50, actions: 20_000, restarts: 10, fate }
    }

    /// Enough to see that it holds, for every day.
    pub fn short(seed: u64, fate: Fate) -> Self {
        Self { seed, pages: 12, actions: 720, restarts: 3, fate }
    }

    /// How many actions each page has.
    pub fn actions_of_each(&self) -> u64 {
        self.actions / self.pages
    }
}

impl std::fmt::Display for Plan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { seed, pages, actions, restarts, .. } = self;
        let end = match self.fate {
            Fate::Killed => "kills",
            Fate::Restarted => "planned restarts",
        };
        write!(f, "{pages} pages, {actions} actions, {restarts} {end}, seed {seed}")
    }
}
