//! What is accepted is what was sent.

use proptest::prelude::*;
use serde::Serialize;

use super::*;

/// Texts about numbers: mostly near one.
fn number_like() -> impl Strategy<Value = String> {
    prop_oneof![
        "-?[0-9]{0,22}",
        "[-+]?[0-9]{0,20}[.]?[0-9]{0,20}([eE][-+]?[0-9]{1,4})?",
        "[ -~]{0,8}",
        any::<f64>().prop_map(|number| number.to_string()),
        any::<f64>().prop_map(|number| format!("{number:e}")),
        any::<u128>().prop_map(|number| number.to_string()),
        any::<i64>().prop_map(|number| number.to_string()),
    ]
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        number_like().prop_map(Value::from),
        Just(Value::from("")),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("(size|query|page|a|tags|ids)([.](size|a)|\\[\\])?", inner, 0..6)
                .prop_map(|map| map.into_iter().collect()),
        ]
    })
}

/// The digits of a whole number without zeros before them.
fn plain(text: &str) -> String {
    let digits = text.trim_start_matches('-').trim_start_matches('0');
    let sign = if text.starts_with('-') && !digits.is_empty() { "-" } else { "" };
    format!("{sign}{}", if digits.is_empty() { "0" } else { digits })
}

fn check_whole<T: DeserializeOwned + ToString>(text: &str) -> Result<(), TestCaseError> {
    if let Ok(number) = decode::<T>(&json!(text).to_string()) {
        prop_assert_eq!(number.to_string(), plain(text));
    }
    Ok(())
}

fn same_as_before<T: DeserializeOwned + Serialize>(json: &Value) -> Result<(), TestCaseError> {
    let text = json.to_string();
    if let Ok(before) = serde_json::from_str::<T>(&text) {
        let now = decode::<T>(&text).map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(serde_json::to_value(now).unwrap(), serde_json::to_value(before).unwrap());
    }
    Ok(())
}

proptest! {
    #[test]
    fn a_whole_number_is_the_one_that_was_typed(text in number_like()) {
        check_whole::<i8>(&text)?;
        check_whole::<u16>(&text)?;
        check_whole::<i32>(&text)?;
        check_whole::<u64>(&text)?;
        check_whole::<i64>(&text)?;
        check_whole::<u128>(&text)?;
        check_whole::<i128>(&text)?;
    }

    #[test]
    fn every_number_of_a_type_can_be_typed(wide in any::<u64>(), signed in any::<i128>(), double in any::<f64>(), single in any::<f32>()) {
        prop_assert_eq!(decode::<u64>(&json!(wide.to_string()).to_string()), Ok(wide));
        prop_assert_eq!(decode::<i128>(&json!(signed.to_string()).to_string()), Ok(signed));
        for text in [double.to_string(), format!("{double:e}"), format!("{double:?}")] {
            if double.is_finite() {
                prop_assert_eq!(decode::<f64>(&json!(text).to_string()).map(f64::to_bits), Ok(double.to_bits()));
            }
        }
        if single.is_finite() {
            let text = json!(single.to_string()).to_string();
            prop_assert_eq!(decode::<f32>(&text).map(f32::to_bits), Ok(single.to_bits()));
        }
    }

    #[test]
    fn no_digit_of_a_fraction_is_lost(whole in "[1-9][0-9]{0,17}", fraction in "[0-9]{0,17}[1-9]") {
        let text = format!("{whole}.{fraction}");
        if let Ok(number) = decode::<f64>(&json!(text).to_string()) {
            // The shortest text of the number, or its digits as far as they were typed.
            let printed = [number.to_string(), format!("{number:.*}", fraction.len())];
            prop_assert!(printed.contains(&text), "{text} is read as {printed:?}");
        }
    }

    #[test]
    fn a_text_is_the_text(text in any::<String>()) {
        let json = json!(text).to_string();
        prop_assert_eq!(decode::<String>(&json), Ok(text.clone()));
        prop_assert_eq!(decode::<Vec<String>>(&json), Ok(vec![text.clone()]));
        prop_assert_eq!(decode::<Option<String>>(&json), Ok((!text.is_empty()).then_some(text)));
    }

    #[test]
    fn json_is_read_as_serde_json_reads_it(json in any_json()) {
        same_as_before::<Value>(&json)?;
        same_as_before::<Vec<Value>>(&json)?;
        same_as_before::<BTreeMap<String, Value>>(&json)?;
        same_as_before::<BTreeMap<String, Vec<u64>>>(&json)?;
        same_as_before::<(i64, String)>(&json)?;
        same_as_before::<bool>(&json)?;
    }

    #[test]
    fn no_message_causes_a_panic(json in any_json()) {
        let json = json.to_string();
        let _ = decode::<Search>(&json);
        let _ = decode::<Order>(&json);
        let _ = decode::<Vec<Option<Page>>>(&json);
        let _ = decode::<BTreeMap<u8, Address>>(&json);
    }
}
