//! Messages of garde for users.

use std::borrow::Cow;
use std::fmt::Display;

use garde::Validate;
use garde::i18n::{I18n, InvalidCreditCard, InvalidEmail, InvalidPhoneNumber, InvalidUrl, IpKind, with_i18n};

use super::Errors;

impl Errors {
    /// Validates a value with garde, and returns messages for the user who filled in the form:
    /// "must have at least 2 characters".
    ///
    /// ```
    /// # use vivaz_components::Errors;
    /// #[derive(garde::Validate)]
    /// struct Signup {
    ///     #[garde(length(chars, min = 2))]
    ///     name: String,
    ///     #[garde(required, range(min = 18))]
    ///     age: Option<u8>,
    /// }
    ///
    /// let errors = Errors::validate(&Signup { name: "A".into(), age: None });
    /// assert_eq!(errors.get("name"), ["must have at least 2 characters"]);
    /// assert_eq!(errors.get("age"), ["is required"]);
    /// ```
    ///
    /// A rule can have a message of its own: `#[garde(custom(agreed))]`.
    #[must_use]
    pub fn validate<T: Validate<Context: Default>>(value: &T) -> Self {
        Self::validate_in(English, value)
    }

    /// Validates a value, with messages in another language.
    #[must_use]
    pub fn validate_in<T: Validate<Context: Default>>(language: impl I18n, value: &T) -> Self {
        with_i18n(language, || value.validate()).err().map(Self::from).unwrap_or_default()
    }
}

impl From<&garde::Report> for Errors {
    /// The report's paths are the names of fields: `address.city`. The messages are in the language
    /// that was set when the report was made; [`Errors::validate`] sets one for users.
    fn from(report: &garde::Report) -> Self {
        report.iter().map(|(path, error)| (path.to_string(), error.message().to_owned())).collect()
    }
}

impl From<garde::Report> for Errors {
    fn from(report: garde::Report) -> Self {
        Self::from(&report)
    }
}

/// Sentences that begin with the field's label.
struct English;

fn characters(count: usize) -> String {
    if count == 1 { "1 character".to_owned() } else { format!("{count} characters") }
}

impl I18n for English {
    fn length_lower_than(&self, min: usize) -> Cow<'static, str> {
        format!("must have at least {}", characters(min)).into()
    }

    fn length_greater_than(&self, max: usize) -> Cow<'static, str> {
        format!("must have at most {}", characters(max)).into()
    }

    fn range_lower_than(&self, min: &dyn Display) -> Cow<'static, str> {
        format!("must be at least {min}").into()
    }

    fn range_greater_than(&self, max: &dyn Display) -> Cow<'static, str> {
        format!("must be at most {max}").into()
    }

    fn credit_card_invalid(&self, _: InvalidCreditCard) -> Cow<'static, str> {
        "must be the number of a card".into()
    }

    fn pattern_no_match(&self, _: &dyn Display) -> Cow<'static, str> {
        "does not have the expected form".into()
    }

    fn contains_missing(&self, pattern: &dyn Display) -> Cow<'static, str> {
        format!("must contain “{pattern}”").into()
    }

    fn url_invalid(&self, _: InvalidUrl) -> Cow<'static, str> {
        "must be a web address".into()
    }

    fn prefix_missing(&self, pattern: &dyn Display) -> Cow<'static, str> {
        format!("must begin with “{pattern}”").into()
    }

    fn suffix_missing(&self, pattern: &dyn Display) -> Cow<'static, str> {
        format!("must end with “{pattern}”").into()
    }

    fn phone_number_invalid(&self, _: InvalidPhoneNumber) -> Cow<'static, str> {
        "must be a phone number".into()
    }

    fn ip_invalid(&self, _: IpKind) -> Cow<'static, str> {
        "must be an IP address".into()
    }

    fn matches_field_mismatch(&self, field: &dyn Display) -> Cow<'static, str> {
        format!("must be the same as {field}").into()
    }

    fn email_invalid(&self, reason: InvalidEmail) -> Cow<'static, str> {
        let message = if reason == InvalidEmail::Empty {
            "is required"
        } else if reason == InvalidEmail::MissingAt {
            "must be an email address, with an @"
        } else {
            "must be an email address"
        };
        message.into()
    }

    fn ascii_invalid(&self) -> Cow<'static, str> {
        "may only have letters without accents, digits and signs".into()
    }

    fn alphanumeric_invalid(&self) -> Cow<'static, str> {
        "may only have letters and digits".into()
    }

    fn required_not_set(&self) -> Cow<'static, str> {
        "is required".into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_names_its_fields() {
        let mut report = garde::Report::new();
        report.append(garde::Path::new("email"), garde::Error::new("is no address"));
        report.append(garde::Path::new("address").join("city"), garde::Error::new("is blank"));
        let errors = Errors::from(report);
        assert_eq!(
            serde_json::to_string(&errors).unwrap(),
            r#"{"address.city":["is blank"],"email":["is no address"]}"#
        );
    }

    #[derive(Validate)]
    struct Entry {
        #[garde(length(chars, min = 1, max = 3))]
        name: &'static str,
        #[garde(required, range(min = 1, max = 120))]
        age: Option<i64>,
        #[garde(email)]
        email: &'static str,
        #[garde(prefix("+"), alphanumeric)]
        code: &'static str,
    }

    fn said(entry: &Entry) -> String {
        serde_json::to_string(&Errors::validate(entry)).unwrap()
    }

    #[test]
    fn messages_are_for_users() {
        let entry = Entry { name: "", age: None, email: "", code: "-" };
        assert_eq!(
            said(&entry),
            r#"{"age":["is required"],"code":["may only have letters and digits","must begin with “+”"],"email":["is required"],"name":["must have at least 1 character"]}"#
        );
        let entry = Entry { name: "Adam", age: Some(0), email: "a", code: "-" };
        let said = Errors::validate(&entry);
        assert_eq!(said.get("name"), ["must have at most 3 characters"]);
        assert_eq!(said.get("age"), ["must be at least 1"]);
        assert_eq!(said.get("email"), ["must be an email address, with an @"]);
    }
}
