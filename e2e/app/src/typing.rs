//! Fields whose handler changes the typed text.

use vivaz::prelude::*;

#[derive(LiveComponent, Clone, Default)]
#[live(name = "typing", template = "typing.html", open)]
pub(crate) struct Typing {
    #[live(model)]
    plain: String,
    #[live(model)]
    area: String,
    #[live(model)]
    mail: String,
    #[live(model)]
    number: Option<u64>,
    #[live(model)]
    amount: String,
    greetings: u32,
}

#[actions]
impl Typing {
    #[action]
    fn greet(&mut self) {
        self.greetings += 1;
    }

    fn updated(&mut self, property: &str) {
        match property {
            "plain" => self.plain = self.plain.to_uppercase(),
            "area" => self.area = self.area.to_uppercase(),
            "mail" => self.mail = self.mail.to_uppercase(),
            // Replaces the digit 9 by 8.
            "number" => {
                self.number =
                    self.number.and_then(|number| number.to_string().replace('9', "8").parse().ok());
            }
            "amount" => self.amount = grouped(&self.amount),
            _ => {}
        }
    }
}

/// Groups the digits in threes.
fn grouped(text: &str) -> String {
    let digits: Vec<char> = text.chars().filter(char::is_ascii_digit).collect();
    let mut out = String::new();
    for (at, digit) in digits.iter().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(*digit);
    }
    out
}
