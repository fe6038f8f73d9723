//! Types times what a form can send. Each pair has an answer; one without fails.

use serde::{Deserialize, Serialize};

use super::*;

/// What a field of a form can hold.
const TEXTS: &[&str] = &[
    "",
    " ",
    "0",
    "7",
    "-7",
    "007",
    "-0",
    "+7",
    " 7",
    "7 ",
    "127",
    "128",
    "-129",
    "255",
    "256",
    "32768",
    "65536",
    "16777216",
    "16777217",
    "2147483648",
    "4294967296",
    "9007199254740992",
    "9007199254740993",
    "9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
    "340282366920938463463374607431768211456",
    "1.5",
    "0.1",
    ".5",
    "5.",
    "1,5",
    "1e3",
    "1E-2",
    "12e",
    "1e400",
    "-1e400",
    "1e-400",
    "0e9999999999999999999",
    "0.30000000000000004",
    "3.14159265358979323846",
    "0x10",
    "1_000",
    "Infinity",
    "-inf",
    "NaN",
    "٣",
    "on",
    "off",
    "true",
    "false",
    "True",
    "yes",
    "small",
    "Small",
    "null",
    "é",
];

/// What else `$form.name` and `$value` can be, in JSON: no such field, several of that name, none
/// chosen.
const OTHERS: &[&str] = &["null", r#"["1","2"]"#, r#"["1"]"#, "[]"];

/// The whole numbers among [`TEXTS`]: whether there is a minus, and the digits.
fn whole(text: &str) -> Option<(bool, &str)> {
    let numbers = [
        "0",
        "7",
        "-7",
        "007",
        "-0",
        "127",
        "128",
        "-129",
        "255",
        "256",
        "32768",
        "65536",
        "16777216",
        "16777217",
        "2147483648",
        "4294967296",
        "9007199254740992",
        "9007199254740993",
        "9223372036854775808",
        "18446744073709551615",
        "18446744073709551616",
        "340282366920938463463374607431768211456",
    ];
    let is_whole = numbers.contains(&text);
    is_whole.then(|| text.strip_prefix('-').map_or((false, text), |digits| (true, digits)))
}

/// A type with its answer to each input: the value in JSON, or the message.
struct Row {
    name: &'static str,
    read: fn(&str) -> Result<String, String>,
    answers: HashMap<String, Result<String, String>>,
}

fn read<T: DeserializeOwned + Serialize>(json: &str) -> Result<String, String> {
    let value: T = decode(json).map_err(|error| error.to_string())?;
    Ok(serde_json::to_string(&value).unwrap())
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

impl Row {
    fn new<T: DeserializeOwned + Serialize>(name: &'static str) -> Self {
        Self { name, read: read::<T>, answers: HashMap::new() }
    }

    fn accepts(mut self, pairs: &[(&str, &str)]) -> Self {
        self.answers.extend(pairs.iter().map(|(text, json)| (quoted(text), Ok((*json).to_owned()))));
        self
    }

    fn accepts_json(mut self, json: &str, value: &str) -> Self {
        self.answers.insert(json.to_owned(), Ok(value.to_owned()));
        self
    }

    fn refuses(mut self, message: &str, texts: &[&str]) -> Self {
        self.answers.extend(texts.iter().map(|text| (quoted(text), Err(message.to_owned()))));
        self
    }

    /// A type that takes one text: it is not there, and a list is none.
    fn single(mut self, message: &str) -> Self {
        self.answers.insert("null".to_owned(), Err("is missing".to_owned()));
        for list in &OTHERS[1..] {
            self.answers.insert((*list).to_owned(), Err(message.to_owned()));
        }
        self
    }

    /// The row of the `Option`: the same, but for what is empty.
    fn optional<T: DeserializeOwned + Serialize>(&self, name: &'static str) -> Self {
        let mut row = Self { name, read: read::<Option<T>>, answers: self.answers.clone() };
        for empty in ["\"\"", "null"] {
            row.answers.insert(empty.to_owned(), Ok("null".to_owned()));
        }
        row
    }

    /// The row of the `Vec`: each text is a list of one.
    fn list<T: DeserializeOwned + Serialize>(&self, name: &'static str) -> Self {
        let mut row = Self { name, read: read::<Vec<T>>, answers: HashMap::new() };
        for text in TEXTS {
            let answer = self.answers[&quoted(text)].clone().map(|json| format!("[{json}]"));
            row.answers.insert(quoted(text), answer);
        }
        row.accepts_json("null", "[]").accepts_json("[]", "[]")
    }
}

fn integers<T: DeserializeOwned + Serialize>(name: &'static str, least: &str, most: &str) -> Row {
    let mut row = Row::new::<T>(name).single("must be a whole number");
    let longer = |a: &str, b: &str| (a.len(), a.to_owned()) > (b.len(), b.to_owned());
    for text in TEXTS {
        let Some((is_negative, digits)) = whole(text) else {
            row = row.refuses("must be a whole number", &[text]);
            continue;
        };
        let digits = if digits == "007" { "7" } else { digits };
        let limit = if is_negative { least.strip_prefix('-').unwrap_or("") } else { most };
        row = if longer(digits, limit) {
            row.refuses(&format!("must be a whole number from {least} to {most}"), &[text])
        } else {
            let sign = if is_negative && digits != "0" { "-" } else { "" };
            row.accepts(&[(text, &format!("{sign}{digits}"))])
        };
    }
    row
}

fn floats<T: DeserializeOwned + Serialize>(name: &'static str) -> Row {
    let row = Row::new::<T>(name).single("must be a number");
    let not_a_number = [
        "", " ", "+7", " 7", "7 ", "5.", "1,5", "12e", "0x10", "1_000", "Infinity", "-inf", "NaN", "٣", "on",
        "off", "true", "false", "True", "yes", "small", "Small", "null", "é",
    ];
    row.refuses("must be a number", &not_a_number)
        .refuses("is too large", &["1e400", "-1e400"])
        .refuses("cannot be kept exactly", &["1e-400", "3.14159265358979323846", "9007199254740993"])
        .refuses("cannot be kept exactly", &["18446744073709551615"])
        .accepts(&[
            ("0", "0.0"),
            ("7", "7.0"),
            ("-7", "-7.0"),
            ("007", "7.0"),
            ("-0", "-0.0"),
            ("1.5", "1.5"),
        ])
        .accepts(&[("0.1", "0.1"), (".5", "0.5"), ("1e3", "1000.0"), ("1E-2", "0.01")])
        .accepts(&[
            ("127", "127.0"),
            ("128", "128.0"),
            ("-129", "-129.0"),
            ("255", "255.0"),
            ("256", "256.0"),
        ])
        .accepts(&[("32768", "32768.0"), ("65536", "65536.0"), ("16777216", "16777216.0")])
        .accepts(&[("0e9999999999999999999", "0.0")])
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Size {
    Small,
    Large,
}

#[derive(Serialize, Deserialize)]
struct Address {
    city: String,
}

fn rows() -> Vec<Row> {
    let mut rows = Vec::new();

    let mut text = Row::new::<String>("String").single("must be a text");
    for one in TEXTS {
        text = text.accepts(&[(one, &quoted(one))]);
    }
    rows.push(text.optional::<String>("Option<String>"));
    let texts = text.list::<String>("Vec<String>");
    rows.push(texts.accepts_json(r#"["1","2"]"#, r#"["1","2"]"#).accepts_json(r#"["1"]"#, r#"["1"]"#));
    rows.push(text);

    macro_rules! integers {
        ($($ty:ident $option:literal;)*) => { $({
            let row = integers::<$ty>(stringify!($ty), &$ty::MIN.to_string(), &$ty::MAX.to_string());
            rows.push(row.optional::<$ty>($option));
            rows.push(row);
        })* };
    }
    integers! {
        i8 "Option<i8>"; i16 "Option<i16>"; i32 "Option<i32>"; i64 "Option<i64>"; i128 "Option<i128>";
        isize "Option<isize>"; u8 "Option<u8>"; u16 "Option<u16>"; u32 "Option<u32>"; u64 "Option<u64>";
        u128 "Option<u128>"; usize "Option<usize>";
    }
    let numbers = integers::<u32>("u32", "0", "4294967295").list::<u32>("Vec<u32>");
    rows.push(numbers.accepts_json(r#"["1","2"]"#, "[1,2]").accepts_json(r#"["1"]"#, "[1]"));

    // What the digits below are as a number of 32 bits or 64 is by the standard, not by the
    // decoder.
    let double = floats::<f64>("f64")
        .accepts(&[("16777217", "16777217.0"), ("2147483648", "2147483648.0")])
        .accepts(&[("4294967296", "4294967296.0"), ("9007199254740992", "9007199254740992.0")])
        .accepts(&[("0.30000000000000004", "0.30000000000000004")])
        .refuses("cannot be kept exactly", &["9223372036854775808", "18446744073709551616"])
        .refuses("cannot be kept exactly", &["340282366920938463463374607431768211456"]);
    rows.push(double.optional::<f64>("Option<f64>"));
    rows.push(double);
    let single = floats::<f32>("f32")
        .refuses("cannot be kept exactly", &["16777217", "0.30000000000000004", "2147483648", "4294967296"])
        .refuses("cannot be kept exactly", &["9007199254740992", "9223372036854775808"])
        .refuses("cannot be kept exactly", &["18446744073709551616"])
        .refuses("is too large", &["340282366920938463463374607431768211456"]);
    rows.push(single.optional::<f32>("Option<f32>"));
    rows.push(single);

    let mut truth = Row::new::<bool>("bool").single("must be true or false");
    for text in TEXTS {
        truth = match *text {
            "on" | "true" => truth.accepts(&[(text, "true")]),
            "false" => truth.accepts(&[(text, "false")]),
            _ => truth.refuses("must be true or false", &[text]),
        };
    }
    let truth = truth.accepts_json("null", "false");
    rows.push(truth.optional::<bool>("Option<bool>"));
    rows.push(truth);

    let mut size = Row::new::<Size>("Size").single("must be enum Size, not sequence");
    let mut address = Row::new::<Address>("Address").single("must be struct Address, not a text");
    for text in TEXTS {
        size = size.refuses("must be one of `small`, `large`", &[text]);
        address = address.refuses("must be struct Address, not a text", &[text]);
    }
    let size = size.accepts(&[("small", "\"small\"")]);
    rows.push(size.optional::<Size>("Option<Size>"));
    rows.push(size);
    let address = address
        .accepts_json(r#"["1"]"#, r#"{"city":"1"}"#)
        .refused_json(r#"["1","2"]"#, "has 2 items, and 1 are wanted")
        .refused_json("[]", "invalid length 0, expected struct Address with 1 element");
    rows.push(address.optional::<Address>("Option<Address>"));
    rows.push(address);
    rows
}

impl Row {
    fn refused_json(mut self, json: &str, message: &str) -> Self {
        self.answers.insert(json.to_owned(), Err(message.to_owned()));
        self
    }
}

#[test]
fn each_type_accepts_or_refuses_all_form_values() {
    let inputs: Vec<String> =
        TEXTS.iter().map(|text| quoted(text)).chain(OTHERS.iter().map(|json| (*json).to_owned())).collect();
    let mut wrong = Vec::new();
    for Row { name, read, answers } in rows() {
        for input in &inputs {
            match answers.get(input) {
                None => wrong.push(format!("{name} has no answer to {input}")),
                Some(answer) if *answer != read(input) => {
                    wrong.push(format!("{name} of {input}: {:?}, expected {answer:?}", read(input)));
                }
                Some(_) => {}
            }
        }
        let unknown = answers.keys().filter(|answer| !inputs.contains(answer));
        wrong.extend(unknown.map(|input| format!("{name} has an answer to {input}, which is not sent")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
