//! `GET /metrics`, over plain HTTP/1: figures, no person's data, no way to do anything.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use http::header::CONTENT_TYPE;
use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use super::Shared;

const FORMAT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// Who looks: a Prometheus or two, and somebody's browser.
const MOST: usize = 16;
/// How long one connection may take, from its first byte to its last.
const LIMIT: Duration = Duration::from_secs(60);

/// Answers on `listener` for ever.
pub(crate) async fn serve(listener: TcpListener, scrape: Shared) {
    let room = Arc::new(Semaphore::new(MOST));
    loop {
        let Ok(permit) = Arc::clone(&room).acquire_owned().await else { return };
        let Ok((tcp, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let scrape = Arc::clone(&scrape);
        tokio::spawn(async move {
            let answer = service_fn(move |request| {
                let answer = answer(&request, &scrape);
                async move { Ok::<_, Infallible>(answer) }
            });
            let served = http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(tcp), answer);
            // However it ends, the next one is served.
            let _ = tokio::time::timeout(LIMIT, served).await;
            drop(permit);
        });
    }
}

fn answer(request: &Request<Incoming>, scrape: &Shared) -> Response<String> {
    let (status, text) = match (request.method(), request.uri().path()) {
        (&Method::GET, "/metrics") => (StatusCode::OK, scrape.text()),
        (_, "/metrics") => (StatusCode::METHOD_NOT_ALLOWED, String::new()),
        _ => (StatusCode::NOT_FOUND, String::new()),
    };
    let mut response = Response::new(text);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, http::HeaderValue::from_static(FORMAT));
    response
}
