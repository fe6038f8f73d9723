//! Looks for entries whose notification was lost, with one query for all topics of a node.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;
use vivaz_databases::DatabaseError;

use super::node::NodeState;
use super::statements::{self, NewestPosition, TopicKey};

/// The pause between two queries.
const PAUSE: Duration = Duration::from_secs(1);

impl NodeState {
    /// Compares the positions of all followed topics until the task is aborted. The entries of this
    /// node are among those that it finds; that costs a read per topic and query at most.
    pub(super) async fn watch(self: Arc<Self>) {
        let (mut known, mut is_failing) = (HashMap::new(), false);
        loop {
            sleep(PAUSE).await;
            let topics = self.feeds.keys();
            match self.positions(topics.clone()).await {
                Ok(positions) => {
                    for topic in &topics {
                        if is_failing || known.get(topic) != positions.get(topic) {
                            self.feeds.of(topic).iter().for_each(|feed| feed.look());
                        }
                    }
                    known = positions;
                    is_failing = false;
                }
                Err(error) => {
                    tracing::debug!(%error, "the positions of topics could not be read");
                    is_failing = true;
                }
            }
        }
    }

    async fn positions(
        &self,
        topics: Vec<TopicKey>,
    ) -> Result<HashMap<TopicKey, NewestPosition>, DatabaseError> {
        if topics.is_empty() {
            return Ok(HashMap::new());
        }
        self.postgres.run(move |tx| statements::newest(tx, &topics)).await
    }
}
