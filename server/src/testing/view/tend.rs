//! Child components: mounted when their parent's template asks for them, given new props, taken away.

use std::collections::BTreeMap;

use vivaz_protocol::Ref;

use super::{Memory, actor, forget_typed};
use crate::testing::client::Ask;
use crate::testing::page::{Page, State};

impl Page {
    /// Goes over what is shown until every child is there that should be. One that the server refuses stays away, and
    /// its parent does not mind.
    pub(in crate::testing) async fn tend(&self) {
        loop {
            let asked = self.with(|state| state.tend(self));
            if asked.is_empty() {
                return;
            }
            self.calls(asked).settled().await;
        }
    }
}

impl State {
    fn tend(&mut self, page: &Page) -> Vec<Ref> {
        let mut asked = Vec::new();
        let mounted: Vec<String> = self.client.components().map(str::to_owned).collect();
        for id in mounted {
            if self.memories.get(&id).is_some_and(Memory::has_typed) {
                forget_typed(page, self, &id);
            }
            let Some(parent) = actor(page, self, &id) else { continue };
            let (_, wanted) = parent.paint(self.user().as_ref());
            let mut before = parent.memory.children;
            let mut children = BTreeMap::new();
            let shows_topics = self.client.has_topics(&id);
            for (_, _, child) in wanted {
                if child.is_guessed() {
                    continue;
                }
                let page = child.page_props();
                let of_child = match before.remove(&child.place) {
                    None => {
                        let of_child = self.next_id(&child.component);
                        let sealed = self.seals.iter().position(|sealed| {
                            sealed.name == child.component && sealed.place.as_ref() == Some(&child.place)
                        });
                        let sealed = sealed.and_then(|at| self.seals.remove(at));
                        let mount = Ask::MountChild {
                            parent: id.clone(),
                            place: child.place.clone(),
                            seal: sealed.map(|sealed| sealed.seal),
                            page,
                        };
                        asked.push(self.client.ask(&of_child, mount));
                        of_child
                    }
                    Some((of_child, props)) => {
                        // What the parent's own state gives, the server works out by itself.
                        let page_changed = page.iter().any(|(name, value)| props.get(name) != Some(value));
                        if page_changed || props != child.props && shows_topics {
                            asked.push(self.client.ask(&of_child, Ask::PageProps(page)));
                        }
                        of_child
                    }
                };
                children.insert(child.place, (of_child, child.props));
            }
            for (id, _) in before.into_values() {
                if self.client.template(&id).is_some() {
                    asked.push(self.client.ask(&id, Ask::Unmount));
                }
            }
            if !children.is_empty() || self.memories.contains_key(&id) {
                self.memories.entry(id).or_default().children = children;
            }
        }
        asked
    }
}
