//! The socket: the browser's WebSocket. gloo-net provides received messages as a stream; sending
//! needs only the WebSocket itself. The socket keeps no messages: the client keeps all state that
//! has to outlive a connection.
//!
//! One stream needs no executor and no waker: when the browser calls one of gloo-net's closures,
//! the glue requests a turn, and that turn polls.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use futures_util::Stream;
use gloo_net::websocket::futures::WebSocket;
use gloo_net::websocket::{Message, WebSocketError};

use crate::dom::{later, open_socket};

/// The protocol's name at the upgrade.
const SUBPROTOCOL: &str = "vivaz.v1.json";

/// An event of a socket.
pub(crate) enum News {
    Opened,
    Frame(String),
    /// Contains the close code.
    Closed(u16),
}

/// A socket; dropping it closes it.
pub(crate) struct Socket {
    /// The client's number for the socket.
    pub(crate) number: u32,
    /// `None` if the address is invalid, or the page's policy forbids it.
    socket: Option<(web_sys::WebSocket, Box<WebSocket>)>,
    open: bool,
}

impl Socket {
    /// Opens a socket and requests a turn, which polls its events.
    pub(crate) fn open(url: &str, number: u32) -> Self {
        later();
        let socket = open_socket(url, SUBPROTOCOL).ok().and_then(|line| {
            let messages = WebSocket::try_from(line.clone()).ok()?;
            Some((line, Box::new(messages)))
        });
        Self { number, socket, open: false }
    }

    /// Sends a frame if the socket is open; otherwise the client resends it after the close that
    /// follows. Browsers log an error in the console if a page sends over a closing socket.
    pub(crate) fn send(&self, frame: &str) {
        if let Some((line, _)) = &self.socket
            && line.ready_state() == web_sys::WebSocket::OPEN
        {
            let _ = line.send_with_str(frame);
        }
    }

    pub(crate) fn close(self, code: u16) {
        if let Some((line, _)) = self.socket {
            // A socket that cannot be closed is closed already.
            let _ = line.close_with_code(code);
        }
    }

    /// Returns one event and requests another turn; `None` if there is no event now.
    pub(crate) fn news(&mut self) -> Option<News> {
        let mut cx = Context::from_waker(Waker::noop());
        let Some((line, messages)) = &mut self.socket else { return Some(News::Closed(1006)) };
        let news = if !self.open && line.ready_state() != web_sys::WebSocket::CONNECTING {
            self.open = true;
            // Also if the opening failed; then a close follows.
            News::Opened
        } else {
            match Pin::new(&mut **messages).poll_next(&mut cx) {
                Poll::Ready(Some(Ok(Message::Text(frame)))) => News::Frame(frame),
                Poll::Ready(Some(Err(WebSocketError::ConnectionClose(event)))) => News::Closed(event.code),
                Poll::Ready(None) => News::Closed(1006),
                // A close follows each error. Binary frames have another encoding, which the page
                // does not request.
                Poll::Ready(Some(_)) => News::Frame(String::new()),
                Poll::Pending => return None,
            }
        };
        later();
        Some(news)
    }
}
