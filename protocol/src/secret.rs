//! Secret texts that grant rights and never appear in logs.

use std::borrow::Cow;
use std::fmt;

macro_rules! secret_text {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        ///
        /// `Debug` shows only its length. It has no `==`, whose running time would depend on the
        /// content.
        #[derive(Clone)]
        pub struct $name<'a>(Cow<'a, str>);

        impl<'a> $name<'a> {
            /// Wraps a text. Only the server that created it can check it.
            pub fn new(text: impl Into<Cow<'a, str>>) -> Self {
                Self(text.into())
            }

            /// Returns the text, to check it or to write it to the wire.
            pub fn expose(&self) -> &str {
                &self.0
            }

            /// Converts the secret into one that owns its text.
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
    /// The secret that resumes a session.
    ResumeSecret
}

secret_text! {
    /// The initial state or props of a component, sealed by the server that rendered it.
    Seal
}

#[cfg(test)]
mod tests {
    use super::ResumeSecret;

    #[test]
    fn debug_output_hides_the_text() {
        let secret = ResumeSecret::new("hunter2");
        assert_eq!(format!("{secret:?}"), "ResumeSecret(7 bytes)");
        assert_eq!(secret.expose(), "hunter2");
    }
}
