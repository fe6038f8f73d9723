//! Lists whose items move; each item contains browser state.

use serde::{Deserialize, Serialize};
use vivaz::prelude::*;

#[derive(LiveComponent, Clone)]
#[live(name = "lists", template = "lists.html", open)]
pub(crate) struct Lists {
    groups: List<Group>,
    order: String,
    #[live(private)]
    seed: u64,
}

#[derive(LiveState, Serialize, Deserialize, Clone, Debug)]
pub(crate) struct Group {
    pub(crate) id: u64,
    pub(crate) items: List<Item>,
}

#[derive(LiveState, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub(crate) struct Item {
    pub(crate) id: u64,
    pub(crate) label: String,
}

fn group(id: u64) -> Group {
    let items = (1..=3).map(|n| id * 10 + n).map(|id| Item { id, label: format!("item {id}") });
    Group { id, items: items.collect() }
}

#[actions]
impl Lists {
    async fn mount(_props: ListsProps, _cx: &mut MountContext) -> Result<Self> {
        let mut lists = Self { groups: (1..=5).map(group).collect(), order: String::new(), seed: 7 };
        lists.say();
        Ok(lists)
    }

    /// Inserts, removes, moves and renames items; the same for the same seed.
    #[action]
    fn shuffle(&mut self) {
        for _ in 0..12 {
            let (what, which, place) = (self.random(5), self.random(64), self.random(8));
            let Some(id) = self.groups.at(which % self.groups.len().max(1)).map(|group| group.id) else {
                self.groups.push(group(100 + self.seed % 1000));
                continue;
            };
            match what {
                0 => self.groups.insert(place, group(100 + self.seed % 1000)),
                1 if self.groups.len() > 3 => drop(self.groups.remove(id)),
                2 => drop(self.groups.update(id, |group| group.items.reverse())),
                3 => drop(
                    self.groups.update(id, |group| group.items.update_at(0, |item| item.label.push('!'))),
                ),
                _ => drop(self.groups.move_to(id, place)),
            }
        }
        self.say();
    }

    #[action]
    fn reverse(&mut self) {
        self.groups.reverse();
        self.say();
    }

    #[action]
    fn last_first(&mut self) {
        if let Some(id) = self.groups.last().map(|group| group.id) {
            self.groups.move_to(id, 0);
        }
        self.say();
    }

    #[action]
    fn clear(&mut self) {
        self.groups.clear();
        self.say();
    }

    #[action]
    fn refill(&mut self) {
        self.groups.replace((1..=5).map(group));
        self.say();
    }

    /// Returns the server's order, for comparison in the test.
    fn say(&mut self) {
        let groups = self.groups.iter().map(|group| {
            let items: Vec<&str> = group.items.iter().map(|item| item.label.as_str()).collect();
            format!("{}: {}", group.id, items.join(", "))
        });
        self.order = groups.collect::<Vec<_>>().join("; ");
    }

    fn random(&mut self, below: usize) -> usize {
        self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.seed >> 33).unwrap_or(0) % below
    }
}
