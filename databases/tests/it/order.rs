//! Which transactions run one after the other.

use std::sync::{Arc, Mutex};

use vivaz_databases::{DatabaseError, Tx};

use crate::open;

#[tokio::test]
async fn transactions_of_a_key_run_in_the_order_of_the_calls() {
    let database = open().await;
    let tables = "CREATE TABLE written (key bigint, n bigint, at bigserial)";
    database.run(move |tx| tx.script(tables)).await.unwrap();
    let published = Arc::new(Mutex::new(Vec::new()));
    let mut seed = 1_u64;
    let mut done = Vec::new();
    for n in 0..400_i64 {
        // A linear congruential generator. Some transactions are slow, some fail, some have two
        // keys.
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (key, other) =
            (i64::try_from((seed >> 33) % 5).unwrap(), i64::try_from((seed >> 40) % 5).unwrap());
        let (sleep, fails) = ((seed >> 50) % 3, (seed >> 55).is_multiple_of(7));
        let keys: Vec<String> =
            if n % 3 == 0 { vec![key.to_string(), other.to_string()] } else { vec![key.to_string()] };
        let published = Arc::clone(&published);
        done.push(database.submit_for(
            keys,
            move |tx: &mut Tx| {
                tx.execute(
                    "SELECT pg_sleep(?1::float8 / 1000)::text",
                    [f64::from(u32::try_from(sleep).unwrap())],
                )?;
                tx.execute("INSERT INTO written (key, n) VALUES (?1, ?2)", (key, n))?;
                if n % 3 == 0 && other != key {
                    tx.execute("INSERT INTO written (key, n) VALUES (?1, ?2)", (other, n))?;
                }
                if fails { Err(DatabaseError::NoDatabase) } else { Ok(()) }
            },
            move |()| published.lock().unwrap().push((key, n)),
        ));
    }
    let mut kept = 0;
    for one in done {
        kept += usize::from(one.await.is_ok());
    }
    let read = |tx: &mut Tx| tx.query::<(i64, i64)>("SELECT key, n FROM written ORDER BY at", ());
    let written = database.run(read).await.unwrap();
    assert!(kept > 200 && written.len() > kept);
    let is_ordered = |all: &[(i64, i64)]| {
        (0..5).all(|key| all.iter().filter(|one| one.0 == key).is_sorted_by_key(|one| one.1))
    };
    assert!(is_ordered(&written), "{written:?}");
    assert!(is_ordered(&published.lock().unwrap()));
    assert_eq!(published.lock().unwrap().len(), kept);
}

#[tokio::test]
async fn transactions_without_a_common_key_run_at_the_same_time() {
    let database = open().await;
    let meeting = Arc::new(std::sync::Barrier::new(8));
    let all: Vec<_> = (0..8)
        .map(|n| {
            let meeting = Arc::clone(&meeting);
            // Each waits for all others.
            database.submit_for([n.to_string()], move |_| Ok(meeting.wait().is_leader()), |leads| leads)
        })
        .collect();
    let mut leaders = 0;
    for one in all {
        let leads: Result<bool, DatabaseError> = one.await;
        leaders += usize::from(leads.unwrap());
    }
    assert_eq!(leaders, 1);
}
