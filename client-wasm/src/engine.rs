//! What JavaScript calls. Each call is one turn: the client hears of it, views follow, and then,
//! with nothing borrowed, the operations run. JavaScript sees to it that calls do not nest.

use std::cell::RefCell;

use vivaz_engine::{Op, Ops, Page, SocketCommand, Val, parse};
use wasm_bindgen::prelude::*;

use crate::dom::run_all;
use crate::transport::{News, Socket};

struct Engine {
    page: Page,
    /// The address of the socket.
    url: Box<str>,
    socket: Option<Socket>,
}

// Never dropped: it lives as long as the module does.
thread_local! { static ENGINE: RefCell<Option<&'static mut Engine>> = const { RefCell::new(None) }; }

impl Engine {
    /// The operations that are to run now.
    fn operations(&mut self) -> Option<Ops> {
        let (url, socket) = (&self.url, &mut self.socket);
        self.page.turn(&mut |command| link(url, socket, command));
        let ops = std::mem::take(self.page.ops());
        (!ops.is_empty()).then_some(ops)
    }

    /// Hears one piece of news from the socket: views follow each frame before the next one changes
    /// the state again.
    fn hear(&mut self) {
        let Some(socket) = &mut self.socket else { return };
        let (number, page) = (socket.number, &mut self.page);
        match socket.news() {
            Some(News::Opened) => page.opened(number),
            Some(News::Frame(frame)) => page.frame(number, &frame),
            Some(News::Closed(code)) => {
                self.socket = None;
                page.closed(number, code);
            }
            None => {}
        }
    }
}

/// Carries out what is to be done with the socket.
fn link(url: &str, socket: &mut Option<Socket>, command: SocketCommand) {
    match command {
        SocketCommand::Connect(number) => *socket = Some(Socket::open(url, number)),
        SocketCommand::Send(frame) => {
            if let Some(socket) = socket {
                socket.send(&frame);
            }
        }
        SocketCommand::Close(code) => {
            if let Some(socket) = socket.take() {
                socket.close(code);
            }
        }
    }
}

/// Everything that JavaScript wants. One function for all, because each one more is as much glue
/// again: `what` says which, and what it does not need is 0 or empty.
#[wasm_bindgen]
pub fn turn(what: u32, slot: u32, a: u32, b: u32, text: &str, more: &str) -> f64 {
    let mut said = 0.0;
    // Read before the turn: what is not JSON is null.
    let mut value =
        if matches!(what, MOUNT | EVENT | EDIT | CALL | SET | GUESS | TEMPLATE) { parse(more) } else { None };
    ENGINE.with_borrow_mut(|engine| {
        if what == START {
            #[cfg(target_arch = "wasm32")]
            vivaz_engine::Numbers { write: crate::dom::number, read: crate::dom::float }.install();
            let page = Page::new(u64::from(a));
            *engine = Some(Box::leak(Box::new(Engine { page, url: text.into(), socket: None })));
        }
        let Some(engine) = engine else { return };
        let page = &mut engine.page;
        let mut value = || value.take().unwrap_or_default();
        match what {
            MOUNT => page.mount(slot, text, value(), a != 0),
            UNMOUNT => page.unmount(slot),
            EVENT => said = f64::from(page.event(slot, a, b, value())),
            EDIT => page.edit(slot, text, value()),
            COMMIT => {
                page.commit(slot, text, a);
            }
            CALL => page.call(slot, text, value(), a),
            SET => page.set(slot, text, value(), a),
            GUESS => said = page.guess(slot, value()) as f64,
            RELEASE => page.release(slot, u64::from(a)),
            PROPS => page.props(slot, text, 0),
            TEMPLATE => {
                let template = value();
                page.template(text, (template != Val::Null).then_some(template));
            }
            TIMER => page.timer(a),
            WAKE => page.wake(),
            LEAVE => page.leave(a != 0),
            STATE => {
                let state = page.state(slot).json();
                page.ops().put(Op::State, &[], &[&state]);
            }
            QUEUE => {
                let queue = page.queue();
                page.ops().put(Op::State, &[], &[&queue]);
            }
            LOADING => {
                let busy = page.is_loading(slot) || a != 0 && page.is_dirty(slot);
                said = f64::from(u8::from(busy));
            }
            REBUILD => page.anew(slot),
            LIMIT => page.set_limit(a),
            SOCKET => engine.hear(),
            _ => {}
        }
    });
    while let Some(ops) = ENGINE.with_borrow_mut(|engine| engine.as_mut()?.operations()) {
        run_all(&ops);
    }
    said
}

/// What a component is mounted from, as JSON; and a JSON list of its id, what the renderer chose (a
/// list of numbers; null where nothing was rendered), whom the page was made for, and the hash of
/// the template that was rendered. `a` is 1 where there is an element to show it in.
const MOUNT: u32 = 0;
const UNMOUNT: u32 = 1;
/// An event in instance `a`, which does what stands at address `b`; a JSON object of what
/// expressions ask for. The outcome is how many actions it made.
const EVENT: u32 = 2;
/// A field was edited in a control; the JSON value.
const EDIT: u32 = 3;
/// The moment of that edit has come; if `a` is not 0, it goes out before the last one is answered.
const COMMIT: u32 = 4;
/// An action's name, and a JSON array of arguments; `a` is the ticket, 0 where nobody waits.
const CALL: u32 = 5;
/// A `model` field's name, and a JSON value; `a` is the ticket.
const SET: u32 = 6;
/// A patch to lay over the state; the outcome is its number.
const GUESS: u32 = 7;
/// Takes guess `a` back.
const RELEASE: u32 = 8;
/// A child's props may have changed: the payload of the message.
const PROPS: u32 = 9;
/// A template's hash and its JSON, or nothing where HTTP did not give it.
const TEMPLATE: u32 = 10;
/// Time is up for timer `a`.
const TIMER: u32 = 11;
/// Connect now.
const WAKE: u32 = 12;
/// The page goes away; for good, if `a` is not 0.
const LEAVE: u32 = 13;
/// The state of a component, shared fields included: an operation of its own brings it at once.
const STATE: u32 = 14;
/// Whether something of the component is unanswered, or if `a` is not 0, an edit unsent.
const LOADING: u32 = 15;
/// The socket asked for a turn.
const SOCKET: u32 = 16;
/// A new engine for the socket's address; `a` is any number.
const START: u32 = 17;
/// Unanswered messages, for the page that a reload makes. They come as the state does.
const QUEUE: u32 = 18;
/// So many tries to connect, one after the other, are enough: `a`, 0 for no end.
const LIMIT: u32 = 20;
/// The nodes of a component's view are not where its template says: others took some out.
const REBUILD: u32 = 19;
