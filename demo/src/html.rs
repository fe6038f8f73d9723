//! The little HTML that is written by hand: the pages around the components.

/// Text that may stand in an element or in a quoted attribute.
pub(crate) fn escape(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            c => html.push(c),
        }
    }
    html
}

#[cfg(test)]
mod tests {
    #[test]
    fn escapes_what_html_reads() {
        assert_eq!(super::escape("<a b=\"c\" d='e'>&é"), "&lt;a b=&quot;c&quot; d=&#39;e&#39;&gt;&amp;é");
    }
}
