//! The interface for JavaScript. Each call is one turn: it changes the client, updates the views,
//! and then runs the operations with nothing borrowed. JavaScript ensures that calls do not nest.

use std::cell::RefCell;
use std::num::NonZeroU32;

use vivaz_engine::{Departure, Op, Ops, Page, Presentation, SocketCommand, Val, parse};
use wasm_bindgen::prelude::*;

use crate::dom::run_all;
use crate::transport::{News, Socket};

struct Engine {
    page: Page,
    /// The address of the socket.
    url: Box<str>,
    socket: Option<Socket>,
}

// Never dropped: the engine lives as long as the module.
thread_local! { static ENGINE: RefCell<Option<&'static mut Engine>> = const { RefCell::new(None) }; }

impl Engine {
    /// Returns the operations to run now, if any.
    fn operations(&mut self) -> Option<Ops> {
        let (url, socket) = (&self.url, &mut self.socket);
        self.page.turn(&mut |command| link(url, socket, command));
        let ops = std::mem::take(self.page.ops());
        (!ops.is_empty()).then_some(ops)
    }

    /// Handles one event of the socket, so that views are updated after each frame, before the next
    /// frame changes the state.
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

/// Runs a command on the socket.
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

/// Handles every call from JavaScript. It is one function, because each further one needs as much
/// glue code again. `what` selects the operation; arguments that it does not need are 0 or empty.
#[wasm_bindgen]
pub fn turn(what: u32, slot: u32, a: u32, b: u32, text: &str, more: &str) -> f64 {
    let mut said = 0.0;
    // Parsed before the turn. Text that is not JSON is null.
    let mut value = if matches!(what, MOUNT | EVENT | EDIT | CALL | SET | OPTIMISTIC | TEMPLATE) {
        parse(more)
    } else {
        None
    };
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
            MOUNT => {
                let presentation = if a == 0 { Presentation::None } else { Presentation::Element };
                page.mount(slot, text, value(), presentation);
            }
            UNMOUNT => page.unmount(slot),
            EVENT => said = f64::from(page.event(slot, a, b, value())),
            EDIT => page.edit(slot, text, value()),
            COMMIT => {
                page.commit(slot, text, a);
            }
            CALL => page.call(slot, text, value(), a),
            SET => page.set(slot, text, value(), a),
            OPTIMISTIC => said = page.add_optimistic(slot, value()) as f64,
            RELEASE => page.release(slot, u64::from(a)),
            PROPS => page.props(slot, text, 0),
            TEMPLATE => {
                let template = value();
                page.template(text, (template != Val::Null).then_some(template));
            }
            TIMER => page.timer(a),
            WAKE => page.wake(),
            LEAVE => page.leave(if a == 0 { Departure::Cached } else { Departure::ForGood }),
            STATE => {
                let state = if text.is_empty() { page.state(slot) } else { page.field(slot, text) }.json();
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
            REBUILD => page.rebuild(slot),
            LIMIT => page.set_attempt_limit(NonZeroU32::new(a)),
            SOCKET => engine.hear(),
            _ => {}
        }
    });
    while let Some(ops) = ENGINE.with_borrow_mut(|engine| engine.as_mut()?.operations()) {
        run_all(&ops);
    }
    said
}

/// Mounts a component: its mount payload as JSON, and a JSON list of its id, the renderer's choices
/// (a list of numbers; null if nothing was rendered), the user that the page was made for, and the
/// hash of the rendered template. `a` is 1 if an element shows the component.
const MOUNT: u32 = 0;
const UNMOUNT: u32 = 1;
/// Runs the statements at address `b` for an event in instance `a`, with a JSON object of the
/// values that expressions read. Returns the number of actions called.
const EVENT: u32 = 2;
/// Edits a field from a control, with a JSON value.
const EDIT: u32 = 3;
/// Sends that edit; if `a` is not 0, without waiting for the reply to an earlier one.
const COMMIT: u32 = 4;
/// Calls an action by name with a JSON array of arguments; `a` is the ticket, 0 for none.
const CALL: u32 = 5;
/// Sets a `model` field by name to a JSON value; `a` is the ticket.
const SET: u32 = 6;
/// Applies a patch as an optimistic update. Returns its number.
const OPTIMISTIC: u32 = 7;
/// Removes optimistic update `a`.
const RELEASE: u32 = 8;
/// Sends a child's props, which may have changed: the payload of the message.
const PROPS: u32 = 9;
/// Takes a template's hash and its JSON, or nothing if HTTP did not provide it.
const TEMPLATE: u32 = 10;
/// Handles elapsed timer `a`.
const TIMER: u32 = 11;
/// Connects now.
const WAKE: u32 = 12;
/// Closes the connection of a page that is left; for good if `a` is not 0.
const LEAVE: u32 = 13;
/// Passes a component's state, shared fields included, or the field with that name, to JavaScript
/// at once in one operation.
const STATE: u32 = 14;
/// Checks whether a request of the component is unanswered, or, if `a` is not 0, an edit.
const LOADING: u32 = 15;
/// Polls the socket, which requested the turn.
const SOCKET: u32 = 16;
/// Creates an engine for the socket's address; `a` is any number.
const START: u32 = 17;
/// Passes unanswered messages, for the page after a reload, in the same operation as the state.
const QUEUE: u32 = 18;
/// Limits consecutive connection attempts to `a`; 0 for no limit.
const LIMIT: u32 = 20;
/// Rebuilds a view whose nodes differ from its template because other scripts removed some.
const REBUILD: u32 = 19;
