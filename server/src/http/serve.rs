//! Serves an application until shutdown.

use std::future::Future;
use std::io;

use axum::Router;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::http::listen;
use crate::runtime::Runtime;

/// Serves an application until SIGINT or SIGTERM, then shuts it down:
/// 1. For [`Limits::drain_accept`](crate::Limits::drain_accept) the server continues, but
///    [`Runtime::is_ready`] returns false, and connections of plain HTTP are closed after their
///    current response.
/// 2. The server stops accepting connections and closes each page's connection with code 1001
///    (going away). Running requests and handlers have
///    [`Limits::shutdown_time`](crate::Limits::shutdown_time) to finish.
/// 3. The function returns.
///
/// A second signal exits the process immediately with the status 130.
///
/// The peer's address is in each request's extensions as axum's `ConnectInfo<SocketAddr>`.
/// Connections are limited by [`Limits::sockets`](crate::Limits::sockets) and
/// [`Limits::http_connections_per_address`](crate::Limits::http_connections_per_address), and each
/// phase of a request by [`Limits::head_time`](crate::Limits::head_time) and
/// [`Limits::progress_time`](crate::Limits::progress_time). A request with no `Host` header, or
/// with more than one, is answered with the status 400.
///
/// ```no_run
/// # async fn run(runtime: vivaz::Runtime, app: axum::Router) -> std::io::Result<()> {
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
/// vivaz::serve(listener, app.merge(runtime.router()), runtime).await
/// # }
/// ```
///
/// # Errors
/// Returns an error if the signal handlers cannot be installed.
pub async fn serve(listener: TcpListener, app: Router, runtime: Runtime) -> io::Result<()> {
    let mut signals = Signals::new()?;
    let stop = CancellationToken::new();
    let stopped = stop.clone();
    let watch = tokio::spawn(async move {
        let signal = signals.next().await;
        tracing::info!(signal, "shutting down");
        stop.cancel();
        let signal = signals.next().await;
        tracing::warn!(signal, "second signal: exiting without waiting for requests");
        std::process::exit(130);
    });
    let served = serve_until(listener, app, runtime, stopped.cancelled_owned()).await;
    watch.abort();
    served
}

/// Serves an application as [`serve`] does until `stop` completes. Installs no signal handlers.
///
/// # Errors
/// Returns no error at present: if the listener cannot accept, the server retries.
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
    // Sessions and plain requests end concurrently, and each has at most `shutdown_time`.
    let (served, ()) = tokio::join!(tokio::time::timeout(limits.shutdown_time, serving), runtime.shutdown());
    if served.is_err() {
        tracing::warn!("some requests did not finish within Limits::shutdown_time");
    }
    Ok(())
}

/// The signals that request a shutdown.
struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
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

#[cfg(not(unix))]
impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self {})
    }

    async fn next(&mut self) -> &'static str {
        match tokio::signal::ctrl_c().await {
            Ok(()) => "Ctrl-C",
            Err(_) => std::future::pending().await,
        }
    }
}
