//! A persistent sequence: a tree in which positions are found by counting.

mod iter;

use triomphe::Arc;

pub(super) use iter::Iter;

/// The largest number of entries of a node. The first change after a clone copies the nodes on one
/// path, so larger nodes make a change slower, and smaller ones make the tree deeper.
const MOST: usize = 32;

/// A node with fewer entries after a removal is joined with its neighbour.
const LEAST: usize = MOST / 4;

/// A sequence of which a clone shares the content. Reading, inserting and removing take logarithmic
/// time at any position, however the sequence came about.
///
/// All leaves have the same depth, and no node but the root is empty.
#[derive(Clone)]
pub(super) struct Tree<E> {
    root: Subtree<E>,
}

#[derive(Clone)]
struct Subtree<E> {
    /// The number of entries in all of its leaves.
    len: usize,
    node: Arc<Node<E>>,
}

enum Node<E> {
    Leaf(Vec<E>),
    Branch(Vec<Subtree<E>>),
}

impl<E> Tree<E> {
    pub(super) fn new() -> Self {
        Self { root: Subtree::new(Node::Leaf(Vec::new())) }
    }

    pub(super) fn len(&self) -> usize {
        self.root.len
    }

    pub(super) fn is_empty(&self) -> bool {
        self.root.len == 0
    }

    pub(super) fn get(&self, position: usize) -> Option<&E> {
        let (leaf, at) = self.root.leaf(position);
        leaf.get(at)
    }

    pub(super) fn last(&self) -> Option<&E> {
        self.get(self.len().checked_sub(1)?)
    }

    pub(super) fn iter(&self) -> Iter<'_, E> {
        Iter::new(self)
    }
}

impl<E: Clone> Tree<E> {
    pub(super) fn get_mut(&mut self, position: usize) -> Option<&mut E> {
        self.root.get_mut(position)
    }

    /// Inserts an entry at that position, or at the end if the sequence is shorter.
    pub(super) fn insert(&mut self, position: usize, entry: E) {
        if let Some(right) = self.root.insert(position.min(self.len()), entry) {
            let left = self.root.clone();
            self.root = Subtree::new(Node::Branch(vec![left, right]));
        }
    }

    /// Removes the entry at that position.
    pub(super) fn remove(&mut self, position: usize) -> Option<E> {
        if position >= self.len() {
            return None;
        }
        let removed = self.root.remove(position);
        while let Node::Branch(children) = &*self.root.node
            && let [only] = children.as_slice()
        {
            self.root = only.clone();
        }
        removed
    }

    /// Exchanges the entries at two positions. Returns whether both exist.
    pub(super) fn swap(&mut self, one: usize, other: usize) -> bool {
        let (Some(first), Some(second)) = (self.get(one).cloned(), self.get(other).cloned()) else {
            return false;
        };
        for (position, entry) in [(one, second), (other, first)] {
            if let Some(place) = self.get_mut(position) {
                *place = entry;
            }
        }
        true
    }
}

impl<E> FromIterator<E> for Tree<E> {
    fn from_iter<I: IntoIterator<Item = E>>(entries: I) -> Self {
        let mut level: Vec<Subtree<E>> = full_nodes(entries, Node::Leaf);
        while level.len() > 1 {
            level = full_nodes(level, Node::Branch);
        }
        level.pop().map_or_else(Self::new, |root| Self { root })
    }
}

/// Distributes entries over nodes, of which all but the last one are full.
fn full_nodes<X, E>(entries: impl IntoIterator<Item = X>, node: fn(Vec<X>) -> Node<E>) -> Vec<Subtree<E>> {
    let mut entries = entries.into_iter();
    std::iter::from_fn(|| {
        let mut some: Vec<X> = entries.by_ref().take(MOST).collect();
        some.shrink_to_fit();
        (!some.is_empty()).then(|| Subtree::new(node(some)))
    })
    .collect()
}

impl<E> Subtree<E> {
    fn new(node: Node<E>) -> Self {
        let len = match &node {
            Node::Leaf(entries) => entries.len(),
            Node::Branch(children) => children.iter().map(|child| child.len).sum(),
        };
        Self { len, node: Arc::new(node) }
    }

    /// Returns the leaf that contains the position, and the position in it. Beyond the end it is a
    /// position beyond the end of the last leaf.
    fn leaf(&self, mut position: usize) -> (&[E], usize) {
        let mut node = &*self.node;
        loop {
            match node {
                Node::Leaf(entries) => return (entries, position),
                Node::Branch(children) => {
                    let (index, inside) = find_child(children, position);
                    match children.get(index) {
                        Some(child) => (node, position) = (&*child.node, inside),
                        None => return (&[], position),
                    }
                }
            }
        }
    }
}

impl<E: Clone> Subtree<E> {
    fn get_mut(&mut self, position: usize) -> Option<&mut E> {
        match Arc::make_mut(&mut self.node) {
            Node::Leaf(entries) => entries.get_mut(position),
            Node::Branch(children) => {
                let (index, inside) = find_child(children, position);
                children.get_mut(index)?.get_mut(inside)
            }
        }
    }

    /// Inserts an entry at a position that is at most the length. Returns the right part if the node
    /// had to be split.
    fn insert(&mut self, position: usize, entry: E) -> Option<Self> {
        self.len += 1;
        let right = match Arc::make_mut(&mut self.node) {
            Node::Leaf(entries) => {
                entries.insert(position.min(entries.len()), entry);
                split(entries, position, position).map(Node::Leaf)
            }
            Node::Branch(children) => {
                let (index, inside) = find_child(children, position);
                let right = children.get_mut(index)?.insert(inside, entry)?;
                children.insert(index + 1, right);
                split(children, index, index + 1).map(Node::Branch)
            }
        };
        let right = Self::new(right?);
        self.len -= right.len;
        Some(right)
    }

    fn remove(&mut self, position: usize) -> Option<E> {
        let removed = match Arc::make_mut(&mut self.node) {
            Node::Leaf(entries) => (position < entries.len()).then(|| entries.remove(position)),
            Node::Branch(children) => {
                let (index, inside) = find_child(children, position);
                let removed = children.get_mut(index)?.remove(inside);
                join_if_small(children, index);
                removed
            }
        };
        self.len -= usize::from(removed.is_some());
        removed
    }

    /// Takes over the entries of the next node at the same depth. Returns a part of them if they are
    /// too many for one node.
    fn join(&mut self, next: Self) -> Option<Self> {
        self.len += next.len;
        let right = match (Arc::make_mut(&mut self.node), Arc::unwrap_or_clone(next.node)) {
            (Node::Leaf(entries), Node::Leaf(more)) => {
                entries.extend(more);
                halve(entries).map(Node::Leaf)
            }
            (Node::Branch(children), Node::Branch(more)) => {
                children.extend(more);
                halve(children).map(Node::Branch)
            }
            (Node::Leaf(_), Node::Branch(_)) | (Node::Branch(_), Node::Leaf(_)) => {
                unreachable!("neighbours have the same depth")
            }
        };
        let right = Self::new(right?);
        self.len -= right.len;
        Some(right)
    }
}

impl<E: Clone> Clone for Node<E> {
    /// Copies one node, with room for one more entry.
    fn clone(&self) -> Self {
        fn copy<X: Clone>(entries: &[X]) -> Vec<X> {
            let mut copy = Vec::with_capacity(entries.len() + 1);
            copy.extend_from_slice(entries);
            copy
        }
        match self {
            Self::Leaf(entries) => Self::Leaf(copy(entries)),
            Self::Branch(children) => Self::Branch(copy(children)),
        }
    }
}

/// Returns the index of the child that contains the position, and the position in it. Positions
/// beyond the end are in the last child.
fn find_child<E>(children: &[Subtree<E>], mut position: usize) -> (usize, usize) {
    let last = children.len().saturating_sub(1);
    for (index, child) in children.iter().enumerate() {
        if position < child.len || index == last {
            return (index, position);
        }
        position -= child.len;
    }
    (last, position)
}

/// Takes the right part of a node with too many entries, after a change of the entry `changed` that
/// has inserted the entry `new`.
fn split<X>(entries: &mut Vec<X>, changed: usize, new: usize) -> Option<Vec<X>> {
    if entries.len() <= MOST {
        return None;
    }
    // A sequence that grows at one end gets full nodes.
    let middle = match (changed, new + 1 == entries.len()) {
        (0, _) => 1,
        (_, true) => new,
        (_, false) => entries.len() / 2,
    };
    Some(take_right(entries, middle))
}

fn halve<X>(entries: &mut Vec<X>) -> Option<Vec<X>> {
    let middle = entries.len() / 2;
    (entries.len() > MOST).then(|| take_right(entries, middle))
}

fn take_right<X>(entries: &mut Vec<X>, middle: usize) -> Vec<X> {
    let right = entries.split_off(middle);
    entries.shrink_to_fit();
    right
}

/// Joins a child that has become small with its neighbour, or removes it if it is empty.
fn join_if_small<E: Clone>(children: &mut Vec<Subtree<E>>, index: usize) {
    let count = children.get(index).map_or(0, |child| match &*child.node {
        Node::Leaf(entries) => entries.len(),
        Node::Branch(children) => children.len(),
    });
    if count >= LEAST || index >= children.len() {
        return;
    }
    if count == 0 {
        children.remove(index);
    } else if children.len() > 1 {
        let left = index.min(children.len() - 2);
        let next = children.remove(left + 1);
        if let Some(rest) = children.get_mut(left).and_then(|child| child.join(next)) {
            children.insert(left + 1, rest);
        }
    }
}

#[cfg(test)]
mod tests;
