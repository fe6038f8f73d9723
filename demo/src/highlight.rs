//! Colours for the sources that the pages show, with a simplified grammar of each language.

use vivaz::escape;

/// The grammar of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    Rust,
    JavaScript,
    Template,
}

const RUST: &[&str] = &[
    "as", "async", "await", "break", "const", "continue", "crate", "else", "enum", "fn", "for", "if", "impl",
    "in", "let", "loop", "match", "mod", "move", "mut", "pub", "ref", "return", "self", "Self", "static",
    "struct", "super", "trait", "true", "false", "type", "use", "where", "while",
];
const JAVASCRIPT: &[&str] = &[
    "async", "await", "const", "else", "false", "for", "from", "function", "if", "import", "let", "new",
    "null", "of", "return", "true", "while",
];

/// Converts a source to HTML, with tokens in `<span>`s with classes of one letter: **k**eyword,
/// **s**tring, **c**omment, **a**ttribute, **t**ype or tag, **n**umber, **e**xpression.
pub(crate) fn highlight(source: &str, language: Language) -> String {
    let mut html = String::with_capacity(source.len() * 2);
    let mut rest = source;
    let mut in_tag = false;
    while !rest.is_empty() {
        let (length, class) = match language {
            Language::Rust => code(rest, RUST),
            Language::JavaScript => code(rest, JAVASCRIPT),
            Language::Template => template(rest, &mut in_tag),
        };
        let (token, after) = rest.split_at(length);
        match class {
            Some(class) => {
                html.extend(["<span class=\"", class, "\">", &escape::attribute(token), "</span>"]);
            }
            None => html.push_str(&escape::attribute(token)),
        }
        rest = after;
    }
    html
}

type Colour = (usize, Option<&'static str>);

fn code(rest: &str, keywords: &[&str]) -> Colour {
    let first = first(rest);
    if rest.starts_with("//") {
        (until(rest, "\n"), Some("c"))
    } else if rest.starts_with("/*") {
        (until_after(rest, "*/"), Some("c"))
    } else if rest.starts_with("#[") {
        (matching(rest), Some("a"))
    } else if first == '"' {
        (string(rest), Some("s"))
    } else if first == '\'' && rest.chars().nth(2) == Some('\'') {
        (rest.chars().take(3).map(char::len_utf8).sum(), Some("s"))
    } else if first.is_ascii_digit() {
        (run(rest, |c| c.is_ascii_alphanumeric() || c == '_'), Some("n"))
    } else if first.is_alphabetic() || first == '_' {
        let length = run(rest, |c| c.is_alphanumeric() || c == '_');
        let (word, after) = rest.split_at(length);
        let class = if keywords.contains(&word) {
            Some("k")
        } else if first.is_uppercase() {
            Some("t")
        } else if after.starts_with('!') && !after.starts_with("!=") {
            Some("a")
        } else {
            None
        };
        (length, class)
    } else {
        (first.len_utf8(), None)
    }
}

fn template(rest: &str, in_tag: &mut bool) -> Colour {
    let first = first(rest);
    if rest.starts_with("<!--") {
        (until_after(rest, "-->"), Some("c"))
    } else if rest.starts_with("{{") {
        (until_after(rest, "}}"), Some("e"))
    } else if !*in_tag {
        if first == '<' {
            *in_tag = true;
            (1 + run(rest.get(1..).unwrap_or(""), |c| c.is_alphanumeric() || "/:-".contains(c)), Some("t"))
        } else {
            (rest.find(['<', '{']).filter(|at| *at > 0).unwrap_or(first.len_utf8()), None)
        }
    } else if first == '>' || rest.starts_with("/>") {
        *in_tag = false;
        (if first == '>' { 1 } else { 2 }, Some("t"))
    } else if first == '"' {
        (string(rest), Some("s"))
    } else if first.is_alphabetic() || first == ':' {
        let length = run(rest, |c| !c.is_whitespace() && !"=>/\"".contains(c));
        let class = if rest.starts_with("live:") { "a" } else { "n" };
        (length.max(first.len_utf8()), Some(class))
    } else {
        (first.len_utf8(), None)
    }
}

fn first(rest: &str) -> char {
    rest.chars().next().unwrap_or(' ')
}

fn run(rest: &str, belongs: impl Fn(char) -> bool) -> usize {
    rest.find(|c| !belongs(c)).unwrap_or(rest.len())
}

fn until(rest: &str, end: &str) -> usize {
    rest.find(end).unwrap_or(rest.len())
}

fn until_after(rest: &str, end: &str) -> usize {
    rest.find(end).map_or(rest.len(), |at| at + end.len())
}

/// Returns the length of a string literal in double quotes.
fn string(rest: &str) -> usize {
    let mut escaped = true;
    for (at, c) in rest.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// Returns the length of `#[…]`, including inner brackets.
fn matching(rest: &str) -> usize {
    let mut depth = 0_usize;
    for (at, c) in rest.char_indices() {
        match c {
            '[' => depth += 1,
            ']' if depth == 1 => return at + 1,
            ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rust_tokens() {
        assert_eq!(
            highlight("#[a(b[0])]\npub fn x(s: &str) -> Y { \"<\\\"\" } // end", Language::Rust),
            "<span class=\"a\">#[a(b[0])]</span>\n<span class=\"k\">pub</span> <span class=\"k\">fn</span> x(s: &amp;str) \
             -&gt; <span class=\"t\">Y</span> { <span class=\"s\">&quot;&lt;\\&quot;&quot;</span> } <span class=\"c\">// end</span>"
        );
    }

    #[test]
    fn javascript_tokens() {
        assert_eq!(
            highlight("/** end */ const x = self;", Language::JavaScript),
            "<span class=\"c\">/** end */</span> <span class=\"k\">const</span> x = self;"
        );
    }

    #[test]
    fn template_tokens() {
        assert_eq!(
            highlight("<p live:if=\"a > b\" hidden>{{ x }} y</p>", Language::Template),
            "<span class=\"t\">&lt;p</span> <span class=\"a\">live:if</span>=<span class=\"s\">&quot;a &gt; b&quot;</span> \
             <span class=\"n\">hidden</span><span class=\"t\">&gt;</span><span class=\"e\">{{ x }}</span> y\
             <span class=\"t\">&lt;/p</span><span class=\"t\">&gt;</span>"
        );
    }

    /// The visible text equals the source.
    #[test]
    fn the_text_is_unchanged() {
        for source in ["", "\"open", "#[open", "<a b=\"c", "{{ open", "é'é' 'a <", "<<>>\"", "a{b"] {
            for language in [Language::Rust, Language::JavaScript, Language::Template] {
                let html = highlight(source, language);
                let mut text = String::new();
                let mut inside = false;
                for c in html.chars() {
                    match c {
                        '<' => inside = true,
                        '>' => inside = false,
                        c if !inside => text.push(c),
                        _ => {}
                    }
                }
                assert_eq!(text, escape::attribute(source), "{language:?}");
            }
        }
    }
}
