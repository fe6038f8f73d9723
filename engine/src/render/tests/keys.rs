//! Keys whose values change: a row with another key is another row.

use std::collections::HashMap;
use std::fmt::Write;

use super::*;

const KEYED: &str = r#"<h1>{{ era }}</h1><ul live:local="side = 0"><li live:for="r, i in rows" live:key="era + '/' + r.k"><b>{{ r.t }}</b><i live:for="x in r.l" live:key="r.k + x.k">{{ x.k }}</i></li></ul>"#;

fn keyed(era: usize, rows: &[(u32, String, Vec<usize>)]) -> String {
    let rows: Vec<String> = rows
        .iter()
        .map(|(id, key, inner)| {
            let inner: Vec<String> =
                inner.iter().enumerate().map(|(id, key)| format!(r#"{{"id":{id},"k":{key}}}"#)).collect();
            format!(r#"{{"id":{id},"k":"{key}","t":"t{id}","l":[{}]}}"#, inner.join(","))
        })
        .collect();
    format!(r#"{{"era":{era},"rows":[{}]}}"#, rows.join(","))
}

#[test]
fn a_row_whose_key_changes_is_another_row() {
    let rows = [(1, "a".to_owned(), vec![5]), (2, "b".to_owned(), vec![6]), (3, "c".to_owned(), vec![7])];
    let mut screen = Screen::built(KEYED, &keyed(1, &rows));
    let before = screen.dom.all("li");
    let inner = screen.dom.all("i");
    // One operation on its item.
    screen.patch(r#"{"rows":{"$list":[["~",2,{"k":"z"}]]}}"#);
    let after = screen.dom.all("li");
    assert_eq!([after[0], after[2]], [before[0], before[2]]);
    assert!(!before.contains(&after[1]));
    assert_eq!(screen.dom.all("i")[0], inner[0]);
    // Another field of the item.
    screen.patch(r#"{"rows":{"$list":[["~",2,{"t":"new"}]]}}"#);
    assert_eq!(screen.dom.all("li"), after);
    // Two rows exchange their keys.
    screen.patch(r#"{"rows":{"$list":[["~",1,{"k":"c"}],["~",3,{"k":"a"}]]}}"#);
    assert_eq!(screen.dom.all("li"), [after[2], after[1], after[0]]);
    // The key of an inner row, by its own item, and by the item around it.
    let inner = screen.dom.all("i");
    screen.patch(r#"{"rows":{"$list":[["~",3,{"l":{"$list":[["~",0,{"k":8}]]}}]]}}"#);
    let after = screen.dom.all("i");
    assert_eq!(after[..2], inner[..2]);
    assert_ne!(after[2], inner[2]);
    // A field that all keys read, alone and together with an operation.
    for (round, patch) in
        [r#"{"era":2}"#, r#"{"era":3,"rows":{"$list":[["-",2],["+",0,{"id":9,"k":"y","t":"","l":[]}]]}}"#]
            .iter()
            .enumerate()
    {
        let before = screen.dom.all("li");
        screen.patch(patch);
        let after = screen.dom.all("li");
        assert!(after.iter().all(|row| !before.contains(row)), "{round}: {before:?} {after:?}");
    }
}

#[test]
fn the_key_of_an_inner_row_follows_the_item_around_it() {
    let source = r#"<ul><li live:for="r in rows" live:key="r.id"><i live:for="x in r.l" live:key="r.k + x">{{ x }}</i></li></ul>"#;
    let mut screen =
        Screen::built(source, r#"{"rows":[{"id":1,"k":"a","l":["x","y"]},{"id":2,"k":"b","l":["x"]}]}"#);
    let (rows, before) = (screen.dom.all("li"), screen.dom.all("i"));
    screen.patch(r#"{"rows":{"$list":[["~",1,{"k":"c"}]]}}"#);
    let after = screen.dom.all("i");
    assert_eq!(screen.dom.all("li"), rows);
    assert_eq!(after[2], before[2]);
    assert!(!before.contains(&after[0]) && !before.contains(&after[1]));
}

#[test]
fn a_key_of_page_local_state_or_of_a_position_is_compared_too() {
    let source = r#"<ul live:local="side = 0"><li live:for="r, i in rows" live:key="side + '/' + r.id"><button live:click="side = side + 1">{{ r.id }}</button></li></ul><p live:for="r, i in rows" live:key="r.id + '/' + i">{{ r.id }}</p>"#;
    let mut screen = Screen::built(source, r#"{"rows":[{"id":1},{"id":2},{"id":3}]}"#);
    let (rows, positions) = (screen.dom.all("li"), screen.dom.all("p"));
    screen.patch(r#"{"rows":{"$list":[[">",1,1]]}}"#);
    assert_eq!(screen.dom.all("li"), [rows[1], rows[0], rows[2]]);
    let moved = screen.dom.all("p");
    assert_eq!(moved[2], positions[2]);
    assert!(!positions.contains(&moved[0]) && !positions.contains(&moved[1]));
    let root = screen.view.as_ref().unwrap().root.node;
    screen.set_local(root, (0, Val::Int(1)));
    let after = screen.dom.all("li");
    assert_eq!(after.len(), 3);
    assert!(after.iter().all(|row| !rows.contains(row)));
    assert_eq!(screen.dom.all("p"), moved);
}

#[test]
fn rows_have_their_keys_after_any_sequence_of_changes() {
    for seed in 0..200 {
        let mut dice = Dice(seed);
        let mut rows: Vec<(u32, String, Vec<usize>)> = Vec::new();
        let (mut era, mut next) = (0, 0);
        let mut screen = Screen::built(KEYED, &keyed(era, &rows));
        // The row of each key, as long as it is shown.
        let mut shown = HashMap::new();
        for step in 0..15 {
            let mut ops = Vec::new();
            for _ in 0..=dice.roll(3) {
                let at = dice.roll(rows.len());
                match (dice.roll(5), rows.len()) {
                    (0, _) | (_, 0) => {
                        next += 1;
                        let row = (next, format!("k{next}"), vec![dice.roll(3)]);
                        let item = keyed(0, std::slice::from_ref(&row));
                        let item = &item[item.find('[').unwrap() + 1..item.len() - 2];
                        ops.push(format!(r#"["+",{at},{item}]"#));
                        rows.insert(at, row);
                    }
                    (1, _) => ops.push(format!(r#"["-",{}]"#, rows.remove(at).0)),
                    (2, _) => {
                        let to = dice.roll(rows.len());
                        let row = rows.remove(at);
                        ops.push(format!(r#"[">",{},{to}]"#, row.0));
                        rows.insert(to, row);
                    }
                    (3, _) => {
                        // Exchanges two keys, or changes one if both rows are the same.
                        let other = dice.roll(rows.len());
                        let (one, two) = (rows[at].1.clone(), rows[other].1.clone());
                        rows[other].1 = one;
                        rows[at].1 = if at == other { format!("n{seed}-{step}-{}", ops.len()) } else { two };
                        for changed in [at, other] {
                            ops.push(format!(r#"["~",{},{{"k":"{}"}}]"#, rows[changed].0, rows[changed].1));
                        }
                    }
                    _ => {
                        let inner: Vec<usize> = (0..dice.roll(3)).collect();
                        rows[at].2.clone_from(&inner);
                        let inner: Vec<String> =
                            inner.iter().map(|key| format!(r#"{{"id":{key},"k":{key}}}"#)).collect();
                        ops.push(format!(r#"["~",{},{{"l":[{}]}}]"#, rows[at].0, inner.join(",")));
                    }
                }
            }
            let mut patch = format!(r#"{{"rows":{{"$list":[{}]}}"#, ops.join(","));
            let is_new_era = dice.roll(6) == 0;
            if is_new_era {
                era += 1;
                let _ = write!(patch, r#","era":{era}"#);
            }
            screen.patch(&format!("{patch}}}"));
            let nodes = screen.dom.all("li");
            let now: HashMap<String, _> =
                rows.iter().map(|row| format!("{era}/{}", row.1)).zip(nodes.iter().copied()).collect();
            // A row that an operation removed is not found again under its key.
            let is_removed = ops.iter().any(|op| op.starts_with(r#"["-""#));
            for (key, node) in &now {
                let before = shown.iter().find(|(_, before)| *before == node).map(|(key, _)| key);
                assert!(
                    before.is_none_or(|before| before == key),
                    "seed {seed}, step {step}: {key}, {before:?}"
                );
                assert!(
                    before.is_some() || is_removed || !shown.contains_key(key),
                    "seed {seed}, step {step}: {key} has a new row"
                );
            }
            shown = now;
        }
    }
}
