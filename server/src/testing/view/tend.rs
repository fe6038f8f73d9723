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
            for (_, _, child) in wanted {
                let id = match before.remove(&child.place) {
                    None => {
                        let id = self.next_id(&child.component);
                        let sealed = self.seals.pop_front_if(|(name, _)| *name == child.component);
                        let ask = match sealed {
                            Some((_, seal)) => Ask::MountSealed { seal },
                            None => Ask::mount_open(child.component, child.props.clone()),
                        };
                        asked.push(self.client.ask(&id, ask));
                        id
                    }
                    Some((id, props)) => {
                        if props != child.props {
                            asked.push(self.client.ask(&id, Ask::Props(child.props.clone())));
                        }
                        id
                    }
                };
                children.insert(child.place, (id, child.props));
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
