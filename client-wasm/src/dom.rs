//! The seam to the DOM: operations in, nothing out.
//!
//! The engine never touches a node. It writes operations into a buffer of words and one string; a small decoder in
//! JavaScript (`js/dom.js`) runs them, once a frame. That is faster and smaller than a call for each, and it means
//! that whatever fires while nodes change (a removed input blurs) cannot meet an engine that is half done.

mod ops;

pub(crate) use ops::{Ops, later};

#[cfg(target_arch = "wasm32")]
pub(crate) use ops::{float, number};

/// What can be done. The words that follow each are named; `node` is the number of a node, which the engine gives out
/// (an instance's root; those of the places of its lists and conditions follow, two each: the parent and what stands
/// behind), `hole` the position of a hole in its block, `kind` is what `shown` says of a value. Lengths of strings are
/// added by the writer, after the words. The numbers are those of the decoder's cases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Op {
    /// `template` json: blocks to clone, numbered from there on, and what their holes are.
    Template = 1,
    /// `node template`: clones the skeleton.
    Make,
    /// `node hole first count stride template`: takes rows that the server rendered, and numbers them.
    Rows,
    /// `node slot template anew`: the component's own element, filled with the skeleton if it is made anew.
    Root,
    /// `parent node before`: puts a node where it belongs, `before` 0 for the end.
    Insert,
    /// `node`: takes it out of the page.
    Remove,
    /// `node count`: forgets numbers.
    Forget,
    /// `parent`: empties it.
    Clear,
    /// `node hole kind` value: what a hole shows; `kind` is made of [`value`]'s constants.
    Set,
    /// `slot kind` field value: what was typed into a field is refused; the value that counts comes with it,
    /// but the text stays.
    Refuse,
    /// `attempt code queued` name: how the page is connected.
    Status,
    /// `ticket ok` json: what a call came to.
    Settle,
    /// `slot`: the component's state is another.
    Notify,
    /// `slot` json: an application event, its name and its data.
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
    /// (nothing) id: the id of a removed component may be used again.
    Forgotten,
    /// (nothing) build: the server named its build.
    Build,
    /// `slot`: the operations on nodes that follow are of that component's view.
    View,
    /// `node ok`: an action of that root was answered, and no other one of it is unanswered.
    Answered,
}

/// What [`Op::Set`] and [`Op::Refuse`] contain about a value: its type in the lowest three bits, then flags.
pub(crate) mod value {
    pub(crate) const NULL: u32 = 0;
    pub(crate) const FALSE: u32 = 1;
    pub(crate) const TRUE: u32 = 2;
    /// A number or a string, as text.
    pub(crate) const TEXT: u32 = 3;
    /// A JSON array of the items' texts.
    pub(crate) const LIST: u32 = 4;
    /// JSON.
    pub(crate) const OBJECT: u32 = 5;
    /// Mask of the type.
    #[expect(dead_code, reason = "JavaScript reads it")]
    pub(crate) const TYPE: u32 = 7;
    /// Whether the value holds as a condition.
    pub(crate) const TRUTHY: u32 = 1 << 3;
    /// Whether a property is set even if it was set to the same value before.
    pub(crate) const FORCED: u32 = 1 << 4;
}

/// Takes operations.
pub(crate) trait Dom {
    /// Adds one operation with its words and strings.
    fn put(&mut self, op: Op, words: &[u32], strings: &[&str]);
}
