//! The seam to the DOM: operations in, nothing out.
//!
//! The engine never touches a node. It writes operations into a buffer of words and one string; a small decoder in
//! JavaScript (`js/dom.js`) runs them, once a frame. That is faster and smaller than a call for each, and it means
//! that whatever fires while nodes change (a removed input blurs) cannot meet an engine that is half done.

mod ops;

pub(crate) use ops::{Ops, later};

#[cfg(target_arch = "wasm32")]
pub(crate) use ops::{float, number};

/// What can be done. The words that follow each are named; `node` and `id` are numbers of nodes, which the engine
/// gives out, `path` is the number of a registered walk that starts at the node. Lengths of strings are added by the
/// writer, after the words. The numbers are those of the decoder's cases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Op {
    /// `template namespace` html: a skeleton to clone.
    Template = 1,
    /// `path kind count step…`: a walk; its kind is a [`Walk`], a step is `comments << 16 | elements`.
    Path,
    /// `name` text: an attribute's, class's or property's name.
    Name,
    /// `template hole path flags held debounce throttle` event keys: listens wherever the template is cloned.
    Listen,
    /// `template hole path control flags debounce`: a control bound to a field.
    Control,
    /// `template path kind` name: a reference (0) or a hook (1).
    Mark,
    /// `node template`: clones the skeleton.
    Make,
    /// `node path id`: remembers the node at the end of the walk as `id`.
    Refer,
    /// `parent path first count stride template`: takes rows that the server rendered, and numbers them.
    Rows,
    /// `node slot template`: the component's own element.
    Root,
    /// `node template`: empties the component's element and fills it with the skeleton.
    Rebuild,
    /// `parent node before`: puts a node where it belongs, `before` 0 for the end.
    Insert,
    /// `node`: takes it out of the page.
    Remove,
    /// `node count`: forgets numbers.
    Forget,
    /// `parent`: empties it.
    Clear,
    /// `node path` text: a text node.
    Text,
    /// `node path` text: the whole content.
    Content,
    /// `node path` html: the whole content.
    Html,
    /// `node path name` value.
    Attribute,
    /// `node path name`
    RemoveAttribute,
    /// `node path name force` value: a property that the user changes too. Forced: also if it was set to that before.
    Property,
    /// `node path name on`
    Class,
    /// `node path` names: the classes that a `class` attribute names.
    Classes,
    /// `node path name on` value
    Style,
    /// `node path on`
    Show,
    /// `node path control force` value: what the field of a control says.
    Model,
    /// `node path` message: what was typed is refused; the value that counts comes with it, but the text stays.
    Refuse,
    /// `node path effect on` argument: shows the state of the wire; the effect is an [`Effect`].
    Wire,
    /// `node path anew` component props: a child component.
    Child,
    /// `attempt code queued` name: how the page is connected.
    Status,
    /// `ticket ok` json: what a call came to.
    Settle,
    /// `slot`: the component's state is another.
    Notify,
    /// `slot` name json: an application event.
    Emit,
    /// `slot failed` json: the component is there, or could not be.
    Phase,
    /// `slot` action json: an action that nobody waits for failed.
    Fault,
    /// (nothing) hash: fetch a template.
    Fetch,
    /// `token ms`
    Timer,
    /// (nothing): load the page anew.
    Reload,
    /// (nothing) json: the state that was asked for.
    State,
    /// (nothing): the socket wants another turn.
    Turn,
}

/// What stands at the end of a walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Walk {
    /// An element.
    Element,
    /// The text node right after the last step, made if there is none.
    Text,
    /// The comment that the last step counts to.
    Comment,
    /// The place after the last step: where rows begin.
    Place,
}

/// What a state of the wire does to an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Effect {
    Show,
    Class,
    Attribute,
}

/// Takes operations.
pub(crate) trait Dom {
    /// Adds one operation with its words and strings.
    fn put(&mut self, op: Op, words: &[u32], strings: &[&str]);
}
