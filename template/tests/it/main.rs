//! The template language from source to HTML, and what it refuses.

mod smoke;
