//! The HTML elements whose properties the compiler knows: one table, from the HTML standard's tree
//! construction. A name with a hyphen is a custom element and is not in it.

/// A template may contain the element.
pub(crate) const USABLE: u8 = 1;
/// Its start tag closes an open paragraph.
pub(crate) const CLOSES_P: u8 = 2;
/// It ends an enclosing SVG or MathML element.
pub(crate) const BREAKS_OUT: u8 = 4;
/// It ends the search for an open element of some kind.
pub(crate) const ENDS_SCOPE: u8 = 8;
/// It ends the search for an open list item: all "special" elements except `address`, `div` and
/// `p`.
pub(crate) const ENDS_ITEM: u8 = 16;
/// It is displayed as a block although it closes no paragraph.
pub(crate) const BLOCK: u8 = 32;
/// It has no content and no end tag.
pub(crate) const VOID: u8 = 64;

/// The elements in alphabetical order, with their properties.
const ELEMENTS: &[(&str, u8)] = &[
    ("a", USABLE),
    ("abbr", USABLE),
    ("acronym", USABLE),
    ("address", USABLE | CLOSES_P),
    ("applet", ENDS_SCOPE),
    ("area", USABLE | VOID),
    ("article", USABLE | CLOSES_P | ENDS_ITEM),
    ("aside", USABLE | CLOSES_P | ENDS_ITEM),
    ("audio", USABLE),
    ("b", USABLE | BREAKS_OUT),
    ("base", VOID),
    ("bdi", USABLE),
    ("bdo", USABLE),
    ("big", USABLE | BREAKS_OUT),
    ("blockquote", USABLE | CLOSES_P | BREAKS_OUT | ENDS_ITEM),
    ("body", BREAKS_OUT),
    ("br", USABLE | BREAKS_OUT | BLOCK | VOID),
    ("button", USABLE | ENDS_ITEM),
    ("canvas", USABLE),
    ("caption", USABLE | ENDS_SCOPE | ENDS_ITEM | BLOCK),
    ("center", USABLE | CLOSES_P | BREAKS_OUT | ENDS_ITEM),
    ("cite", USABLE),
    ("code", USABLE | BREAKS_OUT),
    ("col", USABLE | BLOCK | VOID),
    ("colgroup", USABLE | ENDS_ITEM | BLOCK),
    ("data", USABLE),
    ("datalist", USABLE),
    ("dd", USABLE | CLOSES_P | BREAKS_OUT | ENDS_ITEM),
    ("del", USABLE),
    ("details", USABLE | CLOSES_P | ENDS_ITEM),
    ("dfn", USABLE),
    ("dialog", USABLE | CLOSES_P),
    ("dir", CLOSES_P | ENDS_ITEM),
    ("div", USABLE | CLOSES_P | BREAKS_OUT),
    ("dl", USABLE | CLOSES_P | BREAKS_OUT | ENDS_ITEM),
    ("dt", USABLE | CLOSES_P | BREAKS_OUT | ENDS_ITEM),
    ("em", USABLE | BREAKS_OUT),
    ("embed", USABLE | BREAKS_OUT | VOID),
    ("fieldset", USABLE | CLOSES_P | ENDS_ITEM),
    ("figcaption", USABLE | CLOSES_P | ENDS_ITEM),
    ("figure", USABLE | CLOSES_P | ENDS_ITEM),
    ("font", USABLE),
    ("footer", USABLE | CLOSES_P | ENDS_ITEM),
    ("form", USABLE | CLOSES_P | ENDS_ITEM),
    ("h1", USABLE | CLOSES_P | BREAKS_OUT | ENDS_ITEM),
    ("h2", USABLE | CLOSES_P | BREAKS_OUT | ENDS_ITEM),
    ("h3", USABLE | CLOSES_P | BREAKS_OUT | ENDS_ITEM),
    ("h4", USABLE | CLOSES_P | BREAKS_OUT | ENDS_ITEM),
    ("h5", USABLE | CLOSES_P | BREAKS_OUT | ENDS_ITEM),
    ("h6", USABLE | CLOSES_P | BREAKS_OUT | ENDS_ITEM),
    ("head", BREAKS_OUT),
    ("header", USABLE | CLOSES_P | ENDS_ITEM),
    ("hgroup", USABLE | CLOSES_P | ENDS_ITEM),
    ("hr", USABLE | CLOSES_P | BREAKS_OUT | VOID),
    ("i", USABLE | BREAKS_OUT),
    ("iframe", USABLE | ENDS_ITEM),
    ("img", USABLE | BREAKS_OUT | VOID),
    ("input", USABLE | VOID),
    ("ins", USABLE),
    ("kbd", USABLE),
    ("label", USABLE),
    ("legend", USABLE | BLOCK),
    ("li", USABLE | CLOSES_P | BREAKS_OUT | ENDS_ITEM),
    ("link", USABLE | VOID),
    ("listing", BREAKS_OUT | BLOCK),
    ("main", USABLE | CLOSES_P | ENDS_ITEM),
    ("map", USABLE),
    ("mark", USABLE),
    ("marquee", ENDS_SCOPE),
    ("menu", USABLE | CLOSES_P | BREAKS_OUT | ENDS_ITEM),
    ("meta", USABLE | BREAKS_OUT | VOID),
    ("meter", USABLE),
    ("nav", USABLE | CLOSES_P | ENDS_ITEM),
    ("nobr", BREAKS_OUT),
    ("object", USABLE | ENDS_SCOPE | ENDS_ITEM),
    ("ol", USABLE | CLOSES_P | BREAKS_OUT | ENDS_ITEM),
    ("optgroup", USABLE | BLOCK),
    ("option", USABLE | BLOCK),
    ("output", USABLE),
    ("p", USABLE | CLOSES_P | BREAKS_OUT),
    ("picture", USABLE),
    ("pre", USABLE | CLOSES_P | BREAKS_OUT | ENDS_ITEM),
    ("progress", USABLE),
    ("q", USABLE),
    ("rp", USABLE),
    ("rt", USABLE),
    ("ruby", USABLE | BREAKS_OUT),
    ("s", USABLE | BREAKS_OUT),
    ("samp", USABLE),
    ("script", USABLE),
    ("search", USABLE | CLOSES_P | ENDS_ITEM),
    ("section", USABLE | CLOSES_P | ENDS_ITEM),
    ("select", USABLE | ENDS_ITEM),
    ("slot", USABLE),
    ("small", USABLE | BREAKS_OUT),
    ("source", USABLE | BLOCK | VOID),
    ("span", USABLE | BREAKS_OUT),
    ("strike", USABLE | BREAKS_OUT),
    ("strong", USABLE | BREAKS_OUT),
    ("style", USABLE),
    ("sub", USABLE | BREAKS_OUT),
    ("summary", USABLE | CLOSES_P | ENDS_ITEM),
    ("sup", USABLE | BREAKS_OUT),
    ("table", USABLE | CLOSES_P | BREAKS_OUT | ENDS_SCOPE | ENDS_ITEM),
    ("tbody", USABLE | ENDS_ITEM | BLOCK),
    ("td", USABLE | ENDS_SCOPE | ENDS_ITEM | BLOCK),
    ("template", USABLE | ENDS_SCOPE | ENDS_ITEM),
    ("textarea", USABLE),
    ("tfoot", USABLE | ENDS_ITEM | BLOCK),
    ("th", USABLE | ENDS_SCOPE | ENDS_ITEM | BLOCK),
    ("thead", USABLE | ENDS_ITEM | BLOCK),
    ("time", USABLE),
    ("title", USABLE),
    ("tr", USABLE | ENDS_ITEM | BLOCK),
    ("track", USABLE | BLOCK | VOID),
    ("tt", USABLE | BREAKS_OUT),
    ("u", USABLE | BREAKS_OUT),
    ("ul", USABLE | CLOSES_P | BREAKS_OUT | ENDS_ITEM),
    ("var", USABLE | BREAKS_OUT),
    ("video", USABLE),
    ("wbr", USABLE | VOID),
    ("xmp", BLOCK),
];

/// Returns whether the HTML element `name` has one of the properties.
pub(crate) fn has_any(name: &str, properties: u8) -> bool {
    let at = ELEMENTS.binary_search_by(|(element, _)| (*element).cmp(name));
    at.ok().and_then(|at| ELEMENTS.get(at)).is_some_and(|(_, its)| its & properties != 0)
}

/// Returns the names of the elements that a template may contain.
pub(crate) fn usable() -> impl Iterator<Item = &'static str> {
    ELEMENTS.iter().filter(|(_, properties)| properties & USABLE != 0).map(|(name, _)| *name)
}

#[cfg(test)]
mod tests {
    use super::{CLOSES_P, ELEMENTS, ENDS_ITEM, USABLE, VOID, has_any, usable};

    #[test]
    fn names_are_in_the_order_that_the_search_requires() {
        assert!(ELEMENTS.is_sorted_by(|(one, _), (next, _)| one < next));
    }

    #[test]
    fn an_element_has_the_properties_of_its_row() {
        assert!(has_any("li", CLOSES_P) && has_any("li", ENDS_ITEM) && !has_any("li", VOID));
        assert!(has_any("br", VOID | CLOSES_P) && !has_any("br", CLOSES_P));
        assert!(has_any("base", VOID) && !has_any("base", USABLE));
        assert!(!has_any("blink", u8::MAX));
        assert!(usable().eq(ELEMENTS.iter().map(|(name, _)| *name).filter(|name| has_any(name, USABLE))));
    }
}
