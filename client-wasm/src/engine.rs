//! What JavaScript calls. Each call is one turn: the client hears of it, views follow, and then, with nothing
//! borrowed, the operations run. JavaScript sees to it that calls do not nest.

use std::cell::RefCell;

use wasm_bindgen::prelude::*;

use crate::client::Output;
use crate::dom::Ops;
use crate::page::{Mount, Page};
use crate::transport::{News, Socket};
use crate::value::{Key, parse};

struct Engine {
    page: Page<Ops>,
    /// The address of the socket.
    url: String,
    socket: Option<Socket>,
}

thread_local! { static ENGINE: RefCell<Option<Engine>> = const { RefCell::new(None) }; }

/// One turn. (Not generic: a copy for each caller would be a quarter of the module.)
fn turn(act: &mut dyn FnMut(&mut Page<Ops>)) {
    let mut first = true;
    loop {
        let ops = ENGINE.with_borrow_mut(|engine| {
            let engine = engine.as_mut()?;
            if first {
                act(&mut engine.page);
            }
            engine.link();
            let ops = std::mem::take(&mut engine.page.stage.dom);
            (!ops.is_empty()).then_some(ops)
        });
        first = false;
        let Some(ops) = ops else { return };
        let fits = ops.run();
        ENGINE.with_borrow_mut(|engine| {
            if let Some(engine) = engine {
                engine.page.ran(fits);
            }
        });
    }
}

impl Engine {
    /// Does what concerns the socket.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the page did the others")]
    fn link(&mut self) {
        for output in self.page.turn() {
            match output {
                Output::Connect { socket } => {
                    self.socket = Some(Socket::open(&self.url, move |news| match news {
                        News::Opened => turn(&mut |page| page.client.opened(socket)),
                        News::Frame(frame) => turn(&mut |page| page.client.frame(socket, &frame)),
                        News::Closed(code) => turn(&mut |page| page.client.closed(socket, code)),
                    }));
                }
                Output::Send(frame) => {
                    if let Some(socket) = &self.socket {
                        socket.send(frame);
                    }
                }
                Output::Close { code } => {
                    if let Some(socket) = self.socket.take() {
                        socket.close(code);
                    }
                }
                _ => {}
            }
        }
    }
}

/// Starts the engine. `seed` is any number between 0 and 1.
#[wasm_bindgen]
pub fn start(url: String, seed: f64) {
    let page = Page::new(seed.to_bits(), Ops::default());
    ENGINE.with_borrow_mut(|engine| *engine = Some(Engine { page, url, socket: None }));
}

/// Mounts a component; its slot is the number of components mounted before. `seal` and `shape` may be absent.
#[wasm_bindgen]
#[expect(
    clippy::too_many_arguments,
    clippy::needless_pass_by_value,
    reason = "JavaScript hands over one attribute each, and what may be absent by value"
)]
pub fn mount(
    id: &str,
    seal: Option<String>,
    name: &str,
    props: &str,
    template: &str,
    shape: Option<String>,
    user: &str,
    element: bool,
) {
    turn(&mut |page| {
        let (seal, shape) = (seal.as_deref(), shape.as_deref());
        page.mount(&Mount { id, seal, name, props, template, shape, user, element });
    });
}

/// Unmounts a component.
#[wasm_bindgen]
pub fn unmount(slot: u32) {
    turn(&mut |page| page.unmount(slot));
}

/// An event at a hole of an instance.
#[wasm_bindgen]
pub fn event(slot: u32, node: u32, hole: u32, payload: &str) {
    turn(&mut |page| page.event(slot, node, hole, parse(payload).unwrap_or_default()));
}

/// A control was edited.
#[wasm_bindgen]
pub fn edit(slot: u32, node: u32, hole: u32, value: &str) {
    turn(&mut |page| page.edit(slot, node, hole, parse(value).unwrap_or_default()));
}

/// The moment of an edit has come.
#[wasm_bindgen]
pub fn commit(slot: u32, node: u32, hole: u32) {
    turn(&mut |page| page.commit(slot, node, hole));
}

/// What is unanswered, for the page that a reload makes; empty if nothing is.
#[wasm_bindgen]
pub fn keep() -> String {
    read(|page| page.client.keep()).unwrap_or_default()
}

/// Calls an action with a JSON array of arguments. Ticket 0: nobody waits.
#[wasm_bindgen]
pub fn call(slot: u32, action: &str, arguments: &str, ticket: u32) {
    let ticket = (ticket != 0).then_some(ticket);
    turn(&mut |page| page.client.action(slot, action, arguments, None, ticket, Vec::new()));
}

/// Sets a `model` field to a JSON value.
#[wasm_bindgen]
pub fn set(slot: u32, field: &str, value: &str, ticket: u32) {
    turn(&mut |page| {
        let field = Key::of(field);
        page.client.edit(slot, field, parse(value).unwrap_or_default(), false);
        page.client.commit(slot, field, (ticket != 0).then_some(ticket));
    });
}

/// Lays a guess over the state; its number.
#[wasm_bindgen]
pub fn guess(slot: u32, patch: &str) -> f64 {
    let mut tag = 0;
    turn(&mut |page| tag = page.guess(slot, parse(patch).unwrap_or_default()));
    tag as f64
}

/// Takes a guess back.
#[wasm_bindgen]
pub fn release(slot: u32, tag: f64) {
    turn(&mut |page| page.client.release(slot, tag as u64));
}

/// A parent gave its child other props: a JSON object.
#[wasm_bindgen]
pub fn props(slot: u32, props: &str) {
    turn(&mut |page| page.client.props(slot, props));
}

/// A template came, or nothing where HTTP did not give it.
#[wasm_bindgen]
pub fn template(hash: &str, text: Option<String>) {
    let parsed = text.and_then(|text| parse(&text));
    turn(&mut |page| page.template(hash, parsed.as_ref()));
}

/// Time is up.
#[wasm_bindgen]
pub fn timer(token: u32) {
    turn(&mut |page| page.client.timer(token));
}

/// Connect now.
#[wasm_bindgen]
pub fn wake() {
    turn(&mut |page| page.client.wake());
}

/// The page goes away.
#[wasm_bindgen]
pub fn leave(for_good: bool) {
    turn(&mut |page| page.client.leave(for_good));
}

/// The state of a component as JSON, shared fields included.
#[wasm_bindgen]
pub fn state(slot: u32) -> String {
    read(|page| page.client.whole(slot)).unwrap_or_default().json()
}

/// Whether something of the component is unanswered.
#[wasm_bindgen]
pub fn loading(slot: u32) -> bool {
    read(|page| page.client.unanswered(slot).next().is_some()).unwrap_or(false)
}

fn read<T>(look: impl FnOnce(&Page<Ops>) -> T) -> Option<T> {
    ENGINE.with_borrow(|engine| engine.as_ref().map(|engine| look(&engine.page)))
}
