//! No HTML in a `live:html` can leave its element in the first paint.

use proptest::prelude::*;
use serde_json::json;
use vivaz_template::{compile, render, render_within};

use crate::dom::{Element, Node, parsed};

/// Each has one element with a `live:html`, and content behind it and behind its enclosing
/// elements.
const CONTEXTS: [&str; 19] = [
    "<div id='raw' live:html='v'></div>",
    "<div><div id='raw' live:html='v'></div></div>",
    "<table><tbody><tr><td id='raw' live:html='v'></td><td>b</td></tr></tbody><tfoot><tr></tr></tfoot></table>",
    "<table><tbody><tr id='raw' live:html='v'></tr><tr><td>b</td></tr></tbody></table>",
    "<table><tbody id='raw' live:html='v'></tbody><tfoot><tr><td>b</td></tr></tfoot></table>",
    "<table id='raw' live:html='v'></table>",
    "<select id='raw' live:html='v'></select>",
    "<svg id='raw' live:html='v'></svg>",
    "<svg><g id='raw' live:html='v'></g><circle></circle></svg>",
    "<svg><foreignObject id='raw' live:html='v'></foreignObject><circle></circle></svg>",
    "<math id='raw' live:html='v'></math>",
    "<p id='raw' live:html='v'></p>",
    "<p>a<span id='raw' live:html='v'></span>b<b>c</b></p>",
    "<button id='raw' live:html='v'></button>",
    "<button>a<b id='raw' live:html='v'></b>b</button>",
    "<form><div id='raw' live:html='v'></div><input></form>",
    "<a href='#'><i id='raw' live:html='v'></i>b</a>",
    "<ul><li id='raw' live:html='v'></li><li>b</li></ul>",
    "<pre id='raw' live:html='v'></pre>",
];

const BEHIND: &str = "<b>behind</b><form><a href='#'>link</a> text <button>button</button></form><p>end</p>";

const PIECES: [&str; 74] = [
    "<!-- open",
    "<!-- c -->",
    "<!-",
    "<!>",
    "-->",
    "<![CDATA[",
    "]]>",
    "<?x",
    "<",
    "</",
    "<div",
    "<div>",
    "</div>",
    "<p>",
    "</p>",
    "<b>",
    "</b>",
    "<i>",
    "<a href=x>",
    "</a>",
    "<a title='",
    "<a title=\"",
    "<a title=",
    "\"",
    "'",
    ">",
    "<form>",
    "</form>",
    "<button>",
    "</button>",
    "<table>",
    "</table>",
    "<tr>",
    "</tr>",
    "<td>",
    "</td>",
    "<tbody>",
    "</tbody>",
    "<caption>",
    "<col>",
    "<select>",
    "</select>",
    "<option>",
    "<li>",
    "</li>",
    "<ul>",
    "</ul>",
    "<script>",
    "</script>",
    "<style>",
    "<plaintext>",
    "<textarea>",
    "</textarea>",
    "<title>",
    "<xmp>",
    "<iframe>",
    "<noscript>",
    "</noscript>",
    "<template>",
    "</template>",
    "<svg>",
    "</svg>",
    "<math>",
    "<mi>",
    "<foreignObject>",
    "<desc>",
    "<body>",
    "</body></html>",
    "<pre>\n\n",
    "\0",
    "\r\n",
    "&#13;",
    "&amp;lt;",
    "text",
];

/// Returns the parsed page, and the content of the element.
fn painted(template: &str, html: &str) -> (Element, Vec<Node>) {
    let compiled = compile(&format!("{template}{BEHIND}")).unwrap();
    let painted = render(&compiled, &json!({ "v": html }), None).html;
    let mut page = parsed(&format!("<main><live-component>{painted}</live-component></main>"), "main");
    let content = taken(&mut page).expect("the page has no such element");
    (page, content)
}

/// Takes the content out of the element.
fn taken(element: &mut Element) -> Option<Vec<Node>> {
    if element.attributes.get("id").is_some_and(|id| id == "raw") {
        return Some(std::mem::take(&mut element.children));
    }
    element.elements().find_map(taken)
}

fn stays(template: &str, html: &str) {
    let (page, _) = painted(template, html);
    let (empty, _) = painted(template, "");
    assert_eq!(page, empty, "{html:?} in {template}");
}

#[test]
fn html_stays_in_its_element() {
    for context in CONTEXTS {
        for piece in PIECES {
            stays(context, piece);
            stays(context, &format!("<b>{piece}x"));
            stays(context, &format!("{piece}<i title='{piece}'>{piece}"));
        }
    }
}

#[test]
fn html_is_balanced_as_a_browser_would() {
    let content = |context: usize, html: &str| {
        let compiled = compile(CONTEXTS[context]).unwrap();
        render(&compiled, &json!({ "v": html }), None).html
    };
    for (html, balanced) in [
        ("<!-- open", "<!-- open-->"),
        ("a</div></main>b", "ab"),
        ("<b>x", "<b>x</b>"),
        ("<p>a<p>b", "<p>a</p><p>b</p>"),
        ("<a title='x", ""),
        ("<plaintext>a</div>", "<pre>a&lt;/div&gt;</pre>"),
        ("<textarea>a", "<textarea>a</textarea>"),
        ("<textarea>\n\na", "<textarea>\n\na</textarea>"),
        ("<script>a('</div>')", "<script>a('</div>')</script>"),
        ("<template><td>x", "<template><td>x</td></template>"),
        ("<tr><td>x", "x"),
        ("<svg><p>x", "<svg></svg><p>x</p>"),
        ("a\0b", "a\u{fffd}b"),
        ("a\r\nb&#13;", "a\nb&#13;"),
        ("<noscript><!--", "<noscript><!----></noscript>"),
        ("plain", "plain"),
        ("a &lt; b &amp;", "a &lt; b &amp;"),
        ("<form><input>", "<form><input></form>"),
    ] {
        assert_eq!(content(0, html), format!("<div id=\"raw\">{balanced}</div>"), "{html:?}");
    }
    // Text replaces HTML that a page cannot have there.
    assert_eq!(content(16, "<b>a<a href=x>b</a></b>"), "<a href=\"#\"><i id=\"raw\">ab</i>b</a>");
    assert_eq!(content(16, "<b>a</b>"), "<a href=\"#\"><i id=\"raw\"><b>a</b></i>b</a>");
    assert_eq!(content(11, "<div>a &amp; b</div>"), "<p id=\"raw\">a &amp; b</p>");
    assert_eq!(content(18, "\na"), "<pre id=\"raw\">\n\na</pre>");
    // Deeper than browsers allow.
    let deep = content(0, &"<div>".repeat(600));
    assert_eq!(deep, "<div id=\"raw\"></div>");
}

/// A child inside elements of its parent.
#[test]
fn enclosing_elements_of_the_component_count() {
    for (outer, html, expected) in [
        ("<form><live:c></live:c></form>", "<form>a</form>", "a"),
        ("<a href='#'><live:c></live:c></a>", "<a href=x>a</a>", "a"),
        ("<button><live:c></live:c></button>", "<button>a</button>", "a"),
        ("<div><live:c></live:c></div>", "<button>a</button>", "<button>a</button>"),
    ] {
        let parent = render(&compile(outer).unwrap(), &json!({}), None);
        let child = compile("<div live:html='v'></div>").unwrap();
        let child = render_within(&child, &json!({ "v": html }), None, &parent.children[0].around);
        assert_eq!(child.html, format!("<div>{expected}</div>"), "{outer}");
    }
}

fn any_html() -> impl Strategy<Value = String> {
    let piece =
        prop_oneof![4 => prop::sample::select(&PIECES[..]).prop_map(str::to_owned), 1 => any::<String>()];
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_html_stays_in_its_element(at in 0..CONTEXTS.len(), html in any_html()) {
        stays(CONTEXTS[at], &html);
    }
}

/// `innerHTML` keeps a byte order mark, too.
#[test]
fn a_byte_order_mark_is_kept() {
    for (html, first) in [("\u{feff}<b>x</b>", "\u{feff}"), ("\u{feff}\u{feff}a", "\u{feff}\u{feff}a")] {
        let compiled = compile("<div id='raw' live:html='v'></div>").unwrap();
        let page = render(&compiled, &json!({ "v": html }), None).html;
        let root = parsed(&format!("<main>{page}</main>"), "main");
        let [Node::Element(raw)] = &root.children[..] else { panic!("{root:#?}") };
        assert!(matches!(&raw.children[0], Node::Text(text) if text == first), "{raw:#?}");
    }
}
