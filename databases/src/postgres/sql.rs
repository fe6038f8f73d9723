//! Reads SQL far enough to find its statements, its parameters and its first words.

use crate::DatabaseError;

/// One statement of a text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Scanned {
    /// The statement, with `$1` in place of `?1`.
    pub(super) text: String,
    /// Its words outside of parentheses, quotes and comments, in capitals; at most [`WORDS`].
    words: Vec<String>,
}

/// The number of words that are kept: as many as decide what a statement is.
const WORDS: usize = 32;

/// Finds the statements of a text. Empty ones are left out.
pub(super) fn scan(sql: &str) -> Vec<Scanned> {
    let mut scanner = Scanner { sql, at: 0, depth: 0, current: Scanned::default(), done: Vec::new() };
    scanner.scan();
    scanner.done
}

/// Reads a text that must be one statement.
///
/// # Errors
/// Returns [`DatabaseError::SeveralStatements`] if it is more.
pub(super) fn scan_one(sql: &str) -> Result<Scanned, DatabaseError> {
    let mut found = scan(sql).into_iter();
    match (found.next(), found.next()) {
        (_, Some(_)) => Err(DatabaseError::SeveralStatements),
        (one, None) => Ok(one.unwrap_or_default()),
    }
}

impl Scanned {
    /// Names the statement if a transaction may not run it: it would end the transaction, outlive
    /// it in the connection, or exchange other messages than a statement does.
    pub(super) fn denied(&self) -> Option<String> {
        let word = |at: usize| self.words.get(at).map_or("", String::as_str);
        let first = word(0);
        let is_denied = match first {
            "ABORT" | "BEGIN" | "COMMIT" | "COPY" | "DEALLOCATE" | "DISCARD" | "END" | "LISTEN" | "LOAD"
            | "PREPARE" | "RELEASE" | "RESET" | "ROLLBACK" | "SAVEPOINT" | "START" | "UNLISTEN" => true,
            "SET" => !matches!(word(1), "LOCAL" | "CONSTRAINTS" | "TRANSACTION"),
            "CREATE" => {
                let is_temporary = |word: &String| word == "TEMP" || word == "TEMPORARY";
                let drops =
                    self.words.windows(2).any(|pair| matches!(pair, [a, b] if a == "COMMIT" && b == "DROP"));
                self.words.iter().skip(1).take(3).any(is_temporary) && !drops
            }
            "DECLARE" => {
                self.words.windows(2).any(|pair| matches!(pair, [a, b] if a == "WITH" && b == "HOLD"))
            }
            _ => false,
        };
        is_denied.then(|| match first {
            "CREATE" => "CREATE TEMP".to_owned(),
            "DECLARE" => "DECLARE … WITH HOLD".to_owned(),
            "SET" => "SET without LOCAL".to_owned(),
            _ => first.to_owned(),
        })
    }

    /// Checks whether the statement changes rows.
    pub(super) fn changes_rows(&self) -> bool {
        let verbs = ["INSERT", "UPDATE", "DELETE", "MERGE"];
        let is_verb = |word: &String| verbs.contains(&word.as_str()) || word == "SELECT" || word == "VALUES";
        // `WITH` is followed by names and queries in parentheses.
        self.words.iter().find(|word| is_verb(word)).is_some_and(|word| verbs.contains(&word.as_str()))
    }
}

struct Scanner<'a> {
    sql: &'a str,
    /// A byte's index, at the begin of a character.
    at: usize,
    /// The number of open parentheses.
    depth: usize,
    current: Scanned,
    done: Vec<Scanned>,
}

impl Scanner<'_> {
    fn scan(&mut self) {
        while let Some(next) = self.rest().chars().next() {
            let rest = self.rest();
            match next {
                ';' => {
                    self.at += 1;
                    self.end();
                    continue;
                }
                '\'' => self.copy(quoted(rest, '\'', false)),
                '"' => self.copy(quoted(rest, '"', false)),
                '-' if rest.starts_with("--") => self.skip(rest.find('\n').unwrap_or(rest.len())),
                '/' if rest.starts_with("/*") => self.skip(comment(rest)),
                '$' => self.copy(dollar_quoted(rest).unwrap_or(1)),
                '?' => self.parameter(),
                '(' => {
                    self.depth += 1;
                    self.copy(1);
                }
                ')' => {
                    self.depth = self.depth.saturating_sub(1);
                    self.copy(1);
                }
                _ if next == '_' || next.is_alphabetic() => self.word(),
                // A number may contain letters: `1e5`.
                _ if next.is_ascii_digit() => self.copy(length_while(rest, is_in_word)),
                _ => self.copy(next.len_utf8()),
            }
        }
        self.end();
    }

    fn rest(&self) -> &'_ str {
        self.sql.get(self.at..).unwrap_or_default()
    }

    fn copy(&mut self, length: usize) {
        let end = self.at + length;
        self.current.text.push_str(self.sql.get(self.at..end).unwrap_or_default());
        self.at = end;
    }

    /// Leaves a comment out: a space takes its place.
    fn skip(&mut self, length: usize) {
        self.current.text.push(' ');
        self.at += length;
    }

    fn word(&mut self) {
        let rest = self.rest();
        let length = length_while(rest, |c| is_in_word(c) || c == '$');
        let word = rest.get(..length).unwrap_or_default().to_uppercase();
        let follows = rest.get(length..).unwrap_or_default();
        if word == "E" && follows.starts_with('\'') {
            return self.copy(length + quoted(follows, '\'', true));
        }
        if self.depth == 0 && self.current.words.len() < WORDS {
            self.current.words.push(word);
        }
        self.copy(length);
    }

    /// Copies `?1` as `$1`. A question mark without a number is an operator of JSON.
    fn parameter(&mut self) {
        let digits = length_while(self.rest().get(1..).unwrap_or_default(), |c| c.is_ascii_digit());
        if digits == 0 {
            return self.copy(1);
        }
        self.current.text.push('$');
        self.at += 1;
        self.copy(digits);
    }

    fn end(&mut self) {
        let statement = std::mem::take(&mut self.current);
        self.depth = 0;
        if !statement.text.trim().is_empty() {
            self.done.push(statement);
        }
    }
}

fn is_in_word(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

fn length_while(text: &str, is_included: impl Fn(char) -> bool) -> usize {
    text.find(|c| !is_included(c)).unwrap_or(text.len())
}

/// Returns the length of a quoted text with its quotes. A doubled quote belongs to it.
fn quoted(text: &str, quote: char, has_escapes: bool) -> usize {
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if has_escapes && c == '\\' {
            chars.next();
        } else if c == quote {
            if chars.peek().is_none_or(|(_, next)| *next != quote) {
                return at + 1;
            }
            chars.next();
        }
    }
    text.len()
}

/// Returns the length of a comment. Comments nest.
fn comment(text: &str) -> usize {
    let (mut at, mut depth) = (0, 0_usize);
    while let Some(rest) = text.get(at..) {
        let Some(found) = rest.find(['/', '*']) else { break };
        at += found;
        let rest = text.get(at..).unwrap_or_default();
        if rest.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with("*/") {
            depth = depth.saturating_sub(1);
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    text.len()
}

/// Returns the length of a text between dollar signs: `$$…$$`, `$tag$…$tag$`. `None` if it is none,
/// such as the parameter `$1`.
fn dollar_quoted(text: &str) -> Option<usize> {
    let name = text.get(1..)?;
    let length = length_while(name, is_in_word);
    if name.starts_with(|c: char| c.is_ascii_digit()) || !name.get(length..)?.starts_with('$') {
        return None;
    }
    let tag = text.get(..length + 2)?;
    let content = text.get(tag.len()..)?;
    Some(content.find(tag).map_or(text.len(), |end| tag.len() + end + tag.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(sql: &str) -> Vec<String> {
        scan(sql).into_iter().map(|one| one.text.trim().to_owned()).collect()
    }

    #[test]
    fn parameters_are_numbered_outside_of_quotes_and_comments() {
        let one = |sql: &str| texts(sql).concat();
        assert_eq!(one("SELECT ?1, ?12 ::int,$3"), "SELECT $1, $12 ::int,$3");
        assert_eq!(one("SELECT '?1', \"?1\", 'it''s ?1', ?2"), "SELECT '?1', \"?1\", 'it''s ?1', $2");
        assert_eq!(one(r"SELECT e'\'?1', ?1, '\', ?2"), r"SELECT e'\'?1', $1, '\', $2");
        assert_eq!(one("SELECT $$?1;$$, $a$ ?1 $$ $b$ $a$, ?1"), "SELECT $$?1;$$, $a$ ?1 $$ $b$ $a$, $1");
        assert_eq!(
            one("SELECT data ? 'a', data ?| x, data ?& y, ?1"),
            "SELECT data ? 'a', data ?| x, data ?& y, $1"
        );
        assert_eq!(one("a -- ?1\nb /* ?1 /* ; */ */ c ?1"), "a  \nb   c $1");
        assert_eq!(one("SELECT t1$2, x"), "SELECT t1$2, x");
    }

    #[test]
    fn statements_end_at_semicolons_outside_of_quotes() {
        assert_eq!(texts(" ; SELECT ';'; ;-- x;\nSELECT 2;"), ["SELECT ';'", "SELECT 2"]);
        assert_eq!(
            texts("DO $do$ BEGIN; END $do$; SELECT (1;2"),
            ["DO $do$ BEGIN; END $do$", "SELECT (1", "2"]
        );
        assert_eq!(scan_one("SELECT 1;").unwrap().text, "SELECT 1");
        assert!(matches!(scan_one("SELECT 1; SELECT 2"), Err(DatabaseError::SeveralStatements)));
        assert_eq!(scan_one(" -- nothing").unwrap(), Scanned::default());
        for unfinished in ["'a", "\"a", "$$a", "/* a", "/* /* */", "e'\\", "$", "?"] {
            assert_eq!(scan(unfinished).len(), usize::from(!unfinished.starts_with('/')), "{unfinished}");
        }
    }

    #[test]
    fn statements_that_end_or_outlive_a_transaction_are_denied() {
        for sql in [
            "COMMIT",
            "/* x */ rollback",
            "-- x\nBegin",
            "START TRANSACTION",
            "end",
            "SAVEPOINT a",
            "SET search_path = x",
            "CREATE TEMP TABLE a (n int)",
            "CREATE LOCAL TEMPORARY TABLE a (n int)",
            "CREATE OR REPLACE TEMP VIEW a AS SELECT 1",
            "DECLARE a CURSOR WITH HOLD FOR SELECT 1",
            "LISTEN a",
            "COPY a FROM STDIN",
            "PREPARE TRANSACTION 'a'",
        ] {
            assert!(scan_one(sql).unwrap().denied().is_some(), "{sql}");
        }
        for sql in [
            "SELECT 'COMMIT'",
            "SET LOCAL search_path = x",
            "SET CONSTRAINTS ALL IMMEDIATE",
            "CREATE TABLE a (temp int)",
            "CREATE TEMP TABLE a (n int) ON COMMIT DROP",
            "DECLARE a CURSOR FOR SELECT 1",
            "INSERT INTO a VALUES (1)",
            "",
        ] {
            assert_eq!(scan_one(sql).unwrap().denied(), None, "{sql}");
        }
    }

    #[test]
    fn changes_of_rows_are_recognised_behind_a_with() {
        for (sql, changes) in [
            ("INSERT INTO a SELECT 1", true),
            ("WITH b AS (SELECT 1) UPDATE a SET n = 1", true),
            ("WITH b AS (DELETE FROM a RETURNING n) SELECT * FROM b", false),
            ("SELECT 1", false),
            ("VALUES (1)", false),
        ] {
            assert_eq!(scan_one(sql).unwrap().changes_rows(), changes, "{sql}");
        }
    }
}
