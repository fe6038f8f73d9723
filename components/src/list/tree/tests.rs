use proptest::prelude::*;

use super::*;

/// Checks the structure, and returns the depth.
fn check<E>(subtree: &Subtree<E>, is_root: bool) -> usize {
    match &*subtree.node {
        Node::Leaf(entries) => {
            assert_eq!(subtree.len, entries.len());
            assert!(is_root || !entries.is_empty());
            assert!(entries.len() <= MOST);
            0
        }
        Node::Branch(children) => {
            assert_eq!(subtree.len, children.iter().map(|child| child.len).sum::<usize>());
            assert!((1 + usize::from(is_root)..=MOST).contains(&children.len()));
            let depths: Vec<usize> = children.iter().map(|child| check(child, false)).collect();
            assert!(depths.iter().all(|depth| *depth == depths[0]));
            depths[0] + 1
        }
    }
}

fn assert_equal(tree: &Tree<u32>, model: &[u32]) {
    check(&tree.root, true);
    assert_eq!(tree.len(), model.len());
    assert!(tree.iter().eq(model));
}

#[derive(Clone, Debug)]
enum Op {
    Insert(usize),
    Append(usize),
    Prepend(usize),
    Remove(usize),
    RemoveMany(usize, usize),
    Set(usize),
    Swap(usize, usize),
}

fn an_op() -> impl Strategy<Value = Op> {
    let at = any::<prop::sample::Index>().prop_map(|index| index.index(1 << 20));
    prop_oneof![
        4 => at.clone().prop_map(Op::Insert),
        1 => (1..80usize).prop_map(Op::Append),
        1 => (1..80usize).prop_map(Op::Prepend),
        4 => at.clone().prop_map(Op::Remove),
        1 => (at.clone(), 1..120usize).prop_map(|(at, count)| Op::RemoveMany(at, count)),
        1 => at.clone().prop_map(Op::Set),
        1 => (at.clone(), at).prop_map(|(one, other)| Op::Swap(one, other)),
    ]
}

fn perform(op: &Op, fresh: u32, tree: &mut Tree<u32>, model: &mut Vec<u32>) {
    let len = model.len();
    match *op {
        Op::Insert(at) => {
            let at = at % (len + 2);
            tree.insert(at, fresh);
            model.insert(at.min(len), fresh);
        }
        Op::Append(count) => {
            (0..count).for_each(|_| tree.insert(tree.len(), fresh));
            model.extend(std::iter::repeat_n(fresh, count));
        }
        Op::Prepend(count) => {
            (0..count).for_each(|_| tree.insert(0, fresh));
            model.splice(..0, std::iter::repeat_n(fresh, count));
        }
        Op::Remove(at) => {
            let at = at % (len + 1);
            assert_eq!(tree.remove(at), (at < len).then(|| model.remove(at)));
        }
        Op::RemoveMany(at, count) => {
            let at = at % (len + 1);
            let removed: Vec<u32> = model.drain(at..(at + count).min(len)).collect();
            for entry in removed {
                assert_eq!(tree.remove(at), Some(entry));
            }
        }
        Op::Set(at) => {
            let at = at % (len + 1);
            assert_eq!(tree.get(at), model.get(at));
            assert_eq!(tree.get_mut(at).map(|place| *place = fresh).is_some(), at < len);
            model.iter_mut().skip(at).take(1).for_each(|place| *place = fresh);
        }
        Op::Swap(one, other) => {
            let (one, other) = (one % (len + 1), other % (len + 1));
            let exist = one < len && other < len;
            assert_eq!(tree.swap(one, other), exist);
            if exist {
                model.swap(one, other);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_tree_is_a_sequence(start in 0..3_000u32, ops in prop::collection::vec(an_op(), 0..150)) {
        let mut model: Vec<u32> = (0..start).collect();
        let mut tree: Tree<u32> = model.iter().copied().collect();
        assert_equal(&tree, &model);
        for (op, fresh) in ops.iter().zip(start..) {
            let (shared, before) = (tree.clone(), model.clone());
            perform(op, fresh, &mut tree, &mut model);
            assert_equal(&tree, &model);
            assert_equal(&shared, &before);
            assert_eq!(tree.last(), model.last());
        }
    }

    #[test]
    fn an_iterator_may_go_from_both_ends(len in 0..200usize, from_front in prop::collection::vec(any::<bool>(), 202)) {
        let model: Vec<usize> = (0..len).collect();
        let tree: Tree<usize> = model.iter().copied().collect();
        let (mut found, mut expected) = (tree.iter(), model.iter());
        for front in from_front {
            prop_assert_eq!(found.len(), expected.len());
            prop_assert!(found.clone().eq(expected.clone()));
            match front {
                true => prop_assert_eq!(found.next(), expected.next()),
                false => prop_assert_eq!(found.next_back(), expected.next_back()),
            }
        }
    }
}

#[test]
fn a_tree_that_grows_at_one_end_has_full_leaves() {
    fn leaves<E>(subtree: &Subtree<E>) -> usize {
        match &*subtree.node {
            Node::Leaf(_) => 1,
            Node::Branch(children) => children.iter().map(leaves).sum(),
        }
    }
    let (mut appended, mut prepended) = (Tree::new(), Tree::new());
    for entry in 0..10_000 {
        appended.insert(entry, entry);
        prepended.insert(0, entry);
    }
    for tree in [&appended, &prepended] {
        assert_eq!(leaves(&tree.root), 10_000_usize.div_ceil(MOST));
    }
}

/// A tree stays shallow after many changes in the middle.
#[test]
fn a_tree_does_not_age() {
    let mut tree: Tree<usize> = (0..10_000).collect();
    let mut position = 0;
    for entry in 0..100_000 {
        position = (position + 7_919) % tree.len();
        tree.remove(position);
        tree.insert(position * 31 % tree.len(), entry);
    }
    assert_eq!(tree.len(), 10_000);
    assert!(check(&tree.root, true) <= 4);
}
