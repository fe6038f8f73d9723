//! The bookings of seats.

use serde::Deserialize;
use vivaz::{DatabaseError, Tx};

use super::Store;

/// A booked seat.
#[derive(Clone, Debug, PartialEq, Deserialize)]
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
    pub(crate) async fn bookings(&self) -> Result<Vec<Booking>, DatabaseError> {
        self.run(|tx| tx.query("SELECT id AS seat, user_id, user_name FROM seats", ())).await
    }
}

/// Books a seat for a visitor who may have `most` of them.
pub(crate) fn claim(tx: &mut Tx, booking: &Booking, most: u32) -> Result<BookingResult, DatabaseError> {
    let Booking { seat, user_id, user_name } = booking;
    let others = "SELECT count(*) FROM seats WHERE user_id = ?1 AND id <> ?2";
    if tx.query_first::<u32>(others, (user_id, seat))? >= Some(most) {
        return Ok(BookingResult::TooMany);
    }
    tx.execute(
        "INSERT INTO seats (id, user_id, user_name) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
        (seat, user_id, user_name),
    )?;
    let holder: Option<String> = tx.query_first("SELECT user_id FROM seats WHERE id = ?1", [seat])?;
    Ok(if holder.as_ref() == Some(user_id) { BookingResult::Theirs } else { BookingResult::Taken })
}

/// Gives a seat back; returns whether the user had it.
pub(crate) fn release(tx: &mut Tx, seat: &str, user_id: &str) -> Result<bool, DatabaseError> {
    Ok(tx.execute("DELETE FROM seats WHERE id = ?1 AND user_id = ?2", (seat, user_id))? > 0)
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
        let claims = ["a", "b"].map(|user| store.write(move |tx| claim(tx, &booking("A1", user), 4)));
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
            assert_eq!(store.write(|tx| claim(tx, &booking("A1", "a"), 1)).await, BookingResult::Theirs);
        }
        assert_eq!(store.write(|tx| claim(tx, &booking("A2", "a"), 1)).await, BookingResult::TooMany);
        assert!(!store.write(|tx| release(tx, "A1", "b")).await);
        assert!(store.write(|tx| release(tx, "A1", "a")).await);
        assert_eq!(store.write(|tx| claim(tx, &booking("A2", "a"), 1)).await, BookingResult::Theirs);
    }
}
