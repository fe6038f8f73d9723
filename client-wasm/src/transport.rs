//! The socket: the browser's WebSocket. gloo-net makes a stream of what comes; what goes out needs
//! no more than the WebSocket itself. It is as good as its messages: everything that has to outlive
//! a connection is the client's.
//!
//! There is no executor for one stream, and nobody to wake: whenever the browser calls one of
//! gloo-net's closures, the glue asks for a turn, and that turn polls.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use futures_util::Stream;
use gloo_net::websocket::futures::WebSocket;
use gloo_net::websocket::{Message, WebSocketError};

use crate::dom::later;

/// The protocol's name at the upgrade.
const SUBPROTOCOL: &str = "vivaz.v1.json";

/// What a socket tells.
pub(crate) enum News {
    Opened,
    Frame(String),
    /// With the close code.
    Closed(u16),
}

/// A socket; dropping it closes it.
pub(crate) struct Socket {
    /// Its number, as the client knows it.
    pub(crate) number: u32,
    /// `None` where the address is no address, or the page's policy forbids it.
    socket: Option<(web_sys::WebSocket, Box<WebSocket>)>,
    open: bool,
}

impl Socket {
    /// Opens a socket. What becomes of it is asked for when a turn is due.
    pub(crate) fn open(url: &str, number: u32) -> Self {
        later();
        let socket = web_sys::WebSocket::new_with_str(url, SUBPROTOCOL).ok().and_then(|line| {
            let messages = WebSocket::try_from(line.clone()).ok()?;
            Some((line, Box::new(messages)))
        });
        Self { number, socket, open: false }
    }

    /// The client keeps what cannot be sent: the close that follows makes it send again. A browser
    /// writes an error into the console of a page that sends while its socket is closing.
    pub(crate) fn send(&self, frame: &str) {
        if let Some((line, _)) = &self.socket
            && line.ready_state() == web_sys::WebSocket::OPEN
        {
            let _ = line.send_with_str(frame);
        }
    }

    pub(crate) fn close(self, code: u16) {
        if let Some((line, _)) = self.socket {
            // A socket that cannot be closed is closed.
            let _ = line.close_with_code(code);
        }
    }

    /// One piece of news, and then another turn is due; `None` if there is none now.
    pub(crate) fn news(&mut self) -> Option<News> {
        let mut cx = Context::from_waker(Waker::noop());
        let Some((line, messages)) = &mut self.socket else { return Some(News::Closed(1006)) };
        let news = if !self.open && line.ready_state() != web_sys::WebSocket::CONNECTING {
            self.open = true;
            // Also where it failed to open; the close that follows is its first news then.
            News::Opened
        } else {
            match Pin::new(&mut **messages).poll_next(&mut cx) {
                Poll::Ready(Some(Ok(Message::Text(frame)))) => News::Frame(frame),
                Poll::Ready(Some(Err(WebSocketError::ConnectionClose(event)))) => News::Closed(event.code),
                Poll::Ready(None) => News::Closed(1006),
                // An error is followed by a close; binary frames are of another encoding, which was
                // not asked for.
                Poll::Ready(Some(_)) => News::Frame(String::new()),
                Poll::Pending => return None,
            }
        };
        later();
        Some(news)
    }
}
