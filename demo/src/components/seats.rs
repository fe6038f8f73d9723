//! Seats of a hall: if two visitors want one seat, one gets it, and the other sees the owner.

use serde::{Deserialize, Serialize};
use vivaz::prelude::*;

use crate::store::Store;
use crate::store::seats::{self, Booking, BookingResult};

const ROWS: [char; 6] = ['A', 'B', 'C', 'D', 'E', 'F'];
const IN_A_ROW: u8 = 8;
/// Maximum number of seats per visitor.
const MAX_SEATS: u32 = 4;

#[derive(LiveComponent, Clone)]
#[live(name = "seats", template = "seats.html", open, durable)]
pub(crate) struct Seats {
    #[live(shared = "seats/main")]
    hall: Shared<Hall>,
}

/// The hall, shared by all pages.
#[derive(LiveState, Serialize, Deserialize, Clone, Default)]
pub(crate) struct Hall {
    seats: List<Seat>,
    free: usize,
}

#[derive(LiveState, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub(crate) struct Seat {
    id: String,
    /// The user who has booked it.
    holder: Option<String>,
    holder_name: String,
}

impl Topic for Hall {
    type Key = String;

    async fn load(_: &String, cx: &TopicContext) -> Result<Self> {
        let mut hall = Self::empty();
        for booking in cx.state::<Store>().bookings().await? {
            hall.give(&booking);
        }
        Ok(hall)
    }

    async fn authorize(_: &String, _: &Identity) -> Result<()> {
        Ok(())
    }
}

#[actions]
impl Seats {
    /// Books a seat or gives it back. The argument states the visitor's intent instead of toggling:
    /// two clicks in a row have the effect of one. The database decides, on disk, before the change
    /// is published.
    #[action(transaction)]
    fn choose(&mut self, cx: &mut Context, tx: &mut Tx, seat: String, mine: bool) -> Result<()> {
        if !self.hall.seats.contains(&seat) {
            return Err(ActionError::user("This seat does not exist."));
        }
        let me = cx.user()?;
        let booking = Booking { seat, user_id: me.id.clone(), user_name: me.name.clone() };
        if !mine {
            if seats::release(tx, &booking.seat, &booking.user_id)? {
                self.hall.update(move |hall| hall.release(&booking.seat));
            }
            return Ok(());
        }
        match seats::claim(tx, &booking, MAX_SEATS)? {
            BookingResult::Theirs => self.hall.update(move |hall| hall.give(&booking)),
            BookingResult::Taken => return Err(ActionError::user("Another visitor was faster.")),
            BookingResult::TooMany => {
                return Err(ActionError::user("A visitor can have at most four seats."));
            }
        }
        Ok(())
    }
}

impl Hall {
    fn empty() -> Self {
        let seats: List<Seat> = ROWS
            .iter()
            .flat_map(|row| (1..=IN_A_ROW).map(move |number| format!("{row}{number}")))
            .map(|id| Seat { id, holder: None, holder_name: String::new() })
            .collect();
        Self { free: seats.len(), seats }
    }

    fn give(&mut self, booking: &Booking) {
        self.seats.update(booking.seat.clone(), |seat| {
            seat.holder = Some(booking.user_id.clone());
            seat.holder_name.clone_from(&booking.user_name);
        });
        self.count();
    }

    fn release(&mut self, id: &str) {
        self.seats.update(id.to_owned(), |seat| {
            seat.holder = None;
            seat.holder_name.clear();
        });
        self.count();
    }

    fn count(&mut self) {
        self.free = self.seats.iter().filter(|seat| seat.holder.is_none()).count();
    }
}
