//! The socket: the browser's WebSocket, by gloo-net. It is as good as its messages: everything that has to outlive a
//! connection is the client's.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use futures_util::{Sink, Stream};
use gloo_net::websocket::futures::WebSocket;
use gloo_net::websocket::{Message, State, WebSocketError};

/// The protocol's name at the upgrade.
const SUBPROTOCOL: &str = "vivaz.v1.json";

/// What a socket tells.
pub(crate) enum News {
    Opened,
    Frame(String),
    /// With the close code.
    Closed(u16),
}

/// The sending end. Dropping it closes the socket.
pub(crate) struct Socket(Rc<RefCell<Line>>);

#[derive(Default)]
struct Line {
    /// Frames to send. Bounded by what the client has unanswered.
    frames: VecDeque<String>,
    close: Option<u16>,
    waker: Option<Waker>,
}

impl Socket {
    /// Opens a socket; `tell` hears what becomes of it.
    pub(crate) fn open(url: &str, tell: impl Fn(News) + 'static) -> Self {
        let line = Rc::new(RefCell::new(Line::default()));
        let ours = Rc::clone(&line);
        match WebSocket::open_with_protocol(url, SUBPROTOCOL) {
            Ok(socket) => wasm_bindgen_futures::spawn_local(async move {
                let code = run(socket, &ours, &tell).await;
                tell(News::Closed(code));
            }),
            // The address is no address, or the page's policy forbids it.
            Err(_) => wasm_bindgen_futures::spawn_local(async move { tell(News::Closed(1006)) }),
        }
        Self(line)
    }

    pub(crate) fn send(&self, frame: String) {
        self.wake(|line| line.frames.push_back(frame));
    }

    pub(crate) fn close(&self, code: u16) {
        self.wake(|line| line.close = Some(code));
    }

    fn wake(&self, change: impl FnOnce(&mut Line)) {
        let waker = {
            let mut line = self.0.borrow_mut();
            change(&mut line);
            line.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.wake(|line| {
            line.close.get_or_insert(1000);
        });
    }
}

/// Drives the socket until it is closed; the code.
async fn run(mut socket: WebSocket, line: &RefCell<Line>, tell: &dyn Fn(News)) -> u16 {
    let mut open = false;
    let closed_by_us = poll_fn(|cx| {
        loop {
            match turn(&mut socket, line, &mut open, cx) {
                Turn::Told(news) => tell(news),
                Turn::Closed(code) => return Poll::Ready(Err(code)),
                Turn::Close(code) => return Poll::Ready(Ok(code)),
                Turn::Wait => return Poll::Pending,
            }
        }
    })
    .await;
    match closed_by_us {
        Err(code) => code,
        Ok(code) => {
            // A socket that cannot be closed is closed.
            let _ = socket.close(Some(code), None);
            code
        }
    }
}

enum Turn {
    Told(News),
    Closed(u16),
    Close(u16),
    Wait,
}

/// One thing at a time, in the order: opened, frames in, frames out, our own close.
fn turn(socket: &mut WebSocket, line: &RefCell<Line>, open: &mut bool, cx: &mut Context<'_>) -> Turn {
    if !*open && let Poll::Ready(Ok(())) = Pin::new(&mut *socket).poll_ready(cx) {
        *open = true;
        return Turn::Told(News::Opened);
    }
    match Pin::new(&mut *socket).poll_next(cx) {
        Poll::Ready(Some(Ok(Message::Text(frame)))) => return Turn::Told(News::Frame(frame)),
        Poll::Ready(Some(Err(WebSocketError::ConnectionClose(event)))) => return Turn::Closed(event.code),
        Poll::Ready(None) => return Turn::Closed(1006),
        // An error is followed by a close; binary frames are of another encoding, which was not asked for.
        Poll::Ready(Some(_)) => {
            cx.waker().wake_by_ref();
            return Turn::Wait;
        }
        Poll::Pending => {}
    }
    let mut line = line.borrow_mut();
    if *open {
        while let Some(frame) = line.frames.pop_front() {
            // The client keeps what cannot be sent: the close that follows makes it send again. A browser writes an
            // error into the console of a page that sends while its socket is closing.
            if !matches!(socket.state(), State::Open) {
                continue;
            }
            let _ = Pin::new(&mut *socket).start_send(Message::Text(frame));
        }
    }
    if let Some(code) = line.close.take() {
        return Turn::Close(code);
    }
    line.waker = Some(cx.waker().clone());
    Turn::Wait
}
