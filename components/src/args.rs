//! The arguments of an action.

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use vivaz_protocol::{Arguments, ErrorCode, RawJson};

use crate::{ActionError, Result, form};

/// The arguments of a call, in JSON.
#[derive(Debug)]
pub struct Args<'a>(Vec<&'a RawValue>);

impl<'a> Args<'a> {
    /// Reads a `COMPONENT_ACTION`'s payload.
    ///
    /// # Errors
    /// Returns `bad_arguments` for an array that cannot be read.
    pub fn of(payload: Option<&'a RawValue>) -> Result<Self> {
        let Some(raw) = payload else { return Ok(Self(Vec::new())) };
        match Arguments::of(Some(RawJson::from(raw))) {
            Arguments::None => Ok(Self(Vec::new())),
            Arguments::One(_) => Ok(Self(vec![raw])),
            Arguments::Positional(_) => serde_json::from_str(raw.get())
                .map(Self)
                .map_err(|error| bad(format!("invalid arguments: {error}"))),
        }
    }

    /// Checks the number of arguments.
    ///
    /// # Errors
    /// Returns `bad_arguments` for another number.
    pub fn count(&self, action: &str, least: usize, most: usize) -> Result {
        let given = self.0.len();
        if (least..=most).contains(&given) {
            return Ok(());
        }
        let takes = match (least, most) {
            (0, 0) => "no arguments".to_owned(),
            (1, 1) => "1 argument".to_owned(),
            _ if least == most => format!("{most} arguments"),
            _ => format!("{least} to {most} arguments"),
        };
        Err(bad(format!("`{action}` takes {takes}, {given} given")))
    }

    /// Decodes an argument, which may come from a form.
    ///
    /// # Errors
    /// Returns `bad_arguments`, with the fields that do not fit.
    pub fn take<T: DeserializeOwned>(&self, position: usize, action: &str, name: &str) -> Result<T> {
        let raw = self.0.get(position).map_or("null", |raw| raw.get());
        form::decode(raw).map_err(|error| {
            bad(format!("argument {} (`{name}`) of `{action}`: {error}", position + 1))
                .with_errors(error.of_argument(name))
        })
    }

    /// Decodes an argument, or calls `default` if it is omitted.
    ///
    /// # Errors
    /// Returns `bad_arguments`, with the fields that do not fit.
    pub fn take_or<T: DeserializeOwned>(
        &self,
        position: usize,
        action: &str,
        name: &str,
        default: impl FnOnce() -> T,
    ) -> Result<T> {
        if position < self.0.len() { self.take(position, action, name) } else { Ok(default()) }
    }
}

#[cold]
fn bad(message: String) -> ActionError {
    ActionError::new(ErrorCode::BadArguments, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(json: &str) -> Box<RawValue> {
        RawValue::from_string(json.to_owned()).unwrap()
    }

    #[test]
    fn an_array_is_positional_and_anything_else_is_the_one_argument() {
        assert!(Args::of(None).unwrap().count("a", 0, 0).is_ok());
        for (payload, count) in [("[]", 0), ("[1,2]", 2), ("null", 1), ("{}", 1), ("[[1]]", 1), (" [1]", 1)] {
            let payload = raw(payload);
            assert!(Args::of(Some(&payload)).unwrap().count("a", count, count).is_ok(), "{payload}");
        }
    }

    #[test]
    fn a_refusal_names_the_argument() {
        let payload = raw(r#"["x"]"#);
        let args = Args::of(Some(&payload)).unwrap();
        let error = args.take::<u32>(0, "add", "amount").unwrap_err();
        assert_eq!(error.code(), ErrorCode::BadArguments);
        assert_eq!(error.message(), "argument 1 (`amount`) of `add`: must be a whole number");
        assert_eq!(args.count("add", 2, 3).unwrap_err().message(), "`add` takes 2 to 3 arguments, 1 given");
        assert_eq!(args.take_or(1, "add", "by", || 7u32).unwrap(), 7);
    }
}
