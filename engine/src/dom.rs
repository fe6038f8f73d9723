//! The interface to the DOM: the engine writes operations and reads nothing back.
//!
//! The engine never accesses a node. It writes operations into a buffer of words and one string
//! ([`Ops`]), which the caller runs after each turn: in the browser, a small decoder in JavaScript
//! (`client-wasm/js/dom.js`). That is faster and smaller than one call for each operation. Events
//! that fire while nodes change (a removed input loses its focus) never reach the engine during a
//! turn.

#[cfg(not(target_arch = "wasm32"))]
mod decode;
#[cfg(feature = "testing")]
mod hole;

#[cfg(feature = "testing")]
pub(crate) use hole::{Hole, HoleValue};

/// The operations. The words that follow each are named. `node` is the number of a node, which the
/// engine assigns: that of an instance's root; two numbers follow for each list and condition, the
/// parent and the anchor after the content. `hole` is the position of a hole in its block. `kind`
/// is the return value of `shown`. The writer appends the lengths of the strings after the words.
/// The decoder uses the same numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Op {
    /// `template` json: defines blocks to clone, numbered from `template`, and their holes.
    Template = 1,
    /// `node template`: clones the skeleton.
    Make,
    /// `node hole first count stride template`: adopts rows that the server rendered and assigns
    /// their numbers.
    Rows,
    /// `node slot template rebuild`: the component's element; filled with the skeleton if `rebuild`
    /// is 1.
    Root,
    /// `parent node before`: inserts a node before another one; `before` is 0 for the end.
    Insert,
    /// `node`: removes a node from the page.
    Remove,
    /// `node count`: releases numbers.
    Forget,
    /// `parent`: removes the content of a node.
    Clear,
    /// `node hole kind` value: sets the value of a hole; 16 is added to the kind if the value is
    /// set even when unchanged.
    Set,
    /// `slot kind` field value: an edit of a field was refused. The value is the confirmed one; the
    /// text that the user typed stays.
    Refuse,
    /// `attempt code queued` name: the connection status.
    Status,
    /// `ticket ok` json: the result of a call.
    Settle,
    /// `slot`: the component's state changed.
    Notify,
    /// `slot` json: an application event, with its name and its data.
    Emit,
    /// `slot phase` json: the component has reached a [`phase`]. The JSON is the failure of a
    /// mount.
    Phase,
    /// `slot` action json: an action failed, and no caller awaits its result.
    Fault,
    /// (nothing) hash: fetches a template.
    Fetch,
    /// `token ms`: schedules a call of [`Page::timer`](crate::Page::timer) with the token after
    /// `ms` milliseconds.
    Timer,
    /// (nothing): reloads the page.
    Reload,
    /// (nothing) json: the requested state.
    State,
    /// (nothing): the connection requires another turn.
    Turn,
    /// (nothing) id: the id of a removed component may be used again.
    Forgotten,
    /// (nothing) build: the server sent its build.
    Build,
    /// `slot`: the node operations that follow belong to that component's view.
    View,
    /// `node ok`: an action of that root was answered, and no other action of it is unanswered.
    Answered,
}

/// The phases of a component that [`Op::Phase`] reports.
pub mod phase {
    /// It is mounted.
    pub const LIVE: u32 = 0;
    /// Its mount failed, or the server has removed it.
    pub const FAILED: u32 = 1;
    /// It shows the state that the page was painted with, and takes events. The mount is
    /// unanswered.
    pub const PAINTED: u32 = 2;
}

/// The encoding of a value's kind in [`Op::Set`] and [`Op::Refuse`]: the type in the lowest three
/// bits, then flags.
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
    #[cfg_attr(not(feature = "testing"), expect(dead_code, reason = "only JavaScript reads it"))]
    pub(crate) const TYPE: u32 = 7;
    /// Whether the value is true as a condition.
    pub(crate) const TRUTHY: u32 = 1 << 3;
    /// Whether a property is set even if it was set to the same value before.
    pub(crate) const FORCED: u32 = 1 << 4;
}

/// Pending operations, in order.
#[derive(Debug, Default)]
pub struct Ops {
    /// For each operation its number, its words, and the lengths of its strings in UTF-16 code
    /// units.
    pub words: Vec<u32>,
    /// All strings, concatenated.
    pub text: String,
}

impl Ops {
    /// Checks whether there are no operations.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// Appends one operation with its words and strings.
    pub fn put(&mut self, op: Op, words: &[u32], strings: &[&str]) {
        self.words.push(op as u32);
        self.words.extend_from_slice(words);
        for text in strings {
            self.text.push_str(text);
            // The decoder slices a JavaScript string, which counts in UTF-16: one unit for each
            // character, and one more for each character that has four bytes in UTF-8.
            let mut length = 0;
            for byte in text.bytes() {
                length += u32::from(byte & 0xC0 != 0x80) + u32::from(byte >= 0xF0);
            }
            self.words.push(length);
        }
    }
}
