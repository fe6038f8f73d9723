//! Forms that work without JavaScript: their seals, the outcomes of those that were sent, and the
//! nonces that were used.

pub(crate) mod outcome;
pub(crate) mod seal;
pub(crate) mod used;
