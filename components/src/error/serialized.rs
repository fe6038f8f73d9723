//! Serialising the errors of tasks for the component that spawned the task. The source of an error
//! is not included: it is logged.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use vivaz_protocol::ErrorCode;

use super::{ActionError, Details, Errors};

#[derive(Serialize, Deserialize)]
struct SerializedError {
    code: String,
    message: String,
    /// The errors of fields.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    errors: Option<Errors>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    details: Option<Box<RawValue>>,
}

impl Serialize for ActionError {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (errors, details) = match &self.0.details {
            None => (None, None),
            Some(Details::Errors(errors)) => (Some(errors.clone()), None),
            Some(Details::Raw(raw)) => (None, Some(raw.clone())),
        };
        let (code, message) = (self.code().as_str().to_owned(), self.message().to_owned());
        SerializedError { code, message, errors, details }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for ActionError {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let SerializedError { code, message, errors, details } = SerializedError::deserialize(deserializer)?;
        let code = ErrorCode::parse(&code)
            .ok_or_else(|| D::Error::custom(format_args!("`{code}` is not the code of an error")))?;
        let mut error = Self::new(code, message);
        error.0.details = match (errors, details) {
            (Some(errors), _) => Some(Details::Errors(errors)),
            (None, details) => details.map(Details::Raw),
        };
        Ok(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_public_part_of_an_error_survives_a_round_trip() {
        let details = RawValue::from_string(r#"{"left":3}"#.to_owned()).unwrap();
        for error in [
            ActionError::user("sold out").with_details(details),
            ActionError::invalid(Errors::of("seat", "is taken")),
            ActionError::internal(std::io::Error::other("the secret is 4711")),
        ] {
            let json = serde_json::to_string(&error).unwrap();
            assert!(!json.contains("4711"), "{json}");
            let back: ActionError = serde_json::from_str(&json).unwrap();
            assert_eq!((back.code(), back.message()), (error.code(), error.message()));
            assert_eq!(back.errors(), error.errors());
            let details = [&error, &back].map(|error| error.details().map(|raw| raw.get().to_owned()));
            assert_eq!(details[0], details[1]);
        }
        assert!(serde_json::from_str::<ActionError>(r#"{"code":"lunch","message":"no"}"#).is_err());
    }
}
