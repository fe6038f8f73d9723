use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::list::tests::deeds::{Do, Row, a_deed, perform, row};
use crate::tracking::{TrackedFields, Tracker, Visitor};

#[derive(Clone, Default)]
struct Table {
    rows: List<Row>,
}

impl TrackedFields for Table {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        visitor.field("rows", crate::spec::FieldKind::Public, &mut Pick(&mut self.rows).field());
    }
}

impl Table {
    fn of(ids: impl IntoIterator<Item = u16>) -> (Self, Tracker) {
        let mut table = Self { rows: ids.into_iter().map(|id| row(id, "a")).collect() };
        let tracker = Tracker::new(&mut table).unwrap();
        (table, tracker)
    }

    fn ids(&self) -> Vec<u16> {
        self.rows.iter().map(|row| row.id).collect()
    }
}

/// What the page gets for what was done.
fn sent(ids: impl IntoIterator<Item = u16>, change: impl FnOnce(&mut List<Row>)) -> Value {
    let (mut table, mut tracker) = Table::of(ids);
    change(&mut table.rows);
    tracker
        .changes(&mut table)
        .unwrap()
        .patch
        .map_or(Value::Null, |patch| serde_json::from_str(&patch).unwrap())
}

#[test]
fn the_sent_operations_match_the_changes() {
    let ops = |ops: Value| json!({"rows": {"$list": ops}});
    let new = |id: u16| json!({"id": id, "label": "a"});
    assert_eq!(sent(0..3, |rows| rows.push(row(7, "a"))), ops(json!([["+", 3, new(7)]])));
    assert_eq!(sent(0..3, |rows| rows.prepend(row(7, "a"))), ops(json!([["+", 0, new(7)]])));
    assert_eq!(sent(0..3, |rows| _ = rows.remove(1)), ops(json!([["-", 1]])));
    assert_eq!(
        sent(0..3, |rows| _ = rows.update(1, |r| r.label.push('b'))),
        ops(json!([["~", 1, {"label": "ab"}]]))
    );
    assert_eq!(sent(0..3, |rows| _ = rows.move_to(2, 0)), ops(json!([[">", 2, 0]])));
    assert_eq!(sent(0..9, |rows| _ = rows.swap(1, 7)), ops(json!([[">", 7, 1], [">", 1, 7]])));
    assert_eq!(sent(0..3, List::reverse), ops(json!([["=", [2, 1, 0]]])));
    assert_eq!(sent(0..4, |rows| rows.retain(|r| r.id % 2 == 0)), ops(json!([["-", 1], ["-", 3]])));
    assert_eq!(sent(0..4, |rows| rows.keep_last(3)), ops(json!([["-", 0]])));
    assert_eq!(sent(0..4, List::clear), json!({"rows": []}));
    assert_eq!(sent(0..2, |rows| rows.reorder([1])), ops(json!([["=", [1, 0]]])));
    assert_eq!(sent(0..2, |rows| rows.sort_by_key(|r| std::cmp::Reverse(r.id))), ops(json!([["=", [1, 0]]])));
}

#[test]
fn differences_after_a_sync_are_sent() {
    let ops = |ops: Value| json!({"rows": {"$list": ops}});
    let new = |id: u16| json!({"id": id, "label": "a"});
    let synced = |before: std::ops::Range<u16>, rows: Vec<Row>| sent(before, |list| list.sync(rows).unwrap());
    let rows = |ids: &[u16]| ids.iter().map(|id| row(*id, "a")).collect::<Vec<_>>();
    assert_eq!(synced(0..4, rows(&[0, 1, 2, 3])), Value::Null);
    assert_eq!(synced(0..4, rows(&[0, 1, 7, 2, 3])), ops(json!([["+", 2, new(7)]])));
    assert_eq!(synced(0..4, rows(&[0, 3])), ops(json!([["-", 1], ["-", 2]])));
    assert_eq!(synced(0..4, rows(&[3, 0, 1, 2])), ops(json!([[">", 3, 0]])));
    assert_eq!(synced(0..4, rows(&[1, 2, 3, 0])), ops(json!([[">", 0, 3]])));
    assert_eq!(synced(0..5, rows(&[2, 0, 1, 4, 3])), ops(json!([[">", 2, 0], [">", 3, 4]])));
    assert_eq!(synced(0..4, rows(&[3, 2, 1, 0])), ops(json!([["=", [3, 2, 1, 0]]])));
    assert_eq!(
        synced(0..4, vec![row(5, "a"), row(3, "b"), row(0, "a"), row(2, "a")]),
        ops(json!([["-", 1], [">", 3, 0], ["+", 0, new(5)], ["~", 3, {"label": "b"}]]))
    );
    assert_eq!(synced(0..4, rows(&[])), json!({"rows": []}));
    assert_eq!(synced(0..2, rows(&[5])), json!({"rows": [new(5)]}));
    assert_eq!(synced(0..0, rows(&[])), Value::Null);
}

#[test]
fn a_new_list_with_one_more_row_costs_as_much_as_a_push() {
    let pushed = sent(0..100, |list| list.push(row(100, "a")));
    let synced = sent(0..100, |list| list.sync((0..=100).map(|id| row(id, "a"))).unwrap());
    assert_eq!(synced, pushed);
}

/// One row that stays is enough for that: the others are no more than they are in a whole list.
#[test]
fn moves_are_sent_one_by_one_or_as_an_order_whichever_is_shorter() {
    let count = |ids: Vec<u16>| {
        let patch = sent(0..3_000, |list| list.sync(ids.into_iter().map(|id| row(id, "a"))).unwrap());
        patch["rows"]["$list"].as_array().unwrap().len()
    };
    let mut some: Vec<u16> = (0..3_000).collect();
    (0..400).for_each(|at| some.swap(at, 2_999 - at));
    assert_eq!(count(some), 800);
    assert_eq!(count((0..3_000).rev().collect()), 1);
    // Far too many to look for each of them.
    assert_eq!(count((0..3_000).map(|id| if id < 2_400 { id ^ 1 } else { id }).collect()), 1);
}

#[test]
fn items_with_a_key_that_is_none_are_refused_when_they_are_sent() {
    #[derive(Clone, Serialize)]
    struct Odd {
        id: f32,
    }
    impl Keyed for Odd {
        fn key(&self) -> Key {
            Key::of(&self.id)
        }
    }
    let mut list: List<Odd> = List::new();
    list.sync([Odd { id: 0.5 }, Odd { id: 0.5 }]).unwrap();
    assert!(Pick(&mut list).field().baseline().unwrap_err().to_string().contains("a fraction"));
}

#[test]
fn items_that_exchange_or_shift_their_keys_are_all_kept() {
    let after = |change: fn(&mut Row)| {
        let (mut table, _) = Table::of(1..=4);
        table.rows.update_all(change);
        table.ids()
    };
    assert_eq!(after(|row| row.id += 1), [2, 3, 4, 5]);
    assert_eq!(after(|row| row.id -= 1), [0, 1, 2, 3]);
    assert_eq!(after(|row| row.id = 5 - row.id), [4, 3, 2, 1]);
    // Of items that get the same key the last one is kept, as by `extend`.
    assert_eq!(after(|row| row.id /= 2), [0, 1, 2]);
    assert_eq!(sent([], |rows| rows.update_all(|row| row.id += 1)), Value::Null);
}

#[test]
fn an_item_that_gets_the_key_of_another_stays_in_its_place() {
    let after = |from: u16, to: u16| {
        let (mut table, _) = Table::of(1..=4);
        table.rows.update(from, |row| row.id = to);
        table.ids()
    };
    assert_eq!(after(2, 1), [1, 3, 4]);
    assert_eq!(after(2, 4), [1, 4, 3]);
    assert_eq!(after(4, 1), [2, 3, 1]);
}

#[test]
fn changes_without_an_effect_are_not_sent() {
    assert_eq!(sent(0..3, |rows| _ = rows.update(1, |_| ())), Value::Null);
    assert_eq!(sent(0..3, |rows| _ = rows.remove(9)), Value::Null);
    assert_eq!(sent(0..3, |rows| _ = rows.move_to(1, 1)), Value::Null);
    assert_eq!(sent([], List::clear), Value::Null);
}

#[test]
fn a_patch_longer_than_the_list_is_replaced_by_the_list() {
    assert_eq!(sent([], |rows| rows.push(row(1, "a"))), json!({"rows": [{"id": 1, "label": "a"}]}));
    assert_eq!(
        sent(0..2, |rows| rows.update_all(|r| r.label.push('b'))),
        json!({"rows": [{"id": 0, "label": "ab"}, {"id": 1, "label": "ab"}]})
    );
    // Far more operations than items: the log gives up, whatever they were.
    let patch = sent(0..3, |rows| (0..500).for_each(|at| _ = rows.move_to(at % 3, 2)));
    assert!(patch["rows"].is_array());
    for len in [100, 101] {
        let patch = sent(0..len, |rows| rows.keep_last(11));
        assert_eq!(patch["rows"].as_array().map(Vec::len), Some(11), "{len}");
    }
}

/// Sixty-four operations more than there are items are sent, and no more: moves, and updates of
/// items.
#[test]
fn a_log_that_is_too_long_gives_up() {
    for (updates, moves, is_list) in [(0, 70, false), (0, 71, true), (3, 67, false), (3, 68, true)] {
        let patch = sent(0..6, |rows| {
            (0..updates).for_each(|id| _ = rows.update(id, |r| r.label.push('b')));
            (0..moves).for_each(|at| _ = rows.move_to(at % 2, 2));
        });
        assert_eq!(patch["rows"].is_array(), is_list, "{updates} updates, {moves} moves");
    }
}

#[test]
fn items_that_were_only_looked_at_do_not_add_up() {
    let (mut table, mut tracker) = Table::of(0..5);
    for id in 0..5 {
        table.rows.update(id, |_| ());
        assert_eq!(tracker.changes(&mut table).unwrap().patch, None);
    }
    table.rows.prepend(row(7, "a"));
    assert_eq!(
        tracker.changes(&mut table).unwrap().patch.unwrap(),
        r#"{"rows":{"$list":[["+",0,{"id":7,"label":"a"}]]}}"#
    );
}

#[test]
fn a_change_of_an_inserted_item_is_merged_into_the_insertion() {
    let patch = sent(0..5, |rows| {
        rows.push(row(7, "a"));
        rows.update(7, |r| r.label.push('b'));
        rows.update(7, |r| r.note = Some("n".to_owned()));
    });
    assert_eq!(patch, json!({"rows": {"$list": [["+", 5, {"id": 7, "label": "ab", "note": "n"}]]}}));
}

#[test]
fn another_key_is_another_item() {
    let patch = sent(0..5, |rows| _ = rows.update(2, |r| r.id = 9));
    assert_eq!(patch, json!({"rows": {"$list": [["-", 2], ["+", 2, {"id": 9, "label": "a"}]]}}));
}

#[test]
fn a_key_is_there_once() {
    let (mut table, _) = Table::of(0..3);
    table.rows.push(row(0, "again"));
    assert_eq!(table.ids(), [1, 2, 0]);
    assert_eq!(table.rows.get(0u16).unwrap().label, "again");
    let doubled: List<Row> = vec![row(1, "a"), row(1, "b")].into();
    assert_eq!(doubled.len(), 1);
}

#[test]
fn another_list_in_its_place_is_sent_whole() {
    let (mut table, mut tracker) = Table::of(0..5);
    table.rows = [row(8, "x")].into_iter().collect();
    assert_eq!(tracker.changes(&mut table).unwrap().patch.unwrap(), r#"{"rows":[{"id":8,"label":"x"}]}"#);
    // And is followed from there on.
    table.rows.push(row(9, "y"));
    assert_eq!(
        tracker.changes(&mut table).unwrap().patch.unwrap(),
        r#"{"rows":{"$list":[["+",1,{"id":9,"label":"y"}]]}}"#
    );
}

/// A handler works on a copy; one that fails is dropped, one that succeeds takes the place of the
/// original.
#[test]
fn a_copy_that_is_dropped_leaves_no_trace() {
    let (mut table, mut tracker) = Table::of(0..50);
    let mut failed = table.clone();
    failed.rows.clear();
    drop(failed);
    let mut draft = table.clone();
    draft.rows.push(row(99, "a"));
    let patch = tracker.changes(&mut draft).unwrap().patch.unwrap();
    assert_eq!(patch, r#"{"rows":{"$list":[["+",50,{"id":99,"label":"a"}]]}}"#);
    table = draft;
    assert_eq!(tracker.changes(&mut table).unwrap().patch, None);
}

#[test]
fn a_field_that_is_left_out_now_is_null() {
    let mut table =
        Table { rows: vec![Row { note: Some("n".to_owned()), ..row(1, "a") }, row(2, "b")].into() };
    let mut tracker = Tracker::new(&mut table).unwrap();
    table.rows.update(1, |r| r.note = None);
    assert_eq!(
        tracker.changes(&mut table).unwrap().patch.unwrap(),
        r#"{"rows":{"$list":[["~",1,{"note":null}]]}}"#
    );
}

/// A list of lists.
#[derive(Clone, Default)]
struct Board {
    columns: List<Column>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct Column {
    id: u16,
    title: String,
    cards: List<Row>,
}

impl Keyed for Column {
    fn key(&self) -> Key {
        Key::of(&self.id)
    }
}

impl TrackedFields for Board {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        visitor.field("columns", crate::spec::FieldKind::Public, &mut Pick(&mut self.columns).field());
    }
}

impl Board {
    fn of(cards: std::ops::Range<u16>) -> (Self, Tracker) {
        let column = |id: u16| Column {
            id,
            title: "t".to_owned(),
            cards: cards.clone().map(|id| row(id, "a")).collect(),
        };
        let mut board = Self { columns: (1..4).map(column).collect() };
        let tracker = Tracker::new(&mut board).unwrap();
        (board, tracker)
    }
}

#[test]
fn a_list_inside_an_item_changes_item_by_item() {
    let (mut board, mut tracker) = Board::of(1..100);
    let mut sent = |change: &dyn Fn(&mut List<Row>)| {
        board.columns.update(2, |column| change(&mut column.cards));
        tracker.changes(&mut board).unwrap().patch.map(|patch| serde_json::from_str::<Value>(&patch).unwrap())
    };
    let inside = |ops: Value| Some(json!({"columns": {"$list": [["~", 2, {"cards": {"$list": ops}}]]}}));
    assert_eq!(
        sent(&|cards| cards.push(row(100, "b"))),
        inside(json!([["+", 99, {"id": 100, "label": "b"}]]))
    );
    assert_eq!(
        sent(&|cards| {
            cards.remove(7);
            cards.update(8, |card| card.label.push('!'));
        }),
        inside(json!([["-", 7], ["~", 8, {"label": "a!"}]]))
    );
    assert_eq!(sent(&|cards| _ = cards.move_to(100, 0)), inside(json!([[">", 100, 0]])));
    // Whole, where that is shorter.
    assert_eq!(
        sent(&|cards| cards.keep_first(1)),
        Some(json!({"columns": {"$list": [["~", 2, {"cards": [{"id": 100, "label": "b"}]}]]}}))
    );
    assert_eq!(sent(&|_| {}), None);
}

type Counter = Arc<AtomicU32>;

/// Counts what is done to items.
#[derive(Debug)]
struct Counted {
    id: u32,
    clones: Counter,
    writes: Counter,
}

impl Clone for Counted {
    fn clone(&self) -> Self {
        self.clones.fetch_add(1, Relaxed);
        Self { id: self.id, clones: self.clones.clone(), writes: self.writes.clone() }
    }
}

impl Serialize for Counted {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.writes.fetch_add(1, Relaxed);
        serializer.collect_map([("id", self.id)])
    }
}

impl Keyed for Counted {
    fn key(&self) -> Key {
        Key::of(&self.id)
    }
}

/// Whatever is done to one item costs that item, however many there are.
#[test]
fn the_cost_of_a_change_depends_on_its_size() {
    #[derive(Clone)]
    struct Long(List<Counted>);
    impl TrackedFields for Long {
        fn visit(&mut self, visitor: &mut dyn Visitor) {
            visitor.field("rows", crate::spec::FieldKind::Public, &mut Pick(&mut self.0).field());
        }
    }
    let (clones, writes) = <(Counter, Counter)>::default();
    let item = |id| Counted { id, clones: clones.clone(), writes: writes.clone() };
    let mut table = Long((0..100_000).map(item).collect());
    let mut tracker = Tracker::new(&mut table).unwrap();
    assert_eq!(writes.swap(0, Relaxed), 100_000, "its size is found once, when it is mounted");
    let costs = |table: &mut Long, tracker: &mut Tracker, change: &dyn Fn(&mut List<Counted>)| {
        // As a handler does it: on a copy, which is kept.
        let mut draft = table.clone();
        change(&mut draft.0);
        let bytes = tracker.changes(&mut draft).unwrap().patch.unwrap().len();
        *table = draft;
        assert!(bytes < 60, "{bytes} bytes");
        (clones.swap(0, Relaxed), writes.swap(0, Relaxed))
    };
    assert_eq!(costs(&mut table, &mut tracker, &|list| list.push(item(100_000))), (0, 1));
    assert_eq!(costs(&mut table, &mut tracker, &|list| list.prepend(item(100_001))), (0, 1));
    assert_eq!(costs(&mut table, &mut tracker, &|list| _ = list.move_to(7, 500)), (0, 0));
    // The copy that is kept still has it.
    // Its size is taken off.
    assert_eq!(costs(&mut table, &mut tracker, &|list| _ = list.remove(50_000)), (1, 1));
    assert_eq!(costs(&mut table, &mut tracker, &|list| _ = list.swap(1, 99_000)), (0, 0));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever is done, in whatever portions it is sent, and whatever fails in between: the page
    /// has what the server has, and the list did what a vector would have done.
    #[test]
    fn the_page_follows(start in prop::collection::btree_set(0..60u16, 0..50), deeds in prop::collection::vec(a_deed(), 0..40)) {
        let (mut table, mut tracker) = Table::of(start);
        let mut model: Vec<Row> = table.rows.iter().cloned().collect();
        let mut page = json!({"rows": table.rows});
        for deed in deeds.iter().chain([&Do::Send]) {
            perform(deed, &mut table.rows, &mut model);
            if let Do::Send = deed {
                if let Some(patch) = tracker.changes(&mut table).unwrap().patch {
                    vivaz_protocol::Patch::parse(RawJson::trusted(&patch)).unwrap().apply(&mut page).unwrap();
                }
                for item in page["rows"].as_array_mut().unwrap() {
                    // A note that was taken away is null to the page and absent to the server.
                    item.as_object_mut().unwrap().retain(|_, value| !value.is_null());
                }
                prop_assert_eq!(&page, &json!({"rows": table.rows}));
                prop_assert_eq!(tracker.bytes(), crate::tracking::write_saved(&mut table, crate::tracking::StateWriter::default()).unwrap().finish().len());
            }
            if let Do::Fail(deeds) = deed {
                let (mut draft, mut aside) = (table.clone(), model.clone());
                for deed in deeds {
                    perform(deed, &mut draft.rows, &mut aside);
                }
            }
            prop_assert_eq!(table.rows.iter().collect::<Vec<_>>(), model.iter().collect::<Vec<_>>());
        }
        for (at, item) in model.iter().enumerate() {
            prop_assert_eq!(table.rows.position(item.id), Some(at));
        }
    }

    /// The same for a list inside of an item.
    #[test]
    fn the_page_follows_inside(cards in 0..40u16, deeds in prop::collection::vec(a_deed(), 0..30)) {
        let (mut board, mut tracker) = Board::of(0..cards);
        let mut page = json!({"columns": board.columns});
        let mut model: Vec<Row> = board.columns.at(0).unwrap().cards.iter().cloned().collect();
        for deed in deeds.iter().chain([&Do::Send]) {
            board.columns.update(2, |column| perform(deed, &mut column.cards, &mut model));
            if let Do::Send = deed {
                if let Some(patch) = tracker.changes(&mut board).unwrap().patch {
                    vivaz_protocol::Patch::parse(RawJson::trusted(&patch)).unwrap().apply(&mut page).unwrap();
                }
                prop_assert_eq!(&page, &json!({"columns": board.columns}));
            }
        }
    }
}
