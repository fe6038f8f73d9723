//! Message buses that break a rule.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use vivaz::cluster::{Address, Bus, BusError, BusListener, NodeId};
use vivaz::instance::BoxFuture;

use super::{Rule, Shared, lossy};

pub(super) struct BrokenBus {
    pub(super) rule: Rule,
    pub(super) inner: Arc<dyn Bus>,
    pub(super) shared: Arc<Shared>,
    pub(super) node: usize,
    pub(super) all: [NodeId; 3],
}

impl BrokenBus {
    fn address(&self, to: &Address) -> Address {
        match (self.rule, to) {
            (Rule::AddressesAreExact, Address::Room { name, .. }) => {
                Address::Room { tenant: None, name: name.clone() }
            }
            _ => to.clone(),
        }
    }
}

impl Bus for BrokenBus {
    fn node(&self) -> &NodeId {
        self.inner.node()
    }

    fn send(&self, to: &Address, message: Bytes) {
        let to = &self.address(to);
        match self.rule {
            Rule::MessagesKeepOrder => {
                let mut held_back = self.shared.held_back.lock().unwrap();
                if self.shared.number.fetch_add(1, Ordering::SeqCst) % 10 == 9 && held_back.is_none() {
                    *held_back = Some((to.clone(), message));
                    return;
                }
                self.inner.send(to, message);
                if let Some((to, message)) = held_back.take_if(|(of, _)| of == to) {
                    self.inner.send(&to, message);
                }
            }
            Rule::MessagesArriveOnce => {
                self.inner.send(to, message.clone());
                self.inner.send(to, message);
            }
            Rule::NoEcho => {
                let listeners = self.shared.listeners.lock().unwrap().clone();
                for (_, _, listener) in listeners.iter().filter(|(of, at, _)| *of == self.node && at == to) {
                    if let Some(listener) = listener.upgrade() {
                        listener(self.inner.node(), message.clone());
                    }
                }
                self.inner.send(to, message);
            }
            Rule::MessagesAreWhole => self.inner.send(to, lossy(&message)),
            _ => self.inner.send(to, message),
        }
    }

    fn listen(&self, to: &Address, listener: BusListener) -> Box<dyn Any + Send + Sync> {
        let to = self.address(to);
        let own = Arc::new(Arc::clone(&listener));
        self.shared.listeners.lock().unwrap().push((self.node, to.clone(), Arc::downgrade(&own)));
        let guard = self.inner.listen(&to, listener);
        if self.rule == Rule::ListenersEnd {
            std::mem::forget(guard);
            return Box::new(());
        }
        Box::new((guard, own))
    }

    fn nodes(&self) -> Option<Arc<[NodeId]>> {
        match (self.rule, self.inner.nodes()) {
            (Rule::LeasesEnd, Some(_)) => Some(self.all.clone().into()),
            (Rule::UnreachableIsUnknown, None) => Some([self.inner.node().clone()].into()),
            (_, nodes) => nodes,
        }
    }

    fn flush(&self, limit: Duration) -> BoxFuture<Result<(), BusError>> {
        let (rule, flush) = (self.rule, self.inner.flush(limit));
        Box::pin(async move {
            flush.await.or_else(|error| if rule == Rule::FlushFails { Ok(()) } else { Err(error) })
        })
    }
}
