//! The parts of a browser that the client's JavaScript uses and does not contain: the DOM, and the
//! rules of the HTML standard for the values of `input`.

pub(super) mod inputs;
pub(super) mod tree;
