//! What `tonic-build` would make of the service, by hand.

use http::uri::PathAndQuery;
use tonic::client::Grpc;
use tonic::{Request, Response, Status, Streaming};
use tower_upstream::BoxError;
use tower_upstream::retry::Idempotent;
use tower_upstream::upstream::Channel;

use crate::text::Text;

#[derive(Clone)]
pub(crate) struct Orders(Grpc<Channel>);

impl Orders {
    pub(crate) fn new(channel: Channel) -> Self {
        Self(Grpc::new(channel))
    }

    /// Who answers.
    pub(crate) async fn get(&mut self) -> Result<String, Status> {
        self.ask("now").await
    }

    /// The same after a while.
    pub(crate) async fn get_slowly(&mut self) -> Result<String, Status> {
        self.ask("later").await
    }

    async fn ask(&mut self, when: &str) -> Result<String, Status> {
        self.0.ready().await.map_err(unavailable)?;
        let mut request = Request::new(when.to_owned());
        // It may be made twice: without this, a call that was sent is not sent to another server.
        request.extensions_mut().insert(Idempotent(true));
        let path = PathAndQuery::from_static("/shop.Orders/Get");
        let answer = self.0.unary(request, path, Text).await;
        answer.map(Response::into_inner)
    }

    /// Messages from this one on.
    pub(crate) async fn watch(&mut self, from: u32) -> Result<Streaming<String>, Status> {
        self.0.ready().await.map_err(unavailable)?;
        let request = Request::new(from.to_string());
        let path = PathAndQuery::from_static("/shop.Orders/Watch");
        let answer = self.0.server_streaming(request, path, Text).await;
        answer.map(Response::into_inner)
    }
}

fn unavailable(error: impl std::fmt::Display) -> Status {
    Status::unavailable(error.to_string())
}

/// Who sent a message, and its number.
pub(crate) fn parse(message: Option<String>) -> Result<(String, u32), BoxError> {
    let message = message.ok_or("a stream ends too early")?;
    let (name, number) = message.split_once(' ').ok_or("no number")?;
    Ok((name.to_owned(), number.parse()?))
}
