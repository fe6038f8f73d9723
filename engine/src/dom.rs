//! The seam to the DOM: operations in, nothing out.
//!
//! The engine never touches a node. It writes operations into a buffer of words and one string
//! ([`Ops`]), which the caller runs after each turn: in the browser a small decoder in JavaScript
//! (`client-wasm/js/dom.js`). That is faster and smaller than a call for each, and events that fire
//! while nodes change (a removed input blurs) never meet an engine in the middle of a turn.

#[cfg(not(target_arch = "wasm32"))]
mod decode;

/// What can be done. The words that follow each are named; `node` is the number of a node, which
/// the engine gives out (an instance's root; those of the places of its lists and conditions
/// follow, two each: the parent and what stands behind), `hole` the position of a hole in its
/// block, `kind` is what `shown` says of a value. Lengths of strings are added by the writer, after
/// the words. The numbers are those of the decoder's cases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Op {
    /// `template` json: blocks to clone, numbered from there on, and what their holes are.
    Template = 1,
    /// `node template`: clones the skeleton.
    Make,
    /// `node hole first count stride template`: takes rows that the server rendered, and numbers
    /// them.
    Rows,
    /// `node slot template anew`: the component's own element, filled with the skeleton if it is
    /// made anew.
    Root,
    /// `parent node before`: puts a node where it belongs, `before` 0 for the end.
    Insert,
    /// `node`: takes it out of the page.
    Remove,
    /// `node count`: forgets numbers.
    Forget,
    /// `parent`: empties it.
    Clear,
    /// `node hole kind` value: what a hole shows; 16 is added to the kind for one that is set even
    /// if it was before.
    Set,
    /// `slot kind` field value: what was typed into a field is refused; the value that counts comes
    /// with it, but the text stays.
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
    /// `token ms`: call [`Page::timer`](crate::Page::timer) with the token after so many
    /// milliseconds.
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

/// What [`Op::Set`] and [`Op::Refuse`] contain about a value: its type in the lowest three bits,
/// then flags.
pub(crate) mod value {
    /// `null`
    pub(crate) const NULL: u32 = 0;
    /// `false`
    pub(crate) const FALSE: u32 = 1;
    /// `true`
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

/// Operations that have not run, in order.
#[derive(Debug, Default)]
pub struct Ops {
    /// For each operation its number, its words, and the lengths of its strings in UTF-16 code
    /// units.
    pub words: Vec<u32>,
    /// All strings, one after the other.
    pub text: String,
}

impl Ops {
    /// Checks whether there are none.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// Adds one operation with its words and strings.
    pub fn put(&mut self, op: Op, words: &[u32], strings: &[&str]) {
        self.words.push(op as u32);
        self.words.extend_from_slice(words);
        for text in strings {
            self.text.push_str(text);
            // The decoder cuts a JavaScript string, which counts in UTF-16: one for each character,
            // and one more for those that take four bytes.
            let mut length = 0;
            for byte in text.bytes() {
                length += u32::from(byte & 0xC0 != 0x80) + u32::from(byte >= 0xF0);
            }
            self.words.push(length);
        }
    }
}
