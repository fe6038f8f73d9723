//! Parses start tags: the name and the attributes.

use super::Attribute;
use super::Code;
use super::parser::HtmlParser;

/// The content between `<` and `>`.
pub(super) struct SourceTag {
    pub(super) name: String,
    pub(super) attributes: Vec<Attribute>,
    pub(super) self_closing: bool,
}

impl HtmlParser<'_> {
    /// Parses a start tag from its `<`; the next byte is a letter.
    pub(super) fn tag(&mut self) -> SourceTag {
        let start = self.at;
        self.at += 1;
        let name = self.take_while(|c| !c.is_ascii_whitespace() && c != '/' && c != '>').to_owned();
        if let Some(bad) =
            name.chars().find(|c| !c.is_ascii_alphanumeric() && !matches!(c, '-' | ':' | '_' | '.'))
        {
            self.error(start, format!("`{bad}` is not allowed in the name of an element"));
        }
        let mut attributes: Vec<Attribute> = Vec::new();
        loop {
            self.take_while(|c| c.is_ascii_whitespace());
            if self.eat(">") {
                return SourceTag { name, attributes, self_closing: false };
            }
            if self.eat("/>") {
                return SourceTag { name, attributes, self_closing: true };
            }
            if self.eat("/") {
                continue;
            }
            if self.rest().is_empty() {
                self.error(start, format!("`<{name}` has no closing `>`"));
                return SourceTag { name, attributes, self_closing: false };
            }
            let attribute = self.attribute();
            if attributes.iter().any(|earlier| earlier.name.eq_ignore_ascii_case(&attribute.name)) {
                self.error_at(attribute.at, format!("duplicate attribute `{}`", attribute.name));
            } else {
                attributes.push(attribute);
            }
        }
    }

    fn attribute(&mut self) -> Attribute {
        let start = self.at;
        // In HTML a leading `=` begins a name. Here it is an error that must not stop the parser.
        let name = self.take_while(|c| !c.is_ascii_whitespace() && !matches!(c, '/' | '>' | '=')).to_owned();
        if name.is_empty() {
            self.error(start, "an attribute needs a name before the `=`");
        } else if name.contains("{{") {
            self.error(start, "`{{ }}` can be an attribute's value, not its name");
        } else if let Some(bad) = name.chars().find(|c| matches!(c, '"' | '\'' | '<') || c.is_control()) {
            let bad = if bad.is_control() { bad.escape_debug().to_string() } else { bad.to_string() };
            self.error(start, format!("`{bad}` is not allowed in an attribute's name"));
        }
        let at = self.offset(start);
        let end = self.at;
        self.take_while(|c| c.is_ascii_whitespace());
        if !self.eat("=") {
            self.at = end;
            return Attribute { name, at, value: None };
        }
        self.take_while(|c| c.is_ascii_whitespace());
        let value = self.value(&name);
        Attribute { name, at, value: Some(value) }
    }

    fn value(&mut self, name: &str) -> Code {
        let quote = self.rest().chars().next().filter(|c| matches!(c, '"' | '\''));
        let Some(quote) = quote else {
            let start = self.at;
            let text = self.take_while(|c| !c.is_ascii_whitespace() && c != '>').to_owned();
            if text.is_empty() {
                self.error(start, format!("`{name}=` needs a value in quotes"));
            } else if text.contains(['"', '\'', '<', '=', '`', '{']) {
                self.error(start, format!("the value of `{name}` must be in quotes"));
            }
            return Code { text, at: self.offset(start) };
        };
        let opening = self.at;
        self.at += 1;
        let start = self.at;
        let text = self.take_while(|c| c != quote).to_owned();
        if let Some(inside) =
            text.rfind("{{").filter(|at| !text.get(*at..).is_some_and(|hole| hole.contains("}}")))
            && let Some(end) =
                self.rest().find("}}").filter(|end| !self.rest().get(..*end).is_some_and(|t| t.contains('>')))
        {
            let other = if quote == '"' { '\'' } else { '"' };
            self.error(
                start + inside,
                format!(
                    "the {quote} inside the `{{{{ }}}}` ends the value of `{name}`: write {other} instead"
                ),
            );
            self.at += end + 2;
            self.take_while(|c| c != quote);
            self.eat(&quote.to_string());
            return Code { text: String::new(), at: self.offset(start) };
        }
        if self.rest().is_empty() {
            self.error(opening, format!("the value of `{name}` has no closing {quote}"));
        }
        self.at = (self.at + 1).min(self.source.len());
        Code { text, at: self.offset(start) }
    }
}
