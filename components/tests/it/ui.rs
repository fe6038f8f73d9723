//! The error messages of the macros.

/// Each mistake is reported at its place: those of a template in the template.
///
/// After a change of a message, `TRYBUILD=overwrite cargo test -p vivaz-components --test it ui`
/// writes the new ones.
#[test]
fn mistakes_are_explained() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
