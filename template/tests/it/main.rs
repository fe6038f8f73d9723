//! The template language from source to HTML, and what it refuses.

mod corpus;
mod dom;
mod engine;
mod walk;
