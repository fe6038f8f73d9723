//! The live components, one file each, with the template beside it.

pub(crate) mod chat;
pub(crate) mod counter;
pub(crate) mod form;
pub(crate) mod rows;
pub(crate) mod seats;
pub(crate) mod todo;

#[cfg(test)]
mod tests;
