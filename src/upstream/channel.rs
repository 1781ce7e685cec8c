//! A group of gRPC servers, as generated clients want it.
//!
//! gRPC has a status where HTTP has errors: what has no answer, or one that breaks off, becomes one.
//! tonic would take our [`Error`](crate::Error) for UNKNOWN; callers rather want to know that nobody
//! was there.
//!
//! | what happened | status |
//! | --- | --- |
//! | nobody could be asked, connecting failed or took too long, a connection was lost | UNAVAILABLE |
//! | the server took too long, or all did ([`request_timeout`](crate::Proxy::request_timeout)) | DEADLINE_EXCEEDED |
//! | the stream was reset | what gRPC says of the reset: INTERNAL, UNAVAILABLE, CANCELLED, RESOURCE_EXHAUSTED |
//! | the caller's messages broke off, or are too many to be read first | CANCELLED, RESOURCE_EXHAUSTED |
//!
//! What servers answer comes as it is.
//!
//! ```
//! use tower_upstream::{Http2, Semantics, Server, Upstream};
//! # mod orders {
//! #     pub struct OrdersClient<T>(pub tonic::client::Grpc<T>);
//! #     impl<T> OrdersClient<T>
//! #     where
//! #         T: tonic::client::GrpcService<tonic::body::Body>,
//! #         T::ResponseBody: http_body::Body<Data = bytes::Bytes> + Send + 'static,
//! #         <T::ResponseBody as http_body::Body>::Error: Into<tower_upstream::BoxError>,
//! #     {
//! #         pub fn new(channel: T) -> Self {
//! #             Self(tonic::client::Grpc::new(channel))
//! #         }
//! #         pub async fn list(&mut self, _: tonic::Request<()>) -> Result<(), tonic::Status> {
//! #             self.0.ready().await.map_err(|e| tonic::Status::unknown(e.into().to_string()))?;
//! #             let path = http::uri::PathAndQuery::from_static("/orders.Orders/List");
//! #             let call = tonic::Request::new("all".to_owned());
//! #             self.0.unary(call, path, Text).await.map(drop)
//! #         }
//! #     }
//! #     #[derive(Default)]
//! #     pub struct Text;
//! #     impl tonic::codec::Codec for Text {
//! #         type Encode = String;
//! #         type Decode = String;
//! #         type Encoder = Self;
//! #         type Decoder = Self;
//! #         fn encoder(&mut self) -> Self { Self }
//! #         fn decoder(&mut self) -> Self { Self }
//! #     }
//! #     impl tonic::codec::Encoder for Text {
//! #         type Item = String;
//! #         type Error = tonic::Status;
//! #         fn encode(&mut self, s: String, to: &mut tonic::codec::EncodeBuf<'_>) -> Result<(), tonic::Status> {
//! #             bytes::BufMut::put_slice(to, s.as_bytes());
//! #             Ok(())
//! #         }
//! #     }
//! #     impl tonic::codec::Decoder for Text {
//! #         type Item = String;
//! #         type Error = tonic::Status;
//! #         fn decode(&mut self, from: &mut tonic::codec::DecodeBuf<'_>) -> Result<Option<String>, tonic::Status> {
//! #             let bytes = bytes::Buf::copy_to_bytes(from, bytes::Buf::remaining(from));
//! #             Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
//! #         }
//! #     }
//! # }
//! # use orders::OrdersClient;
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), tower_upstream::BoxError> {
//! use tower_upstream::retry::Idempotent;
//!
//! # let gone = || std::net::TcpListener::bind("127.0.0.1:0")?.local_addr();
//! # let (a, b) = (gone()?.to_string(), gone()?.to_string());
//! let upstream = Upstream::builder()
//!     .server(Server::new(&a))
//!     .server(Server::new(&b))
//!     .http2(Http2::default())
//!     .semantics(Semantics::Strict)
//!     .build()?;
//!
//! // What tonic generated for `service Orders`.
//! let mut orders = OrdersClient::new(upstream.channel());
//!
//! let mut all = tonic::Request::new(());
//! // May be made twice, so it may go on to the next server even after it was sent.
//! all.extensions_mut().insert(Idempotent(true));
//! let status = orders.list(all).await.unwrap_err();
//! assert_eq!(status.code(), tonic::Code::Unavailable);
//! assert!(status.message().starts_with("upstream failed"), "{}", status.message());
//! # Ok(())
//! # }
//! ```

use std::convert::Infallible;
use std::error::Error as StdError;
use std::fmt::{self, Write as _};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use tower_service::Service;

use super::body::ResponseBody;
use super::client::{ResponseFuture, Upstream};
use crate::answer::grpc_message;
use crate::classify::grpc::{self, GRPC_STATUS};
use crate::error::BoxError;

/// An [`Upstream`] whose errors are gRPC statuses; what [`Upstream::channel`] makes. tonic's clients
/// take it for theirs. It is always ready, never fails, and clones are cheap.
#[derive(Clone, Debug)]
pub struct Channel(Upstream);

impl Upstream {
    /// The same for gRPC clients: what has no answer becomes a gRPC status. See
    /// [`channel`](crate::upstream::channel).
    pub fn channel(&self) -> Channel {
        Channel(self.clone())
    }
}

impl Channel {
    /// The group of servers behind it.
    pub fn upstream(&self) -> &Upstream {
        &self.0
    }
}

impl<B> Service<Request<B>> for Channel
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<ChannelBody>;
    type Error = Infallible;
    type Future = ChannelFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> ChannelFuture {
        ChannelFuture {
            future: self.0.send(request),
        }
    }
}

pin_project_lite::pin_project! {
    /// A call of a [`Channel`] on its way.
    #[must_use = "futures do nothing unless polled"]
    pub struct ChannelFuture {
        #[pin]
        future: ResponseFuture,
    }
}

impl Future for ChannelFuture {
    type Output = Result<Response<ChannelBody>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(Ok(match ready!(self.project().future.poll(cx)) {
            Ok(response) => response.map(|body| ChannelBody(Some(body))),
            Err(error) => {
                let mut response = Response::new(ChannelBody(None));
                response.extensions_mut().insert(error.kind());
                let headers = response.headers_mut();
                headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
                say(headers, &error);
                response
            }
        }))
    }
}

/// A response body that ends in a status, however it ends. Otherwise it is a [`ResponseBody`].
pub struct ChannelBody(Option<ResponseBody>);

impl Body for ChannelBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let Some(body) = &mut self.0 else {
            return Poll::Ready(None);
        };
        Poll::Ready(match ready!(Pin::new(body).poll_frame(cx)) {
            None => None,
            Some(Ok(frame)) => Some(Ok(frame)),
            Some(Err(error)) => {
                self.0 = None;
                let mut trailers = HeaderMap::new();
                say(&mut trailers, &*error);
                Some(Ok(Frame::trailers(trailers)))
            }
        })
    }

    fn is_end_stream(&self) -> bool {
        self.0.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        // Not the body's own: trailers may follow where bytes were promised.
        SizeHint::default()
    }
}

impl fmt::Debug for ChannelBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ChannelBody").field(&self.0).finish()
    }
}

/// An error in gRPC's words, with all its causes.
fn say(headers: &mut HeaderMap, error: &(dyn StdError + 'static)) {
    headers.insert(
        GRPC_STATUS,
        HeaderValue::from(u16::from(grpc::of_error(error))),
    );
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let _ = write!(text, ": {error}");
        cause = error.source();
    }
    grpc_message(headers, &text);
}
