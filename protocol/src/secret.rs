//! Texts that say who may do something, and that therefore never show in a log.

use std::borrow::Cow;
use std::fmt;

macro_rules! secret_text {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        ///
        /// It shows in no log, and is not compared with `==`, which would take a time that depends on the content.
        #[derive(Clone)]
        pub struct $name<'a>(Cow<'a, str>);

        impl<'a> $name<'a> {
            /// Takes the text, whatever it is: only the server that made it can tell.
            pub fn new(text: impl Into<Cow<'a, str>>) -> Self {
                Self(text.into())
            }

            /// The text, to check it or to write it onto the wire.
            pub fn expose(&self) -> &str {
                &self.0
            }

            /// The same, owned.
            pub fn into_owned(self) -> $name<'static> {
                $name(Cow::Owned(self.0.into_owned()))
            }
        }

        impl fmt::Debug for $name<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({} bytes)"), self.0.len())
            }
        }
    };
}

secret_text! {
    /// What a client has to show to resume its session.
    ResumeSecret
}

secret_text! {
    /// A component's first state or props, sealed by the server that rendered it.
    Seal
}

#[cfg(test)]
mod tests {
    use super::ResumeSecret;

    #[test]
    fn a_secret_shows_in_no_log() {
        let secret = ResumeSecret::new("hunter2");
        assert_eq!(format!("{secret:?}"), "ResumeSecret(7 bytes)");
        assert_eq!(secret.expose(), "hunter2");
    }
}
