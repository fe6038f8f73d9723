//! From the first connection to a clean end.

use std::future::Future;
use std::io;

use axum::Router;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::http::listen;
use crate::runtime::Runtime;

/// Serves an application until SIGINT or SIGTERM, then ends it cleanly. For
/// [`Limits::drain_accept`](crate::Limits::drain_accept) everything goes on, but
/// [`Runtime::is_ready`] is false, and connections of plain HTTP are closed with their answers.
/// Then no new connections are taken, every open page is told that the server is going away (close
/// code 1001), what runs finishes within
/// [`Limits::shutdown_time`](crate::Limits::shutdown_time), and the function returns. A second signal ends the
/// process at once.
///
/// Handlers find the peer's address in the request's extensions, as axum's
/// `ConnectInfo<SocketAddr>`. Connections are limited by
/// [`Limits::sockets`](crate::Limits::sockets) and
/// [`Limits::http_connections_per_address`](crate::Limits::http_connections_per_address), and each
/// phase of a request by [`Limits::head_time`](crate::Limits::head_time) and
/// [`Limits::progress_time`](crate::Limits::progress_time). A request that names no host, or two,
/// is answered with the status 400.
///
/// ```no_run
/// # async fn run(runtime: vivaz::Runtime, app: axum::Router) -> std::io::Result<()> {
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
/// vivaz::serve(listener, app.merge(runtime.router()), runtime).await
/// # }
/// ```
///
/// # Errors
/// If signals cannot be listened for.
pub async fn serve(listener: TcpListener, app: Router, runtime: Runtime) -> io::Result<()> {
    let mut signals = Signals::new()?;
    let stop = CancellationToken::new();
    let stopped = stop.clone();
    let watch = tokio::spawn(async move {
        let signal = signals.next().await;
        tracing::info!(signal, "shutting down");
        stop.cancel();
        let signal = signals.next().await;
        tracing::warn!(signal, "ending at once");
        std::process::exit(130);
    });
    let served = serve_until(listener, app, runtime, stopped.cancelled_owned()).await;
    watch.abort();
    served
}

/// The same until a future of the application's completes; signals are left to the application.
///
/// # Errors
/// None at present: a listener that cannot accept is tried again.
pub async fn serve_until(
    listener: TcpListener,
    app: Router,
    runtime: Runtime,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let stopping = CancellationToken::new();
    let limits = &runtime.core().limits;
    let serving = listen::serve(listener, app, runtime.clone(), stopping.clone());
    let mut serving = std::pin::pin!(serving);
    let stop = async {
        stop.await;
        runtime.drain();
        tokio::time::sleep(limits.drain_accept).await;
    };
    tokio::select! {
        () = &mut serving => return Ok(()),
        () = stop => stopping.cancel(),
    }
    // Pages and plain requests end side by side, and neither keeps the other from it for longer than the limit.
    let (served, ()) = tokio::join!(tokio::time::timeout(limits.shutdown_time, serving), runtime.shutdown());
    if served.is_err() {
        tracing::warn!("some requests did not finish in time");
    }
    Ok(())
}

/// The signals that ask a process to end.
#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.terminate.recv() => "SIGTERM",
        }
    }
}

/// The signals that ask a process to end.
#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) -> &'static str {
        match tokio::signal::ctrl_c().await {
            Ok(()) => "Ctrl-C",
            Err(_) => std::future::pending().await,
        }
    }
}
