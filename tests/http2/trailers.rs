//! What comes behind a body.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use tower_upstream::{Http2, Semantics};

use crate::server::{keeping, server};

/// The details of an error may be long, and NGINX knows no limit for them: half of the trailers would
/// be worse than none.
#[tokio::test]
async fn long_trailers_come_whole() {
    let h2 = server(100).await;
    for streams in [1, 100] {
        let http2 = Http2 {
            streams,
            ping_interval: None,
            ping_timeout: Duration::from_secs(20),
        };
        let upstream = keeping(1, &[&h2], Semantics::Nginx, http2);
        let request = Request::get("/a").header("x-trailers", 20);
        let request = request.body(Full::new(Bytes::new())).unwrap();
        let reply = upstream.send(request).await.unwrap();
        let whole = reply.into_body().collect().await.unwrap();
        assert_eq!(whole.trailers().map_or(0, |t| t.len()), 20);
    }
}
