//! The parts of a page that was streamed, put into their places as by `client-wasm/js/parts.js`.

use super::html::tree::{Node, NodeTree};

/// The attribute of a component whose part follows, and of the element with the part.
const PART: &str = "live-part";

/// Replaces the components of a page by their parts.
pub(super) fn place_parts(tree: &mut NodeTree, page: Node) {
    let marked: Vec<Node> = tree.inside(page).filter(|node| tree.attribute(*node, PART).is_some()).collect();
    let (places, sources): (Vec<_>, Vec<_>) =
        marked.into_iter().partition(|node| tree.name(*node) == "live-component");
    for source in sources {
        let number = tree.attribute(source, PART);
        let place = places.iter().copied().find(|place| tree.attribute(*place, PART) == number);
        let content = if tree.name(source) == "noscript" {
            // With scripts, the content of `<noscript>` is its text.
            let text = tree.text(source);
            tree.parse(&text)
        } else {
            source
        };
        let part = tree.inside(content).find(|node| tree.name(*node) == "live-component");
        if let (Some(place), Some(part)) = (place, part)
            && let Some(parent) = tree.parent(place)
        {
            tree.insert(parent, part, Some(place));
            tree.detach(place);
        }
        tree.detach(source);
    }
    let marks: Vec<Node> = tree.inside(page).filter(|node| tree.name(*node) == PART).collect();
    for mark in marks {
        tree.detach(mark);
    }
}
