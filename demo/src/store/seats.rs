//! The bookings of seats.

use rusqlite::{Connection, params};

use super::{Store, StoreError};

/// A booked seat.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Booking {
    pub(crate) seat: String,
    pub(crate) user_id: String,
    pub(crate) user_name: String,
}

/// The result of booking a seat.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum BookingResult {
    /// The visitor has the seat, now or before.
    Theirs,
    /// Another visitor has the seat.
    Taken,
    /// The visitor has the maximum number of seats.
    TooMany,
}

impl Store {
    /// Returns all bookings.
    pub(crate) async fn bookings(&self) -> Result<Vec<Booking>, StoreError> {
        self.run(|db| {
            db.prepare_cached("SELECT id, user_id, user_name FROM seats")?
                .query_map([], |row| {
                    Ok(Booking { seat: row.get(0)?, user_id: row.get(1)?, user_name: row.get(2)? })
                })?
                .collect()
        })
        .await
    }
}

/// Books a seat for a visitor who may have `most` of them.
pub(crate) fn claim(db: &Connection, booking: &Booking, most: u32) -> rusqlite::Result<BookingResult> {
    let Booking { seat, user_id, user_name } = booking;
    let others: u32 = db.query_row(
        "SELECT count(*) FROM seats WHERE user_id = ?1 AND id <> ?2",
        params![user_id, seat],
        |row| row.get(0),
    )?;
    if others >= most {
        return Ok(BookingResult::TooMany);
    }
    db.execute(
        "INSERT INTO seats (id, user_id, user_name) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
        params![seat, user_id, user_name],
    )?;
    let holder: String = db.query_row("SELECT user_id FROM seats WHERE id = ?1", [seat], |row| row.get(0))?;
    Ok(if holder == *user_id { BookingResult::Theirs } else { BookingResult::Taken })
}

/// Gives a seat back; returns whether the user had it.
pub(crate) fn release(db: &Connection, seat: &str, user_id: &str) -> rusqlite::Result<bool> {
    let gone = db.execute("DELETE FROM seats WHERE id = ?1 AND user_id = ?2", params![seat, user_id])?;
    Ok(gone > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn booking(seat: &str, user: &str) -> Booking {
        Booking { seat: seat.into(), user_id: user.into(), user_name: user.to_uppercase() }
    }

    #[tokio::test]
    async fn of_two_visitors_one_gets_a_seat() {
        let store = Store::in_memory().await;
        let claims = ["a", "b"].map(|user| store.write(move |db| claim(db, &booking("A1", user), 4)));
        let claims = futures_util::future::join_all(claims).await;
        assert!(
            claims.contains(&BookingResult::Theirs) && claims.contains(&BookingResult::Taken),
            "{claims:?}"
        );
        assert_eq!(store.bookings().await.unwrap().len(), 1);
    }

    #[tokio::test]
    async fn a_seat_booked_again_counts_once() {
        let store = Store::in_memory().await;
        for _ in 0..2 {
            assert_eq!(store.write(|db| claim(db, &booking("A1", "a"), 1)).await, BookingResult::Theirs);
        }
        assert_eq!(store.write(|db| claim(db, &booking("A2", "a"), 1)).await, BookingResult::TooMany);
        assert!(!store.write(|db| release(db, "A1", "b")).await);
        assert!(store.write(|db| release(db, "A1", "a")).await);
        assert_eq!(store.write(|db| claim(db, &booking("A2", "a"), 1)).await, BookingResult::Theirs);
    }
}
