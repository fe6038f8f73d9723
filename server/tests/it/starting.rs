//! The output of a program that returns an error of its start from `main`.

use std::error::Error;

use vivaz::{Runtime, Secret};

#[test]
fn errors_of_the_start_print_as_their_message() {
    let errors: [Box<dyn Error>; 3] = [
        Box::new(Secret::new("short").unwrap_err()),
        Box::new(Runtime::builder().path("live/").build().unwrap_err()),
        Box::new(Runtime::builder().trust_proxy("everywhere").build().unwrap_err()),
    ];
    for error in errors {
        assert_eq!(format!("{error:?}"), error.to_string());
    }
}
