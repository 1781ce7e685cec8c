//! What tonic would have generated, and groups to make it of.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::Stream;
use http::uri::PathAndQuery;
use tonic::client::Grpc;
use tonic::{Request, Response, Status, Streaming};
use tower_upstream::retry::Idempotent;
use tower_upstream::upstream::Channel;
use tower_upstream::{Group, GroupConfig, Http2, Proxy, Semantics, Server, Upstream};

use crate::text::Text;

#[derive(Clone)]
pub(crate) struct Client(Grpc<Channel>);

fn path(method: &'static str) -> PathAndQuery {
    PathAndQuery::from_static(method)
}

impl Client {
    pub(crate) fn new(upstream: &Upstream) -> Self {
        Self(Grpc::new(upstream.channel()))
    }

    async fn ready(&mut self) -> &mut Grpc<Channel> {
        self.0.ready().await.unwrap();
        &mut self.0
    }

    /// A call that is not to be made twice.
    pub(crate) async fn get(&mut self, text: &str) -> Result<String, Status> {
        self.ask(Request::new(text.to_owned())).await
    }

    /// One that may be.
    pub(crate) async fn get_again(&mut self, text: &str) -> Result<String, Status> {
        let mut request = Request::new(text.to_owned());
        request.extensions_mut().insert(Idempotent(true));
        self.ask(request).await
    }

    pub(crate) async fn ask(&mut self, request: Request<String>) -> Result<String, Status> {
        let grpc = self.ready().await;
        let answer = grpc.unary(request, path("/shop.Orders/Get"), Text).await;
        answer.map(Response::into_inner)
    }

    pub(crate) async fn put<S>(&mut self, messages: S) -> Result<String, Status>
    where
        S: Stream<Item = String> + Send + 'static,
    {
        let (grpc, path) = (self.ready().await, path("/shop.Orders/Put"));
        let answer = grpc.client_streaming(Request::new(messages), path, Text);
        answer.await.map(Response::into_inner)
    }

    pub(crate) async fn list(&mut self, text: &str) -> Result<Streaming<String>, Status> {
        let (grpc, path) = (self.ready().await, path("/shop.Orders/List"));
        let answer = grpc.server_streaming(Request::new(text.to_owned()), path, Text);
        answer.await.map(Response::into_inner)
    }

    pub(crate) async fn talk<S>(&mut self, messages: S) -> Result<Streaming<String>, Status>
    where
        S: Stream<Item = String> + Send + 'static,
    {
        self.talk_as(Request::new(messages)).await
    }

    pub(crate) async fn talk_as<S>(
        &mut self,
        request: Request<S>,
    ) -> Result<Streaming<String>, Status>
    where
        S: Stream<Item = String> + Send + 'static,
    {
        let (grpc, path) = (self.ready().await, path("/shop.Orders/Talk"));
        let answer = grpc.streaming(request, path, Text);
        answer.await.map(Response::into_inner)
    }
}

pub(crate) fn proxy() -> Proxy {
    Proxy {
        http2: Some(Http2::default()),
        ..Proxy::default()
    }
}

pub(crate) fn group(servers: &[SocketAddr], semantics: Semantics) -> Group {
    let mut config = GroupConfig::new("orders");
    let servers = servers.iter().map(|at| Server::new(at.to_string()));
    config.servers = servers
        .map(|server| server.fail_timeout(Duration::from_secs(1)))
        .collect();
    config.semantics = semantics;
    Group::new(config).unwrap()
}

pub(crate) fn upstream(servers: &[SocketAddr], semantics: Semantics) -> Upstream {
    Upstream::new(group(servers, semantics), proxy())
}

pub(crate) fn fails(upstream: &Upstream) -> Vec<u32> {
    let peers = upstream.group().snapshot();
    peers.iter().map(|peer| peer.state.fails).collect()
}

pub(crate) fn in_flight(upstream: &Upstream) -> usize {
    let peers = upstream.group().snapshot();
    peers.iter().map(|peer| peer.state.in_flight as usize).sum()
}
